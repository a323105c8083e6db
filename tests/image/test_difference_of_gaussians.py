"""The difference of Gaussians against scikit-image."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import skimage.filters

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError


@evidence.equals(
    "image.difference_of_gaussians", peer="scikit-image", tolerance="1e-6 of the image's range", data="photos"
)
def test_agrees_with_scikit_image(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    worst = 0.0
    for picture in (p[:151, :200] for p in photos.values()):
        for low, high in ((1.0, 4.0), (0.0, 1.5), (2.0, None), (3.0, 3.0)):
            channels = -1 if picture.ndim == 3 else None
            peer = skimage.filters.difference_of_gaussians(picture / 255.0, low, high, channel_axis=channels)
            for image, unit in ((picture, 255), (picture.astype(np.uint16) * 257, 65535), (sl.to_float(picture), 1)):
                ours = sl.image.difference_of_gaussians(image, low, high) / np.float64(unit)
                worst = max(worst, float(np.abs(ours - peer).max()))
    measured(worst)
    assert worst <= 1e-6


def test_a_wave_within_the_band_passes_and_others_do_not() -> None:
    def passed(period: float) -> float:
        wave = np.tile(np.sin(2 * np.pi * np.arange(600, dtype=np.float32) / period), (40, 1))
        return float(np.abs(sl.image.difference_of_gaussians(wave, 2.0, 8.0)[20, 200:400]).max())

    assert passed(20) > 0.6
    assert passed(4) < 0.05
    assert passed(200) < 0.1


def test_neighbouring_bands_add_up() -> None:
    picture = np.random.default_rng(1).random((40, 50), np.float32)
    one, two = (sl.image.difference_of_gaussians(picture, low, high) for low, high in ((1, 2), (2, 5)))
    np.testing.assert_allclose(one + two, sl.image.difference_of_gaussians(picture, 1, 5), atol=1e-6)


def test_nan_spoils_the_reach() -> None:
    picture = np.zeros((31, 31), np.float32)
    picture[15, 15] = np.nan
    assert np.isnan(sl.image.difference_of_gaussians(picture, 0.5, 1.0)).sum() == 9 * 9


def test_steps_show_both_scales() -> None:
    picture = np.random.default_rng(1).integers(0, 256, (20, 25, 3), dtype=np.uint8)
    played = sl.trace(sl.image.difference_of_gaussians, picture, 1.0)
    assert [step.name for step in played] == ["picture", "narrow", "broad", "difference"]


@pytest.mark.parametrize(
    ("sigmas", "sentence"),
    [
        ((-1, 2), "low_sigma must be a number in 0–200 pixels"),
        ((np.nan, 2), "low_sigma must be a number"),
        ((2, "3"), "high_sigma must be a number"),
        ((3, 2), "high_sigma must be ≥ low_sigma; got 2 and 3. Swap them."),
    ],
)
def test_sigmas_are_refused_by_name(sigmas: tuple[object, object], sentence: str) -> None:
    with pytest.raises(InputError, match=f"difference_of_gaussians: {sentence}"):
        sl.image.difference_of_gaussians(np.zeros((4, 4), np.uint8), *sigmas)
