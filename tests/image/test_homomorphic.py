"""Homomorphic filter against a NumPy twin of its formula, and against light of which we know how it was made."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError

RANDOM = np.random.default_rng(10)


def twin(image: np.ndarray, cutoff: float, low: float, high: float) -> np.ndarray:
    """Return the filter of an image 0–1 in float64, with periodic borders."""
    bright = image if image.ndim == 2 else image.mean(axis=2)
    logarithm = np.log(bright + 0.5 / 255)
    d2 = np.fft.fftfreq(bright.shape[0])[:, None] ** 2 + np.fft.fftfreq(bright.shape[1])[None] ** 2
    keep = low + (high - low) * (1 - np.exp(-d2 / (2 * cutoff**2)))
    keep[0, 0] = 1
    gain = np.exp(np.fft.ifft2(np.fft.fft2(logarithm) * keep).real - logarithm)
    return image * (gain if image.ndim == 2 else gain[..., None])


@evidence.equals("image.homomorphic", peer="numpy", tolerance="half a grey level (uint8)", data="photos")
def test_the_formula(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    worst = 0.0
    for photo in photos.values():
        for cutoff, low, high in ((0.02, 0.4, 1.5), (0.1, 0.8, 2.0)):
            ours = sl.image.homomorphic(photo, cutoff=cutoff, low=low, high=high, border="wrap")
            expected = np.clip(twin(photo / 255.0, cutoff, low, high) * 255, 0, 255)
            worst = max(worst, float(np.abs(ours - expected).max()))
    measured(worst)
    assert worst < 0.52


def test_uneven_light_is_evened() -> None:
    y, x = np.mgrid[0:120, 0:160]
    things = 0.3 + 0.4 * (((x // 10) + (y // 10)) % 2)
    light = 0.2 + 0.8 * x / 160
    ours = sl.image.homomorphic((things * light).astype(np.float32), cutoff=0.01, low=0.1, high=1.0)
    assert np.corrcoef(ours.ravel(), things.ravel())[0, 1] > 0.96
    assert np.corrcoef((things * light).ravel(), things.ravel())[0, 1] < 0.8


def test_gains_of_one_change_nothing_and_colours_stay() -> None:
    picture = RANDOM.random((40, 50, 3), np.float32) * 0.5 + 0.1
    np.testing.assert_allclose(sl.image.homomorphic(picture, low=1, high=1), picture, rtol=1e-5)
    ours = sl.image.homomorphic(picture)
    np.testing.assert_allclose(
        ours / ours.sum(axis=2, keepdims=True), picture / picture.sum(axis=2, keepdims=True), rtol=1e-4
    )


def test_dtypes_agree() -> None:
    photo = RANDOM.integers(0, 256, (30, 41), dtype=np.uint8)
    ours = sl.image.homomorphic(photo).astype(float)
    wide = sl.image.homomorphic(photo.astype(np.uint16) * 257) / 257
    floats = np.clip(sl.image.homomorphic(photo.astype(np.float32) / 255) * 255, 0, 255)
    assert np.abs(ours - wide).max() <= 0.51
    assert np.abs(ours - floats).max() <= 0.51


@pytest.mark.loose
@pytest.mark.filterwarnings("error")
def test_numbers_of_numpy_are_numbers() -> None:
    picture = np.random.default_rng(3).random((12, 15), np.float32)
    ours = sl.image.homomorphic(picture, cutoff=np.float32(0.25), low=np.float32(0.5), high=np.float32(1.5))
    np.testing.assert_array_equal(ours, sl.image.homomorphic(picture, cutoff=0.25, low=0.5, high=1.5))


def test_what_is_wrong_is_refused_by_name() -> None:
    picture = np.full((6, 7), 0.5, np.float32)
    for wrong in (0, -0.1, np.nan):
        with pytest.raises(InputError, match="homomorphic: cutoff must be a number > 0"):
            sl.image.homomorphic(picture, cutoff=wrong)
    for name in ("low", "high"):
        with pytest.raises(InputError, match=f"homomorphic: {name} must be a number in 0–10"):
            sl.image.homomorphic(picture, **{name: -1})
    with pytest.raises(InputError, match="homomorphic: border must be one of"):
        sl.image.homomorphic(picture, border="zero")
    with pytest.raises(InputError, match=r"homomorphic: image must be ≥ 0; got -0\.5"):
        sl.image.homomorphic(picture - 1)
    picture[2, 2] = np.nan
    with pytest.raises(InputError, match="homomorphic: image must be finite"):
        sl.image.homomorphic(picture)
