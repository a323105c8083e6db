"""Gabor filters against scikit-image and the kernels of OpenCV."""

from __future__ import annotations

import math
from collections.abc import Callable

import cv2
import numpy as np
import pytest
import skimage.filters

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError


@evidence.equals("image.gabor", peer="scikit-image", tolerance="1e-6 of the image's range", data="photos")
def test_agrees_with_scikit_image(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    worst = 0.0
    for picture in (p[:101, :150] for p in photos.values() if p.ndim == 2):
        for frequency, theta, options in (
            (0.2, 0.0, {}),
            (0.1, 0.7, {"bandwidth": 1.6, "offset": 0.4}),
            (0.35, -2.0, {"sigma": (4.0, 2.5)}),
            (0.12, math.pi / 2, {"sigma": 3.0}),
        ):
            sigma = options.get("sigma")
            pair = sigma if isinstance(sigma, tuple) else (sigma, sigma)
            peers = skimage.filters.gabor(
                picture / 255.0,
                frequency,
                theta,
                bandwidth=options.get("bandwidth", 1),
                sigma_x=pair[0],
                sigma_y=pair[1],
                offset=options.get("offset", 0),
            )
            for image, unit in ((picture, 255), (sl.to_float(picture), 1)):
                for ours, peer in zip(sl.image.gabor(image, frequency, theta, **options), peers, strict=True):
                    worst = max(worst, float(np.abs(ours / unit - peer).max()))
    measured(worst)
    assert worst <= 1e-6


@pytest.mark.parametrize("theta", [0.0, 0.6, 2.0])
def test_kernels_are_opencv_s_scaled(theta: float) -> None:
    dot = np.zeros((41, 41), np.float32)
    dot[20, 20] = 1
    even, _ = sl.image.gabor(dot, 0.15, theta, sigma=(3.0, 6.0), offset=0.3)
    peer = cv2.getGaborKernel((41, 41), 3.0, theta, 1 / 0.15, 0.5, 0.3) / (2 * math.pi * 3 * 6)
    # OpenCV writes its table turned by half a turn: its filter2D correlates.
    away = np.hypot(*np.mgrid[-20:21, -20:21]) > 9
    difference = np.abs(even - peer[::-1, ::-1])
    assert difference[~away].max() < 1e-6
    assert difference.max() < 1e-3  # beyond, OpenCV goes on where we end


def test_the_strongest_direction_is_the_wave_s() -> None:
    y, x = np.mgrid[0:64, 0:64]
    for theta in (0.0, 0.5, 1.2, 2.6):
        wave = np.cos(2 * np.pi * 0.2 * (x * np.cos(theta) + y * np.sin(theta))).astype(np.float32)
        bank = {t: float(np.hypot(*sl.image.gabor(wave, 0.2, t))[32, 32]) for t in (0.0, 0.5, 1.2, 2.0, 2.6)}
        assert max(bank, key=bank.__getitem__) == theta


def test_half_a_turn_changes_the_sign_of_the_odd_response() -> None:
    picture = np.random.default_rng(1).random((40, 50), np.float32)
    even, odd = sl.image.gabor(picture, 0.2, 0.4)
    other_even, other_odd = sl.image.gabor(picture, 0.2, 0.4 + math.pi)
    np.testing.assert_allclose(even, other_even, atol=1e-6)
    np.testing.assert_allclose(odd, -other_odd, atol=1e-6)


def test_nan_stays_within_the_window() -> None:
    picture = np.zeros((80, 80), np.float32)
    picture[40, 40] = np.nan
    for part in sl.image.gabor(picture, 0.2, 0.4):
        assert np.isnan(part[38:43, 38:43]).sum() >= 20  # all but where the wave is zero
        assert not np.isnan(part[:20]).any()


def test_steps_show_the_kernels() -> None:
    picture = np.random.default_rng(1).integers(0, 256, (20, 25, 3), dtype=np.uint8)
    played = sl.trace(sl.image.gabor, picture, 0.2)
    assert [step.name for step in played] == ["grey", "kernels", "even", "odd", "responses"]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"frequency": 0}, "frequency must be a number in 0.005–0.5 cycles per pixel"),
        ({"frequency": np.nan}, "frequency must be a number"),
        ({"theta": 30}, "theta must be a number in .* radians"),
        ({"bandwidth": 0}, "bandwidth must be a number in 0.1–4 octaves"),
        ({"frequency": 0.005, "bandwidth": 0.1}, "bandwidth must be larger at frequency 0.005"),
        ({"sigma": 0}, "sigma must be a number in 0.2–200 pixels"),
        ({"sigma": (1, 2, 3)}, "sigma must be a number or"),
        ({"sigma": (1, 201)}, "sigma must be a number in"),
        ({"offset": 4}, "offset must be a number in .* radians"),
        ({"border": "mirror"}, "border must be one of"),
    ],
)
def test_refusals_say_what_is_wrong(options: dict[str, object], sentence: str) -> None:
    with pytest.raises(InputError, match=f"gabor: {sentence}"):
        sl.image.gabor(np.zeros((9, 9), np.uint8), **{"frequency": 0.2, **options})
