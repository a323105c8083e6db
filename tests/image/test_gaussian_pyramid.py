"""The Gaussian pyramid, halving and doubling against OpenCV."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.image.gaussian_pyramid import expand, reduce

SHAPES = [(50, 61), (51, 60, 3), (7, 9), (2, 2), (1, 9), (9, 1), (1, 1), (33, 5, 2)]


def noise(shape: tuple[int, ...], dtype: str = "uint8") -> np.ndarray:
    values = np.random.default_rng(7).random(shape, np.float32)
    return values if dtype == "float32" else (values * (np.iinfo(dtype).max + 1)).astype(dtype)


@evidence.equals("image.gaussian_pyramid", peer="opencv", tolerance="identical (uint8), 1e-6 (float32)", data="photos")
def test_levels_equal_opencv(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    worst = 0.0
    for picture in photos.values():
        for image, bound in ((picture, 0), (sl.to_float(picture), 1e-6)):
            peer = image
            for level in sl.image.gaussian_pyramid(image, 6):
                error = float(np.abs(level.astype(np.float64) - peer.reshape(level.shape)).max())
                assert error <= bound
                worst = max(worst, error)
                peer = cv2.pyrDown(peer)
    measured(worst)


@pytest.mark.parametrize("shape", SHAPES)
def test_doubling_equals_opencv(shape: tuple[int, ...]) -> None:
    image = noise(shape, "float32")
    for odd_rows in (0, 1):
        for odd_columns in (0, 1):
            to = 2 * shape[0] - odd_rows, 2 * shape[1] - odd_columns, *shape[2:]
            base, out = noise(to, "float32"), np.empty(to, np.float32)
            expand(image, base, -1, out)
            peer = base - cv2.pyrUp(image, dstsize=to[1::-1]).reshape(to)
            np.testing.assert_allclose(out, peer, atol=1e-6)


@pytest.mark.parametrize("shape", SHAPES)
def test_uint16_is_the_float_result_rounded(shape: tuple[int, ...]) -> None:
    image = noise(shape, "uint16")
    exact = reduce(image.astype(np.float32))
    assert np.abs(reduce(image).astype(np.float64) - exact).max() <= 0.5


def test_the_first_level_is_a_copy_and_each_further_one_half() -> None:
    image = noise((37, 20, 3))
    pyramid = sl.image.gaussian_pyramid(image, 7)
    np.testing.assert_array_equal(pyramid[0], image)
    assert not np.shares_memory(pyramid[0], image)
    assert [level.shape[:2] for level in pyramid] == [(37, 20), (19, 10), (10, 5), (5, 3), (3, 2), (2, 1), (1, 1)]


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_a_flat_image_stays_flat(dtype: str) -> None:
    image = np.full((13, 10), 0.7 if dtype == "float32" else np.iinfo(dtype).max, dtype)
    for level in sl.image.gaussian_pyramid(image, 5):
        np.testing.assert_allclose(level, image[0, 0], rtol=1e-6)


def test_nan_spoils_what_sees_it() -> None:
    image = noise((20, 30), "float32")
    image[9, 10] = np.nan
    spoilt = np.argwhere(np.isnan(sl.image.gaussian_pyramid(image, 2)[1]))
    assert {tuple(p) for p in spoilt.tolist()} == {(y, x) for y in (4, 5) for x in (4, 5, 6)}


def test_steps_show_every_level() -> None:
    played = sl.trace(sl.image.gaussian_pyramid, noise((20, 25, 3)), 3)
    assert [step.name for step in played] == ["level 0", "level 1", "level 2", "pyramid"]


@pytest.mark.parametrize("levels", [0, -1, 33, 2.0, True, "3"])
def test_levels_are_refused_by_name(levels: object) -> None:
    for function in (sl.image.gaussian_pyramid, sl.image.laplacian_pyramid):
        with pytest.raises(InputError, match=f"{function.__name__}: levels must be a whole number"):
            function(noise((4, 4)), levels)
