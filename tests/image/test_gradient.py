"""The gradient against OpenCV, for each operator and dtype."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError


def peer(gray: np.ndarray, operator: str) -> tuple[np.ndarray, np.ndarray]:
    """Return OpenCV's derivatives in the depth that we return."""
    depth = cv2.CV_16S if gray.dtype == np.uint8 else cv2.CV_32F
    if operator == "prewitt":
        kernel = np.tile(np.float32([-1, 0, 1]), (3, 1))
        return cv2.filter2D(gray, depth, kernel), cv2.filter2D(gray, depth, kernel.T)
    if operator == "scharr":
        return cv2.Scharr(gray, depth, 1, 0), cv2.Scharr(gray, depth, 0, 1)
    size = 3 if operator == "sobel" else 1
    return cv2.Sobel(gray, depth, 1, 0, ksize=size), cv2.Sobel(gray, depth, 0, 1, ksize=size)


@pytest.mark.parametrize("operator", ["sobel", "scharr", "prewitt", "central"])
@evidence.equals("image.gradient", peer="opencv", tolerance="identical (uint8, uint16), 1e-5 (float32)", data="photos")
def test_equals_opencv(operator: str, photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    worst = 0.0
    for gray in (picture for picture in photos.values() if picture.ndim == 2 and min(picture.shape) > 1):
        for image, bound in ((gray, 0), (gray.astype(np.uint16) * 257, 0), (gray / np.float32(255), 1e-5)):
            ours = sl.image.gradient(image, operator=operator)
            error = max(
                float(np.abs(a.astype(float) - b).max()) for a, b in zip(ours, peer(image, operator), strict=True)
            )
            assert error <= bound
            worst = max(worst, error)
    measured(worst)


PADS = {"reflect": cv2.BORDER_REFLECT_101, "symmetric": cv2.BORDER_REFLECT, "edge": cv2.BORDER_REPLICATE}
PADS |= {"constant": cv2.BORDER_CONSTANT}


@evidence.equals("image.gradient", peer="opencv", tolerance="1e-6 of the largest (windows of 5 to 31)", data="photos")
def test_larger_windows_equal_opencv(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    worst = 0.0
    for photo in photos.values():
        gray = photo if photo.ndim == 2 else sl.image.convert(photo, "rgb", "gray")
        for image in (gray, gray.astype(np.uint16) * np.uint16(257), sl.to_float(gray)):
            for size in (5, 7, 31):
                for ours, axes in zip(sl.image.gradient(image, size=size), ((1, 0), (0, 1)), strict=True):
                    peer = cv2.Sobel(image.astype(np.float64), cv2.CV_64F, *axes, ksize=size)
                    assert ours.dtype == np.float32
                    weights = 2.0 ** (2 * size - 3) * float(np.abs(image).max() or 1)
                    worst = max(worst, float(np.abs(ours - peer).max()) / weights)
    measured(worst)
    assert worst <= 1e-6


@pytest.mark.parametrize("border", PADS)
@pytest.mark.parametrize("operator", ["sobel", "scharr", "prewitt", "central"])
def test_borders_equal_opencv(operator: str, border: str, photos: dict[str, np.ndarray]) -> None:
    weights = {"sobel": [1, 2, 1], "scharr": [3, 10, 3], "prewitt": [1, 1, 1], "central": [0, 1, 0]}
    across, along = weights[operator], [-1, 0, 1]
    for photo in photos.values():
        gray = photo if photo.ndim == 2 else sl.image.convert(photo, "rgb", "gray")
        dx, dy = sl.image.gradient(gray, operator, border=border)
        assert dx.dtype == dy.dtype == np.int16
        for ours, row, column in ((dx, along, across), (dy, across, along)):
            kernels = np.array(row, np.float32), np.array(column, np.float32)
            assert np.array_equal(ours, cv2.sepFilter2D(gray, cv2.CV_16S, *kernels, borderType=PADS[border]))


def test_wrap_turns_with_the_image() -> None:
    image = np.random.default_rng(2).integers(0, 256, (20, 30), dtype=np.uint8)
    for size in (3, 5):
        plain = sl.image.gradient(image, border="wrap", size=size)
        moved = sl.image.gradient(np.roll(image, (7, 11), (0, 1)), border="wrap", size=size)
        for a, b in zip(plain, moved, strict=True):
            assert np.array_equal(np.roll(a, (7, 11), (0, 1)), b)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"size": 4}, "gradient: size must be an odd whole number in 3–31; got 4. Use 5."),
        ({"size": 33}, "gradient: size must be an odd whole number"),
        ({"size": 5, "operator": "scharr"}, "gradient: size must be 3 for 'scharr'; got 5. Use 'sobel'."),
        ({"border": "mirror"}, "gradient: border must be one of"),
    ],
)
def test_windows_and_borders_that_are_none(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        sl.image.gradient(np.zeros((5, 6), np.uint8), **options)


def test_result_types() -> None:
    kinds = {dtype: sl.image.gradient(np.zeros((3, 3), dtype))[0].dtype for dtype in ("uint8", "uint16", "float32")}
    assert kinds == {"uint8": np.int16, "uint16": np.float32, "float32": np.float32}


def test_ramp_has_the_documented_slopes() -> None:
    ramp = np.tile(np.arange(9, dtype=np.uint8), (5, 1))
    slopes = {
        name: int(sl.image.gradient(ramp, operator=name)[0][2, 4]) for name in ("sobel", "scharr", "prewitt", "central")
    }
    assert slopes == {"sobel": 8, "scharr": 32, "prewitt": 6, "central": 2}


def test_one_row_and_one_column() -> None:
    for shape in ((1, 1), (1, 5), (5, 1)):
        dx, dy = sl.image.gradient(np.arange(max(shape), dtype=np.uint8).reshape(shape))
        assert dx.shape == dy.shape == shape


def test_colour_is_turned_to_gray() -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    gray = sl.image.convert(rgb, "rgb", "gray")
    assert all(np.array_equal(a, b) for a, b in zip(sl.image.gradient(rgb), sl.image.gradient(gray), strict=True))


def test_nan_spreads_to_its_neighbours() -> None:
    image = np.zeros((7, 7), np.float32)
    image[3, 3] = np.nan
    dx, dy = sl.image.gradient(image)
    bad = np.isnan(dx) | np.isnan(dy)
    assert bad[2:5, 2:5].sum() == 8
    assert bad.sum() == 8


def test_out_is_used_and_checked() -> None:
    image = np.zeros((4, 5), np.uint8)
    out = np.ones((4, 5), np.int16), np.ones((4, 5), np.int16)
    assert sl.image.gradient(image, out=out)[0] is out[0]
    assert not out[1].any()
    with pytest.raises(InputError, match="gradient: out must be two different arrays"):
        sl.image.gradient(image, out=(out[0], out[0]))
    with pytest.raises(InputError, match="gradient: out must be 4×5 int16"):
        sl.image.gradient(image, out=(out[0], np.zeros((4, 5), np.float32)))


def test_unknown_operator_is_refused_with_the_nearest() -> None:
    with pytest.raises(InputError, match="Did you mean 'scharr'"):
        sl.image.gradient(np.zeros((3, 3), np.uint8), operator="schar")
