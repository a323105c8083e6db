"""Dilation and erosion against OpenCV: every dtype, squares, rectangles and odd shapes; and one as the other's dual."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError

dilate, erode = sl.image.dilate, sl.image.erode
LIMIT = np.finfo(np.float32).max  # OpenCV's value where no pixel lies under the footprint; ours is infinite
BOTH = pytest.mark.parametrize("name", ["dilate", "erode"])


def footprints() -> list[Any]:
    """Return squares, rectangles, a disc, a diagonal and random shapes, the last ones without their centre, too."""
    rng = np.random.default_rng(3)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (31, 31)).astype(bool)
    corner = np.zeros((4, 5), bool)
    corner[0, 0] = True
    flat = [np.ones((2, 9), bool), np.ones((9, 1), bool), (3, 8)]
    return [1, 2, 3, 4, 5, 8, 31, 64, disc, *flat, np.eye(5, dtype=bool), rng.random((6, 7)) > 0.6, corner]


def as_array(footprint: Any) -> np.ndarray:
    """Return a footprint as OpenCV takes it."""
    if isinstance(footprint, np.ndarray):
        return footprint.astype(np.uint8)
    return np.ones(footprint if isinstance(footprint, tuple) else (footprint, footprint), np.uint8)


def images() -> list[np.ndarray]:
    """Return random images of all dtypes and awkward shapes."""
    rng = np.random.default_rng(0)
    made = []
    for shape in ((37, 53), (1, 1), (1, 9), (8, 1), (100, 30), (40, 21, 3)):
        made.append(rng.integers(0, 256, shape).astype(np.uint8))
        made.append(rng.integers(0, 65536, shape).astype(np.uint16))
        made.append(rng.normal(size=shape).astype(np.float32))
    return made


@evidence.equals("image.dilate", peer="opencv", tolerance="identical (uint8, uint16, float32)", data="photos, noise")
def test_dilation_equals_opencv(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    wrong = differing("dilate", photos)
    measured(wrong)
    assert wrong == 0


@evidence.equals("image.erode", peer="opencv", tolerance="identical (uint8, uint16, float32)", data="photos, noise")
def test_erosion_equals_opencv(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    wrong = differing("erode", photos)
    measured(wrong)
    assert wrong == 0


def differing(name: str, photos: dict[str, np.ndarray]) -> int:
    """Return how many values differ from OpenCV's."""
    wrong = 0
    for image in (*images(), photos["rings"], photos["noise"]):
        for footprint in footprints():
            peer, ours = getattr(cv2, name)(image, as_array(footprint)), getattr(sl.image, name)(image, footprint)
            ours = np.clip(ours, -LIMIT, LIMIT) if ours.dtype == np.float32 else ours
            wrong += int((ours != peer).sum())
    return wrong


@BOTH
def test_iterations_equal_opencv(name: str, photos: dict[str, np.ndarray]) -> None:
    for image in (*images(), photos["rings"], photos["rings"] > 99):
        for footprint in (3, (1, 4), footprints()[8], np.eye(5, dtype=bool)):
            peer = image.astype(np.uint8) if image.dtype == bool else image
            peer = getattr(cv2, name)(peer, as_array(footprint), iterations=3)
            ours = getattr(sl.image, name)(image, footprint, iterations=3)
            assert ours.dtype == image.dtype
            assert (np.clip(ours, -LIMIT, LIMIT) == peer if ours.dtype == np.float32 else ours == peer).all()
    out = np.empty_like(photos["rings"])
    assert getattr(sl.image, name)(photos["rings"], iterations=2, out=out) is out
    assert (out == getattr(sl.image, name)(photos["rings"], 5)).all()
    with pytest.raises(InputError, match=f"{name}: iterations must be a whole number ≥ 1; got 0"):
        getattr(sl.image, name)(photos["rings"], iterations=0)


@BOTH
def test_masks_stay_masks(name: str) -> None:
    mask = np.random.default_rng(1).random((30, 41)) > 0.6
    peer = getattr(cv2, name)(mask.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    ours = getattr(sl.image, name)(mask)
    assert ours.dtype == np.bool_
    assert np.array_equal(ours, peer)


@BOTH
@pytest.mark.parametrize("footprint", [3, 5, np.eye(5, dtype=bool)])
def test_nan_spreads_over_the_footprint(name: str, footprint: Any) -> None:
    image = np.random.default_rng(1).normal(size=(15, 15)).astype(np.float32)
    image[7, 7] = np.nan
    reached = cv2.dilate(np.isnan(image).astype(np.uint8), as_array(footprint)) > 0
    assert np.array_equal(np.isnan(getattr(sl.image, name)(image, footprint)), reached)


@BOTH
@pytest.mark.parametrize(
    ("footprint", "sentence"),
    [
        (0, "footprint must be a whole number ≥ 1; got 0"),
        (2.5, r"footprint must be a whole number ≥ 1, \(height, width\) or an H×W bool array; got float 2\.5"),
        ((3, 0), r"footprint\[1\] \(width\) must be a whole number ≥ 1; got 0"),
        ((3, 3, 3), r"footprint must be \(height, width\); got tuple"),
        (np.zeros((3, 3), bool), "footprint must have a true pixel"),
        (np.zeros((0, 3), bool), "footprint must have a true pixel"),
        (np.ones((3, 3), np.uint8), r"footprint must be H×W bool; got 3×3 uint8\. Compare first"),
    ],
)
def test_bad_footprints_are_refused(name: str, footprint: Any, sentence: str) -> None:
    with pytest.raises(InputError, match=f"{name}: {sentence}"):
        getattr(sl.image, name)(np.zeros((4, 4), np.uint8), footprint)


@pytest.mark.parametrize("footprint", footprints()[:12])
def test_one_is_the_other_of_the_negative(photos: dict[str, np.ndarray], footprint: Any) -> None:
    image = photos["rings"]
    assert np.array_equal(dilate(image, footprint), 255 - erode(255 - image, footprint))
