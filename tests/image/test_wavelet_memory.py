"""Wavelet methods hold few numbers beside the picture and the result: what NumPy allocates at most, counted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import sightline as sl
from image.taken_memory import taken_beside_result

SIDE = 1536


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    wave = 60 * np.sin(np.arange(SIDE) / 9)
    noise = np.random.default_rng(0).normal(0, 5, (SIDE, SIDE))
    return (127 + wave[:, None] + wave + noise).clip(0, 255).astype(np.uint8)


def test_a_transform_holds_no_floats_of_the_picture(picture: np.ndarray) -> None:
    assert taken_beside_result(lambda: sl.image.dwt(picture, "db2", 3)) < 3 * picture.nbytes


def test_a_picture_is_made_of_its_bands_in_strips(picture: np.ndarray) -> None:
    found = sl.image.dwt(picture, "db2", 3)
    assert taken_beside_result(lambda: sl.image.idwt(found)) < 3 * picture.nbytes


@pytest.mark.parametrize("options", [{}, {"sigma": 9}, {"shrink": "visu", "mode": "hard"}])
def test_denoising_does_not_hold_the_finest_details(picture: np.ndarray, options: dict[str, Any]) -> None:
    assert taken_beside_result(lambda: sl.image.wavelet_denoise(picture, **options)) < 3 * picture.nbytes


def test_blending_holds_one_transform_without_its_finest_details(picture: np.ndarray) -> None:
    other, mask = np.ascontiguousarray(picture[::-1]), picture > 127
    taken = taken_beside_result(lambda: sl.image.wavelet_blend(picture, other, mask))
    assert taken < 3.1 * picture.nbytes  # of which the rows of a strip take half of one at this size


@pytest.mark.parametrize("options", [{}, {"quality": 100}, {"lossless": True}])
def test_the_codec_keeps_narrow_numbers(picture: np.ndarray, options: dict[str, Any]) -> None:
    assert taken_beside_result(lambda: sl.image.subband_encode(picture, **options)) < 3 * picture.nbytes
    stream = sl.image.subband_encode(picture, **options)
    assert taken_beside_result(lambda: sl.image.subband_decode(stream)) < 3 * picture.nbytes
