"""Peak signal-to-noise ratio and structural similarity against scikit-image, on photos as they are spoilt."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from skimage import metrics as peers

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError

psnr, ssim = sl.metrics.psnr, sl.metrics.ssim


def spoilt(photos: dict[str, np.ndarray], least: int = 1) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield photos in each dtype, and what noise, a blur and too much light make of them."""
    random = np.random.default_rng(3)
    for photo in photos.values():
        if min(photo.shape[:2]) < least:
            continue
        noisy = np.clip(photo + random.normal(0, 20, photo.shape), 0, 255).astype(np.uint8)
        for worse in (noisy, sl.image.gaussian_blur(photo, 2), np.maximum(photo, 100)):
            yield worse, photo
        yield noisy.astype(np.uint16) * np.uint16(257), photo.astype(np.uint16) * np.uint16(257)
        yield sl.to_float(noisy), sl.to_float(photo)


def span(image: np.ndarray) -> float:
    return 1.0 if image.dtype == np.float32 else float(np.iinfo(image.dtype).max)


@evidence.equals("metrics.psnr", peer="scikit-image", tolerance="1e-4 dB", data="spoilt photos of each dtype")
def test_psnr_equals_scikit_image(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    worst = 0.0
    for image, photo in spoilt(photos):
        peer = peers.peak_signal_noise_ratio(photo, image, data_range=span(photo)) if (image != photo).any() else np.inf
        ours = psnr(image, photo)
        worst = max(worst, abs(ours - peer) if np.isfinite(peer) else float(ours != peer))
    measured(worst)
    assert worst <= 1e-4


@evidence.equals("metrics.ssim", peer="scikit-image", tolerance="1e-4", data="spoilt photos of each dtype")
def test_ssim_equals_scikit_image(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    worst = 0.0
    for image, photo in spoilt(photos, least=11):
        options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": span(photo)}
        peer = peers.structural_similarity(image, photo, channel_axis=2 if photo.ndim == 3 else None, **options)
        worst = max(worst, abs(ssim(image, photo) - peer))
    measured(worst)
    assert worst <= 1e-4


def test_equal_images_are_as_near_as_can_be(photos: dict[str, np.ndarray]) -> None:
    for photo in photos.values():
        assert psnr(photo, photo) == math.inf
        assert ssim(photo, photo) == 1.0


def test_less_noise_is_nearer_and_order_does_not_matter(photos: dict[str, np.ndarray]) -> None:
    photo, random = photos["camera"], np.random.default_rng(8)
    noise = random.normal(0, 1, photo.shape)
    noisy = [np.clip(photo + strength * noise, 0, 255).astype(np.uint8) for strength in (2, 10, 40)]
    for score in (psnr, ssim):
        values = [score(image, photo) for image in noisy]
        assert values == sorted(values, reverse=True)
        assert score(photo, noisy[1]) == pytest.approx(values[1], abs=1e-12)


def test_small_images_have_a_similarity_too() -> None:
    for shape in ((1, 1), (3, 40), (40, 2, 3)):
        image = np.random.default_rng(1).random(shape, np.float32)
        assert ssim(image, image) == 1.0
        assert ssim(image, 1 - image) < 1


def test_steps_show_where(photos: dict[str, np.ndarray]) -> None:
    photo = photos["camera"]
    steps = sl.trace(ssim, sl.image.gaussian_blur(photo, 3), reference=photo).steps
    assert [step.name for step in steps] == ["image", "reference", "similarity"]


@pytest.mark.parametrize("score", [psnr, ssim])
def test_refusals(score: Callable[..., float]) -> None:
    image = np.zeros((5, 6), np.uint8)
    name = score.__name__
    for other in (image[:4], image.astype(np.float32), np.dstack([image] * 3), None, image.tolist()):
        with pytest.raises(InputError, match=f"{name}: reference must have the image's shape and dtype, 5×6 uint8"):
            score(image, other)
    bad = np.full((5, 6), np.nan, np.float32)
    with pytest.raises(InputError, match=f"{name}: reference must be finite"):
        score(np.zeros((5, 6), np.float32), bad)
    with pytest.raises(InputError, match=f"{name}: image must be finite"):
        score(bad, bad)
