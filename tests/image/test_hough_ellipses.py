"""Ellipses by voting: scikit-image's best ones, and drawn ones."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest
from skimage.transform import hough_ellipse

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError

hough_ellipses = sl.image.hough_ellipses


def drawn(*ellipses: tuple[int, int, int, int, float], shape: tuple[int, int] = (70, 80)) -> np.ndarray:
    canvas = np.zeros(shape, np.uint8)
    for x, y, a, b, angle in ellipses:
        cv2.ellipse(canvas, (x, y), (a, b), math.degrees(angle), 0, 360, 255, 1)
    return canvas > 0


def turn(one: float, other: float) -> float:
    """Return the angle between two axes."""
    return abs((one - other + math.pi / 2) % math.pi - math.pi / 2)


@evidence.equals(
    "image.hough_ellipses", peer="scikit-image", tolerance="its best ellipse within 1.5 pixels", data="drawn ellipses"
)
def test_the_best_ellipse_is_that_of_scikit_image(measured: Callable[[float], None]) -> None:
    worst = 0.0
    for ellipse in ((40, 35, 25, 14, 0.4), (40, 35, 20, 15, 2.0)):
        mask = drawn(ellipse)
        peer = hough_ellipse(mask, threshold=4, accuracy=4, min_size=8)
        peer.sort(order="accumulator")
        _, y, x, a, b, _ = peer[-1].tolist()
        ours = hough_ellipses(mask, 20, max_ellipses=1)[0]
        long, short = max(a, b), min(a, b)
        worst = max(worst, float(np.abs(ours[:4] - (x, y, long, short)).max()))
    measured(worst)
    assert worst <= 1.5


@pytest.mark.parametrize(
    "ellipse", [(40, 35, 25, 14, 0.4), (38, 33, 30, 10, 2.6), (40, 35, 20, 19, 0.0), (42, 36, 28, 9, math.pi / 2)]
)
def test_a_drawn_ellipse_is_found(ellipse: tuple[int, int, int, int, float]) -> None:
    (found,) = hough_ellipses(drawn(ellipse), 30)
    np.testing.assert_allclose(found[:4], ellipse[:4], atol=1.1)
    assert 0 <= found[4] < math.pi
    if ellipse[2] > 1.2 * ellipse[3]:
        assert turn(found[4], ellipse[4]) < 0.1


def test_two_that_cross_are_both_found_among_noise() -> None:
    mask = drawn((30, 30, 24, 12, 0.3), (50, 40, 22, 14, 1.9))
    mask |= np.random.default_rng(0).random(mask.shape) < 0.01
    found = hough_ellipses(mask, 40)
    assert len(found) == 2
    for x, y in ((30, 30), (50, 40)):
        assert np.hypot(found[:, 0] - x, found[:, 1] - y).min() <= 1.5


def test_limits_of_the_size_are_kept() -> None:
    mask = drawn((40, 35, 30, 20, 0.2), (40, 35, 12, 8, 1.0))
    (small,) = hough_ellipses(mask, 25, max_size=30)
    np.testing.assert_allclose(small[:4], (40, 35, 12, 8), atol=1.1)
    (large,) = hough_ellipses(mask, 50, min_size=50)
    np.testing.assert_allclose(large[:4], (40, 35, 30, 20), atol=1.1)
    assert hough_ellipses(drawn((40, 35, 30, 8, 0.2)), 30, min_ratio=0.6).shape == (0, 5)


def test_an_empty_mask_has_none() -> None:
    assert hough_ellipses(np.zeros((9, 9), bool), 1).shape == (0, 5)


def test_real_edges_give_ellipses_that_lie_on_them(photos: dict[str, np.ndarray]) -> None:
    edges = sl.image.canny(photos["rings"], 50, 100)
    found = hough_ellipses(edges, 60, min_size=30, max_size=60)
    np.testing.assert_allclose(found[0, :2], [60, 40], atol=2)  # the rings' centre


def test_steps_end_in_the_ellipses() -> None:
    trace = sl.trace(hough_ellipses, drawn((40, 35, 25, 14, 0.4)), 30)
    assert [step.name for step in trace] == ["edges", "candidates", "ellipses"]
    assert len(trace["candidates"].value) >= len(trace.result) == 1


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"threshold": 0}, "threshold must be a whole number ≥ 1"),
        ({"min_size": 20, "max_size": 9}, "min_size must be ≤ max_size; got 20 and 9. Swap them"),
        ({"min_ratio": np.nan}, "min_ratio must be a number in 0–1"),
        ({"accuracy": 0}, "accuracy must be a number in"),
        ({"max_ellipses": 0}, "max_ellipses must be a whole number ≥ 1"),
    ],
)
def test_bad_options_are_refused(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError, match=f"hough_ellipses: {sentence}"):
        hough_ellipses(np.zeros((9, 9), bool), **options)


def test_too_many_pixels_are_refused() -> None:
    with pytest.raises(InputError, match="hough_ellipses: mask must have at most 20000 true pixels; got 22500"):
        hough_ellipses(np.ones((150, 150), bool))


def test_hours_are_refused_where_the_sizes_leave_too_many_pairs() -> None:
    mask = np.zeros((100, 200), bool)
    mask[::2] = True
    rows = np.stack(np.nonzero(mask), axis=1)
    apart = [((rows[:i] - rows[i]) ** 2).sum(axis=1) for i in range(len(rows))]
    pairs = sum(np.count_nonzero((one >= 8**2) & (one <= 200**2)) for one in apart)
    with pytest.raises(InputError, match=f"hough_ellipses: mask has {pairs:,} pairs of pixels .* bring min_size"):
        hough_ellipses(mask)
    assert hough_ellipses(mask, 60, min_size=6, max_size=6.5).shape[1] == 5
