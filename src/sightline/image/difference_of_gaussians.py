"""The difference of Gaussians: what lies between two scales, a band of frequencies.

Marr & Hildreth 1980, "Theory of edge detection", Proceedings of the Royal Society B 207, whose appendix shows that at a
ratio of 1.6 it comes closest to the Laplacian of Gaussian.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import numpy as np
from jaxtyping import Float32

from sightline.core.catalogue import method
from sightline.core.checks import as_image, choice, number, output
from sightline.core.errors import InputError
from sightline.core.layers import Heat, Picture, Value
from sightline.core.trace import Step
from sightline.core.types import Array, Choice, Image, Range
from sightline.image.border import BORDERS
from sightline.image.correlation import correlate_pair
from sightline.image.gaussian_weights import STEEPEST, bell, blurred_strips, frame_of

RATIO = 1.6  # of high to low where only low is given


@method(task="band-pass filtering", paper="Marr & Hildreth 1980", lesson="w2d1", example={"low_sigma": 1.0})
def difference_of_gaussians(
    image: Image,
    low_sigma: Annotated[float, Range(0, STEEPEST, 0.1)],
    high_sigma: Annotated[float, Range(0, STEEPEST, 0.1)] | None = None,
    *,
    border: Annotated[str, Choice("reflect", "symmetric", "edge", "wrap")] = "edge",
    out: Array | None = None,
) -> Float32[np.ndarray, "h w *c"]:
    """Return the image blurred by ``low_sigma`` less the image blurred by ``high_sigma``, of each channel.

    Details finer than the first and broader than the second vanish. Both Gaussians end at 4 sigma. NaN and infinity
    spoil the pixels within their reach.

    Parameters
    ----------
    image
        H×W or H×W×C; uint8, uint16 or float32.
    low_sigma
        Standard deviation of the narrow Gaussian in pixels, 0–200; 0 does not blur.
    high_sigma
        Standard deviation of the broad one, from ``low_sigma`` to 200; None takes 1.6 · ``low_sigma``.
    border
        What lies beyond the border: ``"reflect"`` (2 1 | 0 1 2), ``"symmetric"`` (1 0 | 0 1 2), ``"edge"``
        (0 0 | 0 1 2) or ``"wrap"`` (8 9 | 0 1 2).
    out
        Float32 array of the image's shape to write to; None for a new one.

    Returns
    -------
    Float32 of the image's shape, signed, in its units.

    Raises
    ------
    InputError
        When ``high_sigma`` is less than ``low_sigma``, or an argument is out of its range.

    References
    ----------
    D. Marr, E. Hildreth, "Theory of edge detection", Proceedings of the Royal Society of London B 207, 1980.

    Examples
    --------
    >>> import numpy as np
    >>> dot = np.zeros((9, 9), np.float32)
    >>> dot[4, 4] = 1
    >>> (1000 * difference_of_gaussians(dot, 1.0, 2.0)[4, 4:7]).round().tolist()
    [119.0, 61.0, -3.0]
    """
    image, sigmas = _checked(image, low_sigma, high_sigma, border)
    result = output("difference_of_gaussians", out, image.shape, np.float32, [image])
    _blur(image, sigmas[0], border, result)
    for rows, broad in blurred_strips(image, sigmas[1], border):
        with np.errstate(invalid="ignore"):  # ∞ - ∞ is NaN, as documented
            np.subtract(result[rows], broad, out=result[rows])
    return result


@difference_of_gaussians.steps
def _(image: Image, low_sigma: float, high_sigma: float | None = None, **options: Any) -> Iterator[Step]:
    border = options.get("border", "edge")
    picture, sigmas = _checked(image, low_sigma, high_sigma, border)
    yield Step("picture", Picture(picture))
    for name, sigma in zip(("narrow", "broad"), sigmas, strict=True):
        blurred = np.empty(picture.shape, np.float32)
        _blur(picture, sigma, border, blurred)
        yield Step(name, Heat(blurred if blurred.ndim == 2 else blurred.mean(axis=2)), note=f"σ = {sigma:g} pixels.")
    result = difference_of_gaussians(image, low_sigma, high_sigma, **options)
    yield Step("difference", Value(result), Heat(result if result.ndim == 2 else result.mean(axis=2)))


def _checked(image: Any, low: float, high: float | None, border: str) -> tuple[Array, tuple[float, float]]:
    choice("difference_of_gaussians", "border", border, BORDERS)
    low = number("difference_of_gaussians", "low_sigma", low, 0, STEEPEST, unit="pixels")
    if high is None:
        high = RATIO * low
    high = number("difference_of_gaussians", "high_sigma", high, 0, RATIO * STEEPEST, unit="pixels")
    if low > high:
        raise InputError(
            f"difference_of_gaussians: high_sigma must be ≥ low_sigma; got {high:g} and {low:g}. Swap them."
        )
    return as_image("difference_of_gaussians", image, channels=()), (low, high)


def _blur(image: Array, sigma: float, border: str, result: Array) -> None:
    weights = bell(sigma) if sigma > 0 else np.ones(1)
    correlate_pair(image, weights, weights, frame_of(weights, border), result)
