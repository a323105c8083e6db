"""How much memory methods that transform or halve whole pictures take beside them, in bytes a pixel."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import sightline as sl
from image.taken_memory import taken_beside_result

_SIDE = 1500
_STRIPS = 6 << 20  # bytes for what belongs to a strip at hand, however large the picture
_PSF = np.ones((5, 5), np.float32)
_CALLS: dict[str, Callable[[Any], Any]] = {
    "frequency_filter": lambda image: sl.image.frequency_filter(image),
    "frequency_filter, mirrored": lambda image: sl.image.frequency_filter(image, border="symmetric"),
    "frequency_filter, reflected": lambda image: sl.image.frequency_filter(image, border="reflect"),
    "homomorphic": lambda image: sl.image.homomorphic(image),
    "wiener_deconvolve": lambda image: sl.image.wiener_deconvolve(image, _PSF),
    "fft": lambda image: sl.image.fft(image),
    "spectrum": lambda image: sl.image.spectrum(image),
    "phase_correlation": lambda image: sl.image.phase_correlation(image, image),
    "blend": lambda image: sl.image.blend(image, image[::-1].copy(), image.reshape(_SIDE, _SIDE, -1)[..., 0] > 99),
    "gaussian_pyramid": lambda image: sl.image.gaussian_pyramid(image),
}


@pytest.mark.parametrize(
    ("name", "channels", "dtype", "most"),
    [
        ("frequency_filter", 1, "uint8", 2.2),
        ("frequency_filter", 3, "uint8", 6.5),
        ("frequency_filter", 1, "uint16", 4.1),
        ("frequency_filter", 1, "float32", 0.1),
        ("frequency_filter, mirrored", 1, "uint8", 2.2),
        ("frequency_filter, reflected", 1, "uint8", 6.4),
        ("homomorphic", 1, "uint8", 2.2),
        ("homomorphic", 3, "uint8", 2.2),
        ("wiener_deconvolve", 1, "uint8", 2.2),
        ("fft", 1, "uint8", 0.1),
        ("spectrum", 1, "uint8", 0.1),
        ("spectrum", 3, "uint8", 0.1),
        ("phase_correlation", 1, "uint8", 4.4),
        ("phase_correlation", 1, "float32", 8.4),
        ("blend", 1, "uint8", 4.8),  # two bytes for the other picture and the mask
        ("blend", 3, "uint8", 8.2),  # four bytes for these
        ("gaussian_pyramid", 1, "uint16", 1.3),
    ],
)
def test_memory_beside_picture_and_result(name: str, channels: int, dtype: str, most: float) -> None:
    image = np.random.default_rng(0).integers(0, 256, (_SIDE, _SIDE, channels)).astype(dtype)
    image = image if channels == 3 else image[..., 0].copy()
    taken = (taken_beside_result(lambda: _CALLS[name](image)) - _STRIPS) / _SIDE**2
    assert taken < most, f"{taken:.1f} bytes a pixel"


def test_spectra_of_huge_pictures_share_their_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.import_module("sightline.image.phase_correlation"), "_HUGE", 0)
    image = np.random.default_rng(0).integers(0, 256, (_SIDE, _SIDE), np.uint8)
    taken = (taken_beside_result(lambda: sl.image.phase_correlation(image, image)) - _STRIPS) / _SIDE**2
    assert taken < 2.6, f"{taken:.1f} bytes a pixel"
