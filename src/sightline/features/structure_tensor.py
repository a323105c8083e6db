"""The structure tensor: how brightness changes around each pixel, and what is read from it about corners.

The tensor is the mean of (dx², dx·dy; dx·dy, dy²) under a window. Förstner & Gülch 1987, "A fast operator for detection
and precise location of distinct points, corners and centres of circular features", ISPRS; Harris & Stephens 1988.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sightline.core.buffers import empty
from sightline.core.checks import integer, number
from sightline.core.conversions import to_float
from sightline.core.kernels import kernel, over_rows
from sightline.core.types import Array
from sightline.image.border import source_indices
from sightline.image.gaussian_weights import bell
from sightline.image.gradient import MIRROR, OPERATORS, derivatives_of_row

HARRIS, LEAST = 0, 1  # det - k·trace², or the smaller eigenvalue
_SIDE, _MIDDLE = OPERATORS["sobel"]
_SLOPE = np.float32(2 * (2 * _SIDE + _MIDDLE))  # what the operator gives for a ramp that rises by 1


def window(function: str, sigma: Any, block: Any) -> Array:
    """Return the window's weights from the centre outwards: a square of ``block`` pixels, or a Gaussian when None."""
    if block is None:
        sigma = number(function, "sigma", sigma, 0, 20, unit="pixels", above=0)
        weights = bell(sigma)
        return weights[weights.size // 2 :].astype(np.float32)
    reach = integer(function, "block", block, 1, 63, odd=True) // 2
    return np.full(reach + 1, 1 / (2 * reach + 1), np.float32)


def response(gray: Array, weights: Array, kind: int, k: float, out: Array | None = None) -> Array:
    """Return the corner response of an H×W image (brightness 0–1 in its dtype), H×W float32.

    Parameters
    ----------
    gray
        H×W; uint8, uint16 or float32.
    weights
        Of the window, from the centre outwards.
    kind
        ``HARRIS`` or ``LEAST``.
    k
        Weight of the squared trace (``HARRIS``).
    out
        Array to write to; None for a new one.
    """
    gray = to_float(gray)
    across = np.zeros(weights.size + weights.size % 2 if weights.size > 1 else 1, np.float32)  # for pairs of pairs
    across[: weights.size] = weights
    result = empty(gray.shape, np.float32) if out is None else out
    rows, columns = (source_indices(size, across.size - 1, "reflect") for size in gray.shape)
    over_rows(_respond, len(gray), gray, across / _SLOPE**2, across, rows, columns, kind, np.float32(k), result)
    return result


@kernel
def _respond(image, down, across, rows, columns, kind, k, out, y0, y1):
    width, reach = image.shape[1], down.size - 1
    ring = np.empty((2 * reach + 1, 3, width), np.float32)
    dx, dy = np.empty(width, np.float32), np.empty(width, np.float32)
    line, smooth = np.empty((3, width + 2 * reach), np.float32), np.empty((3, width), np.float32)
    for beyond in range(y0 - reach, y1 + reach):
        row = rows[beyond + reach]
        derivatives_of_row(image, row, MIRROR, np.float32, np.float32(_SIDE), np.float32(_MIDDLE), dx, dy)
        products = ring[beyond % (2 * reach + 1)]
        _multiply(dx, dy, products[0], products[1], products[2])
        y = beyond - reach
        if y < y0:
            continue
        for part in range(3):
            inner = line[part, reach : reach + width]
            _weigh_down(ring, part, y, down, inner)
            for x in range(reach):
                line[part, x] = inner[columns[x]]
                line[part, reach + width + x] = inner[columns[reach + width + x]]
            _weigh_across(line[part], across, smooth[part])
        if kind == HARRIS:
            _harris(smooth[0], smooth[1], smooth[2], k, out[y])
        else:
            _least_eigenvalue(smooth[0], smooth[1], smooth[2], out[y])


@kernel
def _multiply(dx, dy, xx, xy, yy):
    for x in range(dx.size):
        u, v = dx[x], dy[x]
        xx[x], xy[x], yy[x] = u * u, u * v, v * v


@kernel
def _weigh_down(ring, part, y, weights, out):
    n, w = len(ring), weights[0]
    middle = ring[y % n, part]
    if weights.size == 1:
        for x in range(out.size):
            out[x] = w * middle[x]
        return
    above, below, v = ring[(y - 1) % n, part], ring[(y + 1) % n, part], weights[1]
    for x in range(out.size):
        out[x] = w * middle[x] + v * (above[x] + below[x])
    for k in range(2, weights.size - 1, 2):
        v, w = weights[k], weights[k + 1]
        a, b = ring[(y - k) % n, part], ring[(y + k) % n, part]
        c, d = ring[(y - k - 1) % n, part], ring[(y + k + 1) % n, part]
        for x in range(out.size):
            out[x] += v * (a[x] + b[x]) + w * (c[x] + d[x])


@kernel
def _weigh_across(line, weights, out):
    reach, n = weights.size - 1, out.size
    middle, w = line[reach : reach + n], weights[0]
    if reach == 0:
        for x in range(n):
            out[x] = w * middle[x]
        return
    left, right, v = line[reach - 1 : reach - 1 + n], line[reach + 1 : reach + 1 + n], weights[1]
    for x in range(n):
        out[x] = w * middle[x] + v * (left[x] + right[x])
    for k in range(2, weights.size - 1, 2):
        v, w = weights[k], weights[k + 1]
        a, b = line[reach - k : reach - k + n], line[reach + k : reach + k + n]
        c, d = line[reach - k - 1 : reach - k - 1 + n], line[reach + k + 1 : reach + k + 1 + n]
        for x in range(n):
            out[x] += v * (a[x] + b[x]) + w * (c[x] + d[x])


@kernel
def _harris(xx, xy, yy, k, out):
    for x in range(out.size):
        a, b, c = xx[x], xy[x], yy[x]
        out[x] = (a * c - b * b) - k * ((a + c) * (a + c))


@kernel
def _least_eigenvalue(xx, xy, yy, out):
    half = np.float32(0.5)
    for x in range(out.size):
        a, b, c = half * xx[x], xy[x], half * yy[x]
        out[x] = (a + c) - np.sqrt((a - c) * (a - c) + b * b)
