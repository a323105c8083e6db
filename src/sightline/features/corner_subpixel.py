"""Corners between pixels: every gradient near a corner is at right angles to the line that leads to it.

Förstner & Gülch 1987, "A Fast Operator for Detection and Precise Location of Distinct Points, Corners and Centres of
Circular Features", ISPRS Intercommission Workshop, whose normal equations the code solves again and again.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated, Any

import numpy as np
from jaxtyping import Float32

from sightline.core.catalogue import method
from sightline.core.checks import describe, integer, number
from sightline.core.conversions import to_float
from sightline.core.errors import InputError
from sightline.core.kernels import kernel, over_rows
from sightline.core.layers import Lines, Picture, Points, Value
from sightline.core.trace import Step
from sightline.core.types import AnyPoints, Array, Image, Range
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
    found = np.empty_like(start)
    over_rows(_refine, len(start), gray, start, window, steps, eps * eps, found, strip=64)
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
    gray = to_float(as_gray(name, image, finite=True))
    if not isinstance(points, np.ndarray) or points.ndim != 2 or points.shape[1] != 2 or points.dtype.kind not in "iuf":
        raise InputError(f"{name}: points must be N×2 numbers (x, y); got {describe(points)}.")
    start = points.astype(np.float64)
    inside = (start >= -0.5) & (start <= np.array(gray.shape[::-1]) - 0.5)
    if not inside.all():
        row = int(np.flatnonzero(~inside.all(axis=1))[0])
        size = f"{gray.shape[1]}×{gray.shape[0]}"
        raise InputError(f"{name}: points must lie inside the image ({size}); point {row} is {start[row].tolist()}.")
    return gray, start, integer(name, "window", window, 1, 50)


@kernel
def _refine(image, start, window, steps, eps, found, y0, y1):
    side = 2 * window + 1
    bell = np.empty(side, np.float64)
    for k in range(side):
        bell[k] = math.exp(-(((k - window) / window) ** 2))
    patch = np.empty((side + 2, side + 2), np.float64)
    for i in range(y0, y1):
        x, y = start[i, 0], start[i, 1]
        for _ in range(steps):
            _sample(image, x - window - 1, y - window - 1, patch)
            dx, dy = _step(patch, bell)
            if not abs(dx) + abs(dy) < 1e6:  # no corner here: the equations have no solution
                break
            x, y = x + dx, y + dy
            if dx * dx + dy * dy <= eps or x < 0 or y < 0 or x >= image.shape[1] or y >= image.shape[0]:
                break
        stays = abs(x - start[i, 0]) > window or abs(y - start[i, 1]) > window
        found[i, 0], found[i, 1] = (start[i, 0], start[i, 1]) if stays else (x, y)


@kernel
def _sample(image, left, top, patch):
    """Write the pixels from (left, top) on, linearly between those of the image; beyond it lies its border."""
    height, width = image.shape
    n = len(patch)
    x0, y0 = np.int64(math.floor(left)), np.int64(math.floor(top))
    u, v = left - x0, top - y0
    inside = (x0 >= 0) & (x0 + n < width)
    for i in range(n):
        above, below = image[min(max(y0 + i, 0), height - 1)], image[min(max(y0 + i + 1, 0), height - 1)]
        if inside:
            _between(above[x0 : x0 + n + 1], below[x0 : x0 + n + 1], u, v, patch[i])
            continue
        for j in range(n):
            a, b = min(max(x0 + j, 0), width - 1), min(max(x0 + j + 1, 0), width - 1)
            upper, lower = above[a] + u * (above[b] - above[a]), below[a] + u * (below[b] - below[a])
            patch[i, j] = upper + v * (lower - upper)


@kernel
def _between(above, below, u, v, out):
    for j in range(out.size):
        upper, lower = above[j] + u * (above[j + 1] - above[j]), below[j] + u * (below[j + 1] - below[j])
        out[j] = upper + v * (lower - upper)


@kernel
def _step(patch, bell):
    """Return how far the corner lies from the middle of the patch: the least squares of gradient · (corner − pixel)."""
    xx, xy, yy, x, y = 0.0, 0.0, 0.0, 0.0, 0.0
    for i in range(bell.size):
        sums = _row_sums(patch[i], patch[i + 1], patch[i + 2], bell)
        a, b, c, weight, py = sums[0], sums[1], sums[2], bell[i], i - bell.size // 2
        xx, xy, yy = xx + weight * a, xy + weight * b, yy + weight * c
        x, y = x + weight * (sums[3] + b * py), y + weight * (sums[4] + c * py)
    det = xx * yy - xy * xy
    if not det > 1e-12 * (xx + yy) ** 2:
        return np.nan, np.nan
    return (yy * x - xy * y) / det, (xx * y - xy * x) / det


@kernel(fastmath=True)
def _row_sums(above, row, below, bell):
    """Return the weighted sums of gx², gx·gy, gy², gx²·x and gx·gy·x over the pixels of a row."""
    xx, xy, yy, x, y = 0.0, 0.0, 0.0, 0.0, 0.0
    for j in range(bell.size):
        gx, gy, px = row[j + 2] - row[j], below[j + 1] - above[j + 1], np.float64(j - bell.size // 2)
        a, b, c = bell[j] * gx * gx, bell[j] * gx * gy, bell[j] * gy * gy
        xx, xy, yy, x, y = xx + a, xy + b, yy + c, x + a * px, y + b * px
    return xx, xy, yy, x, y
