"""Unsharp masking: add to the image what a blur takes away from it.

Petrou & Petrou 2010, "Image Processing: The Fundamentals", 2nd ed., page 357; the darkroom's way is older (Spiegler &
Juris 1931, "Ein neues Kopierverfahren zur Herstellung ideal harmonischer Kopien", Photographische Korrespondenz 67).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import as_image, choice, number, output
from sightline.core.kernels import kernel, over_rows
from sightline.core.layers import Heat, Picture
from sightline.core.trace import Step
from sightline.core.types import Array, Choice, Image, Range
from sightline.image.border import BORDERS
from sightline.image.gaussian_weights import STEEPEST, blurred_strips


@method(task="sharpening", paper="Petrou & Petrou 2010", lesson="w1d4")
def unsharp_mask(
    image: Image,
    sigma: Annotated[float, Range(0, STEEPEST, 0.1)] = 1.0,
    amount: Annotated[float, Range(-10, 10, 0.1)] = 1.0,
    *,
    border: Annotated[str, Choice("reflect", "symmetric", "edge", "wrap")] = "symmetric",
    out: Array | None = None,
) -> Image:
    """Return ``image + amount · (image - blurred)``: fine details are amplified.

    The blur is a Gaussian that ends at 4 sigma and is not rounded. NaN spoils the pixels within the blur's reach, and
    so does infinity.

    Parameters
    ----------
    image
        H×W or H×W×C; uint8, uint16 or float32 0–1.
    sigma
        Standard deviation of the blur in pixels, 0–200: the size of the details; 0 blurs nothing.
    amount
        How much is added, -10–10; a negative number softens.
    border
        What lies beyond the border: ``"reflect"`` (2 1 | 0 1 2), ``"symmetric"`` (1 0 | 0 1 2), ``"edge"``
        (0 0 | 0 1 2) or ``"wrap"`` (8 9 | 0 1 2).
    out
        Array to write to, of the image's shape and dtype; None for a new one.

    Returns
    -------
    The sharpened image, same shape and dtype, clipped to its range (0–1 for float32).

    References
    ----------
    M. Petrou, C. Petrou, "Image Processing: The Fundamentals", 2nd ed., Wiley, 2010, page 357.

    Examples
    --------
    >>> import numpy as np
    >>> dot = np.full((5, 5), 100, np.uint8)
    >>> dot[2, 2] = 120
    >>> unsharp_mask(dot, 0.5, 2)[2]
    array([100,  97, 135,  97, 100], dtype=uint8)
    """
    image, sigma, amount = _checked(image, sigma, amount, border)
    result = output("unsharp_mask", out, image.shape, image.dtype, [image])
    top = np.float32(1 if image.dtype == np.float32 else np.iinfo(image.dtype).max)
    half = np.float32(0 if image.dtype == np.float32 else 0.5)
    for rows, blurred in blurred_strips(image, sigma, border):
        flat = (array.reshape(len(array), -1) for array in (image[rows], blurred, result[rows]))
        over_rows(_add_details, len(blurred), *flat, np.float32(amount), top, half)
    return result


@unsharp_mask.steps
def _(image: Image, sigma: float = 1.0, amount: float = 1.0, **options: Any) -> Iterator[Step]:
    picture, sigma, amount = _checked(image, sigma, amount, options.get("border", "symmetric"))
    border = options.get("border", "symmetric")
    blurred = np.concatenate([rows.copy() for _, rows in blurred_strips(picture, sigma, border)])
    with np.errstate(invalid="ignore"):
        details = picture.astype(np.float32) - blurred
    yield Step("details", Heat(details if details.ndim == 2 else details.mean(axis=2)), note="Image less its blur.")
    yield Step("sharpened", Picture(unsharp_mask(image, sigma, amount, **options)), note=f"Added {amount:g} times.")


def _checked(image: Any, sigma: float, amount: float, border: str) -> tuple[Array, float, float]:
    choice("unsharp_mask", "border", border, BORDERS)
    sigma = number("unsharp_mask", "sigma", sigma, 0, STEEPEST, unit="pixels")
    amount = number("unsharp_mask", "amount", amount, -10, 10)
    return as_image("unsharp_mask", image, channels=()), sigma, amount


@kernel
def _add_details(image, blurred, out, amount, top, half, y0, y1):
    zero = np.float32(0)
    for y in range(y0, y1):
        a, b, row = image[y], blurred[y], out[y]
        for x in range(row.size):
            value = np.float32(a[x])
            value += amount * (value - b[x])
            value = value if value > zero or value != value else zero  # a NaN stays
            row[x] = out.dtype.type((value if value < top or value != value else top) + half)
