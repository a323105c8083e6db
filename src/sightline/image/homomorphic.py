"""Homomorphic filter: light that changes slowly is held back, detail that changes fast is brought out.

Oppenheim, Schafer and Stockham 1968, "Nonlinear Filtering of Multiplied and Convolved Signals", Proceedings of the IEEE
56(8): an image is light times reflectance; the logarithm makes a sum of them, which a filter can divide.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Annotated, Any

import numpy as np

from sightline.core.buffers import empty
from sightline.core.catalogue import method
from sightline.core.checks import as_image, choice, number, output
from sightline.core.errors import InputError
from sightline.core.layers import Heat, Picture
from sightline.core.trace import Step
from sightline.core.types import Array, Choice, Image, Range
from sightline.image.border import BORDERS
from sightline.image.correlation import finish
from sightline.image.frequency_filter import transfer
from sightline.image.row_column import filter_rows_and_columns, rows_to, weighing

_RANGE = {"uint8": 255.0, "uint16": 65535.0, "float32": 1.0}
_HALF_LEVEL = 0.5 / 255  # keeps the logarithm of black finite


@method(task="frequency", paper="Oppenheim 1968", lesson="w1d7")
def homomorphic(
    image: Image,
    *,
    cutoff: Annotated[float, Range(0.001, 0.5, 0.001)] = 0.02,
    low: Annotated[float, Range(0, 1, 0.05)] = 0.4,
    high: Annotated[float, Range(1, 5, 0.1)] = 1.5,
    border: Annotated[str, Choice("symmetric", "reflect", "edge", "wrap")] = "symmetric",
    out: Array | None = None,
) -> Image:
    """Return ``image`` under more even light, with its detail brought out.

    The logarithm of brightness is filtered with ``low`` + (``high`` − ``low``) · (1 − exp(−D² / 2·cutoff²)), D being
    the frequency, and each pixel is multiplied by what that changed. The mean of the logarithm stays as it is, so that
    the picture stays as bright as it was. NaN, infinity and negative values are refused.

    Parameters
    ----------
    image
        H×W, or H×W×3, whose brightness (the mean of its channels) decides and whose colours stay; uint8, uint16 or
        finite float32 ≥ 0.
    cutoff
        Frequency between slow and fast, in cycles per pixel, > 0.
    low, high
        What slow and fast changes of the logarithm are multiplied with, 0–10; 1 leaves them as they are.
    border
        What lies beyond the border: ``"symmetric"`` (1 0 | 0 1 2), ``"reflect"`` (2 1 | 0 1 2), ``"edge"``
        (0 0 | 0 1 2) or ``"wrap"`` (8 9 | 0 1 2).
    out
        Array to write to, of the image's shape and dtype; None for a new one.

    Returns
    -------
    The filtered image, same shape and dtype; uint8 and uint16 are cut off at white.

    Examples
    --------
    >>> import numpy as np
    >>> dim = np.linspace(0.9, 0.1, 64, dtype=np.float32) * np.ones((64, 1), np.float32)
    >>> bool(homomorphic(dim).std() < 0.7 * dim.std())
    True

    References
    ----------
    A. V. Oppenheim, R. W. Schafer, T. G. Stockham, "Nonlinear Filtering of Multiplied and Convolved Signals",
    Proceedings of the IEEE 56(8), 1968.
    """
    image = _checked(image, cutoff, low, high, border)
    result = output("homomorphic", out, image.shape, image.dtype, [image])

    def write(y0: int, y1: int, filtered: Array) -> None:
        gain = np.exp(filtered - _logarithm(image[y0:y1]))
        finish(image[y0:y1] * (gain if image.ndim == 2 else gain[..., None]), result[y0:y1])

    _filter(image, cutoff, low, high, border, write, result)
    return result


@homomorphic.steps
def _steps(
    image: Image,
    *,
    cutoff: float = 0.02,
    low: float = 0.4,
    high: float = 1.5,
    border: str = "symmetric",
    out: Array | None = None,
) -> Iterator[Step]:
    image = _checked(image, cutoff, low, high, border)
    logarithm = _logarithm(image)
    yield Step("logarithm", Heat(logarithm), note="Light times reflectance has become a sum.")
    light = empty(logarithm.shape, np.float32)
    _filter(image, cutoff, 1.0, 0.0, border, rows_to(light), light)
    yield Step("light", Heat(light), note=f"The slow part of it, multiplied by {low:g}.")
    yield Step("detail", Heat(logarithm - light), note=f"The fast part, multiplied by {high:g}.")
    result = homomorphic(image, cutoff=cutoff, low=low, high=high, border=border, out=out)
    yield Step("result", Picture(result), note="Added up, and back from the logarithm.")


def _checked(image: Any, cutoff: float, low: float, high: float, border: str) -> Array:
    image = as_image("homomorphic", image, finite=True, most=1e12)
    number("homomorphic", "cutoff", cutoff, above=0, unit="cycles per pixel")
    number("homomorphic", "low", low, 0, 10)
    number("homomorphic", "high", high, 0, 10)
    choice("homomorphic", "border", border, BORDERS)
    if image.dtype == np.float32 and image.min() < 0:
        raise InputError(f"homomorphic: image must be ≥ 0; got {float(image.min()):g}. Use np.clip(image, 0, 1).")
    return image


def _logarithm(image: Array) -> Array:
    bright = image.astype(np.float32) if image.ndim == 2 else image.mean(axis=2, dtype=np.float32)
    return np.log(bright * np.float32(1 / _RANGE[image.dtype.name]) + np.float32(_HALF_LEVEL))


def _filter(
    image: Array,
    cutoff: float,
    low: float,
    high: float,
    border: str,
    write: Callable[[int, int, Array], None],
    host: Array,
) -> None:
    """Filter the logarithm; ``write`` gets its rows."""
    even = border == "symmetric"

    def weights(v: Array, u: Array) -> Array:
        kept = low + (high - low) * transfer("gaussian", "high", u**2 + v**2, cutoff, 1.0, 1)
        if u[0] == v[0, 0] == 0:
            kept[0, 0] = 1.0
        return kept.astype(np.float32, copy=False)

    def read(y0: int, y1: int) -> Array:
        return _logarithm(image[y0:y1])

    weigh = weighing(weights, image.shape[:2], border, mirrored=True, even=even)
    filter_rows_and_columns(read, weigh, write, image.shape[:2], host, border=border, even=even)
