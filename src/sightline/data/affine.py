"""Random affine maps: a little turned, shifted, larger, sheared.

Simard, Steinkraus, Platt 2003, "Best practices for convolutional neural networks applied to visual document analysis".
"""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import as_image, choice, number
from sightline.core.kernels import kernel, over_rows
from sightline.core.seeds import generator
from sightline.core.types import Choice, Image, Range, Seed

_BORDERS = ("zero", "edge", "reflect")


def affine(
    image: Image,
    *,
    angle: Annotated[float, Range(-math.pi, math.pi)] = 0.0,
    shift: tuple[float, float] = (0.0, 0.0),
    scale: Annotated[float, Range(0.05, 20)] = 1.0,
    shear: tuple[float, float] = (0.0, 0.0),
    border: Annotated[str, Choice("zero", "edge", "reflect")] = "zero",
) -> Image:
    """Return the image sheared, scaled and turned about its centre, then shifted; bilinear.

    With the centre c, a point p goes to c + shift + scale · R · S · (p − c), where
    R = [[cos a, sin a], [−sin a, cos a]] and S = [[1, tan sx], [tan sy, 1]].

    Parameters
    ----------
    image
        H×W or H×W×3, uint8.
    angle
        Radians, positive against the clock as seen on the screen.
    shift
        ``(x, y)`` in pixels, to the right and down.
    scale
        Factor of size, 0.05–20.
    shear
        ``(x, y)`` in radians, each within ±1.4.
    border
        What comes in from outside: ``zero``, the ``edge`` pixel again, or the image mirrored (``reflect``).

    Returns
    -------
    Image
        A new array of the same shape and dtype.

    Examples
    --------
    >>> import numpy as np
    >>> affine(np.array([[10, 20, 30]], np.uint8), shift=(0.5, 0.0), border="edge")
    array([[10, 15, 25]], dtype=uint8)
    """
    image = as_image("affine", image, dtypes=("uint8",))
    angle = number("affine", "angle", angle, -2 * math.pi, 2 * math.pi, unit="radians")
    scale = number("affine", "scale", scale, 0.05, 20)
    dx, dy = (number("affine", "shift", value, -1e6, 1e6, unit="pixels") for value in shift)
    sx, sy = (math.tan(number("affine", "shear", value, -1.4, 1.4, unit="radians")) for value in shear)
    choice("affine", "border", border, _BORDERS)
    return _warp(image, _matrix(angle, scale, sx, sy), (dx, dy), border)


def _matrix(angle: float, scale: float, sx: float, sy: float) -> tuple[float, float, float, float]:
    """Return scale · R · S, row by row; ``sx`` and ``sy`` are the tangents of the shears."""
    cos, sin = scale * math.cos(angle), scale * math.sin(angle)
    return cos + sin * sy, cos * sx + sin, cos * sy - sin, cos - sin * sx


def _warp(
    image: np.ndarray, forward: tuple[float, float, float, float], shift: tuple[float, float], border: str
) -> np.ndarray:
    """Return the image mapped by p → c + shift + forward · (p − c); a map that flattens it gives its border."""
    a, b, c, d = forward
    determinant = a * d - b * c
    if abs(determinant) < 1e-9:
        a, b, c, d, determinant = 1e-9, 0.0, 0.0, 1e-9, 1e-18
    # The inverse, and where the output pixel (0, 0) comes from.
    a, b, c, d = d / determinant, -b / determinant, -c / determinant, a / determinant
    height, width = image.shape[:2]
    cx, cy = (width - 1) / 2, (height - 1) / 2
    x0 = cx - a * (cx + shift[0]) - b * (cy + shift[1])
    y0 = cy - c * (cx + shift[0]) - d * (cy + shift[1])
    planes = image.reshape(height, width, -1)
    out = np.empty_like(planes)
    over_rows(_warp_rows, height, planes, a, b, c, d, x0, y0, _BORDERS.index(border), out, strip=64)
    return out.reshape(image.shape)


@kernel(inline=True)
def _place(index, size, border):
    """Return the index folded into the image, −1 for nothing there."""
    if 0 <= index < size:
        return index
    if border == 0:
        return -1
    if border == 1 or size == 1:
        return min(max(index, 0), size - 1)
    period = 2 * (size - 1)
    index = abs(index) % period
    return min(index, period - index)


@kernel
def _warp_rows(image, a, b, c, d, x0, y0, border, out, first, last):
    height, width, channels = image.shape
    for y in range(first, last):
        for x in range(width):
            # Far outside all is border; the clamp keeps the whole numbers small.
            u = min(max(x0 + a * x + b * y, -1e6), 1e6)
            v = min(max(y0 + c * x + d * y, -1e6), 1e6)
            left, top = int(np.floor(u)), int(np.floor(v))
            fx, fy = u - left, v - top
            if 0 <= left < width - 1 and 0 <= top < height - 1:  # all four neighbours inside: nearly always
                wa, wb, wc, wd = (1 - fx) * (1 - fy), fx * (1 - fy), (1 - fx) * fy, fx * fy
                for channel in range(channels):
                    above = wa * image[top, left, channel] + wb * image[top, left + 1, channel]
                    below = wc * image[top + 1, left, channel] + wd * image[top + 1, left + 1, channel]
                    out[y, x, channel] = np.uint8(above + below + 0.5)
                continue
            xa, xb = _place(left, width, border), _place(left + 1, width, border)
            ya, yb = _place(top, height, border), _place(top + 1, height, border)
            for channel in range(channels):
                total = 0.5
                if ya >= 0:
                    if xa >= 0:
                        total += (1 - fx) * (1 - fy) * image[ya, xa, channel]
                    if xb >= 0:
                        total += fx * (1 - fy) * image[ya, xb, channel]
                if yb >= 0:
                    if xa >= 0:
                        total += (1 - fx) * fy * image[yb, xa, channel]
                    if xb >= 0:
                        total += fx * fy * image[yb, xb, channel]
                out[y, x, channel] = np.uint8(min(total, 255.0))


@method(task="augmentation", paper="Simard et al. 2003", lesson="w5d2")
def random_affine(
    image: Image,
    *,
    angle: Annotated[float, Range(0, math.pi)] = math.pi / 18,
    shift: Annotated[float, Range(0, 1)] = 0.1,
    scale: Annotated[float, Range(0, 0.9)] = 0.1,
    shear: Annotated[float, Range(0, 1.4)] = 0.0,
    border: Annotated[str, Choice("zero", "edge", "reflect")] = "zero",
    seed: Seed = 0,
) -> Image:
    """Return the image turned, shifted, scaled and sheared by random amounts, about its centre.

    Parameters
    ----------
    image
        H×W or H×W×3, uint8.
    angle
        Largest turn in radians, to either side, 0–π.
    shift
        Largest shift as a share of each side, 0–1.
    scale
        Largest change of size, 0–0.9: 0.1 gives factors of 0.9–1.1.
    shear
        Largest shear along x in radians, to either side, 0–1.4.
    border
        What comes in from outside: ``zero``, the ``edge`` pixel again, or the image mirrored (``reflect``).
    seed
        Whole number ≥ 0 or a generator.

    Returns
    -------
    Image
        A new array of the same shape and dtype.

    References
    ----------
    P. Simard, D. Steinkraus, J. Platt, "Best practices for convolutional neural networks applied to visual document
    analysis", ICDAR 2003.

    Examples
    --------
    >>> import numpy as np
    >>> random_affine(np.full((3, 3), 7, np.uint8), border="edge")[1].tolist()
    [7, 7, 7]
    """
    image = as_image("random_affine", image, dtypes=("uint8",))
    angle = number("random_affine", "angle", angle, 0, math.pi, unit="radians")
    shift = number("random_affine", "shift", shift, 0, 1)
    scale = number("random_affine", "scale", scale, 0, 0.9)
    shear = number("random_affine", "shear", shear, 0, 1.4, unit="radians")
    choice("random_affine", "border", border, _BORDERS)
    draws = generator(seed).uniform(-1, 1, 5).tolist()
    height, width = image.shape[:2]
    matrix = _matrix(angle * draws[0], 1 + scale * draws[3], math.tan(shear * draws[4]), 0.0)
    return _warp(image, matrix, (shift * width * draws[1], shift * height * draws[2]), border)
