"""Corners between pixels against OpenCV, and where they are known."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError


@evidence.equals("features.corner_subpixel", peer="opencv", tolerance="≥ 98 % of corners within 1e-3 px", data="photos")
def test_corners_move_as_those_of_opencv(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    worst = 1.0
    for name in photos.keys() & {"camera", "building", "coffee"} or {"rings"}:
        gray = photos[name] if photos[name].ndim == 2 else sl.image.convert(photos[name], "rgb", "gray")
        start = sl.features.good_features(gray, 150, 0.02, 10)
        for window in (3, 5, 9):
            peer = start.reshape(-1, 1, 2).copy()
            cv2.cornerSubPix(gray, peer, (window, window), (-1, -1), (3, 40, 0.001))
            ours = sl.features.corner_subpixel(gray, start, window)
            worst = min(worst, float((np.abs(ours - peer[:, 0]).max(axis=1) < 1e-3).mean()))
    measured(worst)
    assert worst >= 0.98


def test_a_known_corner_is_found() -> None:
    y, x = np.mgrid[0:60, 0:70]
    ramps = [np.clip((a - at) * 0.5, -0.5, 0.5) for a, at in ((x, 31.37), (y, 24.81))]
    board = (0.5 + 2 * ramps[0] * ramps[1]).astype(np.float32)
    found = sl.features.corner_subpixel(board, np.array([[30, 26], [33, 24]]))
    assert np.allclose(found, [31.37, 24.81], atol=0.02)


def test_where_it_is_flat_corners_stay() -> None:
    start = np.array([[4.0, 5.0], [0.0, 0.0]])
    assert np.array_equal(sl.features.corner_subpixel(np.full((20, 20), 80, np.uint8), start), start)
    assert np.array_equal(sl.features.corner_subpixel(np.zeros((1, 1), np.uint8), np.zeros((1, 2))), [[0, 0]])
    assert sl.features.corner_subpixel(np.zeros((9, 9), np.uint8), np.zeros((0, 2))).shape == (0, 2)


@pytest.mark.parametrize(
    ("points", "sentence"),
    [
        (np.array([[5.0, np.nan]]), r"point 0 is \[5\.0, nan\]"),
        (np.array([[1.0, 1.0], [30.0, 2.0]]), r"must lie inside the image \(20×20\); point 1 is"),
        (np.zeros((2, 3)), "must be N×2 numbers"),
    ],
)
def test_points_elsewhere_are_refused(points: np.ndarray, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        sl.features.corner_subpixel(np.zeros((20, 20), np.uint8), points)
