"""Wiener deconvolution against scikit-image, and on blurs that we made."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import convolve
from skimage.restoration import wiener

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError

RANDOM = np.random.default_rng(13)
BELL = np.exp(-0.5 * (np.arange(-4, 5) / 1.5) ** 2)
PSFS = (np.ones((5, 5)) / 25, np.outer(BELL, BELL) / BELL.sum() ** 2, np.ones((1, 9)) / 9, np.ones((4, 6)) / 24)


@evidence.equals("image.wiener_deconvolve", peer="scikit-image", tolerance="1e-4 of the range", data="photos")
def test_wiener_equals_scikit_image(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    worst = 0.0
    for photo in photos.values():
        picture = photo[:201, :300].astype(np.float32) / 255
        if min(picture.shape[:2]) < 10:
            continue
        for psf in PSFS:
            for balance in (0.1, 0.01):
                ours = sl.image.wiener_deconvolve(picture, psf, balance)
                planes = picture.reshape(*picture.shape[:2], -1)
                peers = [wiener(planes[..., c].astype(float), psf, balance, clip=False) for c in range(planes.shape[2])]
                worst = max(worst, float(np.abs(ours - np.stack(peers, axis=2).reshape(ours.shape)).max()))
    measured(worst)
    assert worst < 1e-4


def test_a_blur_is_undone() -> None:
    y, x = np.mgrid[0:90, 0:120]
    sharp = (0.2 + 0.6 * ((x // 9 + y // 7) % 2)).astype(np.float32)
    for psf, left in zip(PSFS[:2], (0.3, 0.65), strict=True):  # a bell leaves nothing of fine detail
        for border, mode in (("wrap", "wrap"), ("symmetric", "reflect")):
            blurred = convolve(sharp, psf.astype(np.float32), mode=mode)
            ours = sl.image.wiener_deconvolve(blurred, psf, 1e-4, border=border)
            assert np.abs(ours - sharp).mean() < left * np.abs(blurred - sharp).mean()


def test_flat_regularizer_is_wiener_s_formula() -> None:
    picture = RANDOM.random((40, 51), np.float32)
    blur = np.fft.fft2(np.roll(np.pad(PSFS[0], ((0, 35), (0, 46))), (-2, -2), (0, 1)))
    expected = np.fft.ifft2(np.fft.fft2(picture) * blur.conj() / (np.abs(blur) ** 2 + 0.05)).real
    ours = sl.image.wiener_deconvolve(picture, PSFS[0], 0.05, regularizer="flat")
    np.testing.assert_allclose(ours, expected, atol=1e-5)


def test_dtypes_and_scale_of_the_psf() -> None:
    photo = RANDOM.integers(60, 180, (30, 40, 3), dtype=np.uint8)
    ours = sl.image.wiener_deconvolve(photo, PSFS[0], 0.5)
    assert ours.dtype == np.uint8
    np.testing.assert_array_equal(sl.image.wiener_deconvolve(photo, np.ones((5, 5), np.int64), 0.5), ours)
    floats = sl.image.wiener_deconvolve(photo.astype(np.float32) / 255, PSFS[0], 0.5)
    assert np.abs(ours / 255 - np.clip(floats, 0, 1)).max() < 0.003
    flat = np.full((9, 11), 77, np.uint16)
    np.testing.assert_array_equal(sl.image.wiener_deconvolve(flat, PSFS[0]), flat)
    out = np.empty_like(photo)
    assert sl.image.wiener_deconvolve(photo, PSFS[0], out=out) is out


def test_a_page_out_of_focus_becomes_sharp(shared_data: Path) -> None:
    page = sl.read(next((shared_data / "opencv_samples").glob("text_defocus*")), mode="gray")
    y, x = np.mgrid[-16:17, -16:17]

    def contrast(radius: int) -> float:
        """Return the mean difference of neighbours in the lines of text."""
        disc = (x * x + y * y <= radius * radius).astype(np.float32)
        ours = sl.image.wiener_deconvolve(page, disc, 0.01, regularizer="flat", border="symmetric")
        return float(np.abs(np.diff(ours[60:200].astype(float), axis=1)).mean())

    still = float(np.abs(np.diff(page[60:200].astype(float), axis=1)).mean())
    assert contrast(10) > 2 * still  # its blur is a disc of radius 10


@pytest.mark.filterwarnings("error")
def test_a_balance_beyond_the_floats_divides_by_no_zero() -> None:
    picture, box = np.random.default_rng(4).random((20, 24), np.float32), np.ones((4, 4))  # a box loses frequencies
    least, floor = (sl.image.wiener_deconvolve(picture, box, balance) for balance in (1e-300, 1e-30))
    np.testing.assert_array_equal(least, floor)
    assert np.isfinite(least).all()


def test_what_is_wrong_is_refused_by_name() -> None:
    picture = np.zeros((6, 7), np.float32)
    for wrong in (None, [[1.0]], np.ones(3), np.ones((2, 2), bool), np.ones((0, 2))):
        with pytest.raises(InputError, match="wiener_deconvolve: psf must be an h×w array of numbers"):
            sl.image.wiener_deconvolve(picture, wrong)
    for wrong in (np.zeros((3, 3)), np.full((3, 3), np.nan)):
        with pytest.raises(InputError, match="wiener_deconvolve: psf must be finite with a sum that is not 0"):
            sl.image.wiener_deconvolve(picture, wrong)
    with pytest.raises(InputError, match="wiener_deconvolve: psf must be no larger than the image 6×7"):
        sl.image.wiener_deconvolve(picture, np.ones((9, 3)))
    for wrong in (0, -1, np.nan):
        with pytest.raises(InputError, match="wiener_deconvolve: balance must be a number > 0"):
            sl.image.wiener_deconvolve(picture, np.ones((3, 3)), wrong)
    with pytest.raises(InputError, match="wiener_deconvolve: regularizer must be one of"):
        sl.image.wiener_deconvolve(picture, np.ones((3, 3)), regularizer="tv")
    picture[0, 0] = np.nan
    with pytest.raises(InputError, match="wiener_deconvolve: image must be finite"):
        sl.image.wiener_deconvolve(picture, np.ones((3, 3)))
