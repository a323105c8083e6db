"""Small windows in kernels of their own: the sums that SciPy makes, at every border and at widths around a block."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.ndimage

import sightline as sl
from sightline.core.weighted_sums import ROW

CROSS = np.array([[0, -1, 0], [-1, 5, -2], [0, 3, 0]], np.float64)
SQUARE = np.array([[1, -2, 3], [-4, 5, -6], [7, -8, 9]], np.float64)
MODES = {"reflect": "mirror", "symmetric": "reflect", "edge": "nearest", "wrap": "wrap"}


@pytest.mark.parametrize("window", [CROSS, SQUARE])
@pytest.mark.parametrize("border", MODES)
@pytest.mark.parametrize("width", [ROW + 1, ROW + 2, 203])
def test_sums_are_those_of_scipy(window: np.ndarray, border: str, width: int) -> None:
    whole = np.random.default_rng(width).integers(0, 256, (195, width), dtype=np.uint8)
    sums = scipy.ndimage.correlate(whole.astype(np.float64), window, mode=MODES[border])
    np.testing.assert_array_equal(sl.image.correlate(whole, window, border=border), np.clip(sums, 0, 255))
    floats = whole.astype(np.float32)
    np.testing.assert_array_equal(sl.image.correlate(floats, window, border=border), sums)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_channels_stay_apart(dtype: type) -> None:
    image = np.random.default_rng(1).integers(0, 256, (5, 90, 3)).astype(dtype)
    found = sl.image.correlate(image, SQUARE)
    for channel in range(3):
        np.testing.assert_array_equal(found[..., channel], sl.image.correlate(image[..., channel], SQUARE))


@pytest.mark.parametrize("scale", [1.5, 40.0])
def test_weights_that_are_not_whole_or_too_large_go_another_way(scale: float) -> None:
    image = np.random.default_rng(2).integers(0, 256, (7, 100), dtype=np.uint8)
    sums = scipy.ndimage.correlate(image.astype(np.float64), scale * CROSS, mode="mirror")
    np.testing.assert_array_equal(sl.image.correlate(image, scale * CROSS), np.clip(np.floor(sums + 0.5), 0, 255))


def test_nan_spoils_its_neighbours_alone() -> None:
    image = np.ones((9, 150), np.float32)
    image[0, 0] = image[4, 70] = np.nan
    spoilt = np.isnan(sl.image.correlate(image, CROSS))
    expected = scipy.ndimage.binary_dilation(np.isnan(image))
    np.testing.assert_array_equal(spoilt, expected)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize("shape", [(8, 90), (7, 80, 3)])
def test_windows_within_the_image_are_a_part_of_all(dtype: type, shape: tuple[int, ...]) -> None:
    image = np.random.default_rng(4).integers(0, 256, shape).astype(dtype)
    for window in (CROSS, SQUARE):
        whole, part = (sl.image.correlate(image, window, padding=padding) for padding in ("same", "valid"))
        np.testing.assert_array_equal(part, whole[1:-1, 1:-1])
