"""Relative pose: which of the four motions of an essential matrix puts the scene in front of both cameras.

Longuet-Higgins 1981, "A computer algorithm for reconstructing a scene from two projections", Nature 293; decomposed as
in Hartley & Zisserman 2004, "Multiple View Geometry in Computer Vision", 2nd ed., section 9.6.2.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import number
from sightline.core.errors import InputError
from sightline.core.layers import Cloud, Value
from sightline.core.trace import Step
from sightline.core.types import Array, Points
from sightline.features.consensus import Fit
from sightline.geometry.camera import Camera
from sightline.geometry.epipolar_lines import as_matrix3
from sightline.geometry.essential import cameras_of
from sightline.geometry.fundamental import EXAMPLE
from sightline.geometry.points3 import as_rows
from sightline.geometry.sheets import scene_of
from sightline.geometry.undistort import rays_of

_MATRIX = np.array([[0.005, -0.505, 0.05], [0.6, 0.0, 0.5], [-0.05, -0.5, 0.0]])
_CAMERA = np.array([[400, 0, 320], [0, 400, 240], [0, 0, 1.0]])


class Pose(NamedTuple):
    """How a second camera stands to the first one.

    Parameters
    ----------
    rotation
        3×3 float64, from the first camera's axes to the second one's.
    translation
        3 float64 of length 1: where the second camera sees the first one; the scale of two views is unknown.
    mask
        N bool: pairs that lie in front of both cameras, not too far away.
    """

    rotation: Array
    translation: Array
    mask: Array


@method(
    task="two views",
    paper="Longuet-Higgins 1981",
    lesson="w3d5",
    example={"essential": _MATRIX, "a": EXAMPLE[0], "b": EXAMPLE[1], "camera": _CAMERA},
)
def recover_pose(
    essential: Array | Fit,
    a: Points,
    b: Points,
    camera: Camera | Array | tuple[Camera | Array, Camera | Array],
    *,
    distance: float = 50.0,
    still: float = 0.5,
) -> Pose:
    """Return rotation and direction of the motion between two views.

    NaN and infinity are refused.

    Parameters
    ----------
    essential
        3×3 matrix, or the fit of :func:`sightline.geometry.essential`, whose pairs that do not agree are left out.
    a, b
        N×2 (x, y) each, in pixels, any real dtype: the pairs.
    camera
        The camera, or its 3×3 matrix; a pair of them when the views have different ones.
    distance
        Pairs farther away than so many distances of the cameras are left out of the mask, > 0.
    still
        Views from one place are refused: a rotation alone brings 95 % of the pairs as near as this, in pixels, ≥ 0.

    Returns
    -------
    Pose
        ``rotation``, ``translation`` of length 1, and the ``mask`` of pairs in front of both cameras.

    Raises
    ------
    InputError
        When the cameras stand in one place, or no pair lies in front of both.

    References
    ----------
    H. C. Longuet-Higgins, "A computer algorithm for reconstructing a scene from two projections", Nature 293, 1981.

    Examples
    --------
    >>> from sightline.geometry import essential
    >>> a, b = EXAMPLE
    >>> (recover_pose(essential(a, b, _CAMERA), a, b, _CAMERA).translation.round(3) + 0).tolist()
    [-0.995, 0.1, 0.0]
    """
    matrix = as_matrix3("recover_pose", "essential", essential)
    first, second = as_rows("recover_pose", "a", a, (2,)), as_rows("recover_pose", "b", b, (2,))
    if len(first) != len(second) or not len(first):
        raise InputError(f"recover_pose: b must hold as many points as a; got {len(second)} and {len(first)}.")
    number("recover_pose", "distance", distance, above=0)
    number("recover_pose", "still", still, 0, unit="pixels")
    cameras = cameras_of("recover_pose", camera)
    rays = [np.insert(rays_of(c, p), 2, 1, axis=1) for c, p in zip(cameras, (first, second), strict=True)]
    chosen = np.isfinite(rays[0]).all(axis=1) & np.isfinite(rays[1]).all(axis=1)
    inliers = getattr(essential, "inliers", None)
    if isinstance(inliers, np.ndarray) and inliers.shape == chosen.shape:
        chosen &= inliers
    _refuse_rotation(rays[0][chosen], rays[1][chosen], still / float(np.mean(cameras[1].focal)))
    poses = [(r, t, chosen & _in_front(r, t, rays[0], rays[1], distance)) for r, t in decompositions(matrix)]
    rotation, translation, mask = max(poses, key=lambda pose: int(pose[2].sum()))
    if not mask.any():
        raise InputError(
            f"recover_pose: pairs must lie in front of both cameras; got {len(first)}, none of which does."
        )
    return Pose(rotation, translation, mask)


@recover_pose.steps
def _steps(
    essential: Any, a: Any, b: Any, camera: Any, *, distance: float = 50.0, still: float = 0.5
) -> Iterator[Step]:
    found = recover_pose(essential, a, b, camera, distance=distance, still=still)
    cameras = cameras_of("recover_pose", camera)
    pairs = zip(cameras, (a, b), ("a", "b"), strict=True)
    rays = [np.insert(rays_of(c, as_rows("recover_pose", n, p, (2,))), 2, 1, axis=1) for c, p, n in pairs]
    motions = decompositions(as_matrix3("recover_pose", "essential", essential))
    for number_, (rotation, translation) in enumerate(motions, 1):
        z1, z2 = _depths(rotation, translation, *rays)
        front = int(np.sum((z1 > 0) & (z2 > 0)))
        scene = scene_of(z1[:, None] * rays[0], np.stack([np.zeros(3), -rotation.T @ translation]))
        note = f"{front} of {len(z1)} pairs meet in front of both cameras (orange)."
        yield Step(f"motion {number_}", Cloud(scene), note=note)
    z1, _ = _depths(found.rotation, found.translation, *rays)
    scene = scene_of(
        (z1[:, None] * rays[0])[found.mask], np.stack([np.zeros(3), -found.rotation.T @ found.translation])
    )
    yield Step("pose", Value(found), Cloud(scene), note="The motion that has most pairs in front of both.")


def decompositions(essential: Array) -> list[tuple[Array, Array]]:
    """Return the four pairs of rotation and translation (of length 1) that an essential matrix stands for."""
    left, _, right = np.linalg.svd(essential)
    left, right = left * np.sign(np.linalg.det(left)), right * np.sign(np.linalg.det(right))
    quarter = np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1.0]])
    turns = left @ quarter @ right, left @ quarter.T @ right
    return [(turn, sign * left[:, 2]) for turn in turns for sign in (1, -1)]


def _in_front(rotation: Array, translation: Array, first: Array, second: Array, distance: float) -> Array:
    """Return which pairs meet in front of both cameras, not too far away."""
    z1, z2 = _depths(rotation, translation, first, second)
    return (z1 > 0) & (z2 > 0) & (z1 < distance) & (z2 < distance)


def _depths(rotation: Array, translation: Array, first: Array, second: Array) -> tuple[Array, Array]:
    """Return the depths of pairs of rays in both cameras: the least squares of z₂ r₂ = z₁ R r₁ + t."""
    turned = first @ rotation.T
    aa, bb, ab = (turned**2).sum(axis=1), (second**2).sum(axis=1), (turned * second).sum(axis=1)
    at, bt = turned @ translation, second @ translation
    with np.errstate(invalid="ignore", divide="ignore"):
        det = aa * bb - ab * ab
        return (ab * bt - bb * at) / det, (aa * bt - ab * at) / det


def _refuse_rotation(first: Array, second: Array, still: float) -> None:
    """Refuse pairs that a rotation alone explains (Kabsch's rotation of their directions)."""
    if len(first) < 3:
        return
    a, b = (rays / np.linalg.norm(rays, axis=1, keepdims=True) for rays in (first, second))
    left, _, right = np.linalg.svd(b.T @ a)
    rotation = left @ np.diag([1, 1, np.linalg.det(left @ right)]) @ right
    turned = first @ rotation.T
    with np.errstate(invalid="ignore", divide="ignore"):
        away = np.linalg.norm(turned[:, :2] / turned[:, 2:] - second[:, :2], axis=1)
    if np.mean(away <= max(still, 1e-9)) >= 0.95:
        raise InputError(
            f"recover_pose: a and b must be seen from two places; got {len(first)} pairs that a rotation alone "
            "explains. Move the camera sideways, or use homography."
        )
