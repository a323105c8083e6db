"""The perspective between the grid of a symbol and a picture: fitted to points, and looked through.

Hartley and Zisserman 2004, "Multiple View Geometry in Computer Vision", 2nd ed., sections 4.1 and 4.4.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64

from sightline.core.kernels import kernel
from sightline.core.types import Array
from sightline.image.codes.binarise import BLOCK

Homography = Float64[np.ndarray, "3 3"]
Points2 = Float64[np.ndarray, "n 2"]


def project(homography: Homography, points: Points2) -> Points2:
    """Return points mapped by a homography."""
    mapped = points @ homography[:, :2].T + homography[:, 2]
    depth = np.where(np.abs(mapped[:, 2:]) < 1e-9, 1e-9, mapped[:, 2:])
    return mapped[:, :2] / depth


def fit_homography(grid: Points2, seen: Points2, weights: Array | None = None) -> Homography:
    """Return the homography that maps ``grid`` to ``seen`` with least squares (four points at least)."""
    found = np.empty(9)
    fit_points(grid, seen, np.ones(len(grid)) if weights is None else weights, found)
    return found.reshape(3, 3)


@kernel
def fit_points(grid, seen, weights, h):
    """Write the homography from n×2 points to n×2 points, row by row, into nine numbers."""
    ax, ay, a = _normal(grid)
    bx, by, b = _normal(seen)
    system, row = np.zeros((8, 9)), np.zeros(9)
    for i in range(grid.shape[0]):
        u, v = (grid[i, 0] - ax) / a, (grid[i, 1] - ay) / a
        for axis in range(2):
            target = (seen[i, axis] - (bx if axis == 0 else by)) / b
            row[:] = 0
            row[3 * axis], row[3 * axis + 1], row[3 * axis + 2] = u, v, 1
            row[6], row[7], row[8] = -u * target, -v * target, target
            for j in range(8):
                for k in range(9):
                    system[j, k] += weights[i] * row[j] * row[k]
    if not _solve(system, row):  # points on one line: no perspective fits them
        row[:] = 0
        row[0] = row[4] = 1
    row[8] = 1
    for k in range(3):  # into the units of the picture, then out of those of the grid
        x, y = b * row[k] + bx * row[6 + k], b * row[3 + k] + by * row[6 + k]
        row[k], row[3 + k] = x, y
    for j in range(0, 9, 3):
        h[j], h[j + 1] = row[j] / a, row[j + 1] / a
        h[j + 2] = row[j + 2] - (row[j] * ax + row[j + 1] * ay) / a
    scale = h[8] if abs(h[8]) > 1e-12 else 1.0
    for j in range(9):
        h[j] /= scale


@kernel
def _normal(points):
    """Return the middle of points, and their mean distance from it along an axis."""
    x = y = away = 0.0
    n = points.shape[0]
    for i in range(n):
        x, y = x + points[i, 0] / n, y + points[i, 1] / n
    for i in range(n):
        away += (abs(points[i, 0] - x) + abs(points[i, 1] - y)) / (2 * n)
    return x, y, away


@kernel
def _solve(system, solution):
    """Write the solution of n equations, which end in their right sides, by elimination; return whether it exists."""
    n = system.shape[0]
    for column in range(n):
        pivot = column
        for j in range(column + 1, n):
            if abs(system[j, column]) > abs(system[pivot, column]):
                pivot = j
        if not abs(system[pivot, column]) > 1e-14:
            return False
        for k in range(column, n + 1):
            system[column, k], system[pivot, k] = system[pivot, k], system[column, k]
        for j in range(column + 1, n):
            factor = system[j, column] / system[column, column]
            for k in range(column, n + 1):
                system[j, k] -= factor * system[column, k]
    for j in range(n - 1, -1, -1):
        total = system[j, n]
        for k in range(j + 1, n):
            total -= system[j, k] * solution[k]
        solution[j] = total / system[j, j]
    return True


@kernel
def darkness_at(gray, thresholds, h, u, v):
    """Return threshold minus grey (bilinear) at a point of the grid, and whether it lies outside of the picture."""
    height, width = gray.shape
    depth = h[6] * u + h[7] * v + h[8]
    if abs(depth) < 1e-9:
        depth = 1e-9
    scale = 1 / depth
    x, y = (h[0] * u + h[1] * v + h[2]) * scale, (h[3] * u + h[4] * v + h[5]) * scale
    outside = not (-0.5 < x < width - 0.5 and -0.5 < y < height - 0.5)
    x, y = min(max(x, 0.0), width - 1.0), min(max(y, 0.0), height - 1.0)
    x0, y0 = np.int64(x), np.int64(y)
    x1, y1 = min(x0 + 1, width - 1), min(y0 + 1, height - 1)
    fx, fy = x - x0, y - y0
    above = gray[y0, x0] * (1 - fx) + gray[y0, x1] * fx
    below = gray[y1, x0] * (1 - fx) + gray[y1, x1] * fx
    threshold = thresholds[np.int64(y + 0.5) // BLOCK, np.int64(x + 0.5) // BLOCK]
    return threshold - (above * (1 - fy) + below * fy), outside
