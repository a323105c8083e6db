"""Rank filter against SciPy, on every dtype, size, footprint and border."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy import ndimage

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError

MODES = {"symmetric": "reflect", "reflect": "mirror", "edge": "nearest", "wrap": "wrap"}
RANDOM = np.random.default_rng(5)
CROSS = ndimage.generate_binary_structure(2, 1)


@evidence.equals("image.rank_filter", peer="scipy", tolerance="identical", data="photos")
def test_rank_filter_equals_scipy(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    worst = 0
    for photo in photos.values():
        piece = photo[:60, :90]
        for size, rank in ((3, 1), (5, -3), (7, 30), ((4, 6), 5)):
            sides = size if isinstance(size, tuple) else (size, size)
            expected = ndimage.rank_filter(piece, rank, (*sides, 1)[: piece.ndim])
            worst = max(worst, int((sl.image.rank_filter(piece, rank, size) != expected).sum()))
    measured(worst)
    assert worst == 0


@pytest.mark.parametrize("border", MODES)
@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (70, 140), (20, 31, 3)])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_footprints_and_borders_equal_scipy(border: str, shape: tuple[int, ...], dtype: str) -> None:
    picture = (RANDOM.random(shape) * (1 if dtype == "float32" else 255)).astype(dtype)
    ragged = RANDOM.random((5, 4)) > 0.5
    ragged[0, 3] = True
    for footprint in (ragged, CROSS, np.ones((3, 5), bool)):
        around = footprint if picture.ndim == 2 else footprint[..., None]
        for rank in (0, 1, -1):
            expected = ndimage.rank_filter(picture, rank, footprint=around, mode=MODES[border])
            ours = sl.image.rank_filter(picture, rank, footprint=footprint, border=border)
            np.testing.assert_array_equal(ours, expected)


@pytest.mark.parametrize("percentile", [0, 10, 33.3, 50, 99, 100])
def test_percentiles_equal_scipy(percentile: float) -> None:
    for dtype in (np.uint8, np.float32):
        picture = (RANDOM.random((40, 50)) * 200).astype(dtype)
        expected = ndimage.percentile_filter(picture, percentile, 5)
        np.testing.assert_array_equal(sl.image.rank_filter(picture, size=5, percentile=percentile), expected)


def test_middle_first_and_last_are_median_minimum_and_maximum() -> None:
    for dtype in (np.uint8, np.uint16, np.float32):
        picture = (RANDOM.random((80, 90)) * 250).astype(dtype)
        middle = sl.image.rank_filter(picture, 40, 9, border="edge")
        np.testing.assert_array_equal(middle, sl.image.median_blur(picture, 9))
        np.testing.assert_array_equal(
            sl.image.rank_filter(picture, 0, CROSS), sl.image.min_filter(picture, footprint=CROSS)
        )
        np.testing.assert_array_equal(sl.image.rank_filter(picture, -1, 4), sl.image.max_filter(picture, 4))


def test_large_windows_on_wide_numbers() -> None:
    picture = RANDOM.integers(0, 65536, (90, 100), dtype=np.uint16)
    picture[30:60] //= 4000  # ties
    expected = ndimage.rank_filter(picture, 700, 51)
    np.testing.assert_array_equal(sl.image.rank_filter(picture, 700, 51), expected)


def test_what_is_wrong_is_refused_by_name() -> None:
    picture = np.zeros((5, 6), np.float32)
    for rank in (9, -10, 1.5, True):
        with pytest.raises(InputError, match="rank_filter: rank must be a whole number"):
            sl.image.rank_filter(picture, rank)
    with pytest.raises(InputError, match=r"rank must be given, or else percentile; got neither\."):
        sl.image.rank_filter(picture)
    with pytest.raises(InputError, match=r"rank must be given, or else percentile; got both\."):
        sl.image.rank_filter(picture, 3, percentile=50)
    for percentile in (-1, 101, np.nan):
        with pytest.raises(InputError, match="rank_filter: percentile must be a number in 0–100"):
            sl.image.rank_filter(picture, percentile=percentile)
    with pytest.raises(InputError, match="size must be ≤ 255"):
        sl.image.rank_filter(picture, 3, 257)
    with pytest.raises(InputError, match="footprint must be H×W bool"):
        sl.image.rank_filter(picture, 3, footprint=np.ones((3, 3)))
    picture[1, 1] = np.nan
    with pytest.raises(InputError, match="rank_filter: image must be finite"):
        sl.image.rank_filter(picture, 3)
