"""Homogeneous coordinates: one more number makes of projections and shifts a product of matrices.

Hartley & Zisserman 2004, "Multiple View Geometry in Computer Vision", 2nd ed., section 2.2.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64, Real

from sightline.core.catalogue import method
from sightline.geometry.points3 import as_rows

_SQUARE = np.array([[0, 0], [4, 0], [4, 3.0]])


@method(task="coordinates", paper="Hartley 2004", lesson="w3d3", example={"points": _SQUARE})
def to_homogeneous(points: Real[np.ndarray, "n d"]) -> Float64[np.ndarray, "n more"]:
    """Return points with a 1 at their end.

    NaN and infinity are refused.

    Parameters
    ----------
    points
        N×2 or N×3; any real dtype.

    Returns
    -------
    N×3 or N×4 float64.

    References
    ----------
    R. Hartley, A. Zisserman, "Multiple View Geometry in Computer Vision", 2nd ed., Cambridge University Press, 2004.

    Examples
    --------
    >>> to_homogeneous(np.array([[3, 4]])).tolist()
    [[3.0, 4.0, 1.0]]
    """
    rows = as_rows("to_homogeneous", "points", points, (2, 3))
    return np.hstack([rows, np.ones((len(rows), 1))])


@method(task="coordinates", paper="Hartley 2004", lesson="w3d3", example={"points": np.array([[6, 8, 2.0]])})
def from_homogeneous(points: Real[np.ndarray, "n d"]) -> Float64[np.ndarray, "n fewer"]:
    """Return points divided by their last number, which is left out.

    A point at infinity (its last number is 0) becomes NaN. NaN and infinity among the numbers are refused.

    Parameters
    ----------
    points
        N×3 or N×4; any real dtype.

    Returns
    -------
    N×2 or N×3 float64.

    References
    ----------
    R. Hartley, A. Zisserman, "Multiple View Geometry in Computer Vision", 2nd ed., Cambridge University Press, 2004.

    Examples
    --------
    >>> from_homogeneous(np.array([[6, 8, 2], [1, 1, 0]])).tolist()
    [[3.0, 4.0], [nan, nan]]
    """
    rows = as_rows("from_homogeneous", "points", points, (3, 4))
    last = rows[:, -1:]
    return rows[:, :-1] / np.where(last == 0, np.nan, last)
