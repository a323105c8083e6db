"""Blobs by many thresholds against OpenCV's SimpleBlobDetector, and drawn spots."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError

simple_blobs = sl.image.simple_blobs
MODULE = importlib.import_module("sightline.image.simple_blobs")  # which the function's name hides


def spots() -> np.ndarray:
    image = np.full((120, 160), 230, np.uint8)
    cv2.circle(image, (40, 40), 15, 20, -1)
    cv2.ellipse(image, (110, 50), (30, 9), 20, 0, 360, 40, -1)
    cv2.circle(image, (60, 95), 6, 60, -1)
    return sl.image.gaussian_blur(image, 1.0)


def peers(gray: np.ndarray, color: int = 0, area: tuple[float, float] = (25, 5000)) -> np.ndarray:
    options = cv2.SimpleBlobDetector_Params()
    options.minThreshold, options.maxThreshold, options.thresholdStep = 50, 220, 10
    options.filterByColor, options.blobColor = True, color
    options.filterByArea, (options.minArea, options.maxArea) = True, area
    options.filterByCircularity = False
    options.filterByInertia, options.minInertiaRatio = True, 0.1
    options.filterByConvexity, options.minConvexity = True, 0.95
    options.minDistBetweenBlobs, options.minRepeatability = 10, 2
    found = cv2.SimpleBlobDetector_create(options).detect(gray)
    return np.array([(*k.pt, k.size / 2) for k in found], np.float32).reshape(-1, 3)


@evidence.equals(
    "image.simple_blobs",
    peer="opencv",
    tolerance="the same blobs, centres within 0.5 pixel",
    data="detect_blob.png, spots",
)
def test_blobs_are_those_of_opencv(shared_data: Path, measured: Callable[[float], None]) -> None:
    worst = 0.0
    photo = sl.image.read(shared_data / "opencv_samples" / "detect_blob.png", mode="gray")
    for gray, color in ((photo, "dark"), (photo, "bright"), (spots(), "dark")):
        ours = simple_blobs(gray, color=color)
        peer = peers(gray, 255 if color == "bright" else 0)
        assert len(ours) == len(peer)
        if len(peer):
            apart = np.abs(ours[:, None, :2] - peer[None, :, :2]).max(axis=2)
            worst = max(worst, float(apart.min(axis=0).max()), float(apart.min(axis=1).max()))
    measured(worst)
    assert worst <= 0.5


def test_filters_keep_what_they_say() -> None:
    assert len(simple_blobs(spots(), inertia=0)) == 3
    assert len(simple_blobs(spots(), inertia=0.5)) == 2
    assert len(simple_blobs(spots(), circularity=0.8, inertia=0)) == 2
    (small,) = simple_blobs(spots(), area=(25, 300), inertia=0.5)
    np.testing.assert_allclose(small, (60, 95, 6), atol=1)
    assert len(simple_blobs(spots(), color="bright")) == 0
    inverse, plain = simple_blobs(255 - spots(), color="bright"), simple_blobs(spots())
    np.testing.assert_allclose(np.sort(inverse[:, :2], axis=0), np.sort(plain[:, :2], axis=0), atol=0.5)


def test_dtypes_agree() -> None:
    ours = simple_blobs(spots())
    np.testing.assert_allclose(simple_blobs(spots().astype(np.uint16) * np.uint16(257)), ours, atol=1e-3)
    np.testing.assert_allclose(simple_blobs(sl.to_float(spots())), ours, atol=0.2)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_the_same_pixels_exceed_a_number_of_their_type(dtype: str) -> None:
    kind = np.dtype(dtype)
    for level in (0.0, 0.2, 50 / 255, 1 / 3, 1.0, 49.5, 50.0, 254.99, 255.0, 12850.5, 65535.0, 1e12):
        near = np.float32(level)
        around = [near, np.nextafter(near, np.float32(0)), np.nextafter(near, np.float32(np.inf))]
        pixels = np.arange(np.iinfo(kind).max + 1).astype(kind) if kind.kind == "u" else np.array(around, np.float32)
        assert np.array_equal(pixels > MODULE._not_above(level, kind), pixels.astype(np.float64) > level)


def test_steps_end_in_the_blobs() -> None:
    trace = sl.trace(simple_blobs, spots())
    assert [step.name for step in trace] == ["grey", "centres", "blobs"]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"thresholds": (9, 3, 1)}, "thresholds must be"),
        ({"thresholds": 5}, "thresholds must be 3 numbers"),
        ({"area": (1,)}, "area must be 2 numbers"),
        ({"color": "red"}, "color must be one of"),
        ({"convexity": 2}, "convexity must be a number in 0–1"),
        ({"repeatability": 0}, "repeatability must be a whole number"),
    ],
)
def test_bad_options_are_refused(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError, match=f"simple_blobs: {sentence}"):
        simple_blobs(np.zeros((9, 9), np.uint8), **options)


@pytest.mark.parametrize(("distance", "side"), [(10.0, 12.0), (0.0, 1.0), (30.0, 500.0)])
def test_a_blob_joins_the_first_group_that_is_near(distance: float, side: float) -> None:
    random = np.random.default_rng(4)
    groups, expected = MODULE._Groups(distance, side), []
    for x, y, radius in random.random((600, 3)) * (400, 300, 9) - (5, 5, 0):
        blob = float(x), float(y), float(radius), 1.0
        middles = [group[len(group) // 2] for group in expected]
        near = [
            i
            for i, middle in enumerate(middles)
            if np.hypot(middle[0] - x, middle[1] - y) < max(distance, middle[2], radius)
        ]
        assert groups.join(blob) == bool(near)
        if near:
            expected[near[0]] = sorted([*expected[near[0]], blob], key=lambda entry: entry[2])
        else:
            groups.found(blob)
            expected.append([blob])
    assert groups.blobs == expected
