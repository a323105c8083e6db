"""Fitting a transform to pairs of points: by least squares, and by consensus where many of the pairs are wrong.

Fischler & Bolles 1981, "Random Sample Consensus", Communications of the ACM 24(6), with the truncated cost of Torr &
Zisserman 2000, "MLESAC", Computer Vision and Image Understanding 78(1). Rotations and similarities by Umeyama 1991,
"Least-Squares Estimation of Transformation Parameters Between Two Point Patterns", IEEE PAMI 13(4); homographies by the
direct linear transform on normalised points, Hartley 1997, "In Defense of the Eight-Point Algorithm", IEEE PAMI 19(6).
"""

from __future__ import annotations

import math

import numpy as np

from sightline.core.kernels import kernel, over_rows
from sightline.core.seeds import generator
from sightline.core.types import Array, Seed

LEAST = {"translation": 1, "rigid": 2, "similarity": 2, "affine": 3, "homography": 4}  # pairs that define a transform
FREE = {"translation": 2, "rigid": 3, "similarity": 4, "affine": 6, "homography": 8}  # numbers that define one
_BATCH = 256  # samples that are solved at once
_SURE = 0.9999  # probability that one sample was free of wrong pairs


def project(matrix: Array, points: Array) -> Array:
    """Return N×2 points moved by a 3×3 matrix (or by B of them, B×N×2); NaN on the horizon and beyond."""
    moved = points @ np.swapaxes(matrix[..., :2], -1, -2) + matrix[..., None, :, 2]
    depth = moved[..., 2:]
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        return moved[..., :2] / np.where(depth > 1e-9, depth, np.nan)


def fit(model: str, source: Array, target: Array) -> Array:
    """Return the 3×3 matrix that moves ``source`` to ``target`` (N×2 each, or B×N×2) with the least squares.

    Points that define no transform (on one line, or two in one place) give NaN.
    """
    if model == "affine" or model == "homography":
        return _fit_linear(source, target, model == "homography")
    result = np.zeros((*source.shape[:-2], 3, 3))
    result[..., 2, 2] = 1
    middle, other = source.mean(axis=-2, keepdims=True), target.mean(axis=-2, keepdims=True)
    cosine, sine = _turn(source - middle, target - other, model)
    result[..., 0, 0], result[..., 0, 1] = cosine, -sine
    result[..., 1, 0], result[..., 1, 1] = sine, cosine
    moved = middle @ np.swapaxes(result[..., :2, :2], -1, -2)
    result[..., :2, 2] = (other - moved)[..., 0, :]
    return result


def _turn(a: Array, b: Array, model: str) -> tuple[Array, Array]:
    """Return the scaled cosine and sine of the turn from the centred points ``a`` to ``b``."""
    along = (a * b).sum(axis=(-2, -1))
    across = (a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]).sum(axis=-1)
    if model == "translation":
        return np.ones_like(along), np.zeros_like(along)
    spread = np.hypot(along, across) if model == "rigid" else (a * a).sum(axis=(-2, -1))
    with np.errstate(invalid="ignore", divide="ignore"):
        return along / spread, across / spread


def _fit_linear(source: Array, target: Array, perspective: bool) -> Array:
    """Return an affine matrix or a homography, in points of mean 0 and mean distance √2."""
    (a, before), (b, after) = _normalised(source), _normalised(target)
    columns = 8 if perspective else 6
    count = a.shape[-2]
    rows = np.zeros((*a.shape[:-2], 2 * count, columns))
    rows[..., :count, 0:2] = rows[..., count:, 3:5] = a
    rows[..., :count, 2] = rows[..., count:, 5] = 1
    if perspective:
        rows[..., :count, 6:] = -a * b[..., :1]
        rows[..., count:, 6:] = -a * b[..., 1:]
    wanted = np.concatenate([b[..., 0], b[..., 1]], axis=-1)
    transposed = np.swapaxes(rows, -1, -2)
    solved = _solve(transposed @ rows, (transposed @ wanted[..., None])[..., 0])
    full = np.zeros((*solved.shape[:-1], 9))
    full[..., :columns], full[..., 8] = solved, 1
    matrix = np.linalg.inv(after) @ full.reshape(*solved.shape[:-1], 3, 3) @ before
    with np.errstate(invalid="ignore", divide="ignore"):
        return matrix / matrix[..., 2:, 2:]


def _normalised(points: Array) -> tuple[Array, Array]:
    middle = points.mean(axis=-2, keepdims=True)
    away = np.sqrt(((points - middle) ** 2).sum(axis=-1)).mean(axis=-1)
    scale = math.sqrt(2) / np.maximum(away, 1e-9)
    matrix = np.zeros((*points.shape[:-2], 3, 3))
    matrix[..., 0, 0] = matrix[..., 1, 1] = scale
    matrix[..., :2, 2] = -scale[..., None] * middle[..., 0, :]
    matrix[..., 2, 2] = 1
    return (points - middle) * scale[..., None, None], matrix


def _solve(square: Array, right: Array) -> Array:
    """Return the solutions; NaN where a matrix is singular."""
    bad = ~(np.abs(np.linalg.det(square)) > 1e-14)
    safe = np.where(bad[..., None, None], np.eye(square.shape[-1]), square)
    return np.where(bad[..., None], np.nan, np.linalg.solve(safe, right[..., None])[..., 0])


def consensus(
    model: str, source: Array, target: Array, tolerance: float, iterations: int, seed: Seed
) -> tuple[Array, Array, int]:
    """Return the transform that most pairs agree on, which of them do, and how many samples were drawn.

    Parameters
    ----------
    model
        A key of :data:`LEAST`.
    source, target
        N×2 float64 each, at least as many as define the transform.
    tolerance
        Greatest distance, in pixels of ``target``, of a pair that agrees.
    iterations
        Samples at most; fewer are drawn when the best so far is good enough.
    seed
        Of the samples.
    """
    random, least, count = generator(seed), LEAST[model], len(source)
    best, lowest, drawn, needed = np.full((3, 3), np.nan), math.inf, 0, iterations
    bound = tolerance * tolerance
    while drawn < min(needed, iterations):
        chosen = random.random((_BATCH, count)).argpartition(least - 1, axis=1)[:, :least] if count > least else None
        picks = np.arange(count)[None] if chosen is None else chosen
        drawn += len(picks) if chosen is not None else iterations
        matrices = fit(model, source[picks], target[picks])
        costs = _costs(matrices, source, target, bound)
        i = int(costs.argmin())
        if costs[i] < lowest:
            best, lowest = matrices[i], float(costs[i])
            share = float((_squares(best, source, target) < bound).mean())
            needed = _samples(share, least)
    inliers = _squares(best, source, target) < bound
    best, inliers = _settle(model, source, target, bound, best, inliers)
    return best, inliers, min(drawn, iterations)


def _squares(matrix: Array, source: Array, target: Array) -> Array:
    squares = ((project(matrix, source) - target) ** 2).sum(axis=-1)
    return np.where(np.isfinite(squares), squares, np.inf)


def _costs(matrices: Array, source: Array, target: Array, bound: float) -> Array:
    """Return the sum of squared distances of each matrix, those of wrong pairs cut off; flips are no transform."""
    costs = np.empty(len(matrices))
    rows = [np.ascontiguousarray(p) for p in (matrices.reshape(-1, 9), source.T, target.T)]
    over_rows(_sum_squares, len(costs), *rows, bound, costs, strip=64)
    with np.errstate(invalid="ignore"):
        proper = np.linalg.det(matrices) > 1e-3
    return np.where(proper, costs, np.inf)


@kernel(contract=True)
def _sum_squares(matrices, source, target, bound, costs, y0, y1):
    squares = np.empty(source.shape[1])
    xs, ys, us, vs = source[0], source[1], target[0], target[1]
    for m in range(y0, y1):
        a, b, c, d, e, f = (
            matrices[m, 0],
            matrices[m, 1],
            matrices[m, 2],
            matrices[m, 3],
            matrices[m, 4],
            matrices[m, 5],
        )
        g, h, i = matrices[m, 6], matrices[m, 7], matrices[m, 8]
        for k in range(squares.size):
            x, y = xs[k], ys[k]
            depth = g * x + h * y + i
            away = 1 / depth
            u, v = (a * x + b * y + c) * away - us[k], (d * x + e * y + f) * away - vs[k]
            square = u * u + v * v
            square = square if square < bound else bound  # also where it is no number
            squares[k] = square if depth > 1e-9 else bound
        total = 0.0
        for k in range(squares.size):
            total += squares[k]
        costs[m] = total


def _samples(share: float, least: int) -> float:
    clean = share**least
    return math.inf if clean <= 0 else 1 if clean >= 1 else math.log(1 - _SURE) / math.log1p(-clean)


def _settle(
    model: str, source: Array, target: Array, bound: float, matrix: Array, inliers: Array
) -> tuple[Array, Array]:
    """Return the least-squares transform of the pairs that agree, found anew until they are the same ones."""
    for _ in range(10):
        if inliers.sum() < LEAST[model]:
            return matrix, inliers
        better = refined(model, source[inliers], target[inliers], fit(model, source[inliers], target[inliers]))
        agree = _squares(better, source, target) < bound
        if agree.sum() < inliers.sum():
            break
        same, matrix, inliers = bool((agree == inliers).all()), better, agree
        if same:
            break
    return matrix, inliers


def refined(model: str, source: Array, target: Array, matrix: Array) -> Array:
    """Return a homography with the least geometric distances: a few steps of Gauss and Newton; other models as is."""
    if model != "homography" or len(source) <= 4 or not np.isfinite(matrix).all():
        return matrix
    (a, before), (b, after) = _normalised(source), _normalised(target)
    h = after @ matrix @ np.linalg.inv(before)
    h = h / h[2, 2]
    count = len(a)
    for _ in range(4):
        moved = np.column_stack([a, np.ones(count)]) @ h.T
        seen = moved[:, :2] / moved[:, 2:]
        ray = np.column_stack([a, np.ones(count)]) / moved[:, 2:]
        jacobian = np.zeros((2, count, 8))
        jacobian[0, :, 0:3] = jacobian[1, :, 3:6] = ray
        jacobian[0, :, 6:] = -ray[:, :2] * seen[:, :1]
        jacobian[1, :, 6:] = -ray[:, :2] * seen[:, 1:]
        flat, error = jacobian.reshape(-1, 8), (b - seen).T.ravel()
        step = _solve(flat.T @ flat, flat.T @ error)
        if not np.isfinite(step).all():
            return matrix
        h = h + np.append(step, 0).reshape(3, 3)
    result = np.linalg.inv(after) @ h @ before
    return result / result[2, 2]
