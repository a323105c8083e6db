"""Projection: where a camera sees points of the world.

Hartley & Zisserman 2004, "Multiple View Geometry in Computer Vision", 2nd ed., chapter 6; the lens by Brown 1966.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float64, Real

from sightline.core.catalogue import method
from sightline.core.types import Array
from sightline.geometry.camera import Camera, as_camera
from sightline.geometry.distortion import bend
from sightline.geometry.points3 import as_rotation, as_rows, as_vector3

_CUBE = np.array([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (4, 6)], float)
_CAMERA = Camera(np.array([[500, 0, 320], [0, 500, 240], [0, 0, 1.0]]), (-0.1, 0.01, 0, 0), (480, 640))


@method(task="camera", paper="Hartley 2004", lesson="w3d4", example={"points": _CUBE, "camera": _CAMERA})
def project(
    points: Real[np.ndarray, "n 3"],
    camera: Camera | Array,
    rotation: Array | None = None,
    translation: Array | None = None,
) -> Float64[np.ndarray, "n 2"]:
    """Return the points of a picture in which a camera sees points of the world.

    Points that do not lie in front of the camera become NaN. NaN and infinity in the arguments are refused.

    Parameters
    ----------
    points
        N×3 (x, y, z), any real dtype and unit of length.
    camera
        The camera, or its 3×3 matrix.
    rotation
        From the world to the camera: 3×3, or 3 numbers, axis times angle in radians; None for none.
    translation
        3 numbers in the unit of the points: where the camera sees the world's origin; None for (0, 0, 0).

    Returns
    -------
    N×2 float64 (x, y) in pixels.

    References
    ----------
    R. Hartley, A. Zisserman, "Multiple View Geometry in Computer Vision", 2nd ed., Cambridge University Press, 2004.

    Examples
    --------
    >>> camera = Camera(np.array([[100, 0, 50], [0, 100, 40], [0, 0, 1]]))
    >>> project(np.array([[0, 0, 2], [1, 0, 2]]), camera).tolist()
    [[50.0, 40.0], [100.0, 40.0]]
    """
    world = as_rows("project", "points", points, (3,))
    return project_checked(as_camera("project", camera), seen_from("project", world, rotation, translation))


def seen_from(function: str, world: Array, rotation: Any, translation: Any) -> Array:
    """Return checked N×3 points of the world in the axes of a camera."""
    if rotation is not None:
        world = world @ as_rotation(function, rotation).T
    if translation is not None:
        world = world + as_vector3(function, "translation", translation)
    return world


def project_checked(camera: Camera, seen: Array) -> Array:
    """Return N×2 pixels of N×3 points in the axes of a camera; NaN for those that are not in front of it."""
    depth = seen[:, 2:]
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        plane = seen[:, :2] / np.where(depth > 0, depth, np.nan)
        if camera.distortion:
            plane = bend(plane, camera.coefficients)
        return plane @ camera.matrix[:2, :2].T + camera.matrix[:2, 2]
