"""Sampson's distance of pairs to an epipolar geometry, and the matrix that makes it small.

Sampson 1982, "Fitting conic sections to very scattered data", Computer Graphics and Image Processing 18; a fundamental
or essential matrix as two rotations and a ratio: Bartoli & Sturm 2004, "Nonlinear Estimation of the Fundamental Matrix
with Minimal Parameters", IEEE PAMI 26(3).
"""

from __future__ import annotations

import numpy as np

from sightline.core.kernels import kernel, over_rows
from sightline.core.types import Array

_TURNS = np.array(
    [[[0, 0, 0], [0, 0, -1], [0, 1, 0]], [[0, 0, 1], [0, 0, 0], [-1, 0, 0]], [[0, -1, 0], [1, 0, 0], [0, 0, 0]]], float
)


def sampson_squares(matrices: Array, columns: Array) -> Array:
    """Return the squared distances K×N of pairs (columns 4×N) to K×9 fundamental or essential matrices."""
    out = np.empty((len(matrices), columns.shape[1]))
    over_rows(_sampson, len(matrices), matrices, columns, out, strip=max(1, 65536 // (columns.shape[1] + 1)))
    return out


@kernel(contract=True)
def _sampson(matrices, columns, out, y0, y1):
    xs, ys, us, vs = columns[0], columns[1], columns[2], columns[3]
    for m in range(y0, y1):
        row, f = out[m], matrices[m]
        a, b, c, d, e, g, h, i, j = f[0], f[1], f[2], f[3], f[4], f[5], f[6], f[7], f[8]
        for k in range(row.size):
            x, y, u, v = xs[k], ys[k], us[k], vs[k]
            lx, ly = a * x + b * y + c, d * x + e * y + g
            mx, my = a * u + d * v + h, b * u + e * v + i
            error = lx * u + ly * v + (h * x + i * y + j)
            square = error * error / (lx * lx + ly * ly + mx * mx + my * my)
            row[k] = square if square < np.inf else np.inf  # also where it is no number


@kernel(contract=True)
def _normal_equations(matrix, rows, square, right):
    """Fill JᵀJ (9×9) and Jᵀr of Sampson's distances with respect to the matrix; return the sum of their squares."""
    square[:], right[:] = 0, 0
    total, slope = 0.0, np.empty(9)
    x, y = np.ones(3), np.ones(3)
    for k in range(rows.shape[0]):
        x[0], x[1], y[0], y[1] = rows[k, 0], rows[k, 1], rows[k, 2], rows[k, 3]
        error, size = 0.0, 0.0
        first, second = np.zeros(3), np.zeros(3)
        for i in range(3):
            for j in range(3):
                first[i] += matrix[3 * i + j] * x[j]
                second[j] += matrix[3 * i + j] * y[i]
        for i in range(3):
            error += first[i] * y[i]
        size = first[0] ** 2 + first[1] ** 2 + second[0] ** 2 + second[1] ** 2
        if not size > 0:
            continue
        root = 1 / np.sqrt(size)
        ratio = error / size
        for i in range(3):
            for j in range(3):
                bend = (first[i] * x[j] if i < 2 else 0.0) + (second[j] * y[i] if j < 2 else 0.0)
                slope[3 * i + j] = root * (y[i] * x[j] - ratio * bend)
        residual = error * root
        total += residual * residual
        for i in range(9):
            right[i] += slope[i] * residual
            for j in range(i + 1):
                square[i, j] += slope[i] * slope[j]
    for i in range(9):
        for j in range(i):
            square[j, i] = square[i, j]
    return total


def refine_epipolar(matrix: Array, rows: Array, essential: bool) -> Array:
    """Return the 3×3 matrix of rank 2 with the least squared distances of N×4 pairs, from one that is near.

    Parameters
    ----------
    matrix
        Where the search starts.
    rows
        The pairs.
    essential
        Whether the two singular values stay equal.
    """
    shift = rows.mean(axis=0) if not essential else np.zeros(4)
    scale = 1.0 if essential else max(float(np.sqrt(((rows - shift) ** 2).mean())), 1e-300)
    moved = (rows - shift) / scale
    before, after = (np.array([[scale, 0, x], [0, scale, y], [0, 0, 1]]) for x, y in (shift[:2], shift[2:]))
    left, sizes, right = np.linalg.svd(after.T @ matrix @ before)
    ratio = 1.0 if essential else sizes[1] / max(sizes[0], 1e-300)
    lowest, damping = np.inf, 1e-6
    square, slopes = np.empty((9, 9)), np.empty(9)
    state = left, ratio, right
    cost = _normal_equations(_joined(*state).ravel(), moved, square, slopes)
    for _ in range(20):
        lowest = cost
        chain = _chain(*state, essential)
        normal, gradient = chain.T @ square @ chain, chain.T @ slopes
        grown = normal + np.diag(damping * np.diag(normal) + 1e-15 * np.trace(normal))
        step = -np.linalg.solve(grown, gradient)
        new = _moved(*state, step, essential)
        cost = _normal_equations(_joined(*new).ravel(), moved, square, slopes)
        if not cost <= lowest:
            damping *= 100
            cost = _normal_equations(_joined(*state).ravel(), moved, square, slopes)
            if damping > 1e6:
                break
            continue
        state, damping = new, damping / 10
        if lowest - cost <= 1e-12 * lowest:
            break
    return np.linalg.inv(after).T @ _joined(*state) @ np.linalg.inv(before)


def _joined(left: Array, ratio: float, right: Array) -> Array:
    return np.outer(left[:, 0], right[0]) + ratio * np.outer(left[:, 1], right[1])


def _chain(left: Array, ratio: float, right: Array, essential: bool) -> Array:
    """Return the derivatives 9×6 (or 9×7) of the matrix with respect to both turns (and the ratio)."""
    middle = np.diag([1, ratio, 0])
    columns = [left @ turn @ middle @ right for turn in _TURNS] + [-left @ middle @ turn @ right for turn in _TURNS]
    if not essential:
        columns.append(np.outer(left[:, 1], right[1]))
    return np.stack([column.ravel() for column in columns], axis=1)


def _moved(left: Array, ratio: float, right: Array, step: Array, essential: bool) -> tuple[Array, float, Array]:
    from sightline.geometry.rodrigues import matrix_of

    turned = left @ matrix_of(step[:3]), right.T @ matrix_of(step[3:6])
    return turned[0], ratio if essential else ratio + float(step[6]), turned[1].T
