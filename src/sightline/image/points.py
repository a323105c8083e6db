"""Points at the door of the functions of shapes: N×2 (x, y), of any real dtype, finite."""

from __future__ import annotations

from typing import Any

import numpy as np

from sightline.core.checks import array_of, describe
from sightline.core.errors import InputError
from sightline.core.types import Array


def as_points(function: str, points: Any, *, argument: str = "points", least: int = 1) -> Array:
    """Return the points, an array or pairs in a list, as N×2 float64, or raise :class:`InputError`.

    Parameters
    ----------
    function, argument
        Names for the error's sentence.
    points
        The argument as it came.
    least
        Fewest points that will do, ≥ 1.
    """
    given = points
    if isinstance(points, (list, tuple)):  # corners as one writes them down
        points = array_of(points)
    if not isinstance(points, np.ndarray) or points.ndim != 2 or points.shape[1] != 2 or points.dtype.kind not in "iuf":
        hint = ""
        if isinstance(points, np.ndarray) and points.ndim == 3 and points.shape[1:] == (1, 2):
            hint = " Drop the middle axis: points[:, 0]."
        elif hasattr(given, "points"):
            hint = " Pass its points: contour.points."
        raise InputError(f"{function}: {argument} must be an N×2 array of numbers (x, y); got {describe(given)}.{hint}")
    if len(points) < least:
        raise InputError(
            f"{function}: {argument} must have at least {least} row{'s' * (least > 1)}; got {len(points)}."
        )
    result = np.ascontiguousarray(points, np.float64)
    if not np.isfinite(result).all():
        count = int((~np.isfinite(result).all(axis=1)).sum())
        raise InputError(f"{function}: {argument} must be finite; got {count} rows with NaN or infinite values.")
    return result
