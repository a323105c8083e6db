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
@evidence.equals(
    "faces.Fisherfaces", peer="opencv", tolerance="the same person for ≥ 95 % by plain distance", data="ORL, 40 × 3 / 2"
)
def test_directions_are_those_of_opencv(shared_data: Path, measured: Callable[[float], None]) -> None:
    images, people, others, truth = halves(shared_data)
    ours = Fisherfaces().fit(images, people)
    peer = cv2.face.FisherFaceRecognizer_create()
    peer.train(list(images), people.astype(np.int32))
    theirs = np.array([peer.predict(image)[0] for image in others])
    taught, asked = (
        (faces.reshape(len(faces), -1) - ours.mean) @ ours.basis.T for faces in (np.stack(images), np.stack(others))
    )
    nearest = people[((asked[:, None] - taught) ** 2).sum(axis=2).argmin(axis=1)]  # OpenCV's distance
    same = float(np.mean(nearest == theirs))
    measured(same)
    assert same >= 0.95
    found = [ours.predict(image).label for image in others]
    assert np.mean(found == truth) >= np.mean(theirs == truth)


@pytest.mark.slow
@evidence.equals("faces.Fisherfaces", peer="ground truth", tolerance="≥ 80 % of strangers refused", data="ORL, 30 / 10")
def test_strangers_are_refused_and_friends_are_not(shared_data: Path, measured: Callable[[float], None]) -> None:
    with np.load(shared_data / "orl_faces/orl_faces.npz") as archive:
        images, people, index = archive["images"], archive["subject"].astype(np.int64), archive["index"]
    taught = (people <= 30) & (index <= 5)
    faces = Fisherfaces().fit(list(images[taught]), people[taught])
    faces.threshold = faces.suggest_threshold()
    assert 0.5 < faces.threshold < 1.2
    refused = np.array([faces.predict(image).label is None for image in images[~taught]])
    stranger = people[~taught] > 30
    measured(float(refused[stranger].mean()))
    assert refused[stranger].mean() >= 0.8
    assert refused[~stranger].mean() <= 0.2


def test_a_threshold_is_suggested_of_few_people(tmp_path: Path) -> None:
    images, people = few_faces()
    faces = Fisherfaces().fit(images, people)
    assert 0 < faces.suggest_threshold(0.0) <= faces.suggest_threshold(1.0) <= 2
    faces.save(tmp_path / "f.npz")
    assert Fisherfaces.load(tmp_path / "f.npz").suggest_threshold() == faces.suggest_threshold()
    pair = Fisherfaces().fit(images[people < 2], people[people < 2])
    assert 0 < pair.suggest_threshold() <= 2, "nobody can be left out of two"


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
