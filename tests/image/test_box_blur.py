"""Box blur against OpenCV and NumPy, on every dtype, size and border."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError

PEER_BORDERS = {"reflect": cv2.BORDER_REFLECT_101, "symmetric": cv2.BORDER_REFLECT, "edge": cv2.BORDER_REPLICATE}
SIZES = ((1, 1), (2, 2), (3, 3), (5, 5), (4, 7), (16, 1), (31, 31), (1, 64))


def noise(shape: tuple[int, ...], dtype: str = "uint8") -> np.ndarray:
    values = np.random.default_rng(7).random(shape, np.float32)
    return values if dtype == "float32" else (values * (np.iinfo(dtype).max + 1)).astype(dtype)


def by_numpy(picture: np.ndarray, size: tuple[int, int], border: str) -> np.ndarray:
    """Return the means of every window, in float64."""
    around = [(s // 2, s - 1 - s // 2) for s in size] + [(0, 0)] * (picture.ndim - 2)
    padded = np.pad(picture.astype(np.float64), around, mode=border)
    for axis in (0, 1):  # one after the other: a mean of means
        padded = np.lib.stride_tricks.sliding_window_view(padded, size[axis], axis=axis).mean(-1)
    return padded


@evidence.equals("image.box_blur", peer="opencv", tolerance="within 1 grey level (uint8)", data="photos")
def test_bytes_agree_with_opencv(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    worst = 0
    for picture in photos.values():
        for size in SIZES:
            peer = cv2.blur(picture, size[::-1], borderType=cv2.BORDER_REPLICATE).reshape(picture.shape)
            worst = max(worst, int(cv2.absdiff(sl.image.box_blur(picture, size, border="edge"), peer).max()))
    measured(worst)
    assert worst <= 1


@evidence.equals("image.box_blur", peer="opencv", tolerance="within 1e-5 (float32)", data="photos")
def test_floats_agree_with_opencv(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    worst = 0.0
    for picture in photos.values():
        values = sl.to_float(picture)
        for size in SIZES:
            peer = cv2.blur(values, size[::-1], borderType=cv2.BORDER_REPLICATE).reshape(values.shape)
            worst = max(worst, float(np.abs(sl.image.box_blur(values, size, border="edge") - peer).max()))
    measured(worst)
    assert worst <= 1e-5


@pytest.mark.parametrize("border", list(PEER_BORDERS))
@pytest.mark.parametrize("shape", [(40, 51), (40, 51, 3), (33, 20, 2)])
def test_borders_agree_with_opencv(border: str, shape: tuple[int, ...]) -> None:
    for dtype, bound in (("uint8", 1), ("uint16", 1), ("float32", 1e-6)):
        picture = noise(shape, dtype)
        peer = cv2.blur(picture, (12, 9), borderType=PEER_BORDERS[border])
        ours = sl.image.box_blur(picture, (9, 12), border=border)
        assert np.abs(ours.astype(np.float64) - peer).max() <= bound


@pytest.mark.parametrize("size", [(2, 3), (64, 21), (65, 300), (300, 301)])
def test_bytes_are_the_mean_rounded(size: tuple[int, int]) -> None:
    picture = noise((310, 303))
    for border in ("reflect", "wrap"):
        error = np.abs(sl.image.box_blur(picture, size, border=border) - by_numpy(picture, size, border))
        assert error.max() <= 0.5001


def test_a_box_larger_than_the_image_repeats_it() -> None:
    picture = noise((3, 5), "float32")
    np.testing.assert_allclose(
        sl.image.box_blur(picture, (41, 33), border="wrap"), by_numpy(picture, (41, 33), "wrap"), rtol=1e-6
    )


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("size", [1, 5, 64, 257, 1001])
def test_a_flat_image_stays(dtype: str, size: int) -> None:
    picture = np.full((9, 12), 0.5 if dtype == "float32" else np.iinfo(dtype).max, dtype)
    np.testing.assert_allclose(sl.image.box_blur(picture, size), picture, rtol=1e-6)


def test_each_channel_is_blurred_alone() -> None:
    picture = noise((30, 41, 3))
    for channel in range(3):
        np.testing.assert_array_equal(
            sl.image.box_blur(picture, 6)[..., channel], sl.image.box_blur(picture[..., channel], 6)
        )


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_spoils_the_boxes_that_hold_it(bad: float) -> None:
    picture = noise((300, 40), "float32")
    picture[150, 15] = bad
    spoilt = ~np.isfinite(sl.image.box_blur(picture, (5, 4)))
    expected = np.zeros_like(spoilt)
    expected[148:153, 14:18] = True
    np.testing.assert_array_equal(spoilt, expected)


def test_steps_go_down_then_across() -> None:
    played = sl.trace(sl.image.box_blur, noise((20, 25), "float32"), (5, 3))
    assert [step.name for step in played] == ["down", "result"]
    np.testing.assert_allclose(sl.image.box_blur(played["down"].value, (1, 3)), played.result, atol=1e-6)


def test_out_is_filled_and_returned() -> None:
    picture = noise((20, 25))
    out = np.empty_like(picture)
    assert sl.image.box_blur(picture, 4, out=out) is out
    np.testing.assert_array_equal(out, sl.image.box_blur(picture, 4))


@pytest.mark.parametrize("size", [0, -3, 2.5, "3", None, True, (3,), (3, 0), (1, 2, 3), 20_000])
def test_size_is_refused_by_name(size: object) -> None:
    with pytest.raises(InputError, match="box_blur: size"):
        sl.image.box_blur(noise((4, 4)), size)


def test_an_unknown_border_names_the_nearest() -> None:
    with pytest.raises(InputError, match=r"border must be one of .* Did you mean 'reflect'\?"):
        sl.image.box_blur(noise((4, 4)), 3, border="reflekt")
