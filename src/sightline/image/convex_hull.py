"""Convex hull: the corners of the smallest convex polygon around points.

Andrew 1979, "Another Efficient Algorithm for Convex Hulls in Two Dimensions", Information Processing Letters 9(5): in
the order of x, the lower and the upper side are each built by taking back the points where they turn the wrong way.
"""

from __future__ import annotations

import numpy as np

from sightline.core.catalogue import method
from sightline.core.kernels import kernel
from sightline.core.types import AnyPoints, Array, PointList
from sightline.image.points import as_points

_SAMPLE = np.array([[0, 0], [4, 1], [2, 2], [4, 4], [0, 3]])


@method(task="shape", paper="Andrew 1979", lesson="w2d5", example={"points": _SAMPLE})
def convex_hull(points: PointList) -> AnyPoints:
    """Return the corners of the convex hull of points, with the clock as one sees the picture (y down).

    The first corner is the leftmost point, of these the one with the smallest y. Points on an edge are left out. NaN
    and infinity are refused.

    Parameters
    ----------
    points
        N×2 (x, y) in any order; any real dtype.

    Returns
    -------
    corners
        M×2 of the dtype of ``points``; one or two when all points are on a line.

    References
    ----------
    A. M. Andrew, "Another Efficient Algorithm for Convex Hulls in Two Dimensions", Information Processing Letters
    9(5), 1979.

    Examples
    --------
    >>> convex_hull(np.array([[0, 0], [4, 1], [2, 2], [4, 4], [0, 3]])).tolist()
    [[0, 0], [4, 1], [4, 4], [0, 3]]
    """
    kept = hull_indices(as_points("convex_hull", points))
    return np.asarray(points)[kept]


def hull_indices(points: Array) -> Array:
    """Return which points are the corners, in the order of :func:`convex_hull`."""
    order = _by_columns(points)
    if not order.size:
        order = np.lexsort((points[:, 1], points[:, 0]))
    corners, count = _chain(points, order)
    return corners[:count]


@kernel
def _by_columns(points):
    """Return the points with the least and the largest y of each x, in order; none when these are no pixel columns."""
    count = len(points)
    low, high, whole = points[0, 0], points[0, 0], True
    for i in range(count):
        x = points[i, 0]
        low, high = min(low, x), max(high, x)
        whole &= np.floor(x) == x
    if not whole or high - low > 4.0 * count + 64:
        return np.empty(0, np.int64)
    width = np.int64(high - low) + 1
    least, most = np.full(width, -1, np.int64), np.full(width, -1, np.int64)
    for i in range(count):
        column, y = np.int64(points[i, 0] - low), points[i, 1]
        if least[column] < 0:
            least[column] = most[column] = i
        elif y < points[least[column], 1]:
            least[column] = i
        elif y > points[most[column], 1]:
            most[column] = i
    order, found = np.empty(2 * width, np.int64), 0
    for column in range(width):
        if least[column] >= 0:
            order[found], order[found + 1] = least[column], most[column]
            found += 2 if least[column] != most[column] else 1
    return order[:found]


@kernel
def _chain(points, order):
    """Build the side of small y from left to right, then the other one back."""
    corners, count = np.empty(2 * order.size + 1, np.int64), 0
    for side in range(2):
        base = max(count - 1, 0)
        for i in range(order.size):
            k = order[i] if side == 0 else order[order.size - 1 - i]
            x, y = points[k, 0], points[k, 1]
            while count - base > 1:
                a, b = points[corners[count - 2]], points[corners[count - 1]]
                if (b[0] - a[0]) * (y - a[1]) - (b[1] - a[1]) * (x - a[0]) > 0:
                    break
                count -= 1
            if count > base and points[corners[count - 1], 0] == x and points[corners[count - 1], 1] == y:
                continue  # the same point again
            corners[count] = k
            count += 1
    if count > 1 and (points[corners[count - 1]] == points[corners[0]]).all():
        count -= 1
    return corners, count
