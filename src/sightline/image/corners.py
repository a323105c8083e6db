"""Corners for alignment: where brightness changes in two directions, spread evenly over the picture.

Harris & Stephens 1988, "A Combined Corner and Edge Detector", Alvey Vision Conference; chosen and placed as by Brown,
Szeliski & Winder 2005, "Multi-Image Matching Using Multi-Scale Oriented Patches", CVPR, sections 2 and 3: the harmonic
mean of the eigenvalues, adaptive non-maximal suppression, and a parabola through the neighbours.
"""

from __future__ import annotations

import numpy as np

from sightline.core.buffers import empty
from sightline.core.kernels import kernel, over_rows
from sightline.core.types import Array
from sightline.image.gaussian_blur import gaussian_blur
from sightline.image.gradient import gradient

DERIVATIVE, INTEGRATION = 1.0, 1.5  # σ in pixels of a level
_ROBUST = np.float32(0.9)  # a neighbour suppresses a corner only when it is stronger by this factor
_MOST = 4000  # corners of a level that compete
_FAINT = np.float32(1e-5)  # least strength, for brightness 0–1


def corner_strength(gray: Array) -> Array:
    """Return det / trace of the structure tensor of an H×W float32 image, brightness 0–1."""
    dx, dy = gradient(gaussian_blur(gray, DERIVATIVE))
    products = empty((*gray.shape, 3), np.float32)
    over_rows(_products, len(gray), dx, dy, products.reshape(len(gray), -1))
    smooth = gaussian_blur(products, INTEGRATION)
    strength = empty(gray.shape, np.float32)
    over_rows(_harmonic_mean, len(gray), smooth.reshape(len(gray), -1), strength)
    return strength


@kernel
def _products(dx, dy, out, y0, y1):
    eighth = np.float32(1 / 8)  # a Sobel sum of a ramp of 1 is 8
    for y in range(y0, y1):
        a, b, row = dx[y], dy[y], out[y]
        for x in range(a.size):
            u, v = a[x] * eighth, b[x] * eighth
            row[3 * x], row[3 * x + 1], row[3 * x + 2] = u * u, u * v, v * v


@kernel
def _harmonic_mean(tensor, out, y0, y1):
    tiny = np.float32(1e-12)
    for y in range(y0, y1):
        row, line = tensor[y], out[y]
        for x in range(line.size):
            xx, xy, yy = row[3 * x], row[3 * x + 1], row[3 * x + 2]
            line[x] = (xx * yy - xy * xy) / (xx + yy + tiny)


def corners_of(gray: Array, count: int, margin: int = 4) -> Array:
    """Return at most ``count`` corners of an H×W float32 image (brightness 0–1), N×2 float64, placed between pixels."""
    strength = corner_strength(gray)
    peaks = empty(gray.shape, np.bool_)
    over_rows(_mark_peaks, len(gray), strength, max(margin, 1), peaks)
    y, x = np.divmod(np.flatnonzero(peaks), gray.shape[1])
    order = np.argsort(-strength[y, x], kind="stable")[:_MOST]
    y, x = y[order], x[order]
    radii = _reach(np.stack([x, y], axis=1).astype(np.float32), strength[y, x])
    kept = np.argsort(-radii, kind="stable")[:count]
    return _between_pixels(strength, y[kept], x[kept])


@kernel
def _mark_peaks(strength, margin, peaks, y0, y1):
    """Mark what is no weaker than its eight neighbours, and farther than ``margin`` from the border."""
    height, width = strength.shape
    for y in range(y0, y1):
        marks = peaks[y]
        marks[:] = False
        if y < margin or y >= height - margin or width <= 2 * margin:
            continue
        above, row, below = strength[y - 1], strength[y], strength[y + 1]
        for x in range(margin, width - margin):
            here = row[x]
            around = max(max(above[x - 1], above[x]), max(above[x + 1], row[x - 1]))
            around = max(around, max(max(row[x + 1], below[x - 1]), max(below[x], below[x + 1])))
            marks[x] = (here >= around) & (here > _FAINT)


@kernel
def _reach(points, strength):
    """Return the squared distance of each corner (strongest first) to the nearest that is clearly stronger."""
    n = len(points)
    radii = np.full(n, np.float32(np.inf))
    for i in range(n):
        x, y, nearest = points[i, 0], points[i, 1], np.float32(np.inf)
        for j in range(i):
            if strength[i] < _ROBUST * strength[j]:
                a, b = points[j, 0] - x, points[j, 1] - y
                nearest = min(nearest, a * a + b * b)
        radii[i] = nearest
    return radii


def _between_pixels(strength: Array, y: Array, x: Array) -> Array:
    """Return the tops of the parabolas through the strengths around whole positions, N×2 (x, y)."""
    s = {(i, j): strength[y + i, x + j].astype(np.float64) for i in (-1, 0, 1) for j in (-1, 0, 1)}
    dx, dy = (s[0, 1] - s[0, -1]) / 2, (s[1, 0] - s[-1, 0]) / 2
    xx, yy = s[0, 1] + s[0, -1] - 2 * s[0, 0], s[1, 0] + s[-1, 0] - 2 * s[0, 0]
    xy = (s[1, 1] + s[-1, -1] - s[1, -1] - s[-1, 1]) / 4
    det = xx * yy - xy * xy
    with np.errstate(invalid="ignore", divide="ignore"):
        u, v = (xy * dy - yy * dx) / det, (xy * dx - xx * dy) / det
    good = (np.abs(u) < 1) & (np.abs(v) < 1)
    return np.stack([x + np.where(good, u, 0), y + np.where(good, v, 0)], axis=1)
