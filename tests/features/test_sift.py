"""SIFT against OpenCV: the same keypoints, scales, directions, descriptors; and what a turned picture does to them."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from scipy.spatial import cKDTree

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.features import Features


def opencv_features(image: np.ndarray, count: int = 0) -> Features:
    """Return OpenCV's features, less the quarter of a pixel by which it forgets that it doubled the image."""
    found, codes = cv2.SIFT_create(count).detectAndCompute(image, None)
    codes = codes / np.linalg.norm(codes, axis=1, keepdims=True)
    rows = [(*one.pt, one.size / 2, np.radians(one.angle), one.response) for one in found]
    table = np.array(rows, np.float32).reshape(-1, 5)
    return Features(table[:, :2] - 0.25, table[:, 2], table[:, 3], codes.astype(np.float32), table[:, 4])


def nearest(a: Features, b: Features) -> tuple[np.ndarray, np.ndarray]:
    """Return, for each of ``a``, the row of the one in ``b`` that is most alike, and whether it is the same one."""
    places = [
        np.column_stack([f.points, 10 * np.cos(f.angles), 10 * np.sin(f.angles), 10 * np.log2(f.scales)])
        for f in (a, b)
    ]
    _, rows = cKDTree(places[1]).query(places[0])
    turned = np.abs((a.angles - b.angles[rows] + np.pi) % (2 * np.pi) - np.pi)
    apart = np.hypot(*(a.points - b.points[rows]).T)
    scaled = np.abs(np.log2(a.scales / b.scales[rows]))
    return rows, (apart < 0.1) & (scaled < 0.1) & (turned < np.radians(5))


@pytest.fixture(scope="module")
def picture(photos: dict[str, np.ndarray]) -> np.ndarray:
    # Of other sizes OpenCV's octaves end between pixels, and lie askew.
    photo = photos.get("camera", np.pad(photos["rings"], 95, mode="reflect"))
    return np.ascontiguousarray(photo[16:304, :304])


@evidence.equals("features.sift", peer="opencv", tolerance="≥ 99 % within 0.1 px, 7 % in scale and 5°", data="photos")
def test_features_are_those_of_opencv(picture: np.ndarray, measured: Callable[[float], None]) -> None:
    ours, peers = sl.features.sift(picture), opencv_features(picture)
    rows, same = nearest(peers, ours)
    _, back = nearest(ours, peers)
    share = min(same.mean(), back.mean())
    measured(share)
    assert len(peers) > 20
    assert share >= 0.99
    cosines = (peers.descriptors[same] * ours.descriptors[rows[same]]).sum(axis=1)
    assert np.percentile(cosines, 5) > 0.99


def test_the_strongest_are_those_of_opencv(picture: np.ndarray) -> None:
    ours, peers = sl.features.sift(picture, 40), opencv_features(picture, 40)
    assert len(ours) == 40
    assert (np.diff(ours.responses) <= 0).all()
    assert nearest(ours, peers)[1].mean() >= 0.95


def test_a_turned_picture_has_turned_features(picture: np.ndarray) -> None:
    picture = picture[:273, :273]  # every second pixel is the same one from either end, in four octaves
    before = sl.features.sift(picture, 200, upsample=False)
    after = sl.features.sift(np.rot90(picture, -1), upsample=False)
    x, y = before.points.T
    turned = Features(
        np.stack([len(picture) - 1 - y, x], axis=1),
        before.scales,
        (before.angles + np.pi / 2) % (2 * np.pi),
        before.descriptors,
        before.responses,
    )
    rows, same = nearest(turned, after)
    assert same.mean() > 0.97
    assert (turned.descriptors[same] * after.descriptors[rows[same]]).sum(axis=1).min() > 0.98


def test_descriptors_have_length_one(picture: np.ndarray) -> None:
    plain, root = (sl.features.sift(picture, 30, root=root).descriptors for root in (False, True))
    assert np.allclose(np.linalg.norm(plain, axis=1), 1, atol=1e-5)
    assert np.allclose(np.linalg.norm(root, axis=1), 1, atol=1e-5)
    assert np.allclose(root**2, plain / plain.sum(axis=1, keepdims=True), atol=1e-6)


@pytest.mark.parametrize("shape", [(1, 1), (5, 40), (6, 6), (64, 64)])
def test_an_image_without_texture_has_no_features(shape: tuple[int, int]) -> None:
    found = sl.features.sift(np.full(shape, 90, np.uint8))
    assert len(found) == 0
    assert found.descriptors.shape == (0, 128)


def test_what_is_not_finite_is_refused() -> None:
    image = np.zeros((20, 20), np.float32)
    image[3, 4] = np.nan
    with pytest.raises(InputError, match="sift: image must be finite"):
        sl.features.sift(image)
    with pytest.raises(InputError, match="sift: max_features must be a whole number"):
        sl.features.sift(np.zeros((20, 20), np.uint8), 0)


def test_the_steps_climb_the_tower(picture: np.ndarray) -> None:
    trace = sl.trace(sl.features.sift, picture[60:150, 60:160])
    names = [step.name for step in trace]
    assert names[0] == "octave 0"
    assert names[-5:] == ["not faint", "not on an edge", "orientations", "descriptor", "features"]
    assert trace["octave 0"].value.shape == (6, 180, 200)
    assert trace["descriptor"].value.shape == (16, 24, 24)
    assert len(trace["extrema"].value) >= len(trace["not faint"].value) >= len(trace["not on an edge"].value)
