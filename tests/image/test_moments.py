"""Moments, Hu's invariants and the matching of shapes against OpenCV."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError

moments, hu_moments, match_shapes = sl.image.moments, sl.image.hu_moments, sl.image.match_shapes
SCORES = {"i1": cv2.CONTOURS_MATCH_I1, "i2": cv2.CONTOURS_MATCH_I2, "i3": cv2.CONTOURS_MATCH_I3}


def outlines(photos: dict[str, np.ndarray]) -> list[np.ndarray]:
    """Return the larger contours of photos."""
    masks = [photos["rings"] > 127, photos.get("coins", photos["rings"]) > 110]
    return [c.points for mask in masks for c in sl.image.find_contours(mask) if len(c) > 40][:30]


def grays(photos: dict[str, np.ndarray]) -> list[np.ndarray]:
    """Return grey images in every dtype, one pixel wide ones among them."""
    found = [photo if photo.ndim == 2 else np.ascontiguousarray(photo[..., 1]) for photo in photos.values()]
    return [*found, found[0].astype(np.uint16) * np.uint16(200), found[0] / np.float32(255)]


def difference(ours: Any, theirs: dict[str, float]) -> float:
    """Return the largest difference of two sets of moments, relative to what cancels in each."""
    spread = max(1.0, math.sqrt(max(theirs["m20"], theirs["m02"]) / max(theirs["m00"], 1e-9)))
    worst = 0.0
    for name, value in theirs.items():
        order = int(name[-1]) + int(name[-2])
        size = 1.0 if name[:2] == "nu" else max(1.0, theirs["m00"]) * spread**order
        worst = max(worst, abs(getattr(ours, name) - value) / size)
    return worst


@evidence.equals("image.moments", peer="opencv", tolerance="1e-6 relative", data="photos and contours")
def test_equals_opencv(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    worst = max(difference(moments(gray), cv2.moments(gray)) for gray in grays(photos))
    mask = photos["rings"] > 127
    worst = max(worst, difference(moments(mask), cv2.moments(mask.view(np.uint8), True)))
    worst = max(worst, *(difference(moments(points), cv2.moments(points)) for points in outlines(photos)))
    measured(worst)
    assert worst <= 1e-6


@evidence.equals("image.hu_moments", peer="opencv", tolerance="1e-6", data="photos and contours")
def test_invariants_equal_opencv(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    worst = 0.0
    for shape in (*grays(photos)[:3], *outlines(photos)):
        theirs = cv2.HuMoments(cv2.moments(shape))[:, 0]
        worst = max(worst, float((np.abs(hu_moments(shape) - theirs) / np.maximum(1, np.abs(theirs))).max()))
    measured(worst)
    assert worst <= 1e-6


@evidence.equals("image.match_shapes", peer="opencv", tolerance="1e-6 relative", data="contours of photos")
@pytest.mark.parametrize("score", list(SCORES))
def test_matching_equals_opencv(photos: dict[str, np.ndarray], measured: Callable[[float], None], score: str) -> None:
    shapes, worst = outlines(photos), 0.0
    for a in shapes:
        for b in shapes[::4]:
            theirs = cv2.matchShapes(a, b, SCORES[score], 0)
            worst = max(worst, abs(match_shapes(a, b, score=score) - theirs) / max(1, theirs))
    measured(worst)
    assert worst <= 1e-6


def test_invariant_to_place_size_and_angle() -> None:
    shape = np.array([[0, 0], [9, 1], [7, 4], [3, 3], [2, 8]], np.float64)
    turn = np.array([[math.cos(0.7), -math.sin(0.7)], [math.sin(0.7), math.cos(0.7)]])
    other = 3.5 * shape @ turn + (40, -7)
    assert np.allclose(hu_moments(other), hu_moments(shape), rtol=1e-9, atol=1e-12)
    assert match_shapes(shape, other) < 1e-6
    mirrored = hu_moments(shape * (-1, 1))
    assert np.allclose(mirrored[:6], hu_moments(shape)[:6])
    assert np.allclose(mirrored[6], -hu_moments(shape)[6])


def test_a_wide_image_does_not_overflow() -> None:
    bright = np.full((2, 40_000), 255, np.uint8)
    x = np.arange(40_000, dtype=object)
    assert math.isclose(moments(bright).m30, float(2 * 255 * (x**3).sum()), rel_tol=1e-12)


def test_without_mass() -> None:
    empty = moments(np.zeros((4, 5), np.uint8))
    assert empty.m00 == empty.mu20 == empty.nu03 == 0
    assert math.isnan(empty.centroid[0])
    assert not hu_moments(np.zeros((4, 5), bool)).any()
    assert match_shapes(np.zeros((4, 5), np.uint8), np.ones((4, 5), np.uint8)) == np.finfo(np.float64).max


@pytest.mark.parametrize("name", ["moments", "hu_moments"])
@pytest.mark.parametrize(
    ("shape", "sentence"),
    [
        (np.zeros((4, 4, 3), np.uint8), "image must be H×W, uint8 or uint16 or float32 or bool; got 4×4×3 uint8"),
        (np.array([[0, 0], [1, np.nan]]), "image must be finite; got 1 rows with NaN"),
        (np.full((3, 5), np.inf, np.float32), "image must be finite; got 15 NaN or infinite values"),
        ([[0, 0], [1, 1]], "image must be"),
    ],
)
def test_bad_input_is_refused(name: str, shape: Any, sentence: str) -> None:
    with pytest.raises(InputError, match=f"{name}: {sentence}"):
        getattr(sl.image, name)(shape)


def test_matching_names_the_shape_that_is_wrong() -> None:
    square = np.array([[0, 0], [4, 0], [4, 4], [0, 4]])
    with pytest.raises(InputError, match="match_shapes: b must be"):
        match_shapes(square, "circle")
    with pytest.raises(InputError, match="match_shapes: score must be one of 'i1', 'i2', 'i3'; got 'l2'"):
        match_shapes(square, square, score="l2")
