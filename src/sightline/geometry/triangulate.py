"""Triangulation: where in space a place is that several cameras see.

Hartley & Sturm 1997, "Triangulation", Computer Vision and Image Understanding 68(2): the direct linear transform; pairs
are corrected, by option, to the nearest ones that meet: Kanatani, Sugaya & Niitsuma 2008, "Triangulation from Two Views
Revisited: Hartley-Sturm vs. Optimal Correction", BMVC.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float64

from sightline.core.catalogue import method
from sightline.core.checks import describe, flag
from sightline.core.errors import InputError
from sightline.core.kernels import kernel, over_rows
from sightline.core.layers import Cloud, Table, Value
from sightline.core.trace import Step
from sightline.core.types import Array
from sightline.geometry.sheets import scene_of
from sightline.geometry.small_systems import factorise, least_eigenvector, substitute

_LEFT = np.array([[400, 0, 320, 0], [0, 400, 240, 0], [0, 0, 1.0, 0]])
_RIGHT = np.array([[400, 0, 320, -400], [0, 400, 240, 0], [0, 0, 1.0, 0]])
_SEEN = np.array([[[320, 240], [420, 340.0]], [[220, 240], [370, 340.0]]])


@method(
    task="two views",
    paper="Hartley 1997",
    lesson="w3d5",
    example={"projections": np.stack([_LEFT, _RIGHT]), "points": _SEEN},
)
def triangulate(
    projections: Sequence[Array] | Array, points: Sequence[Array] | Array, *, optimal: bool = False
) -> Float64[np.ndarray, "n 3"]:
    """Return the places in space that cameras see at given points.

    A place becomes NaN when fewer than two cameras see it, or when it lies at infinity. NaN among the points says that
    a camera does not see that place; infinity, and NaN among the projections, are refused.

    Parameters
    ----------
    projections
        V matrices 3×4, V ≥ 2: ``K [R | t]`` for points in pixels, ``[R | t]`` for rays. Lenses are undone before, see
        :func:`sightline.geometry.undistort_points`.
    points
        V lists of N×2 (x, y), the same places in the same order.
    optimal
        Of two views, move each pair to the nearest one that meets before (least squares in the pictures).

    Returns
    -------
    N×3 float64 in the unit of the projections' translations.

    References
    ----------
    R. I. Hartley, P. Sturm, "Triangulation", Computer Vision and Image Understanding 68(2), 1997.

    K. Kanatani, Y. Sugaya, H. Niitsuma, "Triangulation from Two Views Revisited: Hartley-Sturm vs. Optimal Correction",
    BMVC, 2008.

    Examples
    --------
    >>> (triangulate([_LEFT, _RIGHT], _SEEN).round(6) + 0).tolist()
    [[0.0, 0.0, 4.0], [2.0, 2.0, 8.0]]
    """
    matrices, seen = _checked(projections, points)
    if flag("triangulate", "optimal", optimal):
        if len(matrices) != 2:
            raise InputError(f"triangulate: optimal must be False for other than two views; got {len(matrices)}.")
        seen = corrected(matrices, seen)
    matrices = matrices / np.linalg.norm(matrices[:, 2, :3], axis=1)[:, None, None]
    out = np.empty((seen.shape[1], 3))
    over_rows(_solve_rows, seen.shape[1], matrices, seen, out, strip=256)
    return out


@triangulate.steps
def _steps(projections: Any, points: Any, *, optimal: bool = False) -> Iterator[Step]:
    places = triangulate(projections, points, optimal=optimal)
    matrices, seen = _checked(projections, points)
    centres = np.stack([-np.linalg.pinv(m[:, :3]) @ m[:, 3] for m in matrices])
    far = np.linalg.norm(places - centres[0], axis=1)
    reach = 1.3 * float(np.nanmax(far)) if np.isfinite(far).any() else 1.0
    along = np.linspace(0, reach, 60)[:, None]
    dots = []
    for matrix, centre, pixels in zip(matrices, centres, seen, strict=True):
        towards = (
            np.insert(pixels[np.isfinite(pixels).all(axis=1)][:30], 2, 1, axis=1) @ np.linalg.pinv(matrix[:, :3]).T
        )
        towards *= np.sign(np.linalg.det(matrix[:, :3]))
        dots += [centre + along * (ray / np.linalg.norm(ray)) for ray in towards]
    rays = np.concatenate(dots) if dots else np.zeros((0, 3))
    yield Step("rays", Cloud(scene_of(rays, centres)), note="From each camera (orange) through each point it sees.")
    if optimal:
        moved = np.hypot(*np.moveaxis(corrected(matrices, seen) - seen, 2, 0)).T
        note = "Pixels by which each point is moved, so that the rays of a pair meet."
        yield Step("corrections", Table(moved, ("first view", "second view")), note=note)
    yield Step(
        "places", Value(places), Cloud(scene_of(places, centres)), note="Where the rays come nearest to one another."
    )


def _checked(projections: Any, points: Any) -> tuple[Array, Array]:
    try:
        matrices, seen = np.array(projections, np.float64), np.array(points, np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(
            "triangulate: projections must be 3×4 matrices, and points as many lists of one length; "
            f"got {describe(projections)}."
        ) from error
    if matrices.ndim != 3 or matrices.shape[1:] != (3, 4) or len(matrices) < 2 or not np.isfinite(matrices).all():
        raise InputError(f"triangulate: projections must be two or more finite 3×4; got {describe(matrices)}.")
    if seen.ndim != 3 or seen.shape[2] != 2 or len(seen) != len(matrices) or np.isinf(seen).any():
        raise InputError(
            f"triangulate: points must be {len(matrices)}×N×2, as there are projections, without infinity; "
            f"got {describe(seen)}."
        )
    return matrices, seen


@kernel
def _solve_rows(matrices, seen, out, y0, y1):
    square, vectors, row, factor = np.empty((4, 4)), np.empty((4, 4)), np.empty(4), np.empty((4, 4))
    for n in range(y0, y1):
        square[:] = 0
        views = 0
        for v in range(matrices.shape[0]):
            m = matrices[v]
            if np.isnan(seen[v, n, 0]) or np.isnan(seen[v, n, 1]):
                continue
            views += 1
            for d in range(2):
                size = 0.0
                for j in range(4):
                    row[j] = seen[v, n, d] * m[2, j] - m[d, j]
                    size += row[j] * row[j] if j < 3 else 0.0
                size = 1 / size if size > 0 else 0.0  # a distance from a plane, not an algebraic number
                for i in range(4):
                    for j in range(4):
                        square[i, j] += row[i] * row[j] * size
        out[n, :] = np.nan
        if views < 2:
            continue
        for i in range(4):
            for j in range(i + 1):
                factor[i, j] = square[i, j]
        if not _least(factor, row):
            least = least_eigenvector(square, vectors)
            for j in range(4):
                row[j] = vectors[j, least]
        if abs(row[3]) > 1e-12:
            for j in range(3):
                out[n, j] = row[j] / row[3]


@kernel
def _least(square, vector):
    """Fill the eigenvector of the least eigenvalue by inverse iteration (the lower half of the matrix is spoiled).

    False where it does not come near quickly: where the two least are of one size.
    """
    n, trace = square.shape[0], 0.0
    for i in range(n):
        vector[i] = 0.5
        trace += square[i, i]
    for i in range(n):
        square[i, i] += 1e-12 * trace
    if not factorise(square):
        return False
    for _ in range(8):
        solution = (vector[0], vector[1], vector[2], vector[3])
        substitute(square, vector)
        size, same = 0.0, 0.0
        for i in range(n):
            size += vector[i] * vector[i]
        size = 1 / np.sqrt(size)
        for i in range(n):
            vector[i] *= size
        a, b, c, d = solution
        same = abs(a * vector[0] + b * vector[1] + c * vector[2] + d * vector[3])
        if 1 - same < 1e-15:
            return True
    return False


def fundamental_of(first: Array, second: Array) -> Array:
    """Return the fundamental matrix of two 3×4 projections."""
    center = np.linalg.svd(first)[2][3]
    x, y, z = second @ center
    return np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]]) @ second @ np.linalg.pinv(first)


def corrected(matrices: Array, seen: Array) -> Array:
    """Return pairs 2×N×2 moved by as little as possible, so that the rays of each meet."""
    f = fundamental_of(*matrices)
    f = f / np.linalg.norm(f)
    first, second = (np.insert(points, 2, 1, axis=1) for points in seen)
    x, y = first.copy(), second.copy()
    with np.errstate(invalid="ignore", divide="ignore"):
        for _ in range(10):
            n, m = (y @ f)[:, :2], (x @ f.T)[:, :2]  # normals of the epipolar lines that the pair makes
            along = (n * (first - x)[:, :2]).sum(axis=1) + (m * (second - y)[:, :2]).sum(axis=1)
            step = (((y @ f) * x).sum(axis=1) + along) / ((n**2).sum(axis=1) + (m**2).sum(axis=1))
            x[:, :2], y[:, :2] = first[:, :2] - step[:, None] * n, second[:, :2] - step[:, None] * m
    return np.stack([x[:, :2], y[:, :2]])
