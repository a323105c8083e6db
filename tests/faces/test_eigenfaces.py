"""Eigenfaces against OpenCV's, and what all recognisers share: files, thresholds, refusals."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from faces_of import few_faces, halves
from sightline.core import evidence
from sightline.core.errors import FormatError, InputError, MissingFileError
from sightline.core.trace import trace
from sightline.faces import Eigenfaces, Fisherfaces, LBPHRecognizer

cv2 = pytest.importorskip("cv2")
needs_peer = pytest.mark.skipif(not hasattr(cv2, "face"), reason="cv2.face is in OpenCV's contrib only")
KINDS = (Eigenfaces, Fisherfaces, LBPHRecognizer)


@needs_peer
@evidence.equals("faces.Eigenfaces", peer="opencv", tolerance="same people, distances to 1e-4", data="ORL, 40 × 3 / 2")
def test_people_and_distances_equal_those_of_opencv(shared_data: Path, measured: Callable[[float], None]) -> None:
    images, people, others, _ = halves(shared_data)
    ours = Eigenfaces(40).fit(images, people)
    peer = cv2.face.EigenFaceRecognizer_create(40)
    peer.train(list(images), people.astype(np.int32))
    worst = 0.0
    for image in others:
        found, (label, distance) = ours.predict(image), peer.predict(image)
        assert found.label == label
        worst = max(worst, abs(found.distance - distance) / distance)
    measured(worst)
    assert worst < 1e-4


def test_a_face_is_put_together_from_more_and_more() -> None:
    images, people = few_faces()
    faces = Eigenfaces().fit(images, people)
    away = [np.abs(faces.reconstruct(images[0], k) - images[0] / 255).mean() for k in (0, 2, 5, len(faces) - 1)]
    assert away == sorted(away, reverse=True)
    assert away[-1] < 1e-6
    assert faces.pictures(3).shape == (3, 24, 20)


@pytest.mark.parametrize("kind", KINDS)
def test_it_comes_back_from_a_file_and_shows_its_steps(kind: type, tmp_path: Path) -> None:
    images, people = few_faces()
    faces = kind(threshold=1e6).fit(images, people)
    faces.save(tmp_path / "faces.npz")
    back = kind.load(tmp_path / "faces.npz")
    assert [back.predict(image) for image in images] == [faces.predict(image) for image in images]
    assert back.threshold == 1e6
    steps = trace(kind, faces, images[1])
    assert steps.result == faces.predict(images[1])
    assert all(step.picture() is not None for step in steps if step.name not in ("distances", "coordinates"))
    other = KINDS[(KINDS.index(kind) + 1) % 3]
    with pytest.raises(FormatError, match=rf"{other.__name__}\.load: .* holds a recogniser of the kind"):
        other.load(tmp_path / "faces.npz")
    (tmp_path / "bad.npz").write_bytes((tmp_path / "faces.npz").read_bytes()[:400])
    with pytest.raises(FormatError):
        kind.load(tmp_path / "bad.npz")
    with pytest.raises(MissingFileError):
        kind.load(tmp_path / "none.npz")


@pytest.mark.parametrize("kind", [Eigenfaces, LBPHRecognizer])  # Fisherfaces tell apart those whom they know only
def test_a_stranger_is_unknown(kind: type) -> None:
    images, people = few_faces()
    known = people != 3
    faces = kind().fit(images[known], people[known])
    faces.threshold = faces.suggest_threshold(0.0) / 2
    found = [faces.predict(image).label for image in images]
    assert [label for label, person in zip(found, people, strict=True) if person != 3] == people[known].tolist()
    assert [label for label, person in zip(found, people, strict=True) if person == 3].count(None) >= 3


@pytest.mark.parametrize("kind", [Eigenfaces, LBPHRecognizer])
def test_one_photo_a_person_and_one_person_are_enough(kind: type) -> None:
    images, people = few_faces()
    first = [int(np.flatnonzero(people == k)[0]) for k in range(4)]
    faces = kind().fit(images[first], [f"person {k}" for k in range(4)])
    assert faces.predict(images[first[2]]).label == "person 2"
    alone = kind().fit(images[:1], ["Ann"])
    assert alone.suggest_threshold() == float("inf")
    assert alone.predict(images[5]).nearest == "Ann"


def test_refuses_by_name() -> None:
    images, people = few_faces()
    with pytest.raises(InputError, match=r"Eigenfaces\.predict: faces must have been learned"):
        Eigenfaces().predict(images[0])
    with pytest.raises(InputError, match=r"Eigenfaces\.fit: labels must be a name or a whole number"):
        Eigenfaces().fit(images, people[:3])
    with pytest.raises(InputError, match="got 0 images"):
        Eigenfaces().fit([], [])
    with pytest.raises(InputError, match=r"Eigenfaces\.fit: image must be H×W"):
        Eigenfaces().fit([np.zeros((4, 4), np.int64)], [1])
    with pytest.raises(InputError, match="threshold must be"):
        Eigenfaces(threshold=-1)
