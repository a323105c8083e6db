"""Harris corners: det − k·trace² of the structure tensor is large where brightness changes in two directions.

Harris & Stephens 1988, "A Combined Corner and Edge Detector", Alvey Vision Conference, which the code follows.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import numpy as np
from jaxtyping import Float32

from sightline.core.catalogue import method
from sightline.core.checks import number, output
from sightline.core.layers import Heat, Picture
from sightline.core.trace import Step
from sightline.core.types import Array, Image, Range
from sightline.features.structure_tensor import HARRIS, response, window
from sightline.image.gradient import as_gray, gradient


@method(task="corners", paper="Harris & Stephens 1988", lesson="w3d1")
def harris(
    image: Image,
    k: Annotated[float, Range(0, 0.25, 0.005)] = 0.04,
    *,
    sigma: Annotated[float, Range(0.1, 20, 0.1)] = 1.0,
    block: Annotated[int, Range(1, 63, 2)] | None = None,
    out: Array | None = None,
) -> Float32[np.ndarray, "h w"]:
    """Return the corner response of each pixel: positive at corners, negative on edges, near 0 where it is flat.

    Derivatives are Sobel's, for brightness 0–1 and per pixel; beyond the border the image is mirrored. NaN and
    infinity spoil the pixels within the window's reach.

    Parameters
    ----------
    image
        H×W, or H×W×3, which is turned to grey first; uint8, uint16 or float32, all taken as 0–1.
    k
        Weight of the squared trace, 0–0.25; the larger, the fewer drawn-out corners.
    sigma
        Standard deviation of the Gaussian window in pixels, > 0 and ≤ 20.
    block
        Side of a square window in pixels, odd, 1–63, in place of the Gaussian; None for the Gaussian. OpenCV's
        ``cornerHarris`` is 16 times this.
    out
        H×W float32 array to write to; None for a new one.

    Returns
    -------
    response
        H×W float32: det − k·trace² of the mean of (dx², dx·dy; dx·dy, dy²) under the window.

    References
    ----------
    C. Harris, M. Stephens, "A Combined Corner and Edge Detector", Alvey Vision Conference, 1988.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.zeros((20, 20), np.uint8)
    >>> image[10:, 10:] = 255
    >>> found = harris(image)
    >>> [int(i) for i in np.unravel_index(found.argmax(), found.shape)], bool(found[15, 10] < 0)
    ([10, 10], True)
    """
    gray = as_gray("harris", image)
    k = number("harris", "k", k, 0, 0.25)
    weights = window("harris", sigma, block)
    return response(gray, weights, HARRIS, k, output("harris", out, gray.shape, np.float32, [gray]))


@harris.steps
def _steps(
    image: Image, k: float = 0.04, *, sigma: float = 1.0, block: int | None = None, out: Array | None = None
) -> Iterator[Step]:
    gray = as_gray("harris", image)
    yield Step("grey", Picture(gray))
    dx, dy = (part.astype(np.float32) for part in gradient(gray))
    yield Step("dx²", Heat(dx * dx), note="Upright edges.")
    yield Step("dy²", Heat(dy * dy), note="Level edges.")
    yield Step("dx·dy", Heat(dx * dy), note="Slanted edges, by their sign which way.")
    found = harris(gray, k, sigma=sigma, block=block, out=out)
    shown = np.cbrt(found)
    yield Step("edges", Heat(np.maximum(-shown, 0)), note="Where it is negative (cube root): change in one direction.")
    yield Step(
        "corners", Heat(np.maximum(shown, 0)), note="Where it is positive (cube root): change in two directions."
    )
    yield Step("response", Heat(found), note="Determinant less k times the squared trace.")
