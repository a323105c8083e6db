"""Corners between pixels: every gradient near a corner is at right angles to the line that leads to it.

Förstner & Gülch 1987, "A Fast Operator for Detection and Precise Location of Distinct Points, Corners and Centres of
Circular Features", ISPRS Intercommission Workshop, whose normal equations the code solves again and again.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache
from typing import Annotated, Any

import numpy as np
from jaxtyping import Float32

from sightline.core.catalogue import method
from sightline.core.checks import describe, integer, number
from sightline.core.errors import InputError
from sightline.core.kernels import kernel, over_rows
from sightline.core.layers import Lines, Picture, Points, Value
from sightline.core.trace import Step
from sightline.core.types import AnyPoints, Array, Image, Range
from sightline.core.vectors import LANES, store
from sightline.core.widened import load_floats
from sightline.image.gradient import as_gray


def _some_corners(image: Any) -> Any:
    """Return places in an image, for an example."""
    height, width = image.shape[:2] if isinstance(image, np.ndarray) and image.ndim > 1 else (1, 1)
    return np.array([[width // 2, height // 2], [width // 3, height // 3]])


@method(task="corners", paper="Förstner & Gülch 1987", lesson="w3d1", example={"points": _some_corners})
def corner_subpixel(
    image: Image,
    points: AnyPoints,
    window: Annotated[int, Range(1, 50, 1)] = 5,
    *,
    iterations: Annotated[int, Range(1, 1000, 1)] = 40,
    eps: Annotated[float, Range(0, 1, 0.001)] = 0.001,
) -> Float32[np.ndarray, "n 2"]:
    """Return corners moved to where the gradients around them say that they are.

    A corner that would leave its window, or lies where there is no corner, stays where it was. Beyond the border lies
    the border pixel again. NaN and infinity are refused.

    Parameters
    ----------
    image
        H×W, or H×W×3, which is turned to grey first; uint8, uint16 or float32.
    points
        N×2 corners (x, y) inside the image, right to a pixel or so.
    window
        Half the side of the square that counts, in pixels, 1–50: it is 2·window + 1 wide.
    iterations
        At most so many steps, 1–1000.
    eps
        Steps shorter than this end the search, in pixels, 0–1.

    Returns
    -------
    corners
        N×2 float32 (x, y), in the order of ``points``.

    Raises
    ------
    InputError
        When a point is not finite or not inside the image.

    References
    ----------
    W. Förstner, E. Gülch, "A Fast Operator for Detection and Precise Location of Distinct Points, Corners and Centres
    of Circular Features", ISPRS Intercommission Workshop, 1987.

    Examples
    --------
    >>> import numpy as np
    >>> y, x = np.mgrid[0:40, 0:40]
    >>> board = np.clip((x - 20.4) * 60, -127, 127) * np.clip((y - 18.3) * 60, -127, 127) / 127 + 127
    >>> corner_subpixel(board.astype(np.uint8), np.array([[20, 18]])).astype(float).round(1).tolist()
    [[20.4, 18.3]]
    """
    gray, start, window = _checked(image, points, window)
    steps = integer("corner_subpixel", "iterations", iterations, 1, 1000)
    eps = number("corner_subpixel", "eps", eps, 0, 1, unit="pixels")
    white = np.float32(1 if gray.dtype == np.float32 else np.iinfo(gray.dtype).max)
    found = np.empty_like(start)
    over_rows(_refine, len(start), gray, white, start, window, _weights(window), steps, eps * eps, found, strip=64)
    return found.astype(np.float32)


@corner_subpixel.steps
def _steps(
    image: Image, points: AnyPoints, window: int = 5, *, iterations: int = 40, eps: float = 0.001
) -> Iterator[Step]:
    gray, start, window = _checked(image, points, window)
    yield Step("given", Points(start), Picture(gray), Points(start))
    for steps in [n for n in (1, 2, 4, 8) if n < iterations]:
        moved = corner_subpixel(image, points, window, iterations=steps, eps=eps)
        yield Step(f"after {steps}", Points(moved), Picture(gray), Points(moved))
    found = corner_subpixel(image, points, window, iterations=iterations, eps=eps)
    way = np.concatenate([start, found], axis=1)
    far = float(np.hypot(*(found - start).T).max()) if len(start) else 0.0
    yield Step("corners", Value(found), Picture(gray), Lines(way), note=f"The farthest moved by {far:.2f} pixels.")


def _checked(image: Any, points: Any, window: Any) -> tuple[Array, Array, int]:
    name = "corner_subpixel"
    gray = as_gray(name, image, finite=True)
    if not isinstance(points, np.ndarray) or points.ndim != 2 or points.shape[1] != 2 or points.dtype.kind not in "iuf":
        raise InputError(f"{name}: points must be N×2 numbers (x, y); got {describe(points)}.")
    start = points.astype(np.float64)
    inside = (start >= -0.5) & (start <= np.array(gray.shape[::-1]) - 0.5)
    if not inside.all():
        row = int(np.flatnonzero(~inside.all(axis=1))[0])
        size = f"{gray.shape[1]}×{gray.shape[0]}"
        raise InputError(f"{name}: points must lie inside the image ({size}); point {row} is {start[row].tolist()}.")
    return gray, start, integer(name, "window", window, 1, 50)


@lru_cache(16)
def _weights(window: int) -> Array:
    """Return the bell's weights, those times x and those times y from its middle; rows of whole vectors, flat."""
    side = 2 * window + 1
    bell = np.array([math.exp(-(((k - window) / window) ** 2)) for k in range(side)])
    place = np.arange(-window, window + 1.0)
    weights = np.zeros((3, side, -(-(side + 3) // LANES) * LANES))  # a pixel is read with those around it
    weights[:, :, :side] = np.outer(bell, bell) * np.stack(np.broadcast_arrays(1.0, place, place[:, None]))
    return weights.reshape(3, -1)


@kernel
def _refine(image, white, start, window, weights, steps, eps, found, y0, y1):
    side = 2 * window + 1
    breadth = weights.shape[1] // side  # of a row of pixels
    pixels = np.zeros((side + 3) * breadth, np.float32)
    between, patch = np.zeros(pixels.size, np.float64), np.zeros(pixels.size - breadth, np.float64)
    for i in range(y0, y1):
        x, y = start[i, 0], start[i, 1]
        for _ in range(steps):
            left, top = x - window - 1, y - window - 1
            column, row = np.int64(math.floor(left)), np.int64(math.floor(top))
            _copy(image, white, column, row, breadth, pixels)
            dx, dy = _step(pixels, left - column, top - row, weights, breadth, between, patch)
            if not abs(dx) + abs(dy) < 1e6:  # no corner here: the equations have no solution
                break
            x, y = x + dx, y + dy
            if dx * dx + dy * dy <= eps or x < 0 or y < 0 or x >= image.shape[1] or y >= image.shape[0]:
                break
        stays = abs(x - start[i, 0]) > window or abs(y - start[i, 1]) > window
        found[i, 0], found[i, 1] = (start[i, 0], start[i, 1]) if stays else (x, y)


@kernel
def _copy(image, white, column, row, breadth, pixels):
    """Copy rows of ``breadth`` pixels from (column, row) on, divided by ``white``; beyond the image lies its border."""
    height, width = image.shape
    inside = (column >= 0) & (column + breadth <= width)
    flat = image.reshape(-1)
    for to in range(0, pixels.size, breadth):
        start = min(max(row + to // breadth, 0), height - 1) * width
        if inside:
            for j in range(0, breadth, LANES):
                store(load_floats(flat, start + column + j) / white, pixels, to + j)
            continue
        for j in range(breadth):
            pixels[to + j] = np.float32(flat[start + min(max(column + j, 0), width - 1)]) / white


@kernel
def _step(pixels, u, v, weights, breadth, between, patch):
    """Return how far the corner lies from the middle of the patch: the least squares of gradient · (corner − pixel).

    The patch is what lies u to the right of the pixels and v below that; its rows are one long row.
    """
    for k in range(pixels.size - 1):
        between[k] = pixels[k] + u * (pixels[k + 1] - pixels[k])
    for k in range(patch.size):
        patch[k] = between[k] + v * (between[k + breadth] - between[k])
    xx, xy, yy, x, y = _sums(patch[1:], patch[breadth:], patch[breadth + 2 :], patch[2 * breadth + 1 :], weights)
    det = xx * yy - xy * xy
    if not det > 1e-12 * (xx + yy) ** 2:
        return np.nan, np.nan
    return (yy * x - xy * y) / det, (xx * y - xy * x) / det


@kernel(fastmath=True)
def _sums(above, left, right, below, weights):
    """Return the weighted sums of gx², gx·gy, gy², and of both sides of the normal equations times the pixel."""
    xx, xy, yy, x, y = 0.0, 0.0, 0.0, 0.0, 0.0
    bell, across, down = weights[0], weights[1], weights[2]
    for k in range(below.size):
        gx, gy = right[k] - left[k], below[k] - above[k]
        a, b, c = gx * gx, gx * gy, gy * gy
        xx, xy, yy = xx + bell[k] * a, xy + bell[k] * b, yy + bell[k] * c
        x, y = x + across[k] * a + down[k] * b, y + across[k] * b + down[k] * c
    return xx, xy, yy, x, y
