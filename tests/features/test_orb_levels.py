"""ORB's levels: their corners are FAST's, its patches are smoothed as OpenCV does with the same weights."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

import sightline as sl
from sightline.features.orb_levels import pyramid, seek
from sightline.features.orb_patches import MARGIN, smoothed


def _photo(height: int, width: int) -> np.ndarray:
    return sl.image.resize(sl.image.convert(sl.data.sample("astronaut"), "rgb", "gray"), (height, width))


@pytest.mark.parametrize("shape", [(150, 200), (300, 40), (37, 700)])
def test_corners_are_those_of_fast(shape: tuple[int, int]) -> None:
    levels = pyramid(_photo(*shape), 4, 1.5)
    corners = seek(levels, 12)
    for k in range(len(levels)):
        image = levels.level(k)
        known = sl.features.fast(image, 12)
        x, y = known.points.astype(int).T
        height, width = image.shape
        inside = (x >= MARGIN) & (x < width - MARGIN) & (y >= MARGIN) & (y < height - MARGIN)
        found = corners[corners[:, 0] == k][:, 1:]
        assert {tuple(place) for place in found} == set(zip(y[inside], x[inside], strict=True))
        scores = {(r, c): s for r, c, s in zip(y, x, known.responses, strict=True)}
        assert np.all(np.diff([scores[tuple(place)] for place in found]) <= 0)


def test_smoothing_is_a_narrow_gaussian() -> None:
    levels = pyramid(_photo(120, 170), 2, 1.2)
    weights = np.array([12, 18, 22, 24, 22, 18, 12]) / 128
    for k in range(len(levels)):
        image = levels.level(k)
        height, width = image.shape
        theirs = cv2.sepFilter2D(image, cv2.CV_64F, weights, weights)
        for y, x in ((MARGIN, MARGIN), (height // 2, width // 2), (height - MARGIN - 1, width - MARGIN - 1)):
            ours = smoothed(levels.pixels, levels.starts[k] + y * width + x, width)
            reach = len(ours) // 2
            assert ours.shape == (31, 31)
            assert np.abs(ours - theirs[y - reach : y + reach + 1, x - reach : x + reach + 1]).max() < 0.75


def test_levels_without_room_are_left_out() -> None:
    assert len(pyramid(np.zeros((36, 500), np.uint8), 8, 1.2)) == 0
    assert pyramid(np.zeros((64, 64), np.uint8), 8, 2.0).shapes.tolist() == [[64, 64]]
