"""Smallest rectangle around points: one of its sides lies on an edge of their convex hull.

Freeman & Shapira 1975, "Determining the Minimum-Area Encasing Rectangle for an Arbitrary Closed Curve",
Communications of the ACM 18(7).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from sightline.core.catalogue import method
from sightline.core.types import Array, PointList
from sightline.image.convex_hull import hull_indices
from sightline.image.points import as_points

_SAMPLE = np.array([[0, 0], [4, 1], [2, 2], [4, 4], [0, 3]])


@dataclass(frozen=True)
class RotatedRect:
    """A rectangle at an angle.

    Parameters
    ----------
    center
        (x, y), in pixels.
    size
        (width, height), in pixels; the width is along the angle.
    angle
        From the x axis towards the y axis (with the clock, y down), in radians in 0–π/2.
    """

    center: tuple[float, float]
    size: tuple[float, float]
    angle: float

    @property
    def area(self) -> float:
        """Width times height."""
        return self.size[0] * self.size[1]

    def corners(self) -> Array:
        """Return the 4×2 float32 corners (x, y), with the clock."""
        along = np.array([math.cos(self.angle), math.sin(self.angle)]) * self.size[0] / 2
        across = np.array([-math.sin(self.angle), math.cos(self.angle)]) * self.size[1] / 2
        signs = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)])
        return (np.array(self.center) + signs[:, :1] * along + signs[:, 1:] * across).astype(np.float32)


@method(task="shape", paper="Freeman 1975", lesson="w2d5", example={"points": _SAMPLE})
def min_area_rect(points: PointList) -> RotatedRect:
    """Return the rectangle of the smallest area, at any angle, that holds all points.

    NaN and infinity are refused.

    Parameters
    ----------
    points
        N×2 (x, y) in any order; any real dtype.

    Returns
    -------
    RotatedRect
        Its centre, size and angle; ``corners()`` gives its corners.

    References
    ----------
    H. Freeman and R. Shapira, "Determining the Minimum-Area Encasing Rectangle for an Arbitrary Closed Curve",
    Communications of the ACM 18(7), 1975.

    Examples
    --------
    >>> rect = min_area_rect(np.array([[0, 0], [4, 0], [4, 3], [0, 3], [2, 1]]))
    >>> rect.center, rect.size, rect.angle
    ((2.0, 1.5), (4.0, 3.0), 0.0)
    """
    corners = as_points("min_area_rect", points)
    hull = corners[hull_indices(corners)]
    if len(hull) == 1:
        return RotatedRect((float(hull[0, 0]), float(hull[0, 1])), (0.0, 0.0), 0.0)
    edges = np.roll(hull, -1, axis=0) - hull
    edges = edges[np.hypot(edges[:, 0], edges[:, 1]) > 0]
    # The four sides stand on one another: a quarter turn gives the same rectangle.
    angles = np.unique(np.arctan2(edges[:, 1], edges[:, 0]) % (math.pi / 2))
    best, found = math.inf, (0.0, 0.0, 0.0, 0.0, 0.0)
    for angle in angles:
        u, v = np.array([math.cos(angle), math.sin(angle)]), np.array([-math.sin(angle), math.cos(angle)])
        along, across = hull @ u, hull @ v
        low, high, top, bottom = along.min(), along.max(), across.min(), across.max()
        if (high - low) * (bottom - top) < best:
            best = (high - low) * (bottom - top)
            centre = u * (low + high) / 2 + v * (top + bottom) / 2
            found = float(centre[0]), float(centre[1]), float(high - low), float(bottom - top), float(angle)
    return RotatedRect(found[:2], found[2:4], found[4])
