"""Image gradient: how fast brightness changes along x and along y.

Sobel & Feldman 1968, "A 3×3 isotropic gradient operator for image processing" (talk); Prewitt 1970, "Object
enhancement and extraction"; Scharr 2000, "Optimale Operatoren in der digitalen Bildverarbeitung" (thesis).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated, Any

import numpy as np
from jaxtyping import Float32, Int16

from sightline.core.catalogue import method
from sightline.core.checks import as_image, choice, integer, output
from sightline.core.errors import InputError
from sightline.core.kernels import kernel, over_rows
from sightline.core.layers import Heat, Picture, Value
from sightline.core.trace import Step
from sightline.core.types import Choice, Image, Range
from sightline.image.convert import convert
from sightline.image.convolve import correlate

# Each operator differentiates along one axis, f(x + 1) - f(x - 1), and weighs three neighbours across it.
OPERATORS = {"sobel": (1, 2), "scharr": (3, 10), "prewitt": (1, 1), "central": (0, 1)}  # (sides, middle)
MIRROR, REPEAT = 1, 0  # what lies beyond the border: its inner neighbour (… 2 1 | 0 1 2 …), or the border pixel again

_WIDEST = 31  # window of an operator, in pixels

Derivative = Int16[np.ndarray, "h w"] | Float32[np.ndarray, "h w"]


@method(task="derivatives", paper="Sobel & Feldman 1968", lesson="w1d6")
def gradient(
    image: Image,
    operator: Annotated[str, Choice("sobel", "scharr", "prewitt", "central")] = "sobel",
    *,
    size: Annotated[int, Range(3, _WIDEST, 2)] = 3,
    border: Annotated[str, Choice("reflect", "symmetric", "edge", "constant", "wrap")] = "reflect",
    out: tuple[np.ndarray, np.ndarray] | None = None,
) -> tuple[Derivative, Derivative]:
    """Return the derivatives of an image along x (to the right) and y (down).

    The sums are not normalised: a ramp of one grey level per pixel gives 8 (sobel), 32 (scharr), 6 (prewitt) or
    2 (central). NaN and infinity spread to the eight neighbours, or as far as a larger window reaches; nothing is
    refused.

    Parameters
    ----------
    image
        H×W, or H×W×3, which is turned to grey first; uint8, uint16 or float32.
    operator
        Weights across the derivative: ``sobel`` (1, 2, 1), ``scharr`` (3, 10, 3; nearly the same length in all
        directions), ``prewitt`` (1, 1, 1) or ``central`` (the middle one alone).
    size
        Side of the window in pixels, odd, 3–31; larger ones than 3 for ``sobel`` alone: they smooth more, with weights
        from Pascal's triangle, and a ramp of one level gives 128 for 5, 2048 for 7.
    border
        What lies beyond the border: ``reflect`` (2 1 | 0 1 2), ``symmetric`` (1 0 | 0 1 2), ``edge`` (0 0 | 0 1 2),
        ``wrap`` (8 9 | 0 1 2) or ``constant`` (0).
    out
        Two arrays to write to, of the shape and dtype that is returned; None makes new ones.

    Returns
    -------
    dx, dy
        H×W each, in the image's units: int16 for uint8 images and windows of 3, float32 otherwise (exact for uint16 and
        windows of 3).

    References
    ----------
    I. Sobel, G. Feldman, "A 3×3 isotropic gradient operator for image processing", talk at the Stanford Artificial
    Intelligence Project, 1968.

    Examples
    --------
    >>> import numpy as np
    >>> ramp = np.tile(np.arange(5, dtype=np.uint8), (3, 1))
    >>> dx, dy = gradient(ramp)
    >>> dx[1].tolist(), dy[1].tolist()
    ([0, 8, 8, 8, 0], [0, 0, 0, 0, 0])
    """
    image = as_gray("gradient", image)
    side, middle = OPERATORS[choice("gradient", "operator", operator, tuple(OPERATORS))]
    size = integer("gradient", "size", size, 3, _WIDEST, odd=True)
    if size > 3 and operator != "sobel":
        raise InputError(f"gradient: size must be 3 for {operator!r}; got {size}. Use 'sobel'.")
    choice("gradient", "border", border, ("reflect", "symmetric", "edge", "constant", "wrap"))
    number = working_number(image) if size == 3 else np.float32
    if out is not None and (not isinstance(out, tuple) or len(out) != 2 or out[0] is out[1]):
        raise InputError("gradient: out must be two different arrays (dx, dy).")
    dx = output("gradient", None if out is None else out[0], image.shape, number, [image])
    dy = output("gradient", None if out is None else out[1], image.shape, number, [image, dx])
    if size == 3 and border == "reflect":
        over_rows(_gradient, len(image), image, number(side), number(middle), dx, dy, strip=192)
    else:
        down, across = (np.array([side, middle, side]), [-1, 0, 1]) if size == 3 else _binomials(size)
        window = np.outer(down, across).astype(np.float64)
        for window_, result in ((window, dx), (window.T, dy)):
            sums = correlate(image, window_, border=border, signed=True)
            result[...] = np.rint(sums) if size == 3 and image.dtype != np.float32 else sums
    return dx, dy


def _binomials(size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return Sobel's weights across the derivative, and along it: a row of Pascal's triangle, and one's differences."""
    row = np.array([math.comb(size - 2, k) for k in range(size - 1)])
    return np.convolve(row, [1, 1]), np.convolve(row, [-1, 1])


@gradient.steps
def _steps(image: Image, operator: str = "sobel", **options: Any) -> Iterator[Step]:
    yield Step("grey", Picture(as_gray("gradient", image)))
    dx, dy = gradient(image, operator=operator, **options)
    yield Step("dx", Heat(dx.astype(np.float32)), note="Upright edges: dark where it gets darker to the right.")
    yield Step("dy", Heat(dy.astype(np.float32)), note="Level edges: dark where it gets darker downwards.")
    length = np.hypot(dx.astype(np.float32), dy.astype(np.float32))
    yield Step("gradient", Value((dx, dy)), Heat(length), note="Length of the vector (dx, dy).")


def as_gray(function: str, image: Any, *, finite: bool = False, most: float = math.inf) -> np.ndarray:
    """Return an H×W image as it is and an H×W×3 image in grey, or raise in the name of ``function``."""
    image = as_image(function, image, finite=finite, most=most)
    return image if image.ndim == 2 else convert(image, "rgb", "gray")


def working_number(image: np.ndarray) -> type[np.int16] | type[np.float32]:
    """Return the narrowest type that holds every derivative of ``image``."""
    return np.int16 if image.dtype == np.uint8 else np.float32


@kernel
def _gradient(image, side, middle, dx, dy, y0, y1):
    number = dx.dtype.type
    for y in range(y0, y1):
        derivatives_of_row(image, y, MIRROR, number, side, middle, dx[y], dy[y])


@kernel
def derivatives_of_row(image, y, beyond, number, side, middle, dx, dy):
    """Write dx and dy of row ``y`` from the eight neighbours of each pixel; ``number`` keeps the sums narrow."""
    height, width = image.shape
    above = image[y - 1 if y > 0 else min(beyond, height - 1)]
    row = image[y]
    below = image[y + 1 if y + 1 < height else max(height - 1 - beyond, 0)]
    for x in range(width - 2):
        nw, n, ne = number(above[x]), number(above[x + 1]), number(above[x + 2])
        w, e = number(row[x]), number(row[x + 2])
        sw, s, se = number(below[x]), number(below[x + 1]), number(below[x + 2])
        dx[x + 1] = number(side * number((ne - nw) + (se - sw))) + number(middle * number(e - w))
        dy[x + 1] = number(side * number((sw - nw) + (se - ne))) + number(middle * number(s - n))
    for x in (0, width - 1):
        left = x - 1 if x > 0 else min(beyond, width - 1)
        right = x + 1 if x + 1 < width else max(width - 1 - beyond, 0)
        nw, n, ne = number(above[left]), number(above[x]), number(above[right])
        sw, s, se = number(below[left]), number(below[x]), number(below[right])
        dx[x] = side * ((ne - nw) + (se - sw)) + middle * (number(row[right]) - number(row[left]))
        dy[x] = side * ((sw - nw) + (se - ne)) + middle * (s - n)
