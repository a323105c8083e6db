"""Homography: the projective map between two views of a plane, or between two views from one place.

Hartley & Zisserman 2004, "Multiple View Geometry in Computer Vision", 2nd ed., chapter 4: normalised direct linear
transform (in :mod:`sightline.image.fit_transform`), then Gauss and Newton on the distances in the second view; or
by consensus over samples of four.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import numpy as np

from sightline.core.catalogue import method as catalogued
from sightline.core.checks import choice, integer, number
from sightline.core.errors import InputError
from sightline.core.kernels import kernel
from sightline.core.trace import Step
from sightline.core.types import Array, Choice, Points, Range, Seed
from sightline.features.consensus import METHODS, Fit, search
from sightline.features.models import Kind, move_squares
from sightline.features.ransac import rounds_of
from sightline.geometry.points3 import as_rows
from sightline.geometry.small_systems import solve_symmetric
from sightline.image.fit_transform import fit

_SQUARE = np.array([[0, 0], [90, 0], [90, 60], [0, 60], [40, 30], [20, 50.0]])
_SEEN = np.array([[5, 2], [92, 8], [88, 71], [1, 58], [42.5, 33.1], [21.0, 50.3]])


def _solve(rows: Array, picks: Array) -> Array:
    out = np.empty((len(picks), 1, 9))
    _solve_four(rows, picks, out)
    return out


def _refine(matrix: Array, rows: Array) -> Array:
    out = np.empty(9)
    _descend(matrix, rows, out)
    return out


def _scaled(matrix: Array) -> Array:
    last = matrix[2, 2]
    return matrix / (last if abs(last) > 1e-12 * np.abs(matrix).max() else np.linalg.norm(matrix))


KIND = Kind("homography", 4, 4, (3, 3), _solve, move_squares, _refine, _scaled)


@catalogued(
    task="two views", paper="Hartley 2004", lesson="w3d3", example={"a": _SQUARE, "b": _SEEN, "threshold": None}
)
def homography(
    a: Points,
    b: Points,
    threshold: float | None = None,
    seed: Seed = 0,
    *,
    method: Annotated[str, Choice(*METHODS)] = "lo",
    confidence: Annotated[float, Range(0.5, 0.999999, 0.01)] = 0.999,
    iterations: Annotated[int, Range(1, 1000000, 1)] = 10000,
) -> Fit:
    """Return the homography that moves the points ``a`` to ``b``.

    NaN and infinity are refused.

    Parameters
    ----------
    a, b
        N×2 (x, y) each, N ≥ 4, in pixels, any real dtype: the same places in two views.
    threshold
        Greatest distance in pixels between a moved point and its partner that agree; None when all pairs are right.
    seed, method, confidence, iterations
        Of the search among wrong pairs, as in :func:`sightline.features.ransac`.

    Returns
    -------
    Fit
        Its ``model`` is the 3×3 matrix, the last number 1, with the least sum of squared distances in the second view
        over its ``inliers``.

    Raises
    ------
    InputError
        When the points define no homography: fewer than four, three of four on one line, or too few that agree.

    References
    ----------
    R. Hartley, A. Zisserman, "Multiple View Geometry in Computer Vision", 2nd ed., Cambridge University Press, 2004.

    Examples
    --------
    >>> square = np.array([[0, 0], [2, 0], [2, 2], [0, 2]])
    >>> (homography(square, square * 3 + 1).model.round(6) + 0).tolist()
    [[3.0, 0.0, 1.0], [0.0, 3.0, 1.0], [0.0, 0.0, 1.0]]
    """
    rows, bound = pairs_of("homography", a, b, 4, threshold, method, confidence, iterations)
    if bound is None:
        return _least_squares(rows)
    return search("homography", KIND, rows, bound, seed, method, confidence, iterations)


@homography.steps
def _steps(a: Any, b: Any, threshold: Any = None, seed: Seed = 0, **options: Any) -> Iterator[Step]:
    settings: dict[str, Any] = {"method": "lo", "confidence": 0.999, "iterations": 10000, **options}
    rows, bound = pairs_of("homography", a, b, 4, threshold, **settings)
    yield from rounds_of("homography", KIND, rows, 1e18 if bound is None else bound, seed, settings)


def pairs_of(
    function: str, a: Any, b: Any, least: int, threshold: Any, method: Any, confidence: Any, iterations: Any
) -> tuple[Array, float | None]:
    """Return checked pairs of points as N×4 float64 rows, and the threshold's square where there is one."""
    first, second = as_rows(function, "a", a, (2,), least=least), as_rows(function, "b", b, (2,), least=least)
    if len(first) != len(second):
        raise InputError(f"{function}: b must hold as many points as a; got {len(second)} and {len(first)}.")
    choice(function, "method", method, METHODS)
    number(function, "confidence", confidence, 0.5, 0.999999)
    integer(function, "iterations", iterations, 1, 1000000)
    limit = None if threshold is None else number(function, "threshold", threshold, above=0, unit="pixels")
    return np.hstack([first, second]), None if limit is None else limit * limit


def _least_squares(rows: Array) -> Fit:
    start = _solve(rows, np.arange(4)[None])[0, 0] if len(rows) == 4 else None
    matrix = fit("homography", rows[:, :2], rows[:, 2:]).ravel() if start is None else start
    if not np.isfinite(matrix).all():
        raise InputError(
            f"homography: a and b must define a homography; got {len(rows)} pairs on a line or in one place."
        )
    if len(rows) > 4:
        depths = rows[:, :2] @ matrix[6:8] + matrix[8]
        matrix = matrix * (1 if np.median(depths) >= 0 else -1)
        better = _refine(matrix, rows)
        matrix = better if np.isfinite(better).all() else matrix
    squares = move_squares(matrix[None], np.ascontiguousarray(rows.T))[0]
    return Fit(_scaled(matrix.reshape(3, 3)), np.ones(len(rows), bool), 1, float(squares.sum()), "homography")


@kernel
def _solve_four(rows, picks, out):
    """Fill ``out`` with the homographies of four pairs each: by way of the projective frame of either four.

    Points of a turned triangle (a mirrored one on the other side) have no homography that a camera could see: NaN.
    """
    p, q = np.empty((4, 2)), np.empty((4, 2))
    m, n, h = np.empty(9), np.empty(9), np.empty(9)
    for s in range(picks.shape[0]):
        base = rows[picks[s, 0]]
        for k in range(4):
            row = rows[picks[s, k]]
            p[k, 0], p[k, 1], q[k, 0], q[k, 1] = row[0] - base[0], row[1] - base[1], row[2] - base[2], row[3] - base[3]
        good = _frame(p, m) and _frame(q, n)
        if good:  # the four triangles must turn the same way in both views, or all of them the other way
            turned = 0
            for k in range(4):
                i, j, r = (k + 1) % 4, (k + 2) % 4, (k + 3) % 4
                one = (p[j, 0] - p[i, 0]) * (p[r, 1] - p[i, 1]) - (p[j, 1] - p[i, 1]) * (p[r, 0] - p[i, 0])
                two = (q[j, 0] - q[i, 0]) * (q[r, 1] - q[i, 1]) - (q[j, 1] - q[i, 1]) * (q[r, 0] - q[i, 0])
                turned += 1 if one * two > 0 else -1
            good = turned == 4 or turned == -4
        if not good:
            out[s, 0, :] = np.nan
            continue
        # h = n · adjugate(m), both up to scale
        a, b, c, d, e, f, g, i, j = m
        inverse = (e * j - f * i, c * i - b * j, b * f - c * e, f * g - d * j, a * j - c * g, c * d - a * f)
        inverse2 = (d * i - e * g, b * g - a * i, a * e - b * d)
        for r in range(3):
            u, v, w = n[3 * r], n[3 * r + 1], n[3 * r + 2]
            h[3 * r] = u * inverse[0] + v * inverse[3] + w * inverse2[0]
            h[3 * r + 1] = u * inverse[1] + v * inverse[4] + w * inverse2[1]
            h[3 * r + 2] = u * inverse[2] + v * inverse[5] + w * inverse2[2]
        # back from the shifted points
        for r in range(3):
            h[3 * r + 2] -= h[3 * r] * base[0] + h[3 * r + 1] * base[1]
        for r in range(3):
            h[r] += base[2] * h[6 + r]
            h[3 + r] += base[3] * h[6 + r]
        depth = h[6] * base[0] + h[7] * base[1] + h[8]
        size = 0.0
        for r in range(9):
            size = max(size, abs(h[r]))
        sign = (1.0 if depth > 0 else -1.0) / size
        for r in range(9):
            out[s, 0, r] = h[r] * sign


@kernel
def _frame(p, m):
    """Fill 3×3 ``m`` with the matrix that takes the unit points and (1, 1, 1) to four points; False for a flat one."""
    ax, ay, bx, by = p[1, 0] - p[0, 0], p[1, 1] - p[0, 1], p[2, 0] - p[0, 0], p[2, 1] - p[0, 1]
    cx, cy = p[3, 0] - p[0, 0], p[3, 1] - p[0, 1]
    whole = ax * by - ay * bx
    second = cx * by - cy * bx
    third = ax * cy - ay * cx
    first = whole - second - third
    span = 1e-9 * (ax * ax + ay * ay + bx * bx + by * by + cx * cx + cy * cy)
    if min(min(abs(whole), abs(first)), min(abs(second), abs(third))) <= span:
        return False
    weights = (first / whole, second / whole, third / whole)
    for k in range(3):
        m[k], m[3 + k], m[6 + k] = weights[k] * p[k, 0], weights[k] * p[k, 1], weights[k]
    return True


@kernel
def _descend(matrix, rows, out):
    """Fill ``out`` with the homography of the least distances in the second view, from one that is near: Gauss-Newton.

    Coordinates are shifted and scaled, so that the equations are well posed.
    """
    count = rows.shape[0]
    middle, spread, pairs = np.zeros(4), np.zeros(2), np.empty((4, count))
    for k in range(count):
        for d in range(4):
            middle[d] += rows[k, d]
    for d in range(4):
        middle[d] /= count
    for k in range(count):
        for d in range(4):
            pairs[d, k] = rows[k, d] - middle[d]
            spread[d // 2] += pairs[d, k] ** 2
    s, t = np.sqrt(max(spread[0] / count, 1e-300)), np.sqrt(max(spread[1] / count, 1e-300))
    for d in range(4):
        scale = 1 / (s if d < 2 else t)
        for k in range(count):
            pairs[d, k] *= scale
    h, old = np.empty(9), matrix.copy()
    for r in range(3):  # shift and scale the first view's coordinates
        old[3 * r + 2] += old[3 * r] * middle[0] + old[3 * r + 1] * middle[1]
        old[3 * r] *= s
        old[3 * r + 1] *= s
    for r in range(3):  # and the second one's
        h[r], h[3 + r] = (old[r] - middle[2] * old[6 + r]) / t, (old[3 + r] - middle[3] * old[6 + r]) / t
        h[6 + r] = old[6 + r]
    last = h[8]
    for r in range(9):
        h[r] /= last
    square, right = np.empty((8, 8)), np.empty(8)
    for _ in range(10):
        _normal_equations(pairs[0], pairs[1], pairs[2], pairs[3], h, square, right)
        if not solve_symmetric(square, right):
            h[8] = np.nan
            break
        step = 0.0
        for r in range(8):
            h[r] += right[r]
            step = max(step, abs(right[r]))
        if step < 1e-8:
            break
    for r in range(3):
        old[r], old[3 + r] = h[r] * t + middle[2] * h[6 + r], h[3 + r] * t + middle[3] * h[6 + r]
        old[6 + r] = h[6 + r]
    for r in range(3):
        a, b = old[3 * r] / s, old[3 * r + 1] / s
        out[3 * r], out[3 * r + 1], out[3 * r + 2] = a, b, old[3 * r + 2] - a * middle[0] - b * middle[1]


@kernel(fastmath=True)
def _normal_equations(xs, ys, us, vs, h, square, right):
    """Fill the 8×8 normal equations of one step; sums that both coordinates share are taken once.

    With the ray (p, q, r) = (x, y, 1) / depth and the seen point (u, v), the derivatives of u are (p, q, r, 0, 0, 0,
    −p u, −q u), and those of v alike.
    """
    pp = pq = pr = qq = qr = rr = ppu = pqu = qqu = pru = qru = ppv = pqv = qqv = prv = qrv = 0.0
    ppw = pqw = qqw = pa = qa = ra = pb = qb = rb = pe = qe = 0.0
    a0, a1, a2, b0, b1, b2, c0, c1, c2 = h[0], h[1], h[2], h[3], h[4], h[5], h[6], h[7], h[8]
    for k in range(xs.size):
        x, y = xs[k], ys[k]
        r = 1 / (c0 * x + c1 * y + c2)
        p, q = x * r, y * r
        u, v = (a0 * x + a1 * y + a2) * r, (b0 * x + b1 * y + b2) * r
        a, b = us[k] - u, vs[k] - v
        p2, m, q2, pz, qz = p * p, p * q, q * q, p * r, q * r
        w, e = u * u + v * v, u * a + v * b
        pp, pq, qq, pr, qr, rr = pp + p2, pq + m, qq + q2, pr + pz, qr + qz, rr + r * r
        ppu, pqu, qqu, pru, qru = ppu + p2 * u, pqu + m * u, qqu + q2 * u, pru + pz * u, qru + qz * u
        ppv, pqv, qqv, prv, qrv = ppv + p2 * v, pqv + m * v, qqv + q2 * v, prv + pz * v, qrv + qz * v
        ppw, pqw, qqw = ppw + p2 * w, pqw + m * w, qqw + q2 * w
        pa, qa, ra, pb, qb, rb = pa + p * a, qa + q * a, ra + r * a, pb + p * b, qb + q * b, rb + r * b
        pe, qe = pe + p * e, qe + q * e
    # Only the lower half is read.
    square[:] = 0
    square[0, 0] = square[3, 3] = pp
    square[1, 0] = square[4, 3] = pq
    square[2, 0] = square[5, 3] = pr
    square[1, 1] = square[4, 4] = qq
    square[2, 1] = square[5, 4] = qr
    square[2, 2] = square[5, 5] = rr
    square[6, 0], square[6, 1], square[6, 2] = -ppu, -pqu, -pru
    square[7, 0], square[7, 1], square[7, 2] = -pqu, -qqu, -qru
    square[6, 3], square[6, 4], square[6, 5] = -ppv, -pqv, -prv
    square[7, 3], square[7, 4], square[7, 5] = -pqv, -qqv, -qrv
    square[6, 6], square[7, 6], square[7, 7] = ppw, pqw, qqw
    right[0], right[1], right[2], right[3], right[4], right[5], right[6], right[7] = pa, qa, ra, pb, qb, rb, -pe, -qe


homography.kind = KIND  # type: ignore[attr-defined]  # where `ransac` finds it
