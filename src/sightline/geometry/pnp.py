"""Pose of a camera from points whose places in space are known.

Lepetit, Moreno-Noguer & Fua 2009, "EPnP", International Journal of Computer Vision 81(2); three points by Grunert 1841;
planes by their homography, Zhang 2000, "A Flexible New Technique for Camera Calibration", IEEE PAMI 22(11); the least
distances in the picture by Levenberg 1944 and Marquardt 1963.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from jaxtyping import Real

from sightline.core.catalogue import method as catalogued
from sightline.core.checks import choice, integer, number
from sightline.core.errors import InputError
from sightline.core.types import Array, Choice, Points, Range, Seed
from sightline.features.consensus import search
from sightline.geometry.camera import Camera, as_camera
from sightline.geometry.distortion import bend_slopes
from sightline.geometry.epnp import epnp
from sightline.geometry.p3p import p3p, pose_kind, ray_squares
from sightline.geometry.points3 import as_rows
from sightline.geometry.project import project_checked
from sightline.geometry.rodrigues import matrix_of
from sightline.geometry.undistort import rays_of
from sightline.image.fit_transform import fit

METHODS = ("iterative", "epnp", "p3p")
_FLAT = 1e-3  # share of its length by which a scene may be thick and is still taken for a plane
_CAMERA = Camera(np.array([[500, 0, 320], [0, 500, 240], [0, 0, 1.0]]))
_WORLD = np.array([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (0, 0.5)], float)
_SEEN = project_checked(_CAMERA, _WORLD + np.array([0.2, 0.1, 5]))


@dataclass(frozen=True, eq=False)
class CameraPose:
    """Where a camera stands.

    Parameters
    ----------
    rotation
        3×3 float64, from the world's axes to the camera's.
    translation
        3 float64: where the camera sees the world's origin, in the unit of the points.
    inliers
        N bool: points that agree.
    error
        Root of the mean squared distance of those points in the picture, in pixels.
    """

    rotation: Array
    translation: Array
    inliers: Array
    error: float

    @property
    def center(self) -> Array:
        """Where the camera is in the world, 3 float64."""
        return -self.rotation.T @ self.translation

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "rotation": self.rotation.tolist(),
            "translation": self.translation.tolist(),
            "inliers": np.flatnonzero(self.inliers).tolist(),
            "error": self.error,
        }


@catalogued(
    task="pose",
    paper="Lepetit 2009",
    lesson="w3d4",
    example={"points3": _WORLD, "points2": _SEEN, "camera": _CAMERA},
)
def pnp(
    points3: Real[np.ndarray, "n 3"],
    points2: Points,
    camera: Camera | Array,
    method: Annotated[str, Choice(*METHODS)] = "iterative",
    threshold: float | None = None,
    seed: Seed = 0,
    *,
    confidence: Annotated[float, Range(0.5, 0.999999, 0.01)] = 0.999,
    iterations: Annotated[int, Range(1, 1000000, 1)] = 10000,
) -> CameraPose:
    """Return the pose of a camera that sees known points at given places of its picture.

    NaN and infinity are refused.

    Parameters
    ----------
    points3
        N×3 (x, y, z), N ≥ 4, not on a line; any real dtype and unit of length. They may lie on a plane.
    points2
        N×2 (x, y) in pixels: where the camera sees them.
    camera
        The camera, or its 3×3 matrix.
    method
        ``iterative`` makes the distances in the picture least, lens included; ``epnp`` is the closed form alone (on a
        plane: of its homography), ``p3p`` that of three points, the others choose among its solutions.
    threshold
        Greatest distance in pixels of a point that agrees; None when all are right. Samples of three points are drawn,
        and ``method`` is that of the last fit.
    seed, confidence, iterations
        Of the search among wrong points, as in :func:`sightline.features.ransac`.

    Returns
    -------
    CameraPose
        Rotation and translation from the world to the camera, the points that agree, and their error.

    Raises
    ------
    InputError
        When there are too few points, they lie on a line, or no pose explains them.

    References
    ----------
    V. Lepetit, F. Moreno-Noguer, P. Fua, "EPnP: An Accurate O(n) Solution to the PnP Problem", International Journal of
    Computer Vision 81(2), 2009.

    Examples
    --------
    >>> pose = pnp(_WORLD, _SEEN, _CAMERA)
    >>> pose.translation.round(6).tolist()
    [0.2, 0.1, 5.0]
    """
    lens, world, pixels, rows = _checked(points3, points2, camera, method, threshold, confidence, iterations)
    chosen = np.ones(len(rows), bool)
    start = None
    if threshold is not None:
        scale = float(np.mean(lens.focal))
        bound = (threshold / scale) ** 2
        found = search("pnp", _KIND, rows, bound, seed, "lo", confidence, iterations)
        start, chosen = found.model, found.inliers
    if start is None or chosen.sum() >= 4:
        start = closed_form(rows[chosen], method) if start is None or method != "iterative" else start
    if method == "iterative":
        start = refined_pose(start, world[chosen], pixels[chosen], lens)
    return _finished(start, world, pixels, lens, chosen)


def _checked(
    points3: Any, points2: Any, camera: Any, method: Any, threshold: Any, confidence: Any, iterations: Any
) -> tuple[Camera, Array, Array, Array]:
    world, pixels = as_rows("pnp", "points3", points3, (3,), least=4), as_rows("pnp", "points2", points2, (2,), least=4)
    if len(world) != len(pixels):
        raise InputError(f"pnp: points2 must be as many as points3; got {len(pixels)} and {len(world)}.")
    lens = as_camera("pnp", camera)
    choice("pnp", "method", method, METHODS)
    if threshold is not None:
        number("pnp", "threshold", threshold, above=0, unit="pixels")
    number("pnp", "confidence", confidence, 0.5, 0.999999)
    integer("pnp", "iterations", iterations, 1, 1000000)
    sizes = np.linalg.svd(world - world.mean(axis=0), compute_uv=False)
    if not sizes[1] > 1e-9 * max(sizes[0], np.abs(world).max() * 1e-3):
        raise InputError(f"pnp: points3 must not lie on a line or in one place; got {len(world)} that do.")
    rays = rays_of(lens, pixels)
    if not np.isfinite(rays).all():
        raise InputError(
            f"pnp: points2 must lie where the lens sees; got {int((~np.isfinite(rays).all(axis=1)).sum())} beyond it."
        )
    return lens, world, pixels, np.ascontiguousarray(np.hstack([rays, world]))


def _finished(pose: Array, world: Array, pixels: Array, lens: Camera, chosen: Array) -> CameraPose:
    rotation, translation = pose[:9].reshape(3, 3), pose[9:]
    away = project_checked(lens, world[chosen] @ rotation.T + translation) - pixels[chosen]
    if not np.isfinite(pose).all() or not np.isfinite(away).all():
        raise InputError(f"pnp: points must lie in front of a camera; got {len(world)} that no pose explains.")
    return CameraPose(rotation.copy(), translation.copy(), chosen, float(np.sqrt((away**2).sum(axis=1).mean())))


def closed_form(rows: Array, method: str) -> Array:
    """Return a pose (12 numbers) of rows (ray x, y, and X, Y, Z) without a search."""
    sizes = np.linalg.svd(rows[:, 2:] - rows[:, 2:].mean(axis=0), compute_uv=False)
    flat = sizes[2] <= _FLAT * sizes[0]
    if method == "p3p" or (not flat and method == "iterative" and len(rows) < 6):
        return _of_triangle(rows)
    if not flat:
        return epnp(rows)
    planar = _of_plane(rows)
    return planar if np.isfinite(planar).all() else _of_triangle(rows)


def _of_triangle(rows: Array) -> Array:
    """Return the pose of three points far from one another that suits all rows best."""
    world = rows[:, 2:]
    first = int(((world - world.mean(axis=0)) ** 2).sum(axis=1).argmax())
    second = int(((world - world[first]) ** 2).sum(axis=1).argmax())
    along = world[second] - world[first]
    third = int((np.cross(along, world - world[first]) ** 2).sum(axis=1).argmax())
    candidates = p3p(rows, np.array([[first, second, third]]))[0]
    candidates = candidates[np.isfinite(candidates).all(axis=1)]
    if not len(candidates):
        raise InputError(f"pnp: points must be seen by a camera; got {len(rows)} that no pose explains.")
    return candidates[int(ray_squares(candidates, np.ascontiguousarray(rows.T)).sum(axis=1).argmin())]


def _of_plane(rows: Array) -> Array:
    """Return the pose of points on a plane, by the homography from it to the rays."""
    middle = rows[:, 2:].mean(axis=0)
    axes = np.linalg.svd(rows[:, 2:] - middle)[2]
    axes[2] = np.cross(axes[0], axes[1])
    h = fit("homography", (rows[:, 2:] - middle) @ axes[:2].T, rows[:, :2])
    if not np.isfinite(h).all():
        return np.full(12, np.nan)
    h = h / np.sqrt(np.linalg.norm(h[:, 0]) * np.linalg.norm(h[:, 1])) * np.sign(h[2, 2])
    left, _, right = np.linalg.svd(np.column_stack([h[:, :2], np.cross(h[:, 0], h[:, 1])]))
    rotation = left @ np.diag([1, 1, np.linalg.det(left @ right)]) @ right @ axes
    return np.append(rotation.ravel(), h[:, 2] - rotation @ middle)


def refined_pose(pose: Array, world: Array, pixels: Array, lens: Camera) -> Array:
    """Return the pose with the least squared distances in the picture: damped Gauss-Newton steps of turn and shift."""
    damping, cost = 1e-4, _cost(pose, world, pixels, lens)
    for _ in range(50):
        slopes, away = _slopes(pose, world, pixels, lens)
        normal, right = slopes.T @ slopes, slopes.T @ away
        step = np.linalg.lstsq(normal + damping * np.diag(np.diag(normal)), right)[0]
        rotation = matrix_of(step[:3]) @ pose[:9].reshape(3, 3)
        new = np.append(rotation.ravel(), pose[9:] + step[3:])
        better = _cost(new, world, pixels, lens)
        if better < cost:
            done = cost - better <= 1e-14 * cost
            pose, cost, damping = new, better, damping / 10
            if done:
                break
        else:
            damping *= 10
            if damping > 1e6:
                break
    left, _, right = np.linalg.svd(pose[:9].reshape(3, 3))
    return np.append((left @ right).ravel(), pose[9:])


def _cost(pose: Array, world: Array, pixels: Array, lens: Camera) -> float:
    away = project_checked(lens, world @ pose[:9].reshape(3, 3).T + pose[9:]) - pixels
    total = float((away**2).sum())
    return total if np.isfinite(total) else np.inf


def _slopes(pose: Array, world: Array, pixels: Array, lens: Camera) -> tuple[Array, Array]:
    """Return the derivatives 2N×6 of the seen points with respect to turn and shift, and how far they are off."""
    turned = world @ pose[:9].reshape(3, 3).T
    seen = turned + pose[9:]
    depth = seen[:, 2]
    plane = np.ascontiguousarray(seen[:, :2] / depth[:, None])
    bent, slopes = bend_slopes(plane, lens.coefficients)
    down = np.zeros((len(world), 2, 3))
    down[:, 0, 0] = down[:, 1, 1] = 1 / depth
    down[:, :, 2] = -plane / depth[:, None]
    of_points = lens.matrix[:2, :2] @ slopes @ down
    cross = np.zeros((len(world), 3, 3))  # d (R X) / d turn = −[R X]×
    x, y, z = turned.T
    cross[:, 0, 1], cross[:, 0, 2], cross[:, 1, 2] = z, -y, x
    cross[:, 1, 0], cross[:, 2, 0], cross[:, 2, 1] = -z, y, -x
    away = pixels - (bent @ lens.matrix[:2, :2].T + lens.matrix[:2, 2])
    return np.concatenate([of_points @ cross, of_points], axis=2).reshape(-1, 6), away.ravel()


_PLAIN = Camera(np.eye(3))


def _refine_rays(pose: Array, rows: Array) -> Array:
    return refined_pose(pose, rows[:, 2:], rows[:, :2], _PLAIN) if len(rows) > 3 else pose


_KIND = pose_kind(_refine_rays)
