"""Sampson's distance of pairs to an epipolar geometry, and the matrix that makes it small.

Sampson 1982, "Fitting conic sections to very scattered data", Computer Graphics and Image Processing 18; a fundamental
or essential matrix as two rotations and a ratio: Bartoli & Sturm 2004, "Nonlinear Estimation of the Fundamental Matrix
with Minimal Parameters", IEEE PAMI 26(3).
"""

from __future__ import annotations

import numpy as np

from sightline.core.kernels import kernel, over_rows
from sightline.core.types import Array
from sightline.geometry.small_systems import fill_products, fill_turn, solve_symmetric

_ROUNDS = 20


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
    shift = np.zeros(4) if essential else rows.mean(axis=0)
    moved = rows - shift
    scale = 1.0 if essential else max(float(np.sqrt((moved**2).mean())), 1e-300)
    before, after = (np.array([[scale, 0, x], [0, scale, y], [0, 0, 1]]) for x, y in (shift[:2], shift[2:]))
    left, sizes, right = np.linalg.svd(after.T @ matrix @ before)
    ratio = 1.0 if essential else sizes[1] / max(sizes[0], 1e-300)
    near = np.empty((3, 3))
    _descend(np.ascontiguousarray(moved.T) / scale, np.ascontiguousarray(left.T), right, ratio, essential, near)
    before, after = (np.array([[1, 0, -x], [0, 1, -y], [0, 0, scale]]) for x, y in (shift[:2], shift[2:]))
    return after.T @ near @ before


@kernel
def _descend(columns, left, right, ratio, essential, out):
    """Fill ``out`` with the matrix of the least distances: damped Gauss-Newton steps of two turns and a ratio.

    The matrix is a bᵀ + ratio · c dᵀ, with the first two rows of two rotations: ``left`` for the second view and
    ``right`` for the first one.
    """
    size = 6 if essential else 7
    slopes, square = np.empty((8, columns.shape[1])), np.empty((8, 8))
    grown, step, turn = np.empty((size, size)), np.empty(size), np.empty((3, 3))
    damping, cost = 1e-6, np.inf
    kept, new = np.empty((6, 3)), np.empty((6, 3))  # the rows of both rotations
    for i in range(3):
        for d in range(3):
            new[i, d], new[3 + i, d] = left[i, d], right[i, d]
    new_ratio = ratio
    for _ in range(_ROUNDS):
        _fill_slopes(columns, new, new_ratio, slopes)
        total = 0.0
        for k in range(slopes.shape[1]):
            total += slopes[7, k] * slopes[7, k]
        done = total >= cost * (1 - 1e-12)
        if total <= cost:
            kept, new, ratio, cost, damping = new, kept, new_ratio, total, damping / 10
            fill_products(slopes, square)
        else:
            damping *= 1000
        if (done and total <= cost) or damping > 1e6:
            break
        trace = 0.0
        for i in range(size):
            trace += square[i, i]
        for i in range(size):
            step[i] = -square[7, i]
            for j in range(i):
                grown[i, j] = square[i, j]
            grown[i, i] = square[i, i] * (1 + damping) + 1e-15 * trace
        if not solve_symmetric(grown, step):
            break
        for first in range(0, 6, 3):
            fill_turn(step[first], step[first + 1], step[first + 2], turn)
            for i in range(3):
                for d in range(3):
                    new[first + i, d] = 0
                    for k in range(3):
                        new[first + i, d] += turn[k, i] * kept[first + k, d]
        new_ratio = ratio if essential else ratio + step[6]
    for i in range(3):
        for j in range(3):
            out[i, j] = kept[0, i] * kept[3, j] + ratio * kept[1, i] * kept[4, j]


@kernel(fastmath=True)
def _fill_slopes(columns, rotations, ratio, slopes):
    """Fill the derivatives of Sampson's distances by both turns and the ratio, and the distances: 8×N."""
    a0, a1, a2, b0, b1, b2 = rotations[0], rotations[1], rotations[2], rotations[3], rotations[4], rotations[5]
    a00, a01, a02, a10, a11, a12, a20, a21, a22 = a0[0], a0[1], a0[2], a1[0], a1[1], a1[2], a2[0], a2[1], a2[2]
    b00, b01, b02, b10, b11, b12, b20, b21, b22 = b0[0], b0[1], b0[2], b1[0], b1[1], b1[2], b2[0], b2[1], b2[2]
    xs, ys, us, vs = columns[0], columns[1], columns[2], columns[3]
    s0, s1, s2, s3, s4 = slopes[0], slopes[1], slopes[2], slopes[3], slopes[4]
    s5, s6, away = slopes[5], slopes[6], slopes[7]
    for k in range(xs.size):
        x, y, u, v = xs[k], ys[k], us[k], vs[k]
        # The pair in the axes of both rotations, and its epipolar lines without their last numbers.
        p0, p1, p2 = b00 * x + b01 * y + b02, b10 * x + b11 * y + b12, b20 * x + b21 * y + b22
        q0, q1, q2 = a00 * u + a01 * v + a02, a10 * u + a11 * v + a12, a20 * u + a21 * v + a22
        r1, t1 = ratio * p1, ratio * q1
        lx, ly = a00 * p0 + a10 * r1, a01 * p0 + a11 * r1
        mx, my = b00 * q0 + b10 * t1, b01 * q0 + b11 * t1
        error, size = q0 * p0 + q1 * r1, lx * lx + ly * ly + mx * mx + my * my
        size = size if size > 0 else np.inf
        root, share = 1 / np.sqrt(size), error / size
        # g_ij, the derivative along a_i b_jᵀ, is root · (q_i p_j − share · (l·a_i p_j + q_i m·b_j)).
        l0, l1, l2 = (
            q0 - share * (lx * a00 + ly * a01),
            q1 - share * (lx * a10 + ly * a11),
            q2 - share * (lx * a20 + ly * a21),
        )
        m0, m1, m2 = share * (mx * b00 + my * b01), share * (mx * b10 + my * b11), share * (mx * b20 + my * b21)
        g01, g10, g11 = root * (l0 * p1 - q0 * m1), root * (l1 * p0 - q1 * m0), root * (l1 * p1 - q1 * m1)
        g02, g20 = root * (l0 * p2 - q0 * m2), root * (l2 * p0 - q2 * m0)
        g12, g21 = root * (l1 * p2 - q1 * m2), root * (l2 * p1 - q2 * m1)
        s0[k], s1[k], s2[k] = ratio * g21, -g20, g10 - ratio * g01
        s3[k], s4[k], s5[k] = ratio * g12, -g02, g01 - ratio * g10
        s6[k], away[k] = g11, error * root
