"""Smallest circle around points: two or three of them lie on it.

Welzl 1991, "Smallest enclosing disks (balls and ellipsoids)", New Results and New Trends in Computer Science: points
are added one by one, and one that is outside lies on the circle of all points so far.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sightline.core.catalogue import method
from sightline.core.kernels import kernel
from sightline.core.types import PointList
from sightline.image.convex_hull import hull_indices
from sightline.image.points import as_points

_SAMPLE = np.array([[0, 0], [4, 1], [2, 2], [4, 4], [0, 3]])


@dataclass(frozen=True)
class Circle:
    """A circle.

    Parameters
    ----------
    center
        (x, y), in pixels.
    radius
        In pixels.
    """

    center: tuple[float, float]
    radius: float


@method(task="shape", paper="Welzl 1991", lesson="w2d5", example={"points": _SAMPLE})
def min_enclosing_circle(points: PointList) -> Circle:
    """Return the smallest circle that holds all points.

    NaN and infinity are refused.

    Parameters
    ----------
    points
        N×2 (x, y) in any order; any real dtype.

    Returns
    -------
    Circle
        Its centre and radius.

    References
    ----------
    E. Welzl, "Smallest enclosing disks (balls and ellipsoids)", New Results and New Trends in Computer Science, 1991.

    Examples
    --------
    >>> min_enclosing_circle(np.array([[0, 0], [6, 8], [3, 4]]))
    Circle(center=(3.0, 4.0), radius=5.0)
    """
    corners = as_points("min_enclosing_circle", points)
    hull = corners[hull_indices(corners)]
    origin = hull.mean(axis=0)
    shuffled = np.random.default_rng(0).permutation(len(hull))  # in order, neighbours would widen it step by step
    x, y, squared = _enclose(hull[shuffled] - origin)
    return Circle((float(x + origin[0]), float(y + origin[1])), float(np.sqrt(squared)))


@kernel
def _enclose(points):
    """Return the centre and the squared radius."""
    n = points.shape[0]
    x, y, squared = points[0, 0], points[0, 1], 0.0
    for i in range(1, n):
        if _within(points[i], x, y, squared):
            continue
        x, y, squared = points[i, 0], points[i, 1], 0.0  # of those before, with point i on the circle
        for j in range(i):
            if _within(points[j], x, y, squared):
                continue
            x, y = (points[i, 0] + points[j, 0]) / 2, (points[i, 1] + points[j, 1]) / 2
            squared = (points[i, 0] - x) ** 2 + (points[i, 1] - y) ** 2
            for k in range(j):  # with points i and j on it
                if not _within(points[k], x, y, squared):
                    x, y, squared = _through(points[i], points[j], points[k])
    return x, y, squared


@kernel(inline=True)
def _within(point, x, y, squared):
    return (point[0] - x) ** 2 + (point[1] - y) ** 2 <= squared * (1 + 1e-12) + 1e-18


@kernel
def _through(a, b, c):
    """Return the circle through three points."""
    bx, by, cx, cy = b[0] - a[0], b[1] - a[1], c[0] - a[0], c[1] - a[1]
    twice = 2 * (bx * cy - by * cx)
    bb, cc = bx * bx + by * by, cx * cx + cy * cy
    x, y = (cy * bb - by * cc) / twice, (bx * cc - cx * bb) / twice
    return a[0] + x, a[1] + y, x * x + y * y
