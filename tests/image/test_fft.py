"""Fourier transform and spectrum against NumPy, with the laws that a transform obeys."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError

RANDOM = np.random.default_rng(2)


def share(ours: np.ndarray, expected: np.ndarray) -> float:
    """Return the greatest difference as a share of the greatest value."""
    assert ours.shape == expected.shape
    return float(np.abs(ours - expected).max() / np.abs(expected).max())


@evidence.equals("image.fft", peer="numpy", tolerance="1e-6 of the largest value", data="photos")
def test_fft_equals_numpy(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    worst = 0.0
    for photo in photos.values():
        part = photo[:150, :131]
        for picture in (photo, part.astype(np.uint16) * 257, part.astype(np.float32) / 255):
            expected = np.fft.fft2(picture.astype(np.float64), axes=(0, 1))
            worst = max(worst, share(sl.image.fft(picture), expected))
            centred = np.fft.fftshift(expected, axes=(0, 1))
            worst = max(worst, share(sl.image.fft(picture, centred=True), centred))
    measured(worst)
    assert worst < 1e-6


@evidence.equals("image.ifft", peer="numpy", tolerance="1e-6 of the largest value", data="photos")
def test_ifft_equals_numpy_and_takes_fft_back(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    worst = 0.0
    for photo in photos.values():
        for centred in (False, True):
            back = sl.image.ifft(sl.image.fft(photo, centred=centred), centred=centred)
            worst = max(worst, share(back, photo.astype(np.float64)))
        transform = np.fft.fft2(photo, axes=(0, 1))
        worst = max(worst, share(sl.image.ifft(transform), np.fft.ifft2(transform, axes=(0, 1)).real))
    measured(worst)
    assert worst < 1e-6


@pytest.mark.parametrize("shape", [(1, 1), (1, 6), (7, 1), (2, 3), (96, 130), (97, 131, 3), (150, 64, 4)])
def test_what_would_give_an_imaginary_part_is_left_out(shape: tuple[int, ...]) -> None:
    transform = RANDOM.normal(size=shape) + 1j * RANDOM.normal(size=shape)
    expected = np.fft.ifft2(transform, axes=(0, 1)).real
    centred = np.fft.fftshift(transform, axes=(0, 1))
    for dtype in ("complex64", "complex128", ">c8"):
        assert share(sl.image.ifft(transform.astype(dtype)), expected) < 1e-6
        assert share(sl.image.ifft(centred.astype(dtype), centred=True), expected) < 1e-6
    strided = np.repeat(transform, 2, axis=1)[:, ::2]
    np.testing.assert_array_equal(sl.image.ifft(strided), sl.image.ifft(transform))


def test_what_is_not_finite_spreads_over_the_whole() -> None:
    for wrong in (np.nan, np.inf):
        transform = np.ones((12, 18), np.complex64)
        transform[5, 7] = wrong
        assert not np.isfinite(sl.image.ifft(transform)).any()


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (6, 1), (2, 2), (33, 70), (34, 201), (41, 66, 3), (40, 65, 3)])
def test_a_spectrum_is_that_of_the_whole_transform(shape: tuple[int, ...]) -> None:
    picture = RANDOM.integers(0, 256, shape, dtype=np.uint8)
    expected = np.log1p(np.abs(sl.image.fft(picture, centred=True)))
    np.testing.assert_allclose(sl.image.spectrum(picture), expected / expected.max(), rtol=1e-6, atol=1e-6)


@evidence.equals("image.spectrum", peer="numpy", tolerance="1e-4", data="photos")
def test_spectrum_equals_numpy(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    worst = 0.0
    for photo in photos.values():
        ours = sl.image.spectrum(photo)
        expected = np.log1p(np.abs(np.fft.fftshift(np.fft.fft2(photo, axes=(0, 1)), axes=(0, 1))))
        loud = expected > 3  # single precision: what is silent beside the mean is noise
        worst = max(worst, float(np.abs(ours - expected / expected.max())[loud].max()))
        assert ours.dtype == np.float32
        assert ours.min() >= 0
        assert ours.max() == 1
    measured(worst)
    assert worst < 1e-3


def test_energy_is_kept() -> None:
    for shape in ((31, 44), (32, 64, 3)):
        picture = RANDOM.random(shape, np.float32)
        transform = sl.image.fft(picture)
        assert np.isclose((np.abs(transform) ** 2).sum() / (shape[0] * shape[1]), (picture**2).sum(), rtol=1e-5)


def test_a_shift_turns_the_phase_alone() -> None:
    picture = RANDOM.random((20, 30), np.float32)
    a, b = sl.image.fft(picture), sl.image.fft(np.roll(picture, (2, 3), (0, 1)))
    v, u = np.fft.fftfreq(20)[:, None], np.fft.fftfreq(30)
    np.testing.assert_allclose(b, a * np.exp(-2j * np.pi * (3 * u + 2 * v)), atol=1e-3)


def test_the_unit_of_a_spectrum_does_not_depend_on_the_dtype() -> None:
    photo = RANDOM.integers(0, 256, (20, 30), dtype=np.uint8)
    ours = sl.image.spectrum(photo)
    np.testing.assert_allclose(sl.image.spectrum(photo.astype(np.uint16) * 257), ours, atol=1e-5)
    np.testing.assert_allclose(sl.image.spectrum(photo.astype(np.float32) / 255), ours, atol=1e-5)
    assert sl.image.spectrum(np.zeros((4, 5), np.uint8)).max() == 0


def test_what_is_wrong_is_refused_by_name() -> None:
    for wrong in (np.zeros((4, 4)), np.zeros(4, np.complex64), np.zeros((0, 4), np.complex64), "x"):
        with pytest.raises(InputError, match=r"ifft: transform must be H×W or H×W×3 complex; got .*\. Use fft"):
            sl.image.ifft(wrong)
    with pytest.raises(InputError, match="spectrum: image must be finite"):
        sl.image.spectrum(np.full((3, 3), np.nan, np.float32))
