"""Polygon approximation: fewer corners, none of the left-out points farther from the polygon than a tolerance.

Douglas & Peucker 1973, "Algorithms for the reduction of the number of points required to represent a digitized line or
its caricature", Cartographica 10(2): the point farthest from the chord is kept, and both halves are done the same way.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import flag, number
from sightline.core.kernels import kernel
from sightline.core.types import AnyPoints, PointList, Range
from sightline.image.points import as_points

_SAMPLE = np.array([[0, 0], [5, 1], [10, 0], [10, 10], [0, 10]])


@method(task="shape", paper="Douglas 1973", lesson="w2d5", example={"points": _SAMPLE})
def approximate_polygon(
    points: PointList, tolerance: Annotated[float, Range(0, 100, 0.5)] = 2.0, *, closed: bool = True
) -> AnyPoints:
    """Return those corners of a polygon that keep every other one within a tolerance.

    A closed polygon is split first at two points far from each other: the farthest from the first corner, and on
    again, three times. Corners that lie within the tolerance of the chord between their neighbours go at the end. NaN
    and infinity are refused.

    Parameters
    ----------
    points
        N×2 corners (x, y) in order; any real dtype.
    tolerance
        Greatest distance of a left-out point from the chord that replaces it, in pixels; ≥ 0.
    closed
        Join the last corner with the first.

    Returns
    -------
    corners
        M×2 of the dtype of ``points``, in the same order.

    References
    ----------
    D. H. Douglas and T. K. Peucker, "Algorithms for the reduction of the number of points required to represent a
    digitized line or its caricature", Cartographica 10(2), 1973.

    Examples
    --------
    >>> approximate_polygon(np.array([[0, 0], [5, 1], [10, 0], [10, 10], [0, 10]]), 2).tolist()
    [[0, 0], [10, 0], [10, 10], [0, 10]]
    """
    corners = as_points("approximate_polygon", points)
    tolerance = number("approximate_polygon", "tolerance", tolerance, 0, unit="pixels")
    return np.asarray(points)[
        _simplified(corners, tolerance * tolerance, flag("approximate_polygon", "closed", closed))
    ]


@kernel
def _simplified(points, bound, closed):
    """Return the indices of the corners that stay; ``bound`` is the square of the tolerance."""
    n = points.shape[0]
    kept, count = np.empty(n + 1, np.int64), 0
    stack, top = np.empty((n + 2, 2), np.int64), 1
    stack[0, 0], stack[0, 1] = 0, n - 1
    ring = closed or (points[0] == points[n - 1]).all()
    if ring:
        first, far, farthest = 0, 0, 0.0
        for _ in range(3 if closed else 1):
            first, farthest = far, 0.0
            i = first
            for _ in range(1, n):
                i = i + 1 if i < n - 1 else 0
                distance = (points[i, 0] - points[first, 0]) ** 2 + (points[i, 1] - points[first, 1]) ** 2
                if distance > farthest:
                    farthest, far = distance, i
        if farthest <= bound:
            return np.full(1, first, np.int64)
        stack[0, 0], stack[0, 1] = far, first
        stack[1, 0], stack[1, 1] = first, far
        top = 2
    while top > 0:
        top -= 1
        start, stop = stack[top, 0], stack[top, 1]
        middle = _farthest(points, start, stop, bound)
        if middle < 0:
            kept[count] = start
            count += 1
        else:
            stack[top, 0], stack[top, 1] = middle, stop
            stack[top + 1, 0], stack[top + 1, 1] = start, middle
            top += 2
    if not ring:
        kept[count] = n - 1
        count += 1
    return _without_flat_corners(points, kept[:count].copy(), bound, closed)


@kernel
def _farthest(points, start, stop, bound):
    """Return the point between two others that is farthest from their chord; -1 when it is within the bound."""
    n = points.shape[0]
    dx, dy = points[stop, 0] - points[start, 0], points[stop, 1] - points[start, 1]
    length = dx * dx + dy * dy
    unit = length if length > 0 else 1.0  # squares are compared as multiples of it, without a division
    most, found = 0.0, -1
    i = start + 1 if start < n - 1 else 0
    while i != stop:
        x, y = points[i, 0] - points[start, 0], points[i, 1] - points[start, 1]
        along = x * dx + y * dy
        if along < 0 or length == 0:
            distance = (x * x + y * y) * unit
        elif along > length:
            distance = ((x - dx) ** 2 + (y - dy) ** 2) * unit
        else:
            distance = (y * dx - x * dy) ** 2
        if distance > most:
            most, found = distance, i
        i = i + 1 if i < n - 1 else 0  # a division would cost more than all else here
    return found if most > bound * unit else -1


@kernel
def _without_flat_corners(points, kept, bound, closed):
    """Leave out corners within the bound of the line between their neighbours, as those that split the ring may be."""
    count = left = kept.size
    to = 0 if closed else 1  # where the next corner that stays is written
    before, here, ahead = (kept[count - 1], kept[0], 1) if closed else (kept[0], kept[1 % count], 2)
    i = to
    while i < (count if closed else count - 1) and left > 2:
        after = kept[ahead % count]
        ahead += 1
        dx, dy = points[after, 0] - points[before, 0], points[after, 1] - points[before, 1]
        x, y = points[here, 0] - points[before, 0], points[here, 1] - points[before, 1]
        onward = x * (points[after, 0] - points[here, 0]) + y * (points[after, 1] - points[here, 1])
        flat = (x * dy - y * dx) ** 2 <= 0.5 * bound * (dx * dx + dy * dy)
        if flat and dx != 0 and dy != 0 and onward >= 0:
            left -= 1
            before, here = after, kept[ahead % count]
            ahead += 1
            i += 1
        else:
            before, here = here, after
        kept[to] = before
        to += 1
        i += 1
    if not closed:
        kept[to] = here
    return kept[:left].copy()
