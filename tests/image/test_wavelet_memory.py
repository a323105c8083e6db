"""Wavelet methods hold few numbers beside the picture and the result: what NumPy allocates at most, counted."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import sightline as sl
from sightline.core import buffers

SIDE = 1536


def beyond(call: Callable[[], Any]) -> float:
    """Return the peak of a call beyond its result, in bytes."""
    call()  # compiles
    buffers.release()
    tracemalloc.start()
    try:
        result = call()
        kept, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert result is not None
    return float(peak - kept)


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    wave = 60 * np.sin(np.arange(SIDE) / 9)
    noise = np.random.default_rng(0).normal(0, 5, (SIDE, SIDE))
    return (127 + wave[:, None] + wave + noise).clip(0, 255).astype(np.uint8)


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    # Each thread has a strip of its own, which at this size counts more than at those that matter.
    monkeypatch.setattr("sightline.core.kernels._threads", 1)


def test_a_transform_holds_no_floats_of_the_picture(picture: np.ndarray) -> None:
    assert beyond(lambda: sl.image.dwt(picture, "db2", 3)) < 3 * picture.nbytes


def test_a_picture_is_made_of_its_bands_in_strips(picture: np.ndarray) -> None:
    found = sl.image.dwt(picture, "db2", 3)
    assert beyond(lambda: sl.image.idwt(found)) < 3 * picture.nbytes


@pytest.mark.parametrize("options", [{}, {"sigma": 9}, {"shrink": "visu", "mode": "hard"}])
def test_denoising_does_not_hold_the_finest_details(picture: np.ndarray, options: dict[str, Any]) -> None:
    assert beyond(lambda: sl.image.wavelet_denoise(picture, **options)) < 3 * picture.nbytes


def test_blending_holds_one_transform_without_its_finest_details(picture: np.ndarray) -> None:
    other, mask = np.ascontiguousarray(picture[::-1]), picture > 127
    taken = beyond(lambda: sl.image.wavelet_blend(picture, other, mask))
    assert taken < 3.1 * picture.nbytes  # of which the rows of a strip take half of one at this size


@pytest.mark.parametrize("options", [{}, {"quality": 100}, {"lossless": True}])
def test_the_codec_keeps_narrow_numbers(picture: np.ndarray, options: dict[str, Any]) -> None:
    assert beyond(lambda: sl.image.subband_encode(picture, **options)) < 3 * picture.nbytes
    stream = sl.image.subband_encode(picture, **options)
    assert beyond(lambda: sl.image.subband_decode(stream)) < 3 * picture.nbytes
