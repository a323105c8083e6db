"""Minimum and maximum filters against SciPy, on every dtype, size, footprint and border."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy import ndimage

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError

MODES = {"symmetric": "reflect", "reflect": "mirror", "edge": "nearest", "wrap": "wrap"}
PAIRS = [(sl.image.min_filter, ndimage.minimum_filter), (sl.image.max_filter, ndimage.maximum_filter)]
RANDOM = np.random.default_rng(4)


def worst_difference(ours: Callable, peer: Callable, photos: dict[str, np.ndarray]) -> int:
    worst = 0
    for photo in photos.values():
        piece = photo[:90, :120]
        for size in ((3, 3), (7, 7), (4, 6)):
            expected = peer(piece, (*size, 1)[: piece.ndim])
            worst = max(worst, int((ours(piece, size) != expected).sum()))
    return worst


@evidence.equals("image.min_filter", peer="scipy", tolerance="identical", data="photos")
def test_min_filter_equals_scipy(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    worst = worst_difference(*PAIRS[0], photos)
    measured(worst)
    assert worst == 0


@evidence.equals("image.max_filter", peer="scipy", tolerance="identical", data="photos")
def test_max_filter_equals_scipy(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    worst = worst_difference(*PAIRS[1], photos)
    measured(worst)
    assert worst == 0


@pytest.mark.parametrize("border", MODES)
@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (20, 31), (20, 31, 3)])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_footprints_and_borders_equal_scipy(border: str, shape: tuple[int, ...], dtype: str) -> None:
    picture = (RANDOM.random(shape) * (1 if dtype == "float32" else 255)).astype(dtype)
    odd = RANDOM.random((5, 4)) > 0.5
    odd[0, 3] = True
    for footprint in (odd, np.ones((3, 5), bool)):
        around = footprint if picture.ndim == 2 else footprint[..., None]
        for ours, peer in PAIRS:
            expected = peer(picture, footprint=around, mode=MODES[border])
            np.testing.assert_array_equal(ours(picture, footprint=footprint, border=border), expected)


def test_minimum_and_maximum_are_dual() -> None:
    picture = RANDOM.integers(0, 256, (30, 41), dtype=np.uint8)
    np.testing.assert_array_equal(sl.image.min_filter(picture, 5), 255 - sl.image.max_filter(255 - picture, 5))


def test_nan_spreads_over_the_neighbourhood() -> None:
    picture = np.zeros((7, 7), np.float32)
    picture[3, 3] = np.nan
    assert np.isnan(sl.image.max_filter(picture)).sum() == 9


def test_what_is_wrong_is_refused_by_name() -> None:
    picture = np.zeros((5, 6), np.uint8)
    for size in (0, -1, 2.5, True):
        with pytest.raises(InputError, match="min_filter: size must be a whole number"):
            sl.image.min_filter(picture, size)
    with pytest.raises(InputError, match="max_filter: size must be a whole number or"):
        sl.image.max_filter(picture, (3, 3, 3))
    with pytest.raises(InputError, match="max_filter: footprint must be H×W bool"):
        sl.image.max_filter(picture, footprint=np.ones((3, 3)))
    with pytest.raises(InputError, match="footprint must have a true pixel"):
        sl.image.max_filter(picture, footprint=np.zeros((3, 3), bool))
    with pytest.raises(InputError, match="border must be one of"):
        sl.image.max_filter(picture, border="constant")
