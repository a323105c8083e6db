"""Fundamental matrix: what two views of one scene have in common, whatever the cameras are.

Hartley 1997, "In Defense of the Eight-Point Algorithm", IEEE PAMI 19(6); samples of seven pairs as in Hartley &
Zisserman 2004, "Multiple View Geometry in Computer Vision", 2nd ed., section 11.1.2; then the least Sampson distances.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import numpy as np

from sightline.core.catalogue import method as catalogued
from sightline.core.checks import choice
from sightline.core.errors import InputError
from sightline.core.kernels import kernel
from sightline.core.trace import Step
from sightline.core.types import Array, Choice, Points, Range, Seed
from sightline.features.consensus import Fit, search
from sightline.features.models import Kind
from sightline.features.ransac import rounds_of
from sightline.geometry.five_point import fill_equation
from sightline.geometry.homography import pairs_of
from sightline.geometry.real_roots import real_roots
from sightline.geometry.sampson import refine_epipolar, sampson_squares
from sightline.geometry.small_systems import null_vectors

SAMPLES = ("7-point", "8-point")


def _solve_sevens(rows: Array, picks: Array) -> Array:
    moved, before, after = _normalised(rows)
    out = np.full((len(picks), 3, 9), np.nan)
    _solve_seven(moved, picks, out)
    return (out.reshape(-1, 9) @ np.kron(after, before)).reshape(out.shape)  # afterᵀ F before, of all at once


def _solve_eights(rows: Array, picks: Array) -> Array:
    return np.stack([eight_point(rows[chosen]) for chosen in picks]).reshape(-1, 1, 9)


def _normalised(rows: Array) -> tuple[Array, Array, Array]:
    """Return pairs with mean 0 and mean square 1 in both views, and the matrices that took them there."""
    middle = rows.mean(axis=0)
    spread = ((rows - middle) ** 2).mean(axis=0)
    first, second = np.sqrt(np.maximum((spread[::2] + spread[1::2]) / 2, 1e-300))
    matrices = [
        np.array([[1 / s, 0, -x / s], [0, 1 / s, -y / s], [0, 0, 1]])
        for s, (x, y) in ((first, middle[:2]), (second, middle[2:]))
    ]
    return (rows - middle) / (first, first, second, second), matrices[0], matrices[1]


def eight_point(rows: Array) -> Array:
    """Return the 3×3 fundamental matrix of eight or more pairs N×4 by linear least squares; NaN if there are many."""
    moved, before, after = _normalised(rows)
    x, y = np.insert(moved[:, :2], 2, 1, axis=1), np.insert(moved[:, 2:], 2, 1, axis=1)
    system = (y[:, :, None] * x[:, None, :]).reshape(-1, 9)
    values, vectors = np.linalg.eigh(system.T @ system)
    if not values[1] > 1e-12 * values[-1]:
        return np.full((3, 3), np.nan)
    left, sizes, right = np.linalg.svd(vectors[:, 0].reshape(3, 3))
    return after.T @ (left * (sizes[0], sizes[1], 0)) @ right @ before


def _refine(matrix: Array, rows: Array) -> Array:
    return refine_epipolar(matrix.reshape(3, 3), rows, False).ravel()


def unit(matrix: Array) -> Array:
    """Return a matrix scaled to length 1, its number of greatest size positive."""
    flat = matrix.ravel()
    return matrix / (np.linalg.norm(flat) * np.sign(flat[np.abs(flat).argmax()]))


KIND = Kind("fundamental", 7, 4, (3, 3), _solve_sevens, sampson_squares, _refine, unit)
_OF_EIGHT = Kind("fundamental", 8, 4, (3, 3), _solve_eights, sampson_squares, _refine, unit)


def _example() -> tuple[Array, Array]:
    """Return where two cameras side by side see the corners of two cubes, for an example."""
    corners = np.array([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (5, 7)], float)
    world = np.vstack([corners, corners * (0.4, 0.5, 1.3) + (0.3, 0.2, 0)])
    first, second = world, world @ np.array([[0.995, 0, 0.0998], [0, 1, 0], [-0.0998, 0, 0.995]]).T + (-1, 0.1, 0)
    return 400 * first[:, :2] / first[:, 2:] + (320, 240), 400 * second[:, :2] / second[:, 2:] + (320, 240)


EXAMPLE = _example()


@catalogued(
    task="two views", paper="Hartley 1997", lesson="w3d5", example={"a": EXAMPLE[0], "b": EXAMPLE[1], "threshold": 1.0}
)
def fundamental(
    a: Points,
    b: Points,
    threshold: float | None = None,
    seed: Seed = 0,
    *,
    method: Annotated[str, Choice(*SAMPLES)] = "7-point",
    confidence: Annotated[float, Range(0.5, 0.999999, 0.01)] = 0.999,
    iterations: Annotated[int, Range(1, 1000000, 1)] = 10000,
) -> Fit:
    """Return the fundamental matrix of two views: ``(b, 1) F (a, 1)ᵀ = 0`` for the same places in both.

    Pairs on one plane, or views from one place, agree with many matrices; one of them is returned where the search
    cannot tell. NaN and infinity are refused.

    Parameters
    ----------
    a, b
        N×2 (x, y) each, in pixels, any real dtype: the same places in two views; N ≥ 8, or N ≥ 7 with a threshold.
    threshold
        Greatest Sampson distance in pixels of a pair that agrees; None when all pairs are right.
    seed, confidence, iterations
        Of the search among wrong pairs, as in :func:`sightline.features.ransac`.
    method
        Samples of the search: ``7-point`` (fewer, up to three matrices each) or ``8-point`` (linear).

    Returns
    -------
    Fit
        Its ``model`` is the 3×3 matrix of rank 2 and length 1 with the least Sampson distances over its ``inliers``.

    Raises
    ------
    InputError
        When there are too few pairs, or they define no matrix.

    References
    ----------
    R. I. Hartley, "In Defense of the Eight-Point Algorithm", IEEE Transactions on Pattern Analysis and Machine
    Intelligence 19(6), 1997.

    Examples
    --------
    >>> a, b = EXAMPLE
    >>> found = fundamental(a, b)
    >>> bool(np.abs([np.append(q, 1) @ found.model @ np.append(p, 1) for p, q in zip(a, b)]).max() < 1e-9)
    True
    """
    kind, rows, bound = _checked(a, b, threshold, method, confidence, iterations)
    if bound is not None:
        return search("fundamental", kind, rows, bound, seed, "lo", confidence, iterations)
    start = eight_point(rows)
    if not np.isfinite(start).all():
        raise InputError(
            f"fundamental: a and b must define a matrix; got {len(rows)} pairs on a plane, a line or in one place. "
            "Use homography for a plane."
        )
    matrix = unit(refine_epipolar(start, rows, False))
    squares = sampson_squares(matrix.reshape(1, 9), np.ascontiguousarray(rows.T))[0]
    return Fit(matrix, np.ones(len(rows), bool), 1, float(squares.sum()), "fundamental")


def _checked(
    a: Any, b: Any, threshold: Any, method: Any, confidence: Any, iterations: Any
) -> tuple[Kind, Array, float | None]:
    choice("fundamental", "method", method, SAMPLES)
    kind = KIND if method == "7-point" else _OF_EIGHT
    least = 8 if threshold is None else kind.size
    rows, bound = pairs_of("fundamental", a, b, least, threshold, "lo", confidence, iterations)
    return kind, rows, bound


@fundamental.steps
def _steps(a: Any, b: Any, threshold: Any = None, seed: Seed = 0, **options: Any) -> Iterator[Step]:
    settings: dict[str, Any] = {"method": "7-point", "confidence": 0.999, "iterations": 10000, **options}
    kind, rows, bound = _checked(a, b, threshold, **settings)
    yield from rounds_of(
        "fundamental", kind, rows, 1e18 if bound is None else bound, seed, {**settings, "method": "lo"}
    )


@kernel
def _solve_seven(rows, picks, out):
    """Fill ``out`` (B×3×9, of NaN) with the matrices F = z·G + H with det F = 0 of seven pairs each."""
    system, basis = np.empty((7, 9)), np.empty((2, 9))
    cubic, roots = np.empty(4), np.empty(4)
    for s in range(picks.shape[0]):
        for k in range(picks.shape[1]):
            fill_equation(rows[picks[s, k]], system[k])
        if not null_vectors(system, basis):
            continue
        _fill_cubic(basis[0], basis[1], cubic)
        count = real_roots(cubic, cubic.size - 1, roots)
        for r in range(count):
            for k in range(basis.shape[1]):
                out[s, r, k] = roots[r] * basis[0, k] + basis[1, k]
        if count < 3 and abs(cubic[3]) <= 1e-12 * (abs(cubic[0]) + abs(cubic[1]) + abs(cubic[2])):
            for k in range(basis.shape[1]):  # the root at infinity
                out[s, count, k] = basis[0, k]


@kernel
def _fill_cubic(g, h, cubic):
    """Fill det (z·G + H), expanded along the first row: each factor is z·g + h."""
    cubic[:] = 0
    side = g.size // 3
    for i in range(side):
        j, k = side + (i + 1) % side, side + (i + 2) % side
        a, b, c, d = j, k + side, k, j + side  # the minor's products: a·b − c·d
        m0 = h[a] * h[b] - h[c] * h[d]
        m1 = g[a] * h[b] + h[a] * g[b] - g[c] * h[d] - h[c] * g[d]
        m2 = g[a] * g[b] - g[c] * g[d]
        cubic[0] += h[i] * m0
        cubic[1] += h[i] * m1 + g[i] * m0
        cubic[2] += h[i] * m2 + g[i] * m1
        cubic[3] += g[i] * m2


fundamental.kind = KIND  # type: ignore[attr-defined]  # where `ransac` finds it
