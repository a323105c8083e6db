"""The smaller eigenvalue and the good features to track against OpenCV."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError


def grays(photos: dict[str, np.ndarray]) -> list[np.ndarray]:
    return [p if p.ndim == 2 else sl.image.convert(p, "rgb", "gray") for p in photos.values()]


@evidence.equals("features.shi_tomasi", peer="opencv", tolerance="1e-5 of the largest response", data="photos")
def test_the_eigenvalue_is_that_of_opencv(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    worst = 0.0
    for gray in grays(photos):
        for block in (3, 7):
            peer = cv2.cornerMinEigenVal(gray, block, ksize=3)
            error = np.abs(4 * sl.features.shi_tomasi(gray, block=block) - peer).max()
            worst = max(worst, float(error / max(peer.max(), 1e-6)))
    measured(worst)
    assert worst < 1e-5


@evidence.equals("features.good_features", peer="opencv", tolerance="≥ 99 % of the points, in order", data="photos")
def test_good_features_are_those_of_opencv(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    shares = []
    # Where many responses are equal but for rounding, as on rings, either order is right.
    for gray in grays({name: photo for name, photo in photos.items() if name not in ("rings", "sudoku")}):
        for measure in ("shi_tomasi", "harris"):
            for count, distance in ((300, 10.0), (None, 7.5), (100, 0.0)):
                ours = sl.features.good_features(gray, count, 0.01, distance, measure=measure)
                options = {"useHarrisDetector": measure == "harris"}
                peer = cv2.goodFeaturesToTrack(gray, count or 0, 0.01, distance, **options)
                peer = np.zeros((0, 2), np.float32) if peer is None else peer.reshape(-1, 2)
                assert abs(len(ours) - len(peer)) <= max(1, 0.01 * len(peer))
                n = min(len(ours), len(peer))
                common = set(map(tuple, ours.tolist())) & set(map(tuple, peer.tolist()))
                shares.append(len(common) / n if n else 1.0)
    measured(min(shares))
    assert min(shares) >= 0.99


def test_good_features_keep_their_distance(photos: dict[str, np.ndarray]) -> None:
    found = sl.features.good_features(photos["rings"], None, 0.001, 12)
    apart = np.hypot(*(found[:, None] - found[None]).transpose(2, 0, 1)) + 1e9 * np.eye(len(found))
    assert len(found) > 5
    assert apart.min() >= 12


@pytest.mark.parametrize("shape", [(1, 1), (2, 50), (40, 40)])
def test_a_flat_image_has_no_good_features(shape: tuple[int, int]) -> None:
    assert sl.features.good_features(np.full(shape, 7, np.uint8)).shape == (0, 2)


def test_quality_must_be_a_share() -> None:
    with pytest.raises(InputError, match=r"good_features: quality must be a number in 0\.0001–1; got 3"):
        sl.features.good_features(np.zeros((9, 9), np.uint8), quality=3)
