"""The Laplacian of Gaussian: second derivatives at a chosen scale, zero on edges, extreme at blobs of that size.

Marr & Hildreth 1980, "Theory of edge detection", Proceedings of the Royal Society B 207. The window is the sum of two
products, curvature down × bell across and bell down × curvature across, and each product costs two short passes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import numpy as np
from jaxtyping import Float32

from sightline.core.catalogue import method
from sightline.core.checks import as_image, choice, number, output
from sightline.core.layers import Heat, Picture, Value
from sightline.core.trace import Step
from sightline.core.types import Array, Choice, Image, Range
from sightline.image.border import BORDERS
from sightline.image.correlation import correlate_pair
from sightline.image.gaussian_weights import STEEPEST, bell, correlated_strips, curvature, frame_of

LEAST = 0.1  # pixels; a narrower bell falls between the samples


@method(task="derivatives", paper="Marr & Hildreth 1980", lesson="w1d6", example={"sigma": 2.0})
def laplacian_of_gaussian(
    image: Image,
    sigma: Annotated[float, Range(LEAST, STEEPEST, 0.1)],
    *,
    border: Annotated[str, Choice("reflect", "symmetric", "edge", "wrap")] = "symmetric",
    out: Array | None = None,
) -> Float32[np.ndarray, "h w *c"]:
    """Return the Laplacian of the image blurred with a Gaussian, of each channel.

    A bright blob of radius √2 · sigma has its minimum at its centre. The window ends at 4 sigma. NaN and infinity spoil
    the pixels within its reach.

    Parameters
    ----------
    image
        H×W or H×W×C; uint8, uint16 or float32.
    sigma
        Standard deviation of the Gaussian in pixels, 0.1–200.
    border
        What lies beyond the border: ``"reflect"`` (2 1 | 0 1 2), ``"symmetric"`` (1 0 | 0 1 2), ``"edge"``
        (0 0 | 0 1 2) or ``"wrap"`` (8 9 | 0 1 2).
    out
        Float32 array of the image's shape to write to; None for a new one.

    Returns
    -------
    Float32 of the image's shape, signed, in its units per pixel squared.

    References
    ----------
    D. Marr, E. Hildreth, "Theory of edge detection", Proceedings of the Royal Society of London B 207, 1980.

    Examples
    --------
    >>> import numpy as np
    >>> dot = np.zeros((9, 9), np.float32)
    >>> dot[4, 4] = 1
    >>> (1000 * laplacian_of_gaussian(dot, 1.0)[4, 4:7]).round().tolist()
    [-318.0, -97.0, 43.0]
    """
    image, sigma = _checked(image, sigma, border)
    result = output("laplacian_of_gaussian", out, image.shape, np.float32, [image])
    smooth, second = bell(sigma), curvature(sigma)
    correlate_pair(image, smooth, second, frame_of(smooth, border), result)
    for rows, other in correlated_strips(image, second, smooth, border):
        with np.errstate(invalid="ignore"):  # ∞ - ∞ is NaN, as documented
            np.add(result[rows], other, out=result[rows])
    return result


@laplacian_of_gaussian.steps
def _(image: Image, sigma: float, *, border: str = "symmetric", out: Array | None = None) -> Iterator[Step]:
    picture, sigma = _checked(image, sigma, border)
    smooth, second = bell(sigma), curvature(sigma)
    window = np.outer(smooth, second) + np.outer(second, smooth)
    yield Step("kernel", Heat(window.astype(np.float32)), note="The Mexican hat, upside down.")
    yield Step("picture", Picture(picture))
    result = laplacian_of_gaussian(image, sigma, border=border, out=out)
    flat = result if result.ndim == 2 else result.mean(axis=2)
    yield Step("response", Value(result), Heat(flat), note="Low in bright blobs, high in dark ones, zero on edges.")


def _checked(image: Any, sigma: float, border: str) -> tuple[Array, float]:
    choice("laplacian_of_gaussian", "border", border, BORDERS)
    sigma = number("laplacian_of_gaussian", "sigma", sigma, LEAST, STEEPEST, unit="pixels")
    return as_image("laplacian_of_gaussian", image, channels=()), sigma
