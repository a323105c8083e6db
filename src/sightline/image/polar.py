"""Polar: unroll an image around a point, angles down and distances across, and roll it up again.

Weiman & Chaikin 1979, "Logarithmic spiral grids for image processing and display", Computer Graphics and Image
Processing 11(3), for the logarithmic scale: turning and scaling become shifts.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Any

import numpy as np

from sightline.core.buffers import empty
from sightline.core.catalogue import method as catalogued
from sightline.core.checks import array_of, as_image, choice, describe, flag, number, size_2d
from sightline.core.errors import InputError
from sightline.core.kernels import kernel
from sightline.core.layers import Lines, Picture
from sightline.core.trace import Step
from sightline.core.types import Array, Choice, Image, NewImage
from sightline.image.sampling import sample, sampled

Band = Callable[[int, int], Array]  # rows y0 and y1 to the field between them
_LAP = 3  # rows of angles that are repeated beyond a full turn
HALF_PI, PI, TWO_PI = np.float32(math.pi / 2), np.float32(math.pi), np.float32(2 * math.pi)
# atan(t) / t in powers of t² on 0–1, by repeated weighted least squares: largest error 4 · 10⁻⁸.
C0, C1, C2 = np.float32(0.99999934), np.float32(-0.3332986), np.float32(0.19946547)
C3, C4, C5 = np.float32(-0.1390854), np.float32(0.09641973), np.float32(-0.055909347)
C6, C7 = np.float32(0.021860948), np.float32(-0.004054026)


@catalogued(task="sampling", paper="Weiman & Chaikin 1979", lesson="w1d3")
def polar(
    image: Image,
    shape: tuple[int, int] | None = None,
    *,
    center: tuple[float, float] | None = None,
    radius: float | None = None,
    scale: Annotated[str, Choice("linear", "log")] = "linear",
    inverse: bool = False,
    method: Annotated[str, Choice("nearest", "bilinear", "bicubic")] = "bilinear",
    value: float | Sequence[float] = 0.0,
) -> NewImage:
    """Return the image in polar coordinates around a point, or an image in polar coordinates as it was.

    Row y holds the angle 2π · y / height, from the right by way of down, column x the distance radius · x / width, or
    e^(x · ln(radius) / width) − 1 on the logarithmic scale. NaN and infinity spoil the new pixels whose window holds
    them.

    Parameters
    ----------
    image
        H×W or H×W×C; uint8, uint16 or float32.
    shape
        ``(height, width)`` of the result in pixels; None for the image's own.
    center
        ``(x, y)`` in pixels of the image that is or was not unrolled; None for its middle.
    radius
        Distance that the last column would reach, in pixels, greater than 1; None for the distance from the centre to
        the furthest corner of the image that is or was not unrolled.
    scale
        ``linear`` or ``log`` distances.
    inverse
        Whether ``image`` is in polar coordinates and is to be rolled up.
    method
        ``nearest``, ``bilinear`` or ``bicubic``.
    value
        Where nothing is known, in the image's units: a number, or one for each channel.

    Returns
    -------
    The new image, same dtype.

    References
    ----------
    C. F. R. Weiman, G. Chaikin, "Logarithmic spiral grids for image processing and display", Computer Graphics and
    Image Processing 11(3), 1979.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.zeros((5, 5), np.uint8)
    >>> image[2, 3] = 200  # one pixel to the right of the middle
    >>> polar(image, (4, 3), center=(2, 2), radius=3)
    array([[  0, 200,   0],
           [  0,   0,   0],
           [  0,   0,   0],
           [  0,   0,   0]], dtype=uint8)
    """
    image = as_image("polar", image, channels=())
    inverse = flag("polar", "inverse", inverse)
    choice("polar", "scale", scale, ("linear", "log"))
    shape = image.shape[:2] if shape is None else size_2d("polar", "shape", shape)
    result = sampled("polar", image, shape, None)
    middle, reach = _frame(shape if inverse else image.shape[:2], center, radius)
    if inverse:
        band = _rolled(image.shape[:2], shape, middle, reach, scale)
        image = np.ascontiguousarray(image[np.arange(-_LAP, len(image) + _LAP) % len(image)])
    else:
        band = _unrolled(shape, middle, reach, scale)
    return sample("polar", image, result, method, "constant", value, band=band)


@polar.steps
def _steps(image: Image, shape: Any = None, **options: Any) -> Iterator[Step]:
    image = as_image("polar", image, channels=())
    result = polar(image, shape, **options)
    flat = result if options.get("inverse") else image
    middle, reach = _frame(flat.shape[:2], options.get("center"), options.get("radius"))
    angles = np.arange(0, 2 * math.pi, math.pi / 8)
    ends = np.array(middle) + reach * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    spokes = np.hstack([np.broadcast_to(middle, ends.shape), ends]).astype(np.float32)
    yield Step("image", Picture(image))
    yield Step("spokes", Picture(flat), Lines(spokes), note="Each angle is a row of the polar image.")
    yield Step("polar", Picture(result))


def _frame(shape: tuple[int, ...], center: Any, radius: float | None) -> tuple[tuple[float, float], float]:
    height, width = shape[:2]
    if center is None:
        x, y = (width - 1) / 2, (height - 1) / 2
    elif isinstance(center, (tuple, list, np.ndarray)) and array_of(center).shape == (2,):
        x, y = (number("polar", f"center[{i}]", v, -1e6, 1e6, unit="pixels") for i, v in enumerate(center))
    else:
        raise InputError(f"polar: center must be (x, y); got {describe(center)}.")
    if radius is None:
        return (x, y), max(2.0, math.hypot(max(x, width - 1 - x), max(y, height - 1 - y)))
    return (x, y), number("polar", "radius", radius, 1, 1e6, above=1, unit="pixels")


def _unrolled(shape: tuple[int, int], middle: tuple[float, float], reach: float, scale: str) -> Band:
    """Return what tells where the pixels of a polar image lie in the flat one."""
    height, width = shape
    x = np.arange(width)
    distance = x * (reach / width) if scale == "linear" else np.expm1(x * (math.log(reach) / width))
    angle = np.arange(height) * (2 * math.pi / height)
    direction = np.stack([np.cos(angle), np.sin(angle)], axis=1).astype(np.float32)
    distance = distance.astype(np.float32)

    def band(y0: int, y1: int) -> Array:
        field = empty((y1 - y0, 2 * width), np.float32)
        _unroll(direction, distance, np.float32(middle[0]), np.float32(middle[1]), field, y0, y1)
        return field

    return band


@kernel
def _unroll(direction, distance, centre_x, centre_y, field, y0, y1):
    for y in range(y0, y1):
        cos, sin, row = direction[y, 0], direction[y, 1], field[y - y0]
        for x in range(distance.size):
            row[2 * x], row[2 * x + 1] = centre_x + cos * distance[x], centre_y + sin * distance[x]


def _rolled(
    source: tuple[int, ...], shape: tuple[int, int], middle: tuple[float, float], reach: float, scale: str
) -> Band:
    """Return what tells where the pixels of a flat image lie in the polar one, whose angles overlap at both ends."""
    rows, columns = source[:2]
    across = columns / (reach if scale == "linear" else math.log(reach))
    x, y, down, across = (np.float32(v) for v in (*middle, rows / (2 * math.pi), across))

    def band(y0: int, y1: int) -> Array:
        field = empty((y1 - y0, 2 * shape[1]), np.float32)
        _roll(x, y, down, across, scale == "log", field, y0, y1)
        return field

    return band


@kernel
def _roll(centre_x, centre_y, down, across, log, field, y0, y1):
    for y in range(y0, y1):
        v, row = np.float32(y) - centre_y, field[y - y0]
        for x in range(row.size // 2):
            u = np.float32(np.int32(x)) - centre_x
            distance = np.sqrt(u * u + v * v)
            row[2 * x], row[2 * x + 1] = distance if log else distance * across, _angle(u, v) * down + np.float32(_LAP)
        if log:
            for x in range(row.size // 2):
                row[2 * x] = np.log1p(row[2 * x]) * across


@kernel(inline=True)
def _angle(x, y):
    """Return the direction of (x, y), 0 to 2π, to 10⁻⁶: a polynomial of the arc tangent up to an eighth of a turn."""
    a, b = abs(x), abs(y)
    large, small = (a, b) if a > b else (b, a)
    t = small / (large if large > 0 else np.float32(1))
    s = t * t
    arc = t * (C0 + s * (C1 + s * (C2 + s * (C3 + s * (C4 + s * (C5 + s * (C6 + s * C7)))))))
    arc = HALF_PI - arc if b > a else arc
    arc = PI - arc if x < 0 else arc
    return TWO_PI - arc if y < 0 else arc
