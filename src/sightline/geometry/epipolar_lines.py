"""Epipolar lines: on which line of the other view a point must lie.

Hartley & Zisserman 2004, "Multiple View Geometry in Computer Vision", 2nd ed., section 9.2.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from jaxtyping import Float64

from sightline.core.catalogue import method
from sightline.core.checks import describe, flag
from sightline.core.errors import InputError
from sightline.core.layers import Lines, Picture, Value
from sightline.core.layers import Points as Dots
from sightline.core.trace import Step
from sightline.core.types import Array, Points
from sightline.features.consensus import Fit
from sightline.geometry.points3 import as_rows
from sightline.geometry.sheets import segments_of, sheet_for

_SIDEWAYS = np.array([[0, 0, 0], [0, 0, -1], [0, 1, 0.0]])


@method(
    task="two views",
    paper="Hartley 2004",
    lesson="w3d5",
    example={"points": np.array([[10, 20], [30, 5.0]]), "matrix": _SIDEWAYS},
)
def epipolar_lines(points: Points, matrix: Array | Fit, *, reverse: bool = False) -> Float64[np.ndarray, "n 3"]:
    """Return the lines of the other view on which points must lie.

    A point that is itself the epipole has no line: NaN. NaN and infinity in the arguments are refused.

    Parameters
    ----------
    points
        N×2 (x, y) in pixels of the first view, any real dtype.
    matrix
        3×3 fundamental matrix, or the fit of :func:`fundamental`.
    reverse
        Whether the points are of the second view, and the lines of the first one.

    Returns
    -------
    N×3 float64: ``(a, b, c)`` of ``a·x + b·y + c = 0`` with ``a² + b² = 1``, so that it gives distances in pixels.

    References
    ----------
    R. Hartley, A. Zisserman, "Multiple View Geometry in Computer Vision", 2nd ed., Cambridge University Press, 2004.

    Examples
    --------
    >>> epipolar_lines(np.array([[10, 20]]), _SIDEWAYS).tolist()  # two views side by side: the same row
    [[0.0, -1.0, 20.0]]
    """
    rows = as_rows("epipolar_lines", "points", points, (2,))
    f = as_matrix3("epipolar_lines", "matrix", matrix)
    flag("epipolar_lines", "reverse", reverse)
    lines = rows @ (f[:2] if reverse else f[:, :2].T) + (f[2] if reverse else f[:, 2])
    size = np.hypot(lines[:, 0], lines[:, 1])
    return lines / np.where(size > 0, size, np.nan)[:, None]


@epipolar_lines.steps
def _steps(points: Any, matrix: Any, *, reverse: bool = False) -> Iterator[Step]:
    lines = epipolar_lines(points, matrix, reverse=reverse)
    rows = as_rows("epipolar_lines", "points", points, (2,))
    sheet, placed = sheet_for(rows)
    yield Step("points", Picture(sheet), Dots(placed(rows)), note="What was clicked in one view.")
    f = as_matrix3("epipolar_lines", "matrix", matrix)
    left, _, right = np.linalg.svd(f)
    epipole = right[2] if reverse else left[:, 2]
    where = epipole[:2] / epipole[2] if abs(epipole[2]) > 1e-9 * np.abs(epipole).max() else None
    note = "Where the other view sees this camera: all lines meet there, or are parallel when it lies at infinity."
    yield Step("epipole", Value(where), note=note)
    around = (
        rows if where is None else np.vstack([rows, np.clip(where, rows.min(axis=0) - 500, rows.max(axis=0) + 500)])
    )
    low, high = around.min(axis=0) - 50, around.max(axis=0) + 50
    parts = segments_of(lines, low, high)
    sheet, placed = sheet_for(np.vstack([low, high]))
    drawn = placed(parts.reshape(-1, 2)).reshape(-1, 4)
    note = "In the other view, each point must lie somewhere on its line."
    yield Step("lines", Value(lines), Picture(sheet), Lines(drawn), note=note)


def as_matrix3(function: str, argument: str, matrix: Any) -> Array:
    """Return a finite 3×3 float64 matrix from one, or from a fit that holds one; raise for anything else."""
    held = getattr(matrix, "model", matrix)
    if not isinstance(held, np.ndarray) or held.shape != (3, 3) or held.dtype.kind not in "iuf":
        raise InputError(f"{function}: {argument} must be 3×3 numbers, or a fit of them; got {describe(matrix)}.")
    if not np.isfinite(held).all() or not np.abs(held).max() > 0:
        raise InputError(f"{function}: {argument} must be finite and not all 0; got {held.tolist()}.")
    return held.astype(np.float64)
