"""Block matching against sums written out in NumPy, and beside OpenCV's on Middlebury's pairs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from scipy import ndimage

import sightline as sl
from geometry.stereo_scenes import bad, scene
from sightline.core import evidence
from sightline.core.errors import InputError

RANDOM = np.random.default_rng(4)


@pytest.mark.parametrize(("disparities", "size"), [(16, 5), ((3, 11), 1), (40, 15)])
@evidence.equals("geometry.block_match", peer="scipy", tolerance="the same disparities", data="noise")
def test_the_least_sum_wins(disparities: int | tuple[int, int], size: int, measured: Callable[[float], None]) -> None:
    left, right = RANDOM.integers(0, 256, (2, 37, 50), np.uint8)
    ours = sl.geometry.block_match(left, right, disparities, size, check=-1, unique=0, speckles=0)
    first, end = disparities if isinstance(disparities, tuple) else (0, disparities)
    half = size // 2
    a, b = (np.pad(picture, half, mode="edge").astype(float) for picture in (left, right))
    sums = []
    for d in range(first, end):
        apart = np.abs(a - b[:, np.maximum(np.arange(a.shape[1]) - d, 0)])
        sums.append(ndimage.uniform_filter(apart, size)[half : half + 37, half : half + 50] * size**2)
    expected = np.rint(sums).argmin(axis=0) + first
    measured(float(np.abs(ours - expected).max()))
    assert np.abs(ours - expected).max() <= 0.5  # to a fraction: between the neighbours


def test_beside_opencv(shared_data: Path) -> None:
    left, right, truth, seen = scene(shared_data, "cones")
    a, b = (cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) for picture in (left, right))
    peer = cv2.StereoBM.create(64, 15)
    theirs = peer.compute(a, b) / 16
    assert bad(sl.geometry.block_match(left, right, 64, 15), truth, seen) < bad(theirs, truth, seen)


def test_bad_sizes_are_refused() -> None:
    for size in (4, 17, -1):
        with pytest.raises(InputError, match="size"):
            sl.geometry.block_match(np.zeros((9, 9), np.uint8), np.zeros((9, 9), np.uint8), 4, size)
