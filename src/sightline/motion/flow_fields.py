"""What methods of dense flow share: planes with a margin, the next picture fetched along the flow, and finer levels.

A plane is H×pitch float32: a row begins with eight numbers of margin and ends with eight or more, so that vectors may
be read one place beside the pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from sightline.core.buffers import empty
from sightline.core.kernels import kernel, over_rows
from sightline.core.types import Array
from sightline.core.vectors import LANES
from sightline.image.gaussian_pyramid import pyramid_of
from sightline.motion.flow_pair import levels_worth

MARGIN = LANES
_SMALLEST = 15  # pixels: no level is narrower


def pitch_of(width: int) -> int:
    """Return how many numbers a row of a plane has."""
    return (width + LANES - 1) // LANES * LANES + 2 * LANES


def planes(count: int, height: int, width: int) -> Array:
    """Return planes of zeros, count×H×pitch."""
    made = empty((count, height, pitch_of(width)), np.float32)
    made.fill(0)
    return made


def as_flow(u: Array, width: int) -> Array:
    """Return two planes as flow, H×W×2 float32."""
    return np.ascontiguousarray(np.moveaxis(u[:, :, MARGIN : MARGIN + width], 0, 2))


def finer(u: Array, old: tuple[int, int], new: tuple[int, int]) -> Array:
    """Return planes of flow at twice the size: as many pixels more, between the pixels the mean of their neighbours."""
    out = planes(len(u), *new)
    over_rows(_finer, new[0], u, old[0], old[1], out, new[1], strip=64)
    return out


@kernel
def _finer(u, height, width, out, new_width, y0, y1):
    for k in range(u.shape[0]):
        for y in range(y0, y1):
            upper, lower, row = u[k, y // 2], u[k, min((y + 1) // 2, height - 1)], out[k, y]
            for x in range(new_width):
                left, right = MARGIN + x // 2, MARGIN + min((x + 1) // 2, width - 1)
                total = (upper[left] + upper[right]) + (lower[left] + lower[right])
                row[MARGIN + x] = np.float32(0.5) * total  # a quarter, times 2 pixels for one


def slopes(picture: Array) -> tuple[Array, Array]:
    """Return the central differences of five pixels of a picture, per pixel: (1, -8, 0, 8, -1) / 12."""
    dx, dy = empty(picture.shape, np.float32), empty(picture.shape, np.float32)
    over_rows(_slopes, len(picture), picture, dx, dy, strip=64)
    return dx, dy


@kernel(contract=True)
def _slopes(picture, dx, dy, y0, y1):
    height, width = picture.shape
    near, far = np.float32(8 / 12), np.float32(-1 / 12)
    for y in range(y0, y1):
        up_2, up, row = picture[max(y - 2, 0)], picture[max(y - 1, 0)], picture[y]
        low, low_2 = picture[min(y + 1, height - 1)], picture[min(y + 2, height - 1)]
        across, down = dx[y], dy[y]
        for x in range(width):
            down[x] = near * (low[x] - up[x]) + far * (low_2[x] - up_2[x])
        for x in range(2, width - 2):
            across[x] = near * (row[x + 1] - row[x - 1]) + far * (row[x + 2] - row[x - 2])
        for x in range(width):
            if x < 2 or x >= width - 2:
                left, right = row[max(x - 1, 0)], row[min(x + 1, width - 1)]
                across[x] = near * (right - left) + far * (row[min(x + 2, width - 1)] - row[max(x - 2, 0)])


@kernel(contract=True)
def linearize(first, second, dx, dy, u, out, y0, y1):
    """Write what the brightness says around the flow ``u``: out[0] + out[1]·u + out[2]·v is how much it changes.

    The second picture and its slopes are fetched by cubic convolution (Keys, a = -½). A pixel whose flow leaves the
    picture says nothing.
    """
    height, width = second.shape
    for y in range(y0, y1):
        flow_x, flow_y = u[0, y], u[1, y]
        rest, slope_x, slope_y = out[0, y], out[1, y], out[2, y]
        for x in range(width):
            k = MARGIN + x
            px, py = np.float32(x) + flow_x[k], np.float32(y) + flow_y[k]
            if not (px >= 0 and px <= width - 1 and py >= 0 and py <= height - 1):
                rest[k], slope_x[k], slope_y[k] = np.float32(0), np.float32(0), np.float32(0)
                continue
            left, top = min(int(px), max(width - 2, 0)), min(int(py), max(height - 2, 0))
            ax, bx, cx, ex = _cubic(px - np.float32(left))
            ay, by, cy, ey = _cubic(py - np.float32(top))
            x_0, x_1, x_2, x_3 = max(left - 1, 0), left, min(left + 1, width - 1), min(left + 2, width - 1)
            value, gx, gy = np.float32(0), np.float32(0), np.float32(0)
            for r in range(4):
                row = min(max(top - 1 + r, 0), height - 1)
                weight = ay if r == 0 else by if r == 1 else cy if r == 2 else ey
                p, q, s = second[row], dx[row], dy[row]
                value += weight * (ax * p[x_0] + bx * p[x_1] + cx * p[x_2] + ex * p[x_3])
                gx += weight * (ax * q[x_0] + bx * q[x_1] + cx * q[x_2] + ex * q[x_3])
                gy += weight * (ax * s[x_0] + bx * s[x_1] + cx * s[x_2] + ex * s[x_3])
            slope_x[k], slope_y[k] = gx, gy
            rest[k] = value - first[y, x] - gx * flow_x[k] - gy * flow_y[k]


@kernel
def _cubic(t):
    """Return the weights of four neighbours for a place ``t`` after the second one."""
    half = np.float32(0.5)
    a = t * (t * (half * (np.float32(2) - t)) - half)
    b = t * t * (np.float32(1.5) * t - np.float32(2.5)) + np.float32(1)
    c = t * (half + t * (np.float32(2) - np.float32(1.5) * t))
    e = half * t * t * (t - np.float32(1))
    return a, b, c, e


def from_coarse_to_fine(
    first: Array, second: Array, levels: int, warps: int, relax: Callable[[Array, Array, int], Array]
) -> Iterator[tuple[Array, Array, int]]:
    """Yield the flow planes, the last linearization and the level, each level once, the coarsest first.

    Parameters
    ----------
    first, second
        Brightness, H×W float32.
    levels
        How many times they are halved, at most.
    warps
        How often the second picture is fetched along the flow on each level.
    relax
        ``relax(data, u, width)`` gives the planes u and v after an inner minimization; ``data`` are three planes of
        :func:`linearize`.
    """
    count = levels_worth(first.shape, levels, _SMALLEST)
    old, new = pyramid_of(first, count + 1), pyramid_of(second, count + 1)
    u: Array | None = None
    for level in range(count, -1, -1):
        height, width = old[level].shape
        u = planes(2, height, width) if u is None else finer(u, old[level + 1].shape, (height, width))
        dx, dy = slopes(new[level])
        data = planes(3, height, width)
        for _ in range(warps):
            over_rows(linearize, height, old[level], new[level], dx, dy, u, data, strip=16)
            u = relax(data, u, width)
        yield u, data, level


def in_chunks(steps: int, at_once: int) -> Iterator[int]:
    """Yield how many steps to make on a strip before the next one, until all are made."""
    while steps > 0:
        yield min(steps, at_once)
        steps -= at_once


def residual(data: Array, u: Array, width: int) -> Array:
    """Return how much the brightness still differs along the flow, as the linearization has it, H×W grey levels."""
    return (data[0] + data[1] * u[0] + data[2] * u[1])[:, MARGIN : MARGIN + width]
