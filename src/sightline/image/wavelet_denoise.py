"""Wavelet shrinkage: noise is spread thinly over all coefficients, edges are few and large; small ones go to zero.

Donoho & Johnstone 1994, "Ideal spatial adaptation by wavelet shrinkage", Biometrika 81(3): one threshold for all;
Chang, Yu, Vetterli 2000, "Adaptive wavelet thresholding for image denoising and compression", IEEE TIP 9(9): one for
each band, from how much more it varies than noise does.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import as_image, choice, number, output
from sightline.core.kernels import over_rows
from sightline.core.layers import Picture, Table
from sightline.core.trace import Step
from sightline.core.types import Array, Choice, Image, Range
from sightline.image.dwt import Wavelets, channels_of, dwt, levels_within
from sightline.image.wavelet_bands import Halving
from sightline.image.wavelet_cascade import Cascade
from sightline.image.wavelets import Filters, filters_of

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
    sigma = _checked(sigma, wavelet, shrink, mode)
    levels = _levels_for(image, wavelet, levels)
    result = output("wavelet_denoise", out, image.shape, image.dtype, [image])
    for plane, denoised in zip(channels_of(image), channels_of(result), strict=True):
        noise = _noise(plane) if sigma is None else sigma
        _denoise(plane, noise, filters_of("wavelet_denoise", wavelet), levels, shrink, mode, denoised)
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
    sigma = _checked(sigma, wavelet, shrink, mode)
    yield Step("noisy", Picture(image))
    noise = [_noise(plane) if sigma is None else sigma for plane in channels_of(image)]
    yield Step("noise", Table(np.array([noise]), tuple(f"σ of channel {c}" for c in range(len(noise)))))
    before = dwt(image, wavelet, _levels_for(image, wavelet, levels))
    yield Step("coefficients", Picture(before.mosaic()), note="Edges stand out; noise is a veil over all bands.")
    yield Step(
        "shrunk", Picture(_shrunk(image, sigma, wavelet, levels, shrink, mode).mosaic()), note="The veil is gone."
    )
    options = {"wavelet": wavelet, "levels": levels, "shrink": shrink, "mode": mode}
    yield Step("denoised", Picture(wavelet_denoise(image, sigma, **options, out=out)))  # type: ignore[arg-type]


def _denoise(
    plane: np.ndarray, noise: float, filters: Filters, levels: int, shrink: str, mode: str, denoised: np.ndarray
) -> None:
    """Write a denoised plane; of the finest details, most of all numbers, no more than a strip is held."""
    finest = Halving(filters, plane.shape).half
    squares = np.zeros((finest[0], 3))

    def seen(y0: int, y1: int, details: list[np.ndarray]) -> None:
        for direction, band in enumerate(details):
            squares[y0:y1, direction] = np.einsum("yx,yx->y", band, band)

    cascade = Cascade(lambda y0, y1: plane[y0:y1], plane.shape, filters, levels, seen if shrink == "bayes" else None)
    spreads = [squares.sum(axis=0) / math.prod(finest)]
    if shrink == "bayes":
        spreads += [np.array([np.square(band).mean() for band in bands]) for bands in cascade.details]
    limits = [_limits(noise, spread, plane.size, shrink) for spread in spreads]

    def change(number: int, _: int, bands: list[np.ndarray]) -> None:
        for limit, band in zip(limits[number - 1 if shrink == "bayes" else 0], bands[-3:], strict=True):
            _shrink(band, limit, mode)

    cascade.change(change)
    cascade.write(denoised)


def _limits(noise: float, spreads: np.ndarray, size: int, shrink: str) -> np.ndarray:
    """Return the threshold of each band of a level, whose mean squares are ``spreads``."""
    if shrink == "visu":
        return np.full(len(spreads), noise * math.sqrt(2 * math.log(size)))
    return noise**2 / np.sqrt(np.maximum(spreads - noise**2, np.finfo(np.float64).eps))


def _shrink(band: np.ndarray, limit: float, mode: str) -> None:
    """Shrink coefficients in their place."""
    small = np.clip(band, -limit, limit)
    if mode == "soft":
        band -= small
    else:
        band[band == small] = 0.0


def _shrunk(
    image: np.ndarray, sigma: float | None, wavelet: str, levels: int | None, shrink: str, mode: str
) -> Wavelets:
    """Return the coefficients of the image, shrunk, to look at them."""
    found = dwt(image, wavelet, _levels_for(image, wavelet, levels))
    for channel, plane in enumerate(channels_of(image)):
        noise = _noise(plane) if sigma is None else sigma
        for bands in found.details:
            parts = [channels_of(band)[channel] for band in bands]
            spreads = np.array([np.square(part).mean() for part in parts])
            for part, limit in zip(parts, _limits(noise, spreads, plane.size, shrink), strict=True):
                _shrink(part, limit, mode)
    return found


def _checked(sigma: float | None, wavelet: str, shrink: str, mode: str) -> float | None:
    """Return σ of the noise, no larger than what has a square."""
    if sigma is not None:
        sigma = min(number("wavelet_denoise", "sigma", sigma, 0, unit="in the image's units"), _MOST_NOISE)
    choice("wavelet_denoise", "shrink", shrink, ("bayes", "visu"))
    choice("wavelet_denoise", "mode", mode, ("soft", "hard"))
    filters_of("wavelet_denoise", wavelet)
    return sigma


def _levels_for(image: np.ndarray, wavelet: str, levels: int | None) -> int:
    if levels is not None:
        return levels_within("wavelet_denoise", image, levels)
    taps = len(filters_of("wavelet_denoise", wavelet).low)
    fit = int(math.log2(max(1, min(image.shape[:2]) / (taps - 1))))
    return max(1, fit - _SPARED)


def _noise(plane: np.ndarray) -> float:
    """Return σ of the noise: the median size of the finest diagonal details (of those that are not 0)."""
    level = Halving(filters_of("wavelet_denoise", "db2"), plane.shape)
    size = np.empty(level.half)

    def diagonal(y0: int, y1: int) -> None:
        np.abs(level.bands(lambda a, b: plane[a:b], y0, y1)[3], out=size[y0:y1])

    over_rows(diagonal, level.half[0], strip=level.strip)
    size = size.ravel()
    many = np.count_nonzero(size)
    if many == 0:
        return 0.0
    middle = [size.size - many + (many - 1) // 2, size.size - many + many // 2]  # zeros come first
    size.partition(middle)
    return float(size[middle].mean()) / _MEDIAN
