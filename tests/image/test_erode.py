"""Erosion against OpenCV: every dtype, squares, rectangles and odd shapes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError

erode = sl.image.erode
LIMIT = np.finfo(np.float32).max  # OpenCV's value where no pixel lies under the footprint; ours is infinite


def footprints() -> list[Any]:
    """Return squares, rectangles, a disc, a diagonal and random shapes, the last ones without their centre, too."""
    rng = np.random.default_rng(3)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (31, 31)).astype(bool)
    corner = np.zeros((4, 5), bool)
    corner[0, 0] = True
    flat = [np.ones((2, 9), bool), np.ones((9, 1), bool)]
    return [1, 2, 3, 4, 5, 8, 31, 64, disc, *flat, np.eye(5, dtype=bool), rng.random((6, 7)) > 0.6, corner]


def images() -> list[np.ndarray]:
    """Return random images of all dtypes and awkward shapes."""
    rng = np.random.default_rng(0)
    made = []
    for shape in ((37, 53), (1, 1), (1, 9), (8, 1), (100, 30), (40, 21, 3)):
        made.append(rng.integers(0, 256, shape).astype(np.uint8))
        made.append(rng.integers(0, 65536, shape).astype(np.uint16))
        made.append(rng.normal(size=shape).astype(np.float32))
    return made


@evidence.equals("image.erode", peer="opencv", tolerance="identical (uint8, uint16, float32)", data="photos, noise")
def test_equals_opencv(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    wrong = 0
    for image in (*images(), photos["rings"], photos["noise"]):
        for footprint in footprints():
            size = (footprint, footprint) if isinstance(footprint, int) else footprint.shape
            peer = cv2.erode(
                image, np.ones(size, np.uint8) if isinstance(footprint, int) else footprint.astype(np.uint8)
            )
            ours = erode(image, footprint)
            wrong += int(
                (np.clip(ours, -LIMIT, LIMIT) != peer).sum() if ours.dtype == np.float32 else (ours != peer).sum()
            )
    measured(wrong)
    assert wrong == 0


def test_masks_stay_masks() -> None:
    mask = np.random.default_rng(1).random((30, 41)) > 0.6
    peer = cv2.erode(mask.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    assert erode(mask).dtype == np.bool_
    assert np.array_equal(erode(mask), peer)


def test_nan_spreads_over_the_footprint() -> None:
    image = np.random.default_rng(1).normal(size=(15, 15)).astype(np.float32)
    image[7, 7] = np.nan
    for footprint in (3, 5, np.eye(5, dtype=bool)):
        shape = np.ones((footprint, footprint), bool) if isinstance(footprint, int) else footprint
        reached = cv2.dilate(np.isnan(image).astype(np.uint8), shape.astype(np.uint8)) > 0
        assert np.array_equal(np.isnan(erode(image, footprint)), reached)


@pytest.mark.parametrize(
    ("footprint", "sentence"),
    [
        (0, "erode: footprint must be a whole number ≥ 1; got 0"),
        (2.5, "erode: footprint must be a whole number ≥ 1 or an H×W bool array; got float 2.5"),
        (np.zeros((3, 3), bool), "erode: footprint must have a true pixel"),
        (np.ones((3, 3), np.uint8), "erode: footprint must be H×W bool; got 3×3 uint8. Compare first"),
    ],
)
def test_bad_footprints_are_refused(footprint: Any, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        erode(np.zeros((4, 4), np.uint8), footprint)


def test_opening_removes_what_the_footprint_does_not_fit_into() -> None:
    image = np.zeros((20, 20), np.uint8)
    image[3, 4] = 255
    image[8:15, 8:15] = 200
    opened = sl.image.dilate(erode(image, 5), 5)
    assert opened[3, 4] == 0
    assert (opened[8:15, 8:15] == 200).all()
