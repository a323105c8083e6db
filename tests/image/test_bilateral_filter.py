"""Bilateral filter against OpenCV, and against the sum over the neighbourhood as the paper writes it."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError

RANDOM = np.random.default_rng(3)


def twin(image: np.ndarray, size: int, sigma_color: float, sigma_space: float, mode: str = "reflect") -> np.ndarray:
    """Return the filter in float64, one neighbour at a time."""
    planes = image.astype(np.float64).reshape(*image.shape[:2], -1)
    reach = size // 2
    padded = np.pad(planes, ((reach, reach), (reach, reach), (0, 0)), mode=mode)
    total, whole = np.zeros_like(planes), np.zeros(image.shape[:2])
    for dy in range(-reach, reach + 1):
        for dx in range(-reach, reach + 1):
            if dy * dy + dx * dx <= reach * reach:
                other = padded[reach + dy :, reach + dx :][: image.shape[0], : image.shape[1]]
                apart = np.abs(other - planes).sum(axis=2)
                weight = np.exp(-(dy * dy + dx * dx) / (2 * sigma_space**2) - apart**2 / (2 * sigma_color**2))
                total, whole = total + weight[..., None] * other, whole + weight
    return (total / whole[..., None]).reshape(image.shape)


@evidence.equals("image.bilateral_filter", peer="opencv", tolerance="1 grey level (uint8)", data="photos")
def test_bytes_agree_with_opencv(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    worst = 0
    for photo in photos.values():
        piece = np.ascontiguousarray(photo[:200, :300])
        for size, color, space in ((3, 10.0, 1.0), (5, 40.0, 2.0), (9, 25.0, 3.0), (15, 80.0, 6.0)):
            if min(piece.shape[:2]) > size // 2:
                ours = sl.image.bilateral_filter(piece, size, color, space)
                worst = max(worst, int(cv2.absdiff(ours, cv2.bilateralFilter(piece, size, color, space)).max()))
    measured(worst)
    assert worst <= 1


def test_floats_agree_with_opencv() -> None:
    for shape in ((60, 70), (60, 70, 3)):
        picture = RANDOM.random(shape, np.float32)
        expected = cv2.bilateralFilter(picture, 9, 0.1, 3.0)
        assert np.abs(sl.image.bilateral_filter(picture, 9, 0.1, 3.0) - expected).max() < 1e-4


@pytest.mark.parametrize("shape", [(1, 1), (1, 12), (12, 1), (5, 7), (50, 1200), (90, 21, 3)])
@pytest.mark.parametrize(("dtype", "top", "within"), [("uint8", 255, 1), ("uint16", 65535, 3), ("float32", 1, 3e-5)])
def test_every_dtype_and_shape_agrees_with_the_twin(
    shape: tuple[int, ...], dtype: str, top: int, within: float
) -> None:
    picture = (RANDOM.random(shape) * top).astype(dtype)
    ours = sl.image.bilateral_filter(picture, 7, 0.2 * top, 2.0, border="symmetric")
    assert np.abs(ours.astype(float) - twin(picture, 7, 0.2 * top, 2.0, "symmetric")).max() <= within


def test_edges_stay_and_noise_goes() -> None:
    clean = np.where(np.arange(80) < 40, 0.2, 0.8) * np.ones((60, 1))
    noisy = (clean + RANDOM.normal(0, 0.03, clean.shape)).astype(np.float32)
    ours = sl.image.bilateral_filter(noisy, 9, 0.2, 3.0)
    assert (ours - clean).std() < 0.4 * (noisy - clean).std()
    assert (ours[:, 40] - ours[:, 39]).mean() > 0.58


def test_limits() -> None:
    picture = RANDOM.random((30, 40), np.float32)
    np.testing.assert_allclose(sl.image.bilateral_filter(picture, 5, 1e-6, 3.0), picture, atol=1e-6)
    np.testing.assert_array_equal(sl.image.bilateral_filter(picture, 1, 0.1, 3.0), picture)
    for sigma in (1e-40, 1e-300):  # their squares are 0
        np.testing.assert_allclose(sl.image.bilateral_filter(picture, 5, sigma, 3.0), picture, atol=1e-6)
        np.testing.assert_array_equal(sl.image.bilateral_filter(picture, 5, 3.0, sigma), picture)
    flat = np.full((30, 40, 3), 77, np.uint8)
    np.testing.assert_array_equal(sl.image.bilateral_filter(flat, 9, 10.0, 3.0), flat)
    out = np.empty_like(flat)
    assert sl.image.bilateral_filter(flat, 9, 10.0, 3.0, out=out) is out


def test_what_is_wrong_is_refused_by_name() -> None:
    picture = np.zeros((5, 6), np.float32)
    with pytest.raises(InputError, match="bilateral_filter: size must be an odd whole number"):
        sl.image.bilateral_filter(picture, 4, 1.0, 1.0)
    for wrong in (0.0, -1.0, np.nan, "3"):
        with pytest.raises(InputError, match="bilateral_filter: sigma_color must be a number > 0"):
            sl.image.bilateral_filter(picture, 5, wrong, 1.0)
        with pytest.raises(InputError, match="bilateral_filter: sigma_space must be a number > 0"):
            sl.image.bilateral_filter(picture, 5, 1.0, wrong)
    with pytest.raises(InputError, match="border must be one of"):
        sl.image.bilateral_filter(picture, 5, 1.0, 1.0, border="zero")
    picture[2, 2] = np.nan
    with pytest.raises(InputError, match="bilateral_filter: image must be finite"):
        sl.image.bilateral_filter(picture, 5, 1.0, 1.0)
