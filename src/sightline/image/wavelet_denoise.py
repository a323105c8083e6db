"""Wavelet shrinkage: noise is spread thinly over all coefficients, edges are few and large; small ones go to zero.

Donoho & Johnstone 1994, "Ideal spatial adaptation by wavelet shrinkage", Biometrika 81(3): one threshold for all;
Chang, Yu, Vetterli 2000, "Adaptive wavelet thresholding for image denoising and compression", IEEE TIP 9(9): one for
each band, from how much more it varies than noise does.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import as_image, choice, number, output
from sightline.core.layers import Picture, Table
from sightline.core.trace import Step
from sightline.core.types import Array, Choice, Image, Range
from sightline.image.dwt import Wavelets, dwt, levels_within, reconstructed
from sightline.image.wavelet_bands import analyse
from sightline.image.wavelets import filters_of

_MEDIAN = 0.6744897501960817  # median of |x| for a normal x of σ = 1
_MOST_NOISE = 1e100  # whose square is still a number: nothing is left of any picture
_SPARED = 3  # halvings before the filter is as long as the picture that are not made


@method(task="denoising", paper="Chang 2000", lesson="w2d4")
def wavelet_denoise(
    image: Image,
    sigma: Annotated[float, Range(0, 100, 0.5)] | None = None,
    *,
    wavelet: str = "db2",
    levels: Annotated[int, Range(1, 12)] | None = None,
    shrink: Annotated[str, Choice("bayes", "visu")] = "bayes",
    mode: Annotated[str, Choice("soft", "hard")] = "soft",
    out: Array | None = None,
) -> Image:
    """Return an image with its noise shrunk in the wavelet domain.

    NaN and infinity are refused: they would spread over the whole image.

    Parameters
    ----------
    image
        H×W or H×W×C, each channel on its own; uint8, uint16 or float32.
    sigma
        Standard deviation of the noise, in the image's own units; None estimates it from the finest diagonal details.
    wavelet
        As in ``dwt``.
    levels
        Number of halvings; None is three less than fit, at least one.
    shrink
        ``"bayes"``: a threshold σ²/σₓ for each band, where σₓ is how much it varies beyond the noise. ``"visu"``: the
        universal threshold σ·√(2 ln N) for all.
    mode
        ``"soft"`` moves what is kept towards 0 by the threshold, ``"hard"`` leaves it.
    out
        Array to write to, of the shape and dtype of ``image``; None for a new one.

    Returns
    -------
    Image
        Same shape and dtype.

    References
    ----------
    S. G. Chang, B. Yu, M. Vetterli, "Adaptive wavelet thresholding for image denoising and compression", IEEE
    Transactions on Image Processing 9(9), 2000.

    Examples
    --------
    >>> import numpy as np
    >>> noisy = (100 + np.random.default_rng(0).normal(0, 10, (64, 64))).astype(np.uint8)
    >>> bool(wavelet_denoise(noisy, 10, levels=3).std() < noisy.std() / 3)
    True
    """
    image = as_image("wavelet_denoise", image, channels=(), finite=True)
    coefficients = _shrunk(image, sigma, wavelet, levels, shrink, mode)
    result = output("wavelet_denoise", out, image.shape, image.dtype, [image])
    values = reconstructed(coefficients)
    if image.dtype.kind == "u":
        values = np.clip(np.rint(values), 0, np.iinfo(image.dtype).max)
    result[...] = values
    return result


@wavelet_denoise.steps
def _steps(
    image: Image,
    sigma: float | None = None,
    *,
    wavelet: str = "db2",
    levels: int | None = None,
    shrink: str = "bayes",
    mode: str = "soft",
    out: Array | None = None,
) -> Iterator[Step]:
    image = as_image("wavelet_denoise", image, channels=(), finite=True)
    yield Step("noisy", Picture(image))
    noise = [_noise(plane) if sigma is None else float(sigma) for plane in _channels(image)]
    yield Step("noise", Table(np.array([noise]), tuple(f"σ of channel {c}" for c in range(len(noise)))))
    before = dwt(image, wavelet, _levels_for(image, wavelet, levels))
    yield Step("coefficients", Picture(before.mosaic()), note="Edges stand out; noise is a veil over all bands.")
    yield Step(
        "shrunk", Picture(_shrunk(image, sigma, wavelet, levels, shrink, mode).mosaic()), note="The veil is gone."
    )
    options = {"wavelet": wavelet, "levels": levels, "shrink": shrink, "mode": mode}
    yield Step("denoised", Picture(wavelet_denoise(image, sigma, **options, out=out)))  # type: ignore[arg-type]


def _shrunk(
    image: np.ndarray, sigma: float | None, wavelet: str, levels: int | None, shrink: str, mode: str
) -> Wavelets:
    """Return the coefficients of the image, shrunk."""
    if sigma is not None:
        sigma = min(number("wavelet_denoise", "sigma", sigma, 0, unit="in the image's units"), _MOST_NOISE)
    choice("wavelet_denoise", "shrink", shrink, ("bayes", "visu"))
    choice("wavelet_denoise", "mode", mode, ("soft", "hard"))
    filters_of("wavelet_denoise", wavelet)
    found = dwt(image, wavelet, _levels_for(image, wavelet, levels))
    noise = np.array([_noise(plane) if sigma is None else sigma for plane in _channels(image)])
    size = image.shape[0] * image.shape[1]
    details: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    for bands in found.details:
        kept = []
        for band in bands:
            if shrink == "bayes":
                spread = np.square(band).reshape(-1, noise.size).mean(axis=0)
                limit = noise**2 / np.sqrt(np.maximum(spread - noise**2, np.finfo(np.float64).eps))
            else:
                limit = noise * math.sqrt(2 * math.log(size))
            limit = limit.reshape((1, 1, -1) if band.ndim == 3 else (1, 1))
            small = np.clip(band, -limit, limit)
            kept.append(band - small if mode == "soft" else np.where(band == small, 0.0, band))
        horizontal, vertical, diagonal = kept
        details.append((horizontal, vertical, diagonal))
    return replace(found, details=tuple(details))


def _levels_for(image: np.ndarray, wavelet: str, levels: int | None) -> int:
    if levels is not None:
        return levels_within("wavelet_denoise", image, levels)
    taps = len(filters_of("wavelet_denoise", wavelet).low)
    fit = int(math.log2(max(1, min(image.shape[:2]) / (taps - 1))))
    return max(1, fit - _SPARED)


def _channels(image: np.ndarray) -> list[np.ndarray]:
    return [image] if image.ndim == 2 else [image[..., c] for c in range(image.shape[2])]


def _noise(plane: np.ndarray) -> float:
    """Return σ of the noise: the median size of the finest diagonal details (of those that are not 0)."""
    diagonal = analyse(np.ascontiguousarray(plane, np.float64), filters_of("wavelet_denoise", "db2"), "symmetric")[3]
    size = np.abs(diagonal[diagonal != 0])
    return float(np.median(size)) / _MEDIAN if size.size else 0.0
