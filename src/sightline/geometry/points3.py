"""Points, rotations and translations at the door of the functions of cameras: float64, finite, of the right shape."""

from __future__ import annotations

from typing import Any

import numpy as np

from sightline.core.checks import describe
from sightline.core.errors import InputError
from sightline.core.types import Array


def as_rows(function: str, argument: str, points: Any, columns: tuple[int, ...], *, least: int = 0) -> Array:
    """Return finite points as N×C float64, contiguous, or raise :class:`InputError`.

    Parameters
    ----------
    function, argument
        Names for the error's sentence.
    points
        The argument as it came.
    columns
        How many numbers a point may have: ``(3,)``, or ``(2, 3)`` where both make sense.
    least
        Fewest points that will do.
    """
    good = isinstance(points, np.ndarray) and points.ndim == 2 and points.shape[1] in columns
    if not good or points.dtype.kind not in "iuf":
        shapes = " or ".join(f"N×{count}" for count in columns)
        middle = isinstance(points, np.ndarray) and points.ndim == 3 and 1 in points.shape[:2]
        hint = " Drop the axis of length 1: points.reshape(len(points), -1)." if middle else ""
        raise InputError(f"{function}: {argument} must be {shapes} numbers; got {describe(points)}.{hint}")
    if len(points) < least:
        raise InputError(f"{function}: {argument} must hold at least {least} points; got {len(points)}.")
    result = np.ascontiguousarray(points, np.float64)
    if not np.isfinite(result).all():
        count = int((~np.isfinite(result).all(axis=1)).sum())
        raise InputError(f"{function}: {argument} must be finite; got {count} rows with NaN or infinite values.")
    return result


def as_vector3(function: str, argument: str, vector: Any) -> Array:
    """Return 3 finite numbers as a float64 vector (a column or a row will do, too), or raise."""
    if not isinstance(vector, (np.ndarray, list, tuple)):
        raise InputError(f"{function}: {argument} must be 3 numbers; got {describe(vector)}.")
    try:
        result = np.array(vector, np.float64).ravel()
    except (TypeError, ValueError) as error:
        raise InputError(f"{function}: {argument} must be 3 numbers; got {describe(vector)}.") from error
    if result.shape != (3,) or not np.isfinite(result).all():
        raise InputError(f"{function}: {argument} must be 3 finite numbers; got {describe(vector)}.")
    return result


def as_rotation(function: str, rotation: Any, *, argument: str = "rotation") -> Array:
    """Return a 3×3 rotation matrix from a matrix or a rotation vector (axis times angle in radians), or raise."""
    from sightline.geometry.rodrigues import matrix_of

    if isinstance(rotation, np.ndarray) and rotation.shape == (3, 3):
        if rotation.dtype.kind not in "iuf" or not np.isfinite(rotation).all():
            raise InputError(f"{function}: {argument} must be finite numbers; got {describe(rotation)} with others.")
        result = rotation.astype(np.float64)
        if np.abs(result @ result.T - np.eye(3)).max() > 1e-4 or np.linalg.det(result) < 0:
            raise InputError(
                f"{function}: {argument} must be a rotation (its transpose is its inverse, its determinant 1); "
                f"got {result.round(4).tolist()}."
            )
        return result
    return matrix_of(as_vector3(function, argument, rotation))
