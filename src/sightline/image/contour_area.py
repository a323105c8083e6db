"""Area and length of a closed polygon.

Meister 1769 (the shoelace formula): twice the area is the sum of x₁y₂ - x₂y₁ over the edges.
"""

from __future__ import annotations

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import flag
from sightline.core.types import PointList
from sightline.image.points import as_points

_SQUARE = np.array([[0, 0], [4, 0], [4, 3], [0, 3]])


@method(task="shape", paper="Meister 1769", lesson="w2d5", example={"points": _SQUARE})
def contour_area(points: PointList, *, signed: bool = False) -> float:
    """Return the area inside a closed polygon.

    A contour goes through the centres of its pixels, so that the area is less than the number of pixels. NaN and
    infinity are refused.

    Parameters
    ----------
    points
        N×2 corners (x, y) in order; any real dtype. The last one is joined with the first.
    signed
        Give the sign of the direction: positive when the corners run with the clock, as one sees the picture (y down).

    Returns
    -------
    area
        In square pixels.

    References
    ----------
    A. L. F. Meister, "Generalia de genesi figurarum planarum et inde pendentibus earum affectionibus", 1769.

    Examples
    --------
    >>> contour_area(np.array([[0, 0], [4, 0], [4, 3], [0, 3]]))
    12.0
    """
    corners = as_points("contour_area", points)
    x, y = (corners - corners[0]).T
    twice = float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)))
    return twice / 2 if flag("contour_area", "signed", signed) else abs(twice) / 2


@method(task="shape", paper="Pythagoras", lesson="w2d5", example={"points": _SQUARE})
def perimeter(points: PointList, *, closed: bool = True) -> float:
    """Return the length of a polygon: the sum of the lengths of its edges.

    NaN and infinity are refused.

    Parameters
    ----------
    points
        N×2 corners (x, y) in order; any real dtype.
    closed
        Join the last corner with the first.

    Returns
    -------
    length
        In pixels.

    References
    ----------
    Euclid, "Elements", book I, proposition 47.

    Examples
    --------
    >>> perimeter(np.array([[0, 0], [4, 0], [4, 3]]))
    12.0
    """
    corners = as_points("perimeter", points)
    edges = np.diff(corners, axis=0, append=corners[:1] if flag("perimeter", "closed", closed) else corners[-1:])
    return float(np.hypot(edges[:, 0], edges[:, 1]).sum())
