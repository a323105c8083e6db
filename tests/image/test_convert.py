"""Colour spaces against OpenCV, on every dtype."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError

FULL = {"uint8": 255, "uint16": 65535, "float32": 1}


def colours(dtype: str, seed: int = 7) -> np.ndarray:
    """Return random colours and all corners of the cube."""
    values = np.random.default_rng(seed).random((61, 83, 3), np.float32)
    values[0, :8] = [[r, g, b] for r in (0, 1) for g in (0, 1) for b in (0, 1)]
    values[1] = values[1, :, :1]  # grays
    return values if dtype == "float32" else np.rint(values * FULL[dtype]).astype(dtype)


@evidence.equals("image.convert", peer="opencv", tolerance="rgb→gray identical (uint8, uint16)", data="photos")
def test_gray_is_identical_to_opencv(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    worst = 0
    for picture in [image for image in photos.values() if image.ndim == 3] + [colours("uint16")]:
        ours, peer = sl.image.convert(picture, "rgb", "gray"), cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
        worst = max(worst, int(cv2.absdiff(ours, peer).max()))
    measured(worst)
    assert worst == 0


@evidence.equals("image.convert", peer="opencv", tolerance="rgb→hsv identical (uint8)", data="all pairs and photos")
def test_hsv_is_identical_to_opencv(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    value, low = np.mgrid[:256, :256].astype(np.uint8)
    pairs = np.stack([value, np.minimum(value, low), (value // 2 + low // 2).astype(np.uint8)], -1)
    turned = [np.ascontiguousarray(pairs[..., order]) for order in ([0, 1, 2], [1, 2, 0], [2, 0, 1], [1, 0, 2])]
    worst = 0
    for picture in [*turned, *(image for image in photos.values() if image.ndim == 3)]:
        ours, peer = sl.image.convert(picture, "rgb", "hsv"), cv2.cvtColor(picture, cv2.COLOR_RGB2HSV)
        worst = max(worst, int(cv2.absdiff(ours, peer).max()))
    measured(worst)
    assert worst == 0


@evidence.equals("image.convert", peer="opencv", tolerance="float32 within 1e-5 (gray, HSV with hue in turns)")
def test_float_agrees_with_opencv(measured: Callable[[float], None]) -> None:
    picture = colours("float32")
    gray = np.abs(sl.image.convert(picture, "rgb", "gray") - cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)).max()
    hsv = cv2.cvtColor(picture, cv2.COLOR_RGB2HSV) / np.float32([360, 1, 1])
    error = max(gray, np.abs(sl.image.convert(picture, "rgb", "hsv") - hsv).max())
    measured(error)
    assert error <= 1e-5


@evidence.equals("image.convert", peer="opencv", tolerance="hsv→rgb within 1 grey level (uint8), 1e-5 (float32)")
def test_hsv_to_rgb_agrees_with_opencv(measured: Callable[[float], None]) -> None:
    hsv = colours("uint8")
    hsv[..., 0] %= 180
    error = int(cv2.absdiff(sl.image.convert(hsv, "hsv", "rgb"), cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)).max())
    hsv = colours("float32")
    peer = cv2.cvtColor(hsv * np.float32([360, 1, 1]), cv2.COLOR_HSV2RGB)
    float_error = np.abs(sl.image.convert(hsv, "hsv", "rgb") - peer).max()
    measured(error)
    assert error <= 1
    assert float_error <= 1e-5


@pytest.mark.parametrize("dtype", ["uint16", "float32"])
def test_hsv_returns_to_the_same_colour(dtype: str) -> None:
    picture = colours(dtype)
    back = sl.image.convert(sl.image.convert(picture, "rgb", "hsv"), "hsv", "rgb")
    assert np.abs(back.astype(np.float64) - picture).max() <= (2e-6 if dtype == "float32" else 4)


def test_uint16_hsv_is_the_float_one_in_steps() -> None:
    picture = colours("uint16")
    exact = sl.image.convert(sl.to_float(picture), "rgb", "hsv") * 65535
    assert np.abs(sl.image.convert(picture, "rgb", "hsv") - exact).max() <= 0.6


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_gray_to_rgb_repeats_and_to_hsv_has_no_hue(dtype: str) -> None:
    gray = colours(dtype)[..., 0]
    assert (sl.image.convert(gray, "gray", "rgb") == gray[..., None]).all()
    hsv = sl.image.convert(gray, "gray", "hsv")
    assert not hsv[..., :2].any()
    np.testing.assert_array_equal(hsv[..., 2], gray)


def test_the_same_space_is_a_copy() -> None:
    picture = colours("uint8")
    same = sl.image.convert(picture, "rgb", "rgb")
    assert same is not picture
    np.testing.assert_array_equal(same, picture)


def test_out_is_filled_and_returned() -> None:
    picture = colours("uint8")
    out = np.empty(picture.shape[:2], np.uint8)
    assert sl.image.convert(picture, "rgb", "gray", out=out) is out
    np.testing.assert_array_equal(out, sl.image.convert(picture, "rgb", "gray"))


def test_hue_counts_modulo_a_turn() -> None:
    hsv = np.float32([[[0.25, 1, 1], [1.25, 1, 1], [-0.75, 1, 1]]])
    rgb = sl.image.convert(hsv, "hsv", "rgb")
    np.testing.assert_allclose(rgb[0], [rgb[0, 0]] * 3, atol=1e-6)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize(("source", "target"), [("rgb", "gray"), ("rgb", "hsv"), ("hsv", "rgb")])
def test_what_is_not_finite_stays_in_its_pixel(bad: float, source: str, target: str) -> None:
    picture = colours("float32")
    clean = sl.image.convert(picture, source, target)
    picture[5, 7, 1] = bad
    spoilt = sl.image.convert(picture, source, target)
    assert not np.isfinite(spoilt[5, 7]).any()
    keep = np.ones(picture.shape[:2], bool)
    keep[5, 7] = False
    np.testing.assert_array_equal(spoilt[keep], clean[keep])


def test_an_unknown_space_names_the_nearest() -> None:
    with pytest.raises(InputError, match=r"convert: target must be one of .*; got 'grey'. Did you mean 'gray'\?"):
        sl.image.convert(colours("uint8"), "rgb", "grey")


def test_channels_must_fit_the_source() -> None:
    with pytest.raises(InputError, match="convert: image must be H×W×3"):
        sl.image.convert(colours("uint8")[..., 0], "rgb", "gray")
