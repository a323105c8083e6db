"""Circles by voting along gradients: OpenCV's, and drawn ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError

hough_circles = sl.image.hough_circles


def disc(x: float, y: float, radius: float, shape: tuple[int, int] = (120, 150)) -> np.ndarray:
    rows, columns = np.mgrid[0 : shape[0], 0 : shape[1]]
    inside = np.clip(radius + 0.5 - np.hypot(columns - x, rows - y), 0, 1)
    return (30 + 180 * inside).astype(np.uint8)


@evidence.equals("image.hough_circles", peer="opencv", tolerance="the same circles, within 0.01 pixel", data="photos")
def test_circles_are_those_of_opencv(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    worst, total = 0.0, 0
    cases = {"rings": (20, 5, 40, 10), "coins": (30, 15, 40, 30), "camera": (40, 8, 60, 20), "chelsea": (35, 6, 50, 15)}
    for name in photos.keys() & cases.keys():
        gray = photos[name] if photos[name].ndim == 2 else sl.image.convert(photos[name], "rgb", "gray")
        threshold, low, high, distance = cases[name]
        ours = hough_circles(gray, threshold, min_radius=low, max_radius=high, min_distance=distance)
        peer = cv2.HoughCircles(
            gray, cv2.HOUGH_GRADIENT, 1, distance, param1=100, param2=threshold, minRadius=low, maxRadius=high
        )
        peer = np.zeros((0, 3), np.float32) if peer is None else peer[0, :, :3]
        assert ours.shape == peer.shape
        assert ours.dtype == np.float32
        total += len(ours)
        worst = max(worst, float(np.abs(ours - peer).max(initial=0)))
    measured(worst)
    assert worst < 0.01
    assert total >= 1


@pytest.mark.parametrize(("x", "y", "radius"), [(70, 50, 20), (40.5, 61.3, 33), (130, 100, 12), (75, 60, 50)])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_a_drawn_disc_is_found(x: float, y: float, radius: float, dtype: str) -> None:
    image = disc(x, y, radius)
    image = image.astype(np.uint16) * np.uint16(257) if dtype == "uint16" else image
    image = sl.to_float(image) if dtype == "float32" else image
    circles = hough_circles(image, 15, max_circles=1)
    np.testing.assert_allclose(circles, [[x, y, radius]], atol=1.5)


def test_colour_is_turned_to_grey() -> None:
    gray = disc(70, 50, 20)
    assert np.array_equal(hough_circles(np.dstack([gray] * 3), 15), hough_circles(gray, 15))


def test_centres_keep_their_distance() -> None:
    image = np.maximum(disc(50, 60, 30), disc(50, 60, 15) // 2 * 2)
    image[disc(50, 60, 15) > 120] = 20
    assert len(hough_circles(image, 20, min_distance=10)) == 1
    far = np.maximum(disc(35, 60, 20), disc(110, 60, 25))
    assert len(hough_circles(far, 20, min_distance=50)) == 2


def test_larger_cells_find_the_same_disc() -> None:
    circles = hough_circles(disc(70, 50, 24), 20, resolution=2.0, max_circles=1)
    np.testing.assert_allclose(circles, [[70, 50, 24]], atol=2.5)


def test_radii_have_limits() -> None:
    image = np.maximum(disc(35, 60, 14), disc(100, 60, 33))
    assert hough_circles(image, 15, max_radius=20)[:, 2].max() <= 20
    (large,) = hough_circles(image, 25, min_radius=25, max_radius=45)
    np.testing.assert_allclose(large, [100, 60, 33], atol=1.5)


def test_a_flat_image_has_none() -> None:
    assert hough_circles(np.full((20, 30), 99, np.uint8), 5).shape == (0, 3)


def test_steps_end_in_the_circles() -> None:
    trace = sl.trace(hough_circles, disc(70, 50, 20), 15)
    assert [step.name for step in trace] == ["grey", "edges", "accumulator", "centres", "circles"]
    y, x = np.unravel_index(trace["accumulator"].value.argmax(), (120, 150))
    np.testing.assert_allclose((x, y), (70, 50), atol=1.5)
    assert trace["circles"].picture().shape == (120, 150, 3)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"threshold": 0}, "hough_circles: threshold must be a whole number ≥ 1"),
        ({"min_radius": 9, "max_radius": 4}, "hough_circles: min_radius must be ≤ max_radius; got 9 and 4. Swap them"),
        ({"min_radius": -1}, "hough_circles: min_radius must be a whole number ≥ 0"),
        ({"min_distance": 0}, "hough_circles: min_distance must be a number ≥ 1 pixels"),
        ({"high": np.nan}, "hough_circles: high must be a number in 1–1500 grey levels"),
        ({"resolution": 0.5}, "hough_circles: resolution must be a number in 1–10 pixels"),
        ({"max_circles": 0}, "hough_circles: max_circles must be a whole number ≥ 1"),
    ],
)
def test_bad_options_are_refused(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        hough_circles(np.zeros((9, 9), np.uint8), **options)


def test_nan_is_refused() -> None:
    with pytest.raises(InputError, match="hough_circles: image must be finite"):
        hough_circles(np.full((9, 9), np.nan, np.float32))
