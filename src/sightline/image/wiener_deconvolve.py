"""Wiener deconvolution: undo a known blur, frequency by frequency, as far as the noise allows.

Wiener 1949, "Extrapolation, Interpolation, and Smoothing of Stationary Time Series"; with a measure of roughness in the
place of the unknown noise, Hunt 1973, "The Application of Constrained Least Squares Estimation to Image Restoration by
Digital Computer", IEEE Transactions on Computers C-22(9).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Annotated, Any

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import as_image, choice, describe, number, output
from sightline.core.errors import InputError
from sightline.core.layers import Heat, Picture
from sightline.core.trace import Step
from sightline.core.types import Array, Choice, Image, Range
from sightline.image.border import BORDERS
from sightline.image.row_column import extent, filter_rows_and_columns, frequencies, rows_of, rows_to
from sightline.image.scipy_fft import scipy_fft

_ROWS = 256
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
    image, inverse = _prepared(image, psf, balance, regularizer, border)
    result = output("wiener_deconvolve", out, image.shape, image.dtype, [image])

    def weigh(waves: Array, u0: int, u1: int) -> None:
        weights = inverse(u0, u1)[1]
        waves *= weights if image.ndim == 2 else weights[..., None]

    filter_rows_and_columns(rows_of(image), weigh, rows_to(result), image.shape, result, border=border)
    return result


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
    image, of_columns = _prepared(image, psf, balance, regularizer, border)
    blur, inverse = of_columns(0, extent(image.shape[1], border)[1] // 2 + 1)
    yield Step("blur", Heat(np.fft.fftshift(np.abs(blur), axes=0)), note="What the blur left of each frequency u ≥ 0.")
    yield Step("inverse", Heat(np.fft.fftshift(np.abs(inverse), axes=0)), note="What each is multiplied with.")
    result = wiener_deconvolve(image, psf, balance, regularizer=regularizer, border=border, out=out)
    yield Step("result", Picture(result), note="Transformed back.")


def _prepared(
    image: Any, psf: Any, balance: float, regularizer: str, border: str
) -> tuple[Array, Callable[[int, int], tuple[Array, Array]]]:
    """Return the checked image, and what returns the transform of the blur and the inverse at a few frequencies u."""
    image = as_image("wiener_deconvolve", image, finite=True, most=1e30)
    if not isinstance(psf, np.ndarray) or psf.ndim != 2 or psf.dtype.kind not in "fiu" or 0 in psf.shape:
        raise InputError(f"wiener_deconvolve: psf must be an h×w array of numbers; got {describe(psf)}.")
    total = float(psf.sum(dtype=np.float64))
    if not np.isfinite(psf).all() or total == 0:
        raise InputError(f"wiener_deconvolve: psf must be finite with a sum that is not 0; got a sum of {total:g}.")
    balance = number("wiener_deconvolve", "balance", balance, high=1e30, above=0)
    choice("wiener_deconvolve", "regularizer", regularizer, ("laplacian", "flat"))
    choice("wiener_deconvolve", "border", border, BORDERS)
    shape = extent(image.shape[0], border)[1], extent(image.shape[1], border)[1]
    if psf.shape[0] > shape[0] or psf.shape[1] > shape[1]:
        raise InputError(
            f"wiener_deconvolve: psf must be no larger than the image {shape[0]}×{shape[1]}; got {describe(psf)}."
        )
    rows = _along_rows(psf.astype(np.float32) / np.float32(total), shape[1])
    down, across = (2 - 2 * np.cos(2 * np.pi * f) for f in frequencies(image.shape, border))
    floor = np.float32(max(balance, _LEAST))

    def of_columns(u0: int, u1: int) -> tuple[Array, Array]:
        blur = _along_columns(rows[:, u0:u1], shape[0])
        inverse = np.conj(blur)
        power = blur.real**2 + blur.imag**2
        for v0 in range(0, shape[0], _ROWS):  # |R|² of the Laplacian, 4 in the middle and -1 around
            rough = np.square(down[v0 : v0 + _ROWS, None] + across[u0:u1]).astype(np.float32)
            power[v0 : v0 + _ROWS] += floor * (rough if regularizer == "laplacian" else np.float32(1))
        inverse /= power
        return blur, np.nan_to_num(inverse, copy=False)

    return image, of_columns


def _along_rows(response: Array, width: int) -> Array:
    """Return the transforms of rows whose middle lies at w // 2, at the frequencies u ≥ 0."""
    rows = np.zeros((len(response), width), np.float32)
    rows[:, (np.arange(response.shape[1]) - response.shape[1] // 2) % width] = response
    return scipy_fft().rfft(rows, axis=1)


def _along_columns(rows: Array, height: int) -> Array:
    """Return the transforms of columns whose middle lies at h // 2."""
    columns = np.zeros((height, rows.shape[1]), np.complex64)
    columns[(np.arange(len(rows)) - len(rows) // 2) % height] = rows
    return scipy_fft().fft(columns, axis=0, overwrite_x=True)
