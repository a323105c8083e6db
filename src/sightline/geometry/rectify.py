"""Rectification: both cameras turned about their centres until every row of one picture is a row of the other.

Fusiello, Trucco & Verri 2000, "A Compact Algorithm for Rectification of Stereo Pairs", Machine Vision and Applications
12(1), with each camera turned by half of what separates them, so that both pictures are bent as little as can be.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float64

from sightline.core.catalogue import method
from sightline.core.checks import as_image, describe, size_2d
from sightline.core.errors import InputError
from sightline.core.types import Array, Image
from sightline.geometry.camera import Camera, as_camera
from sightline.geometry.distortion import bend
from sightline.geometry.rodrigues import rodrigues
from sightline.geometry.undistort import undistort_points
from sightline.image.warp import warp

_CAMERA = Camera.from_focal(500, (480, 640))  # of the example


@dataclass(frozen=True, eq=False)
class Rectification:
    """Two cameras side by side that look the same way.

    Parameters
    ----------
    left, right
        The cameras as they were.
    camera
        The one that both have become: without a lens, its ``size`` that of the rectified pictures.
    rotation_left, rotation_right
        3×3 float64: turns of both cameras.
    baseline
        Distance between the cameras, in the unit of the translation; negative when the right one stands to the left.
    """

    left: Camera
    right: Camera
    camera: Camera
    rotation_left: Float64[np.ndarray, "3 3"]
    rotation_right: Float64[np.ndarray, "3 3"]
    baseline: float

    @property
    def disparity_to_space(self) -> Float64[np.ndarray, "4 4"]:
        """The matrix Q that takes (x, y, disparity, 1) to a point of the left camera, up to scale."""
        f, (x, y) = self.camera.focal[0], self.camera.center
        return np.array([[1, 0, 0, -x], [0, 1, 0, -y], [0, 0, 0, f], [0, 0, 1 / self.baseline, 0]])

    def apply(self, left: Image, right: Image) -> tuple[Array, Array]:
        """Return both pictures rectified: 0 where nothing was seen.

        Parameters
        ----------
        left, right
            H×W or H×W×C of the cameras' sizes; uint8, uint16 or float32.
        """
        a, b = as_image("Rectification.apply", left, channels=()), as_image("Rectification.apply", right, channels=())
        return (
            warp(a, self.places(self.left, self.rotation_left), border="constant"),
            warp(b, self.places(self.right, self.rotation_right), border="constant"),
        )

    def places(self, camera: Camera, rotation: Array) -> Array:
        """Return H×W×2 float32: where each pixel of a rectified picture lies in the one that a camera took."""
        assert self.camera.size is not None
        height, width = self.camera.size
        y, x = np.mgrid[:height, :width]
        rays = (
            np.stack([x.ravel(), y.ravel(), np.ones(x.size)], axis=1) @ np.linalg.inv(self.camera.matrix).T @ rotation
        )
        with np.errstate(divide="ignore", invalid="ignore"):
            flat = np.where(rays[:, 2:] > 0, rays[:, :2] / rays[:, 2:], np.nan)
        points = (
            bend(np.nan_to_num(flat, nan=1e6), camera.coefficients) @ camera.matrix[:2, :2].T + camera.matrix[:2, 2]
        )
        return points.reshape(height, width, 2).astype(np.float32)


@method(
    task="stereo",
    paper="Fusiello et al. 2000",
    lesson="w3d5",
    example={
        "right": lambda _: _CAMERA,
        "rotation": lambda _: np.eye(3),
        "translation": lambda _: np.array([-0.1, 0, 0]),
        "size": (480, 640),
    },
)
def rectify(left: Camera, right: Camera, rotation: Any, translation: Any, size: tuple[int, int]) -> Rectification:
    """Return how two pictures are turned so that what is in a row of one is in the same row of the other.

    For cameras that stand side by side. NaN and infinity are refused.

    Parameters
    ----------
    left, right
        The cameras.
    rotation, translation
        3×3 (or a rotation vector) and 3 numbers: what is at X in the left camera is at ``rotation @ X + translation``
        in the right one, as :func:`stereo_calibrate` finds.
    size
        (height, width) of the pictures in pixels.

    Returns
    -------
    Rectification
        The turns, the camera that both become, and the pictures through it.

    Raises
    ------
    InputError
        When the cameras stand above one another, or in one place.

    Examples
    --------
    >>> import numpy as np
    >>> from sightline.geometry import Camera
    >>> camera = Camera.from_focal(500, (480, 640))
    >>> turned = rectify(camera, camera, np.eye(3), [-0.1, 0, 0], (480, 640))
    >>> turned.baseline, turned.rotation_left.round(3).tolist()
    (0.1, [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])

    References
    ----------
    A. Fusiello, E. Trucco, A. Verri, "A Compact Algorithm for Rectification of Stereo Pairs", Machine Vision and
    Applications 12(1), 2000.
    """
    left, right = (as_camera("rectify", camera, argument=name) for camera, name in ((left, "left"), (right, "right")))
    size = size_2d("rectify", "size", size)
    turn, shift = _motion(rotation, translation)
    half = np.asarray(rodrigues(turn / 2))
    between = half.T @ shift  # the baseline as both cameras see it after half a turn each
    along = between[0]
    if not abs(along) > abs(between[1]):
        raise InputError(
            f"rectify: translation must be along the rows more than across: cameras side by side; got {shift.tolist()}."
        )
    axis = np.array([np.sign(along), 0, 0])
    normal = np.cross(between, axis)
    angle = np.arccos(abs(along) / np.linalg.norm(between))
    length = np.linalg.norm(normal)
    level = np.asarray(rodrigues(normal / length * angle if length > 0 else normal))
    rotations = (level @ half, level @ half.T)
    camera = _shared(left, right, rotations, size)
    return Rectification(left, right, camera, *rotations, -float((rotations[1] @ shift)[0]))


def _motion(rotation: Any, translation: Any) -> tuple[Array, Array]:
    turn = np.asarray(rotation, dtype=np.float64)
    turn = np.asarray(rodrigues(turn)) if turn.shape == (3, 3) else turn.ravel()
    shift = np.asarray(translation, dtype=np.float64).ravel()
    for name, values, came in (("rotation", turn, rotation), ("translation", shift, translation)):
        if values.shape != (3,) or not np.isfinite(values).all():
            raise InputError(f"rectify: {name} must be 3 finite numbers (or 3×3 for a rotation); got {describe(came)}.")
    return turn, shift


def _shared(left: Camera, right: Camera, rotations: tuple[Array, Array], size: tuple[int, int]) -> Camera:
    """Return a camera of the mean focal length, in whose picture both cameras' corners are centred on average."""
    height, width = size
    focal = (left.focal[1] + right.focal[1]) / 2
    corners = np.array([[0, 0], [width - 1, 0], [0, height - 1], [width - 1, height - 1]], float)
    middles = []
    for camera, rotation in zip((left, right), rotations, strict=True):
        flat = undistort_points(corners, camera, np.eye(3))
        there = np.column_stack([flat, np.ones(4)]) @ rotation.T
        middles.append((there[:, :2] / there[:, 2:] * focal).mean(axis=0))
    x, y = (np.array([width, height]) - 1) / 2 - np.mean(middles, axis=0)
    return Camera(np.array([[focal, 0, x], [0, focal, y], [0, 0, 1]]), (), size)
