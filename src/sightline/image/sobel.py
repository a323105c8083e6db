"""Sobel edges: the length of the gradient, large where brightness changes.

Sobel & Feldman 1968, "A 3×3 isotropic gradient operator for image processing" (talk).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from jaxtyping import Float32

from sightline.core.catalogue import method
from sightline.core.checks import output
from sightline.core.kernels import kernel, over_rows
from sightline.core.layers import Heat, Picture
from sightline.core.trace import Step
from sightline.core.types import Image
from sightline.image.gradient import MIRROR, OPERATORS, as_gray, derivatives_of_row, gradient, working_number


@method(task="edges", paper="Sobel & Feldman 1968", lesson="w1d6")
def sobel(image: Image, *, out: np.ndarray | None = None) -> Float32[np.ndarray, "h w"]:
    """Return how strongly brightness changes at each pixel: the length of the Sobel gradient.

    The length is √(dx² + dy²) with the derivatives of :func:`gradient`: not normalised, in the image's units, so that
    it can exceed the image's range (up to 1,442 for uint8) and is float32 for every image. NaN and infinity
    spread to the eight neighbours.

    Parameters
    ----------
    image
        H×W, or H×W×3, which is turned to grey first; uint8, uint16 or float32.
    out
        H×W float32 array to write to; None makes a new one.

    Returns
    -------
    magnitude
        H×W float32, ≥ 0. ``sobel(image) / 1020`` lies in 0–√2 for uint8.

    References
    ----------
    I. Sobel, G. Feldman, "A 3×3 isotropic gradient operator for image processing", talk at the Stanford Artificial
    Intelligence Project, 1968.

    Examples
    --------
    >>> import numpy as np
    >>> step = np.zeros((3, 4), np.uint8)
    >>> step[:, 2:] = 100
    >>> sobel(step)[1].tolist()
    [0.0, 400.0, 400.0, 0.0]
    """
    return magnitude("sobel", image, out)


@sobel.steps
def _steps(image: Image, *, out: Any = None) -> Iterator[Step]:
    yield from derivatives_and_magnitude("sobel", image, out)


def magnitude(operator: str, image: Any, out: np.ndarray | None) -> np.ndarray:
    """Return √(dx² + dy²) for the weights of ``operator``, which is also the caller's name."""
    image = as_gray(operator, image)
    out = output(operator, out, image.shape, np.float32, [image])
    number = working_number(image)
    side, middle = OPERATORS[operator]
    over_rows(_magnitude, len(image), image, number, number(side), number(middle), out)
    return out


def derivatives_and_magnitude(operator: str, image: Any, out: Any) -> Iterator[Step]:
    """Yield the steps that the edge operators share."""
    yield Step("grey", Picture(as_gray(operator, image)))
    dx, dy = gradient(image, operator=operator)
    yield Step("dx", Heat(dx.astype(np.float32)), note="Upright edges.")
    yield Step("dy", Heat(dy.astype(np.float32)), note="Level edges.")
    yield Step("magnitude", Heat(magnitude(operator, image, out)), note="√(dx² + dy²): edges of every direction.")


@kernel
def _magnitude(image, number, side, middle, out, y0, y1):
    width = image.shape[1]
    dx, dy = np.empty(width, number), np.empty(width, number)
    for y in range(y0, y1):
        derivatives_of_row(image, y, MIRROR, number, side, middle, dx, dy)
        row = out[y]
        for x in range(width):
            a, b = np.float32(dx[x]), np.float32(dy[x])
            row[x] = np.sqrt(a * a + b * b)
