"""Fisherfaces against OpenCV's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from faces_of import few_faces, halves
from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.faces import Fisherfaces

cv2 = pytest.importorskip("cv2")


@pytest.mark.skipif(not hasattr(cv2, "face"), reason="cv2.face is in OpenCV's contrib only")
@evidence.equals("faces.Fisherfaces", peer="opencv", tolerance="the same person for ≥ 95 %", data="ORL, 40 × 3 / 2")
def test_people_are_those_of_opencv(shared_data: Path, measured: Callable[[float], None]) -> None:
    images, people, others, truth = halves(shared_data)
    ours = Fisherfaces().fit(images, people)
    peer = cv2.face.FisherFaceRecognizer_create()
    peer.train(list(images), people.astype(np.int32))
    found = [ours.predict(image).label for image in others]
    theirs = [peer.predict(image)[0] for image in others]
    same = float(np.mean(np.equal(found, theirs)))
    measured(same)
    assert same >= 0.95
    assert np.mean(found == truth) >= np.mean(theirs == truth) - 0.02


def test_light_does_not_matter() -> None:
    images, people = few_faces()
    faces = Fisherfaces().fit(images, people)
    assert faces.pictures().shape == (3, 24, 20)
    ramp = np.linspace(0, 25, 20).astype(np.uint8)
    right = [faces.predict(image + ramp).label == person for image, person in zip(images, people, strict=True)]
    assert np.mean(right) >= 0.9


def test_one_photo_a_person_is_refused() -> None:
    images, people = few_faces()
    first = [int(np.flatnonzero(people == k)[0]) for k in range(4)]
    with pytest.raises(InputError, match=r"got 4 photos of 4\. LBPHRecognizer takes one photo a person"):
        Fisherfaces().fit(images[first], people[first])
