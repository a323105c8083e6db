"""Non-local means against OpenCV and scikit-image, and against the sum that the paper writes."""

from __future__ import annotations

import importlib
from collections.abc import Callable

import cv2
import numpy as np
import pytest
from skimage.restoration import denoise_nl_means

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError

nlm = importlib.import_module("sightline.image.non_local_means")  # the module, which the function's name hides
RANDOM = np.random.default_rng(8)


def twin(image: np.ndarray, patch: int, window: int, strength: float, sigma: float) -> np.ndarray:
    """Return the filter in float64, one displacement at a time."""
    half, reach = patch // 2, window // 2
    planes = image.astype(np.float64).reshape(*image.shape[:2], -1)
    padded = np.pad(planes, ((half + reach,) * 2, (half + reach,) * 2, (0, 0)), mode="reflect")
    height, width = image.shape[:2]
    total, whole = np.zeros_like(planes), np.zeros((height, width))
    around = padded[reach : reach + height + 2 * half, reach : reach + width + 2 * half]
    for dy in range(window):
        for dx in range(window):
            other = padded[dy : dy + height + 2 * half, dx : dx + width + 2 * half]
            squares = ((around - other) ** 2).mean(axis=2)
            distance = np.lib.stride_tricks.sliding_window_view(squares, (patch, patch)).mean(axis=(2, 3))
            weight = np.exp(-np.maximum(distance - 2 * sigma**2, 0) / strength**2)
            total += weight[..., None] * other[half : half + height, half : half + width]
            whole += weight
    return (total / whole[..., None]).reshape(image.shape)


def noisy(photo: np.ndarray, sigma: float) -> np.ndarray:
    return np.clip(photo + RANDOM.normal(0, sigma, photo.shape), 0, 255).round().astype(np.uint8)


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / np.mean((a.astype(float) - b) ** 2)))


@evidence.equals("image.non_local_means", peer="opencv", tolerance="0.3 grey levels on average", data="photos")
def test_bytes_agree_with_opencv(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    worst = 0.0
    for photo in photos.values():
        piece = noisy(np.ascontiguousarray(photo[:100, :120] if photo.ndim == 2 else photo[:100, :120, 1]), 15)
        if min(piece.shape) < 30:
            continue
        for patch, window, strength in ((7, 21, 15.0), (3, 11, 20.0)):
            ours = sl.image.non_local_means(piece, patch, window, strength=strength)
            peer = cv2.fastNlMeansDenoising(piece, None, strength, patch, window)  # its weights are quantised
            worst = max(worst, float(cv2.absdiff(ours, peer).mean()))
    measured(worst)
    assert worst < 0.3


def test_noise_goes_as_with_scikit_image(photos: dict[str, np.ndarray]) -> None:
    photo = photos.get("camera", photos["rings"])[:200, :200]
    spoiled = noisy(photo, 20)
    ours = sl.image.non_local_means(spoiled, 5, 21, strength=12.0, sigma=20.0)
    peer = denoise_nl_means(spoiled.astype(float), 5, 10, 12.0, sigma=20.0, preserve_range=True)
    assert psnr(ours, photo) > psnr(peer, photo) - 0.3
    assert psnr(ours, photo) > psnr(spoiled, photo) + 4


@pytest.mark.parametrize("shape", [(1, 1), (1, 15), (15, 1), (6, 5), (70, 40), (20, 700), (40, 30, 3)])
@pytest.mark.parametrize(("dtype", "top", "within"), [("uint8", 255, 1), ("uint16", 65535, 5), ("float32", 1, 5e-5)])
def test_every_dtype_and_shape_agrees_with_the_twin(
    shape: tuple[int, ...], dtype: str, top: int, within: float
) -> None:
    picture = (RANDOM.random(shape) * top).astype(dtype)
    for patch, window, strength, sigma in ((5, 9, 0.3, 0.1), (9, 3, 0.2, 0.0), (1, 5, 0.1, 0.0), (7, 5, 0.3, 0.0)):
        ours = sl.image.non_local_means(picture, patch, window, strength=strength * top, sigma=sigma * top)
        expected = twin(picture, patch, window, strength * top, sigma * top)
        assert np.abs(ours.astype(float) - expected).max() <= within


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_strips_are_as_the_whole(dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    picture = RANDOM.integers(0, 256, (150, 21, 3)).astype(dtype)
    whole = sl.image.non_local_means(picture, 5, 9)  # the noise is estimated, too
    monkeypatch.setattr(nlm, "_PIXELS", 1)
    np.testing.assert_array_equal(sl.image.non_local_means(picture, 5, 9), whole)


def test_the_median_of_whole_numbers_is_that_of_their_floats() -> None:
    for shape in ((30, 41), (7, 7, 3), (2, 3)):
        picture = RANDOM.integers(0, 65536, shape, dtype=np.uint16)
        a, b, c, d = (picture[i : len(picture) // 2 * 2 : 2, j : shape[1] // 2 * 2 : 2] for i in (0, 1) for j in (0, 1))
        differences = np.abs(a.astype(np.float32) - b - c + d)
        assert nlm._estimate(picture) == float(np.float32(np.median(differences)) / 2 / nlm._MAD)


def test_the_noise_is_estimated() -> None:
    clean = np.tile(np.linspace(60, 190, 200), (160, 1))
    spoiled = noisy(clean, 12)
    by_itself, told = sl.image.non_local_means(spoiled), sl.image.non_local_means(spoiled, sigma=12.0)
    assert abs(psnr(by_itself, clean) - psnr(told, clean)) < 1.0
    np.testing.assert_array_equal(sl.image.non_local_means(np.full((9, 9), 7, np.uint8)), 7)


@pytest.mark.filterwarnings("error")
def test_a_strength_that_no_float_can_square_changes_nothing() -> None:
    picture = RANDOM.random((20, 21), np.float32)
    for strength in (1e-12, 1e-25, 1e-300):
        np.testing.assert_allclose(sl.image.non_local_means(picture, 3, 7, strength=strength), picture, atol=1e-6)


def test_steps_show_the_patch_itself_first() -> None:
    picture = noisy(np.full((40, 50), 120.0), 10)
    steps = {step.name: step for step in sl.trace(sl.image.non_local_means, picture, 5, 11, sigma=10.0).steps}
    np.testing.assert_array_equal(steps["similar patches"].value[0], picture[18:23, 23:28])
    assert steps["distances"].value[5, 5] == 0
    assert steps["weights"].value.shape == (11, 11)


def test_what_is_wrong_is_refused_by_name() -> None:
    picture = np.zeros((9, 9), np.float32)
    with pytest.raises(InputError, match="non_local_means: patch must be an odd whole number"):
        sl.image.non_local_means(picture, 4)
    with pytest.raises(InputError, match="non_local_means: window must be an odd whole number"):
        sl.image.non_local_means(picture, 3, 20)
    for wrong in (0.0, -1.0, np.nan):
        with pytest.raises(InputError, match="non_local_means: strength must be a number > 0"):
            sl.image.non_local_means(picture, strength=wrong)
    with pytest.raises(InputError, match="non_local_means: sigma must be a number"):
        sl.image.non_local_means(picture, sigma=-1.0)
    picture[3, 3] = np.inf
    with pytest.raises(InputError, match="non_local_means: image must be finite"):
        sl.image.non_local_means(picture)
