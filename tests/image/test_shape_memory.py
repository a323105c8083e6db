"""How much memory finding shapes takes beside the picture and the result, in bytes a pixel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import sightline as sl
from image.taken_memory import taken_beside_result

_SIDE = 768
_TILES = {"max_sigma": 9.0}  # of blobs: the picture is a tile, of which three scales are kept
_BAND = 1 << 19  # pixels of a band of whole rows
_STRIPS = 1 << 20  # bytes for what belongs to a strip at hand, however large the picture
_CALLS: dict[str, tuple[Callable[[Any], Any], float]] = {
    "find_contours": (lambda image: sl.image.find_contours(image > 127), 2.0),
    "seam_carve": (lambda image: sl.image.seam_carve(image, (_SIDE - 2, _SIDE - 2)), 2.8),
    "simple_blobs": (sl.image.simple_blobs, 1.0),
    "blobs_log": (lambda image: sl.image.blobs_log(image, **_TILES), 28.0),
    "blobs_dog": (lambda image: sl.image.blobs_dog(image, **_TILES), 28.0),
    "blobs_doh": (lambda image: sl.image.blobs_doh(image, **_TILES), 28.0),
    "hough_circles": (lambda image: sl.image.hough_circles(image & 192, max_radius=20), 4.0),
    "hough_segments": (lambda image: sl.image.hough_segments(image % 32 == 0), 3.0),
    "hysteresis_threshold": (lambda image: sl.image.hysteresis_threshold(image, 60, 180), 2.5),
}


@pytest.mark.parametrize("name", ["blobs_dog", "blobs_doh"])
def test_of_a_larger_picture_a_band_of_rows_is_held(name: str) -> None:
    y, x = np.mgrid[0:1500, 0:1400].astype(np.float32)
    image = (127 + 60 * np.sin(x / 13) + 60 * np.sin(y / 9)).astype(np.uint8)
    taken = taken_beside_result(lambda: getattr(sl.image, name)(image, **_TILES)) / _BAND
    assert taken < 40, f"{taken:.1f} bytes for each pixel of a band"


@pytest.mark.parametrize("name", list(_CALLS))
def test_memory_beside_picture_and_result(name: str) -> None:
    call, most = _CALLS[name]
    y, x = np.mgrid[0:_SIDE, 0:_SIDE].astype(np.float32)
    image = (127 + 60 * np.sin(x / 13) + 60 * np.sin(y / 9)).astype(np.uint8)
    taken = (taken_beside_result(lambda: call(image)) - _STRIPS) / _SIDE**2
    assert taken < most, f"{taken:.1f} bytes a pixel"
