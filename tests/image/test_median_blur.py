"""Median blur against OpenCV and SciPy, on every dtype and size."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from scipy import ndimage

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError


def noise(shape: tuple[int, ...], dtype: str = "uint8") -> np.ndarray:
    values = np.random.default_rng(7).random(shape, np.float32)
    return values if dtype == "float32" else (values * (np.iinfo(dtype).max + 1)).astype(dtype)


def peer(picture: np.ndarray, size: int) -> np.ndarray:
    """Return SciPy's median with repeated borders, each channel by itself."""
    return ndimage.median_filter(picture, (size, size, 1)[: picture.ndim], mode="nearest")


@evidence.equals("image.median_blur", peer="opencv", tolerance="identical (uint8, sizes 3 to 31)", data="photos")
def test_bytes_are_identical_to_opencv(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    worst = 0
    for picture in photos.values():
        for size in (3, 5, 7, 15, 31):
            piece = np.ascontiguousarray(picture[:120, :160])
            ours = sl.image.median_blur(piece, size)
            worst = max(worst, int(cv2.absdiff(ours, cv2.medianBlur(piece, size)).max()))
    measured(worst)
    assert worst == 0


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (2, 3), (23, 37), (23, 37, 2), (40, 20, 3)])
@pytest.mark.parametrize("size", [3, 5, 7])
def test_every_dtype_and_shape_agrees_with_scipy(dtype: str, shape: tuple[int, ...], size: int) -> None:
    picture = noise(shape, dtype)
    np.testing.assert_array_equal(sl.image.median_blur(picture, size), peer(picture, size))


@pytest.mark.parametrize("size", [7, 63, 255])
def test_any_size_is_identical_to_opencv(size: int) -> None:
    # More rows than a strip has, and jumps across all bins of the histogram.
    smooth = cv2.GaussianBlur(noise((300, 70)), (0, 0), 9)
    for picture in (noise((300, 70)), np.where(noise((300, 70)) > 100, smooth, noise((300, 70))), smooth):
        np.testing.assert_array_equal(sl.image.median_blur(picture, size), cv2.medianBlur(picture, size))


def test_networks_find_the_median_of_zeros_and_ones() -> None:
    # By the 0-1 principle a network that is right for these is right for everything: here, all 2⁹ and many of 2²⁵.
    bits = (np.arange(512)[:, None] >> np.arange(9)) & 1
    for pattern in bits.astype(np.uint8).reshape(-1, 3, 3):
        assert sl.image.median_blur(pattern, 3)[1, 1] == (pattern.sum() > 4)
    picture = (noise((400, 500)) > 127).astype(np.uint8)
    np.testing.assert_array_equal(sl.image.median_blur(picture, 5), peer(picture, 5))


def test_size_one_is_an_equal_copy() -> None:
    picture = noise((8, 9, 3))
    same = sl.image.median_blur(picture, 1)
    assert same is not picture
    np.testing.assert_array_equal(same, picture)


def test_out_is_filled_and_returned() -> None:
    picture = noise((20, 25))
    out = np.empty_like(picture)
    assert sl.image.median_blur(picture, out=out) is out
    np.testing.assert_array_equal(out, sl.image.median_blur(picture))


@pytest.mark.parametrize("size", [0, 2, -3, 3.0, True, 257])
def test_size_is_refused_by_name(size: object) -> None:
    with pytest.raises(InputError, match="median_blur: size must be an odd whole number"):
        sl.image.median_blur(noise((4, 4)), size)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_has_no_rank_is_refused(bad: float) -> None:
    picture = noise((6, 7), "float32")
    picture[2, 3] = bad
    with pytest.raises(InputError, match="median_blur: image must be finite; got 1 NaN or infinite values"):
        sl.image.median_blur(picture)


@pytest.mark.parametrize("channels", [1, 3])
def test_wide_pictures_are_done_tile_by_tile_without_seams(channels: int) -> None:
    shape = (30, 4700) if channels == 1 else (30, 1700, 3)
    image = np.random.default_rng(4).integers(0, 256, shape, dtype=np.uint8)
    np.testing.assert_array_equal(sl.image.median_blur(image, 13), cv2.medianBlur(image, 13))
