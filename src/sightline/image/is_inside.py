"""Point in polygon: count how often a ray from the point crosses the outline.

Shimrat 1962, "Algorithm 112: Position of Point Relative to Polygon", Communications of the ACM 5(8).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import describe, flag
from sightline.core.errors import InputError
from sightline.core.types import AnyPoints, Array, PointList
from sightline.image.points import as_points

_SQUARE = np.array([[0, 0], [4, 0], [4, 3], [0, 3]])
_AT_ONCE = 1 << 20  # pairs of a point and an edge


@method(task="shape", paper="Shimrat 1962", lesson="w2d5", example={"points": _SQUARE, "point": (1.0, 1.0)})
def is_inside(points: PointList, point: tuple[float, float] | AnyPoints, *, distance: bool = False) -> Any:
    """Return 1 for a point inside a closed polygon, 0 on its outline, -1 outside; or its distance with that sign.

    Where the polygon crosses itself, what it goes round an even number of times is outside. NaN and infinity are
    refused.

    Parameters
    ----------
    points
        N×2 corners (x, y) of the polygon in order; any real dtype.
    point
        (x, y), or M×2 of them.
    distance
        Return the distance to the outline in pixels, positive inside and negative outside.

    Returns
    -------
    side
        A float, or M of them (float64) for M×2 points.

    References
    ----------
    M. Shimrat, "Algorithm 112: Position of Point Relative to Polygon", Communications of the ACM 5(8), 1962.

    Examples
    --------
    >>> square = np.array([[0, 0], [4, 0], [4, 3], [0, 3]])
    >>> is_inside(square, (1, 1)), is_inside(square, (5, 1)), is_inside(square, (1, 1.5), distance=True)
    (1.0, -1.0, 1.0)
    """
    corners = as_points("is_inside", points)
    single = isinstance(point, (tuple, list)) or (isinstance(point, np.ndarray) and point.ndim == 1)
    if single:
        try:
            point = np.asarray(point, np.float64).reshape(-1, 2)
        except (TypeError, ValueError) as error:
            raise InputError(f"is_inside: point must be (x, y) or M×2; got {describe(point)}.") from error
        if len(point) != 1:
            raise InputError(f"is_inside: point must be (x, y) or M×2; got {describe(point)}.")
    asked = as_points("is_inside", point, argument="point")
    step = max(1, _AT_ONCE // len(corners))
    distance = flag("is_inside", "distance", distance)
    sides = np.concatenate([_sides(corners, asked[i : i + step], distance) for i in range(0, len(asked), step)])
    return float(sides[0]) if single else sides


def _sides(corners: Array, asked: Array, distance: bool) -> Array:
    """Return the sides of M points by all N edges at once."""
    ax, ay = corners.T  # N
    edge_x, edge_y = np.roll(ax, -1) - ax, np.roll(ay, -1) - ay
    x, y = asked[:, :1] - ax, asked[:, 1:] - ay  # M×N, from the beginning of each edge
    cross = x * edge_y - y * edge_x
    spans = (y >= 0) != (y >= edge_y)  # a ray along x can meet the edge; a corner belongs to one of its two edges
    odd = (spans & ((cross > 0) == (edge_y > 0)) & (cross != 0)).sum(axis=1) % 2 == 1
    length = edge_x**2 + edge_y**2
    along = np.clip((x * edge_x + y * edge_y) / np.where(length > 0, length, 1), 0, 1)
    nearest = np.sqrt(((x - along * edge_x) ** 2 + (y - along * edge_y) ** 2).min(axis=1))
    on = ((cross == 0) & (x * (x - edge_x) + y * (y - edge_y) <= 0)).any(axis=1)
    sign = np.where(on, 0.0, np.where(odd, 1.0, -1.0))
    return sign * nearest if distance else sign
