"""A corner of a room made of two photos, seen by cameras that are known: the truth of structure from motion."""

from __future__ import annotations

import numpy as np

from sightline.data import sample
from sightline.geometry.bundle_problem import rotation_matrices
from sightline.image import convert, resize, warp_perspective

_WALL = 480  # pixels of a wall's photo, 2 units wide and high


def corner_views(
    count: int = 5,
    *,
    size: tuple[int, int] = (360, 480),
    focal: float = 420.0,
    spread: float = 0.4,
    turn_only: bool = False,
) -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
    """Return grey photos (uint8) of two walls that meet at a right angle, and the rotations and centres of the cameras.

    Parameters
    ----------
    count
        Photos, along an arc before the corner.
    size
        (height, width) of the photos.
    focal
        Focal length in pixels; the principal point is in the middle.
    spread
        Radians from the middle of the arc to its ends.
    turn_only
        Leave the camera where it is, and turn it.
    """
    height, width = size
    matrix = np.array([[focal, 0, (width - 1) / 2], [0, focal, (height - 1) / 2], [0, 0, 1]])
    walls = [resize(convert(sample(name), "rgb", "gray"), (_WALL, _WALL), "area") for name in ("china", "coffee")]
    step = 2 / _WALL
    # Pixels of a wall to the world: the walls meet in the y axis, and open towards -z.
    s = np.sqrt(0.5)
    planes = [
        np.array([[s * step, 0, -2 * s], [0, step, -1.0], [s * step, 0, -2 * s]]),
        np.array([[s * step, 0, 0], [0, step, -1.0], [-s * step, 0, 0]]),
    ]
    views, rotations, centres = [], [], []
    for place in np.linspace(-spread, spread, count):
        away = 0.0 if turn_only else place
        centre = np.array([3.2 * np.sin(away), -0.3 * place * (not turn_only), -3.2 * np.cos(away)])
        vector = np.array([[0.05 * place, 0.6 * place if turn_only else place, 0.1 * place]])
        rotation = rotation_matrices(vector)[0]
        view = np.full(size, 90, np.uint8)
        for wall, plane in zip(walls, planes, strict=True):
            plane = plane - np.outer(centre, (0, 0, 1))
            mapping = matrix @ rotation @ plane
            seen = warp_perspective(np.full_like(wall, 255), mapping, size)
            view = np.where(seen > 127, warp_perspective(wall, mapping, size), view)
        views.append(view)
        rotations.append(rotation)
        centres.append(centre)
    return views, np.array(rotations), np.array(centres)
