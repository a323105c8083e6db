"""Wavelet shrinkage against scikit-image; wavelet blending against a twin on PyWavelets."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import pytest
import pywt
from skimage.restoration import denoise_wavelet, estimate_sigma

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError

denoise, blend = sl.image.wavelet_denoise, sl.image.wavelet_blend


@evidence.equals("image.wavelet_denoise", peer="scikit-image", tolerance="1e-5 of the range", data="photos and noise")
def test_equals_scikit_image(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    worst = 0.0
    random = np.random.default_rng(3)
    for name in ("rings", "noise", "camera", "coffee"):
        if name not in photos:
            continue
        clean = photos[name].astype(np.float32) / 255
        noisy = (clean + random.normal(0, 0.08, clean.shape)).clip(0, 1).astype(np.float32)
        axis = 2 if noisy.ndim == 3 else None
        for shrink, peer in (("bayes", "BayesShrink"), ("visu", "VisuShrink")):
            for mode in ("soft", "hard"):
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    theirs = denoise_wavelet(
                        noisy.astype(np.float64),
                        wavelet="db2",
                        mode=mode,
                        method=peer,
                        channel_axis=axis,
                        rescale_sigma=False,
                    )
                ours = denoise(noisy, shrink=shrink, mode=mode)
                worst = max(worst, float(np.abs(ours - theirs).max()))
    measured(worst)
    assert worst <= 1e-5


def test_noise_is_estimated_like_the_peer(photos: dict[str, np.ndarray]) -> None:
    random = np.random.default_rng(0)
    noisy = (photos["rings"] + random.normal(0, 9, photos["rings"].shape)).clip(0, 255).astype(np.uint8)
    table = sl.trace(denoise, noisy)["noise"].value
    assert table[0, 0] == pytest.approx(estimate_sigma(noisy.astype(float)), rel=1e-9)


def test_denoising_raises_psnr(photos: dict[str, np.ndarray]) -> None:
    clean = photos["rings"]
    noisy = (clean + np.random.default_rng(1).normal(0, 20, clean.shape)).clip(0, 255).astype(np.uint8)

    def error(image: np.ndarray) -> float:
        return float(np.square(image.astype(float) - clean).mean())

    assert error(denoise(noisy, 20.0, wavelet="sym4")) < 0.4 * error(noisy)
    assert np.array_equal(denoise(clean, 0), clean)


def test_refusals() -> None:
    image = np.zeros((8, 8), np.float32)
    for options, words in (
        ({"sigma": -1}, "sigma must be"),
        ({"shrink": "sure"}, "shrink must be"),
        ({"mode": "firm"}, "mode must be"),
        ({"wavelet": "db0"}, "wavelet must be"),
        ({"levels": 7}, "levels must be"),
    ):
        with pytest.raises(InputError, match=f"^wavelet_denoise: {words}"):
            denoise(image, **options)
    with pytest.raises(InputError, match="wavelet_denoise: image must be finite"):
        denoise(np.full((4, 4), np.nan, np.float32))


# --- blending ---


def twin(a: np.ndarray, b: np.ndarray, mask: np.ndarray, levels: int, wavelet: str) -> np.ndarray:
    """Return the blend of grey images, band by band, by PyWavelets."""
    first, second = (pywt.wavedec2(x.astype(np.float64), wavelet, level=levels) for x in (a, b))
    weights, weight = [], mask.astype(np.float32)
    for _ in range(levels):
        weight = np.clip(pywt.dwt2(weight.astype(np.float64), wavelet)[0] / 2, 0, 1).astype(np.float32)
        weights.insert(0, weight)
    mixed = [weights[0] * first[0] + (1 - weights[0]) * second[0]]
    for w, one, other in zip(weights, first[1:], second[1:], strict=True):
        mixed.append(tuple(w * p + (1 - w) * q for p, q in zip(one, other, strict=True)))
    return pywt.waverec2(mixed, wavelet)[: a.shape[0], : a.shape[1]]


@evidence.equals("image.wavelet_blend", peer="pywavelets", tolerance="1e-5 of the range", data="rings, noise, camera")
def test_blend_equals_a_twin(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    worst = 0.0
    for image in (photos["rings"], photos["noise"][..., 1], photos.get("camera", photos["rings"])):
        a = image.astype(np.float32) / 255
        b, mask = np.ascontiguousarray(a[::-1, ::-1]), np.hypot(*np.mgrid[: a.shape[0], : a.shape[1]]) < 50
        for wavelet, levels in (("haar", 3), ("db2", 4), ("sym4", 2)):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                theirs = twin(a, b, mask, levels, wavelet)
            worst = max(worst, float(np.abs(blend(a, b, mask, levels, wavelet=wavelet) - theirs).max()))
    measured(worst)
    assert worst <= 1e-5


def test_a_full_mask_gives_a_and_an_empty_one_b(photos: dict[str, np.ndarray]) -> None:
    a = photos["noise"]
    b = np.ascontiguousarray(255 - a)
    everywhere = np.ones(a.shape[:2], bool)
    assert np.array_equal(blend(a, b, everywhere), a)
    assert np.array_equal(blend(a, b, ~everywhere), b)


def test_the_seam_is_smooth() -> None:
    a, b = np.full((64, 64), 200, np.uint8), np.full((64, 64), 60, np.uint8)
    mask = np.zeros((64, 64), bool)
    mask[:, :32] = True
    row = blend(a, b, mask, 5)[32].astype(int)
    assert row[0] > 190
    assert row[-1] < 70
    assert np.abs(np.diff(row)).max() < 40


def test_blend_refusals() -> None:
    a = np.zeros((8, 9), np.uint8)
    mask = np.zeros((8, 9), bool)
    with pytest.raises(InputError, match=r"wavelet_blend: b must be 8×9 uint8 like a; got 9×8 uint8"):
        blend(a, a.T, mask)
    with pytest.raises(InputError, match=r"wavelet_blend: mask must have the image's shape 8×9"):
        blend(a, a, mask[:4])
    for levels in (0, 9):
        with pytest.raises(InputError, match=r"^wavelet_blend: levels must be"):
            blend(a, a, mask, levels)
    with pytest.raises(InputError, match=r"^wavelet_blend: wavelet must be haar, db1–db20, .*; got 'db99'"):
        blend(a, a, mask, wavelet="db99")
