"""The gradient against OpenCV, for each operator and dtype."""

from __future__ import annotations

from collections.abc import Callable

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
