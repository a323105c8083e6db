"""Frequency filters against a NumPy twin of the textbook's formulas, and Butterworth's against scikit-image."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from skimage.filters import butterworth

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError

RANDOM = np.random.default_rng(9)
KINDS = ("ideal", "butterworth", "gaussian")


def low(kind: str, d: np.ndarray, cutoff: float, order: int) -> np.ndarray:
    if kind == "ideal":
        return (d <= cutoff).astype(float)
    return 1 / (1 + (d / cutoff) ** (2 * order)) if kind == "butterworth" else np.exp(-(d**2) / (2 * cutoff**2))


def keep(kind: str, band: str, shape: tuple[int, ...], cutoff: float, width: float, order: int) -> np.ndarray:
    """Return the transfer function over the whole plane, table 4.6 and 4.7 of Gonzalez & Woods."""
    d = np.hypot(np.fft.fftfreq(shape[0])[:, None], np.fft.fftfreq(shape[1])[None])
    if band in ("low", "high"):
        return low(kind, d, cutoff, order) if band == "low" else 1 - low(kind, d, cutoff, order)
    with np.errstate(divide="ignore", invalid="ignore"):
        if kind == "ideal":
            reject = ((d < cutoff - width / 2) | (d > cutoff + width / 2)).astype(float)
        elif kind == "butterworth":
            reject = 1 / (1 + (d * width / (d**2 - cutoff**2)) ** (2 * order))
        else:
            reject = 1 - np.exp(-(((d**2 - cutoff**2) / (d * width)) ** 2))
    reject = np.nan_to_num(reject, nan=1.0)
    return reject if band == "reject" else 1 - reject


def filtered(picture: np.ndarray, weights: np.ndarray) -> np.ndarray:
    planes = picture.astype(np.float64).reshape(*picture.shape[:2], -1)
    transform = np.fft.fft2(planes, axes=(0, 1)) * weights[..., None]
    return np.fft.ifft2(transform, axes=(0, 1)).real.reshape(picture.shape)


@evidence.equals("image.frequency_filter", peer="scikit-image", tolerance="1e-5 of the range", data="photos")
def test_butterworth_equals_scikit_image(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    worst = 0.0
    for photo in photos.values():
        picture = photo.astype(np.float32) / 255
        for cutoff, order, high in ((0.1, 2, False), (0.03, 1, True), (0.3, 4, True)):
            ours = sl.image.frequency_filter(picture, "butterworth", "high" if high else "low", cutoff, order=order)
            axis = 2 if picture.ndim == 3 else None
            peer = butterworth(picture.astype(np.float64), cutoff, high, order, channel_axis=axis)
            worst = max(worst, float(np.abs(ours - peer).max()))
    measured(worst)
    assert worst < 1e-5


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("band", ["low", "high", "band", "reject"])
@pytest.mark.parametrize("shape", [(1, 1), (1, 8), (9, 1), (40, 51), (33, 20, 3)])
def test_every_filter_agrees_with_the_twin(kind: str, band: str, shape: tuple[int, ...]) -> None:
    picture = RANDOM.random(shape, np.float32)
    ours = sl.image.frequency_filter(picture, kind, band, 0.17, width=0.083, order=3)
    np.testing.assert_allclose(ours, filtered(picture, keep(kind, band, shape, 0.17, 0.083, 3)), atol=2e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_a_notch_takes_one_wave_away(kind: str) -> None:
    y, x = np.mgrid[0:60, 0:80]
    clean = 0.5 + 0.2 * np.sin(2 * np.pi * x / 80)
    wave = 0.2 * np.sin(2 * np.pi * (0.25 * x + 0.1 * y))
    picture = (clean + wave).astype(np.float32)
    ours = sl.image.frequency_filter(picture, kind, "notch", 0.02, centres=[(0.25, 0.1)])
    np.testing.assert_allclose(ours, clean, atol=0.002)
    other = sl.image.frequency_filter(picture, kind, "notch", 0.02, centres=[(0.25, -0.1)])
    np.testing.assert_allclose(other, picture, atol=0.002)


@pytest.mark.parametrize("kind", KINDS)
def test_complements_add_up(kind: str) -> None:
    picture = RANDOM.random((30, 41), np.float32)
    for one, other in (("low", "high"), ("band", "reject")):
        parts = [sl.image.frequency_filter(picture, kind, band, 0.2) for band in (one, other)]
        np.testing.assert_allclose(parts[0] + parts[1], picture, atol=1e-6)


def test_borders_that_do_not_wrap_keep_opposite_sides_apart() -> None:
    picture = np.zeros((40, 40), np.float32)
    picture[:, :20] = 1
    assert sl.image.frequency_filter(picture, "gaussian", "low", 0.05)[20, 0] < 0.6
    for border in ("symmetric", "reflect", "edge"):
        ours = sl.image.frequency_filter(picture, "gaussian", "low", 0.05, border=border)
        assert ours[20, 0] > 0.99
        assert abs(ours.mean() - 0.5) < 0.01


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("kind", ["ideal", "butterworth", "gaussian"])
def test_cutoffs_and_orders_beyond_what_floats_can_square(kind: str) -> None:
    picture = RANDOM.random((20, 24), np.float32)
    for least, order in ((0.001, 20), (1e-30, 2), (1e-300, 2)):
        low = sl.image.frequency_filter(picture, kind, "low", least, order=order)
        np.testing.assert_allclose(low, picture.mean(), atol=1e-5, err_msg=f"only frequency 0 is below {least}")
        both = sl.image.frequency_filter(picture, kind, "high", least, order=order) + low
        np.testing.assert_allclose(both, picture, atol=1e-6)
    for most in (1e100, 1e300):
        low = sl.image.frequency_filter(picture, kind, "low", most)
        np.testing.assert_allclose(low, picture, atol=1e-6, err_msg="every frequency is below")
        ring = sl.image.frequency_filter(picture, kind, "band", most)
        np.testing.assert_allclose(ring, 0, atol=1e-6, err_msg="no frequency is near")


def test_dtypes_round_and_cut_off() -> None:
    photo = RANDOM.integers(0, 256, (30, 40, 3), dtype=np.uint8)
    expected = filtered(photo, keep("gaussian", "low", photo.shape, 0.1, 1, 1))
    ours = sl.image.frequency_filter(photo)
    assert np.abs(ours - expected).max() <= 0.51
    wide = sl.image.frequency_filter(photo.astype(np.uint16) * 257)
    assert np.abs(wide - expected * 257).max() <= 1
    assert sl.image.frequency_filter(photo, "ideal", "high", 0.3).min() == 0
    out = np.empty_like(photo)
    assert sl.image.frequency_filter(photo, out=out) is out
    np.testing.assert_array_equal(out, ours)


def test_what_is_wrong_is_refused_by_name() -> None:
    picture = np.zeros((6, 7), np.float32)
    for name, wrong in (("kind", "Ideal"), ("band", "pass"), ("border", "zero")):
        with pytest.raises(InputError, match=f"frequency_filter: {name} must be one of"):
            sl.image.frequency_filter(picture, **{name: wrong})
    for wrong in (0, -0.1, np.nan):
        with pytest.raises(InputError, match="frequency_filter: cutoff must be a number > 0"):
            sl.image.frequency_filter(picture, cutoff=wrong)
        with pytest.raises(InputError, match="frequency_filter: width must be a number > 0"):
            sl.image.frequency_filter(picture, width=wrong)
    with pytest.raises(InputError, match="frequency_filter: order must be a whole number"):
        sl.image.frequency_filter(picture, order=0)
    for wrong in ((), (0.1, 0.2), [(0.1, 0.7)], [(np.nan, 0)], "ab", None):
        with pytest.raises(InputError, match="frequency_filter: centres must be pairs"):
            sl.image.frequency_filter(picture, band="notch", centres=wrong)
    with pytest.raises(InputError, match="frequency_filter: centres must be pairs"):
        sl.image.frequency_filter(picture, band="low", centres="not asked for")
    picture[0, 0] = np.inf
    with pytest.raises(InputError, match="frequency_filter: image must be finite"):
        sl.image.frequency_filter(picture)
