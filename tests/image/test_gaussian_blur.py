"""Gaussian blur against OpenCV, on every dtype and border."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError

PEER_BORDERS = {
    "reflect": cv2.BORDER_REFLECT_101,
    "symmetric": cv2.BORDER_REFLECT,
    "edge": cv2.BORDER_REPLICATE,
}


def noise(shape: tuple[int, ...], dtype: str = "uint8") -> np.ndarray:
    values = np.random.default_rng(7).random(shape, np.float32)
    return values if dtype == "float32" else (values * (np.iinfo(dtype).max + 1)).astype(dtype)


@evidence.equals("image.gaussian_blur", peer="opencv", tolerance="within 1 grey level (uint8)", data="photos")
def test_bytes_agree_with_opencv(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    worst = 0
    for picture in photos.values():
        for sigma in (0.5, 1.1, 3.0, 10.0):
            peer = cv2.GaussianBlur(picture, (0, 0), sigma, borderType=cv2.BORDER_REFLECT_101)
            worst = max(worst, int(cv2.absdiff(sl.image.gaussian_blur(picture, sigma), peer).max()))
    measured(worst)
    assert worst <= 1


@evidence.equals("image.gaussian_blur", peer="opencv", tolerance="within 1e-5 (float32)", data="photos")
def test_floats_agree_with_opencv(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    worst = 0.0
    for picture in photos.values():
        values = sl.to_float(picture)
        for sigma in (0.8, 2.5, 7.0):
            error = np.abs(sl.image.gaussian_blur(values, sigma) - cv2.GaussianBlur(values, (0, 0), sigma)).max()
            worst = max(worst, float(error))
    measured(worst)
    assert worst <= 1e-5


def test_uint16_agrees_with_opencv_of_the_same_size() -> None:
    picture = noise((70, 91), "uint16")
    for sigma in (1.1, 4.0):
        size = round(8 * sigma + 1) | 1
        peer = cv2.GaussianBlur(picture, (size, size), sigma)
        assert cv2.absdiff(sl.image.gaussian_blur(picture, sigma), peer).max() <= 1


@pytest.mark.parametrize("border", list(PEER_BORDERS))
@pytest.mark.parametrize("shape", [(40, 51), (40, 51, 3), (33, 20, 2)])
def test_borders_agree_with_opencv(border: str, shape: tuple[int, ...]) -> None:
    picture = noise(shape)
    peer = cv2.GaussianBlur(picture, (0, 0), 2.0, borderType=PEER_BORDERS[border])
    assert cv2.absdiff(sl.image.gaussian_blur(picture, 2.0, border=border), peer).max() <= 1


@pytest.mark.parametrize("sigma", [(1.0, 4.0), (3.5, 0.8), (2.0, 0), (0, 2.0), (20.0, 1.5), (2, 30)])
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_a_sigma_a_direction_agrees_with_opencv(
    dtype: str, sigma: tuple[float, float], photos: dict[str, np.ndarray]
) -> None:
    down, across = sigma
    taps = 6 if dtype == "uint8" else 8  # sigma 0 means something else to the peer: one tap is asked for
    size = tuple(1 if one == 0 else round(taps * one + 1) | 1 for one in (across, down))
    for picture in photos.values():
        values = picture if dtype == "uint8" else sl.to_float(picture)
        # Beyond 16 the peer's bytes are coarser than its floats, and ours are not.
        given = values.astype(np.float32) if max(sigma) > 16 else values
        peer = cv2.GaussianBlur(given, size, max(across, 1e-3), sigmaY=max(down, 1e-3))
        worst = np.abs(sl.image.gaussian_blur(values, sigma).astype(np.float64) - peer).max()
        assert worst <= (1 if dtype == "uint8" else 1e-5)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("sigma", [0, 0.7, 3.0, 17.0])
def test_twice_the_same_sigma_is_that_sigma(dtype: str, sigma: float) -> None:
    picture = noise((40, 51, 3), dtype)
    np.testing.assert_array_equal(
        sl.image.gaussian_blur(picture, (sigma, sigma)), sl.image.gaussian_blur(picture, sigma)
    )


@pytest.mark.parametrize("sigma", [(1.0, -1.0), (np.nan, 1.0), ("a", 1)])
def test_pairs_that_are_no_sigmas_are_refused(sigma: tuple[object, object]) -> None:
    with pytest.raises(InputError, match=r"gaussian_blur: sigma\[\d\] \((down|across)\) must be a number in 0–1000"):
        sl.image.gaussian_blur(noise((8, 9)), sigma)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="sigma must be a number"):
        sl.image.gaussian_blur(noise((8, 9)), (1.0, 2.0, 3.0))  # type: ignore[arg-type]


def test_wrap_turns_with_the_image() -> None:
    picture = noise((30, 40), "float32")
    turned = sl.image.gaussian_blur(np.roll(picture, (7, 11), (0, 1)), 2.0, border="wrap")
    np.testing.assert_allclose(np.roll(sl.image.gaussian_blur(picture, 2.0, border="wrap"), (7, 11), (0, 1)), turned)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("sigma", [0.3, 1.0, 15.9, 40.0])
def test_a_flat_image_stays(dtype: str, sigma: float) -> None:
    picture = np.full((9, 12), 0.5 if dtype == "float32" else np.iinfo(dtype).max, dtype)
    np.testing.assert_allclose(sl.image.gaussian_blur(picture, sigma), picture, rtol=1e-6)


def test_a_large_sigma_on_bytes_is_the_float_result_rounded() -> None:
    picture = noise((64, 80))
    exact = sl.image.gaussian_blur(picture.astype(np.float32), 20.0)
    inner = (slice(None), slice(None))
    assert np.abs(sl.image.gaussian_blur(picture, 20.0)[inner] - exact[inner]).max() <= 0.5 + 0.7


def test_zero_sigma_is_an_equal_copy() -> None:
    picture = noise((8, 9, 3))
    same = sl.image.gaussian_blur(picture, 0)
    assert same is not picture
    np.testing.assert_array_equal(same, picture)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_spoils_the_reach_of_the_kernel(bad: float) -> None:
    picture = np.zeros((31, 31), np.float32)
    picture[15, 15] = bad
    spoilt = ~np.isfinite(sl.image.gaussian_blur(picture, 1.0))
    expected = np.zeros_like(spoilt)
    expected[11:20, 11:20] = True  # 9 taps
    np.testing.assert_array_equal(spoilt, expected)


def test_steps_go_down_then_across() -> None:
    picture = noise((20, 25))
    played = sl.trace(sl.image.gaussian_blur, picture, 2.0)
    assert [step.name for step in played] == ["kernel", "down", "result"]
    assert played["kernel"].value[:, 1].sum() == pytest.approx(1)
    turned = sl.trace(sl.image.gaussian_blur, np.ascontiguousarray(played["down"].value.T), 2.0)
    np.testing.assert_array_equal(turned["down"].value.T, played.result)


def test_out_is_filled_and_returned() -> None:
    picture = noise((20, 25))
    out = np.empty_like(picture)
    assert sl.image.gaussian_blur(picture, 1.5, out=out) is out
    np.testing.assert_array_equal(out, sl.image.gaussian_blur(picture, 1.5))


@pytest.mark.parametrize("sigma", [-1, np.nan, "2", True])
def test_sigma_is_refused_by_name(sigma: object) -> None:
    with pytest.raises(InputError, match="gaussian_blur: sigma must be a number"):
        sl.image.gaussian_blur(noise((4, 4)), sigma)


def test_an_unknown_border_names_the_nearest() -> None:
    with pytest.raises(InputError, match=r"border must be one of .* Did you mean 'reflect'\?"):
        sl.image.gaussian_blur(noise((4, 4)), 1, border="reflekt")
