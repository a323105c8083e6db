"""Wiener deconvolution: undo a known blur, frequency by frequency, as far as the noise allows.

Wiener 1949, "Extrapolation, Interpolation, and Smoothing of Stationary Time Series"; with a measure of roughness in the
place of the unknown noise, Hunt 1973, "The Application of Constrained Least Squares Estimation to Image Restoration by
Digital Computer", IEEE Transactions on Computers C-22(9).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import as_image, choice, describe, number, output
from sightline.core.errors import InputError
from sightline.core.layers import Heat, Picture
from sightline.core.trace import Step
from sightline.core.types import Array, Choice, Image, Range
from sightline.image.border import BORDERS
from sightline.image.fft import from_half_transform, half_transform
from sightline.image.frequency_filter import continued, to_dtype

_LEAST = 1e-30  # a balance that float32 can multiply: what the blur took away is divided by it


@method(
    task="restoration",
    paper="Wiener 1949",
    lesson="w1d7",
    example={"psf": np.ones((3, 3), np.float32)},
)
def wiener_deconvolve(
    image: Image,
    psf: Array,
    balance: Annotated[float, Range(0.0001, 10, 0.001)] = 0.01,
    *,
    regularizer: Annotated[str, Choice("laplacian", "flat")] = "laplacian",
    border: Annotated[str, Choice("wrap", "reflect", "symmetric", "edge")] = "wrap",
    out: Array | None = None,
) -> Image:
    """Return ``image`` without the blur that ``psf`` made.

    Each frequency is multiplied by H* / (|H|² + balance · |R|²), where H is the transform of the point spread function
    and R that of the regularizer. NaN and infinity are refused.

    Parameters
    ----------
    image
        H×W or H×W×3, each channel by itself; uint8, uint16 or finite float32.
    psf
        Point spread function: the h×w picture of a single bright point, its centre at (h // 2, w // 2), no larger than
        the image; finite numbers, which are divided by their sum.
    balance
        How much roughness counts against fidelity, > 0; for ``"flat"``, noise power over signal power. More gives a
        smoother, less restored picture.
    regularizer
        ``"laplacian"`` (4 in the middle, −1 around) holds back noise in fine detail; ``"flat"`` is Wiener's filter for
        noise and signal of constant power.
    border
        ``"wrap"`` takes the image as repeated in all directions, which a photograph is not: it rings at its border.
        The others go on beyond the border for half a height and half a width first (``"reflect"`` 2 1 | 0 1 2,
        ``"symmetric"`` 1 0 | 0 1 2, ``"edge"`` 0 0 | 0 1 2).
    out
        Array to write to, of the image's shape and dtype; None for a new one.

    Returns
    -------
    The restored image, same shape and dtype; float32 may go below 0 and above 1.

    Examples
    --------
    >>> import numpy as np
    >>> sharp = np.zeros((8, 8), np.float32)
    >>> sharp[3:5, 3:5] = 1
    >>> blurred = sum(np.roll(sharp, s, 1) for s in (-1, 0, 1)) / 3
    >>> wiener_deconvolve(blurred, np.ones((1, 3)), 1e-6)[3].round(2).clip(0).tolist()
    [0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0]

    References
    ----------
    N. Wiener, "Extrapolation, Interpolation, and Smoothing of Stationary Time Series", MIT Press, 1949.

    B. R. Hunt, "The Application of Constrained Least Squares Estimation to Image Restoration by Digital Computer", IEEE
    Transactions on Computers C-22(9), 1973.
    """
    image, padded, inner, _, inverse = _prepared(image, psf, balance, regularizer, border)
    result = output("wiener_deconvolve", out, image.shape, image.dtype, [image])
    transform = half_transform(padded)
    transform *= inverse if image.ndim == 2 else inverse[..., None]
    return to_dtype(from_half_transform(transform, padded.shape)[inner], result)


@wiener_deconvolve.steps
def _steps(
    image: Image,
    psf: Array,
    balance: float = 0.01,
    *,
    regularizer: str = "laplacian",
    border: str = "wrap",
    out: Array | None = None,
) -> Iterator[Step]:
    _, _, _, blur, inverse = _prepared(image, psf, balance, regularizer, border)
    yield Step("blur", Heat(np.fft.fftshift(np.abs(blur), axes=0)), note="What the blur left of each frequency u ≥ 0.")
    yield Step("inverse", Heat(np.fft.fftshift(np.abs(inverse), axes=0)), note="What each is multiplied with.")
    result = wiener_deconvolve(image, psf, balance, regularizer=regularizer, border=border, out=out)
    yield Step("result", Picture(result), note="Transformed back.")


def _prepared(
    image: Any, psf: Any, balance: float, regularizer: str, border: str
) -> tuple[Array, Array, tuple[slice, slice], Array, Array]:
    """Return the checked image, its padded twin, where the image lies in it, the blur's transform and the inverse."""
    image = as_image("wiener_deconvolve", image, finite=True, most=1e30)
    if not isinstance(psf, np.ndarray) or psf.ndim != 2 or psf.dtype.kind not in "fiu" or 0 in psf.shape:
        raise InputError(f"wiener_deconvolve: psf must be an h×w array of numbers; got {describe(psf)}.")
    total = float(psf.sum(dtype=np.float64))
    if not np.isfinite(psf).all() or total == 0:
        raise InputError(f"wiener_deconvolve: psf must be finite with a sum that is not 0; got a sum of {total:g}.")
    balance = number("wiener_deconvolve", "balance", balance, high=1e30, above=0)
    choice("wiener_deconvolve", "regularizer", regularizer, ("laplacian", "flat"))
    choice("wiener_deconvolve", "border", border, BORDERS)
    padded, inner = continued(image, border)
    shape = padded.shape[0], padded.shape[1]
    if psf.shape[0] > shape[0] or psf.shape[1] > shape[1]:
        raise InputError(
            f"wiener_deconvolve: psf must be no larger than the image {shape[0]}×{shape[1]}; got {describe(psf)}."
        )
    blur = _transfer(psf.astype(np.float32) / np.float32(total), shape)
    rough = _roughness(shape) if regularizer == "laplacian" else np.float32(1)
    inverse = np.conj(blur)
    inverse /= blur.real**2 + blur.imag**2 + np.float32(max(balance, _LEAST)) * rough
    return image, padded, inner, blur, np.nan_to_num(inverse)


def _roughness(shape: tuple[int, int]) -> Array:
    """Return |R|² of the Laplacian (4 in the middle, -1 around) at the frequencies u ≥ 0."""
    down, across = (2 - 2 * np.cos(2 * np.pi * f) for f in (np.fft.fftfreq(shape[0]), np.fft.rfftfreq(shape[1])))
    return np.square(down[:, None] + across, dtype=np.float64).astype(np.float32)


def _transfer(response: Array, shape: tuple[int, int]) -> Array:
    """Return the transform of a small picture whose centre lies at (h // 2, w // 2), at the frequencies u ≥ 0."""
    whole = np.zeros(shape, np.float32)
    y = (np.arange(response.shape[0]) - response.shape[0] // 2) % shape[0]
    x = (np.arange(response.shape[1]) - response.shape[1] // 2) % shape[1]
    whole[y[:, None], x[None]] = response
    return half_transform(whole)
