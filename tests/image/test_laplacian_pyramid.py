"""The Laplacian pyramid against OpenCV's differences, and its perfect reconstruction."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError


def noise(shape: tuple[int, ...], dtype: str = "uint8") -> np.ndarray:
    values = np.random.default_rng(7).random(shape, np.float32)
    return values if dtype == "float32" else (values * (np.iinfo(dtype).max + 1)).astype(dtype)


@evidence.equals("image.laplacian_pyramid", peer="opencv", tolerance="1e-6", data="photos")
def test_bands_equal_the_differences_of_opencv(
    photos: dict[str, np.ndarray], measured: Callable[[float], None]
) -> None:
    worst = 0.0
    for picture in photos.values():
        level = sl.to_float(picture)
        bands = sl.image.laplacian_pyramid(level, 5)
        for index, band in enumerate(bands):
            level = level.reshape(band.shape)
            below = cv2.pyrDown(level)
            up = cv2.pyrUp(below, dstsize=level.shape[1::-1]).reshape(level.shape)
            peer = level - up if index < 4 else level
            worst = max(worst, float(np.abs(band - peer).max()))
            level = below
    measured(worst)
    assert worst <= 1e-6


@evidence.equals("image.collapse", peer="the image", tolerance="1e-6 (float32), identical (uint8)", data="photos")
def test_reconstruction_is_exact(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    worst = 0.0
    for picture in photos.values():
        for levels in (1, 2, 6, 12):
            values = sl.to_float(picture)
            again = sl.image.collapse(sl.image.laplacian_pyramid(values, levels))
            worst = max(worst, float(np.abs(again - values).max()))
            whole = sl.image.collapse(sl.image.laplacian_pyramid(picture, levels), dtype="uint8")
            np.testing.assert_array_equal(whole, picture)
    measured(worst)
    assert worst <= 1e-6


def test_doubling_equals_opencv() -> None:
    image = noise((13, 20, 3), "float32")
    doubled = sl.image.collapse([np.zeros((26, 39, 3), np.float32), image])
    np.testing.assert_allclose(doubled, cv2.pyrUp(image, dstsize=(39, 26)), atol=1e-6)


def test_uint16_comes_back() -> None:
    image = noise((33, 20), "uint16")
    np.testing.assert_array_equal(sl.image.collapse(sl.image.laplacian_pyramid(image, 4), dtype="uint16"), image)


def test_bands_are_linear_in_the_image() -> None:
    one, two = noise((33, 20), "float32"), noise((33, 20, 2), "float32")[..., 1]
    parts = [sl.image.laplacian_pyramid(np.ascontiguousarray(x), 4) for x in (one, two, 2 * one - two)]
    for a, b, both in zip(*parts, strict=True):
        np.testing.assert_allclose(2 * a - b, both, atol=1e-6)


def test_out_of_range_sums_are_clipped() -> None:
    pyramid = [np.full((2, 2), 200.6, np.float32), np.full((1, 1), 100, np.float32)]
    assert sl.image.collapse(pyramid, dtype="uint8").max() == 255
    assert sl.image.collapse([pyramid[0]], dtype="uint8").tolist() == [[201, 201], [201, 201]]
    halves = np.array([[0.5, 1.5, 2.5, -3, np.nan, np.inf, -np.inf]], np.float32)  # halves go to the even neighbour
    assert sl.image.collapse([halves], dtype="uint16").tolist() == [[0, 2, 2, 0, 0, 65535, 0]]


@pytest.mark.parametrize("shape", [(3, 1100), (2, 1201, 3), (1, 1), (70, 33)])
def test_whole_numbers_are_the_rounded_sums(shape: tuple[int, ...]) -> None:
    pyramid = sl.image.laplacian_pyramid(noise(shape), 3)
    pyramid[0] += np.float32(0.3)
    sums = sl.image.collapse(pyramid)
    for dtype in ("uint8", "uint16"):
        rounded = np.clip(np.rint(sums), 0, np.iinfo(dtype).max).astype(dtype)
        np.testing.assert_array_equal(sl.image.collapse(pyramid, dtype=dtype), rounded)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_whole_numbers_have_the_bands_of_their_floats(dtype: str) -> None:
    image = noise((37, 1050, 3), dtype)
    for levels in (1, 2, 4):
        real = sl.image.laplacian_pyramid(image.astype(np.float32), levels)
        for ours, expected in zip(sl.image.laplacian_pyramid(image, levels), real, strict=True):
            np.testing.assert_array_equal(ours, expected)


def test_collapse_does_not_change_its_input() -> None:
    pyramid = sl.image.laplacian_pyramid(noise((9, 8)), 3)
    before = [band.copy() for band in pyramid]
    for levels in (pyramid, pyramid[:1]):
        sl.image.collapse(levels, dtype="uint8")
        sl.image.collapse(levels)[...] = 0
    for a, b in zip(before, pyramid, strict=True):
        np.testing.assert_array_equal(a, b)


def test_steps_end_in_the_result() -> None:
    image = noise((21, 25, 3))
    played = sl.trace(sl.image.laplacian_pyramid, image, 3)
    assert [step.name for step in played] == ["band 0", "band 1", "rest", "pyramid"]
    again = sl.trace(sl.image.collapse, played.result, dtype="uint8")
    assert [step.name for step in again] == ["from level 2", "from level 1", "collapsed"]
    np.testing.assert_array_equal(again.result, image)


@pytest.mark.parametrize(
    ("pyramid", "sentence"),
    [
        ([], "pyramid must be a list"),
        (np.zeros((2, 3), np.float32), "pyramid must be a list"),
        ([np.zeros((4, 4))], r"pyramid\[0\] must be"),
        ([np.zeros((4, 4), np.float32), 3], r"pyramid\[1\] must be"),
        ([np.zeros((5, 4), np.float32), np.zeros((2, 2), np.float32)], r"pyramid\[1\] must be 3×2; got 2×2"),
    ],
)
def test_collapse_refuses_what_is_no_pyramid(pyramid: object, sentence: str) -> None:
    with pytest.raises(InputError, match=f"collapse: {sentence}"):
        sl.image.collapse(pyramid)


def test_collapse_refuses_other_dtypes() -> None:
    with pytest.raises(InputError, match="collapse: dtype must be one of"):
        sl.image.collapse([np.zeros((4, 4), np.float32)], dtype="int8")
