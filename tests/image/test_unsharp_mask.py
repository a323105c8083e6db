"""Unsharp masking against scikit-image."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import skimage.filters

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.image import gaussian_weights


def noise(shape: tuple[int, ...], dtype: str = "uint8") -> np.ndarray:
    values = np.random.default_rng(7).random(shape, np.float32)
    return values if dtype == "float32" else (values * (np.iinfo(dtype).max + 1)).astype(dtype)


@evidence.equals("image.unsharp_mask", peer="scikit-image", tolerance="1 grey level, 1e-5 (float32)", data="photos")
def test_agrees_with_scikit_image(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    worst = 0.0
    for picture in (p[:150, :201] for p in photos.values()):
        for sigma, amount in ((1.0, 1.0), (2.5, 3.0), (0.6, -0.5)):
            planes = [np.ascontiguousarray(plane) / 255.0 for plane in np.atleast_3d(picture).transpose(2, 0, 1)]
            peers = [skimage.filters.unsharp_mask(plane, sigma, amount) for plane in planes]
            peer = np.dstack(peers).reshape(picture.shape)
            error = np.abs(sl.image.unsharp_mask(sl.to_float(picture), sigma, amount) - peer).max()
            assert error <= 1e-5
            whole = np.abs(sl.image.unsharp_mask(picture, sigma, amount) - peer * 255).max()
            assert whole <= 0.501
            worst = max(worst, float(error), float(whole))
    measured(worst)


def test_uint16_is_the_float_result_rounded() -> None:
    picture = noise((30, 41), "uint16")
    exact = sl.image.unsharp_mask(picture.astype(np.float32) / 65535, 1.5, 2) * np.float64(65535)
    assert np.abs(sl.image.unsharp_mask(picture, 1.5, 2) - exact).max() <= 0.6


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_without_blur_amount_or_detail_the_image_stays(dtype: str) -> None:
    picture = noise((20, 31, 3), dtype)
    np.testing.assert_array_equal(sl.image.unsharp_mask(picture, 0, 5), picture)
    np.testing.assert_array_equal(sl.image.unsharp_mask(picture, 2, 0), picture)
    flat = np.full((9, 9), picture.max(), dtype)
    np.testing.assert_allclose(sl.image.unsharp_mask(flat, 2, 5), flat, rtol=1e-5)


def test_amount_minus_one_is_the_blur() -> None:
    picture = noise((40, 50), "float32")
    blurred = sl.image.gaussian_blur(picture, 2.0, border="symmetric")
    np.testing.assert_allclose(sl.image.unsharp_mask(picture, 2.0, -1), blurred, atol=2e-5)


def test_nan_spoils_the_reach_of_the_blur() -> None:
    picture = noise((31, 31), "float32")
    picture[15, 15] = np.nan
    spoilt = np.isnan(sl.image.unsharp_mask(picture, 1.0))
    expected = np.zeros_like(spoilt)
    expected[11:20, 11:20] = True
    np.testing.assert_array_equal(spoilt, expected)


@pytest.mark.parametrize("border", ["reflect", "symmetric", "edge", "wrap"])
def test_strips_are_as_the_whole(border: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for dtype, shape in (("uint8", (331, 40)), ("float32", (200, 33, 3)), ("uint16", (131, 7))):
        picture = noise(shape, dtype)
        monkeypatch.setattr(gaussian_weights, "_PIXELS", 1 << 21)
        whole = [sl.image.unsharp_mask(picture, sigma, border=border) for sigma in (0, 1.0, 3.0)]
        band = sl.image.difference_of_gaussians(picture, 1.0, 2.5, border=border)
        monkeypatch.setattr(gaussian_weights, "_PIXELS", 1)
        for sigma, expected in zip((0, 1.0, 3.0), whole, strict=True):
            np.testing.assert_array_equal(sl.image.unsharp_mask(picture, sigma, border=border), expected)
        np.testing.assert_array_equal(sl.image.difference_of_gaussians(picture, 1.0, 2.5, border=border), band)


def test_steps_show_the_details() -> None:
    picture = noise((20, 25, 3))
    played = sl.trace(sl.image.unsharp_mask, picture, 1.5, 2.0)
    assert [step.name for step in played] == ["details", "sharpened"]


def test_out_is_filled_and_returned() -> None:
    picture = noise((20, 25))
    out = np.empty_like(picture)
    assert sl.image.unsharp_mask(picture, out=out) is out
    np.testing.assert_array_equal(out, sl.image.unsharp_mask(picture))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"sigma": -1}, "sigma must be a number in 0–200 pixels"),
        ({"sigma": np.nan}, "sigma must be a number"),
        ({"amount": "much"}, "amount must be a number"),
        ({"amount": 11}, "amount must be a number in -10–10"),
        ({"border": "mirror"}, "border must be one of"),
    ],
)
def test_refusals_say_what_is_wrong(options: dict[str, object], sentence: str) -> None:
    with pytest.raises(InputError, match=f"unsharp_mask: {sentence}"):
        sl.image.unsharp_mask(noise((4, 6)), **options)
