"""Histograms of local binary patterns against OpenCV's recogniser."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from faces_of import few_faces, halves
from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.faces import LBPHRecognizer

cv2 = pytest.importorskip("cv2")


@pytest.mark.skipif(not hasattr(cv2, "face"), reason="cv2.face is in OpenCV's contrib only")
@evidence.equals(
    "faces.LBPHRecognizer", peer="opencv", tolerance="distances to 2 %, the same person for ≥ 95 %", data="ORL"
)
def test_people_and_distances_are_those_of_opencv(shared_data: Path, measured: Callable[[float], None]) -> None:
    images, people, others, _ = halves(shared_data)
    ours = LBPHRecognizer().fit(images[::2], people[::2])
    peer = cv2.face.LBPHFaceRecognizer_create()
    peer.train(list(images[::2]), people[::2].astype(np.int32))
    worst, same = 0.0, []
    for image in others[::4]:
        found, (label, distance) = ours.predict(image), peer.predict(image)
        same.append(found.label == label)
        worst = max(worst, abs(found.distance - distance) / distance)
    measured(worst)
    assert worst < 0.02  # where neighbours between pixels equal the pixel, rounding decides
    assert np.mean(same) >= 0.95


def test_people_are_added_later() -> None:
    images, people = few_faces()
    whole = LBPHRecognizer(grid=4).fit(images, people)
    parts = LBPHRecognizer(grid=4).update(images[:6], people[:6]).update(images[6:], people[6:])
    assert [parts.predict(image) for image in images] == [whole.predict(image) for image in images]
    assert [whole.predict(image).label for image in images] == people.tolist()
    assert len(parts) == len(images)
    with pytest.raises(InputError, match="labels must be names where those before were names"):
        parts.update(images[:1], ["Ann"])


def test_more_cells_than_pixels_are_refused() -> None:
    with pytest.raises(InputError, match=r"must have 10 pixels a side at least, one a cell; got 8×20"):
        LBPHRecognizer().fit([np.zeros((8, 20), np.uint8)], [1])
