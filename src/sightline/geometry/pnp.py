"""Pose of a camera from points whose places in space are known.

Lepetit, Moreno-Noguer & Fua 2009, "EPnP", International Journal of Computer Vision 81(2); three points by Grunert 1841;
planes by their homography, Zhang 2000, "A Flexible New Technique for Camera Calibration", IEEE PAMI 22(11); the least
distances in the picture by Levenberg 1944 and Marquardt 1963.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from jaxtyping import Real

from sightline.core.catalogue import method as catalogued
from sightline.core.checks import choice, integer, number
from sightline.core.errors import InputError
from sightline.core.layers import Cloud, Lines, Picture, Value
from sightline.core.layers import Points as Dots
from sightline.core.trace import Step
from sightline.core.types import Array, Choice, Points, Range, Seed
from sightline.features.consensus import search
from sightline.geometry.camera import Camera, as_camera
from sightline.geometry.epnp import epnp
from sightline.geometry.linear_pose import Moments, linear_pose, moments_of
from sightline.geometry.p3p import p3p, pose_kind, ray_squares
from sightline.geometry.points3 import as_rows
from sightline.geometry.project import project_checked
from sightline.geometry.refine_pose import refined_pose, squared_distances
from sightline.geometry.sheets import scene_of, sheet_for
from sightline.geometry.undistort import rays_of
from sightline.image.fit_transform import fit

METHODS = ("iterative", "epnp", "p3p")
_FLAT = 1e-3  # share of its length by which a scene may be thick and is still taken for a plane
_MANY, _THICK = 20, 0.05  # points and share from which linear equations are a good start
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
    lens, world, pixels, rows, moments = _checked(points3, points2, camera, method, threshold, confidence, iterations)
    chosen: Any = slice(None)
    if threshold is None:
        pose = closed_form(rows, method, moments)
    else:
        bound = (threshold / float(np.mean(lens.focal))) ** 2
        found = search("pnp", _KIND, rows, bound, seed, "lo", confidence, iterations)
        pose, chosen = found.model, found.inliers
        if method != "iterative" and np.count_nonzero(chosen) >= 4:
            pose = closed_form(rows[chosen], method)
    if method == "iterative":
        pose, square = refined_pose(pose, world[chosen], pixels[chosen], lens)
    else:
        square = squared_distances(pose, world[chosen], pixels[chosen], lens)
    return _finished(pose, square, chosen, len(world))


@pnp.steps
def _steps(
    points3: Any,
    points2: Any,
    camera: Any,
    method: str = "iterative",
    threshold: Any = None,
    seed: Seed = 0,
    **rest: Any,
) -> Iterator[Step]:
    found = pnp(points3, points2, camera, method, threshold, seed, **rest)
    options = {"confidence": 0.999, "iterations": 10000, **rest}
    lens, world, pixels, rows, _ = _checked(points3, points2, camera, method, threshold, **options)
    sheet, placed = sheet_for(pixels)
    yield Step("seen", Picture(sheet), Dots(placed(pixels)), note="Where the camera sees the points.")
    chosen = found.inliers
    if threshold is not None:
        note = f"{int(chosen.sum())} of {len(chosen)} points agree with the best pose of three of them."
        yield Step("agree", Picture(sheet), Dots(placed(pixels[chosen])), note=note)
    if method == "iterative" and chosen.sum() >= 4:
        start = closed_form(rows[chosen], "epnp")
        away = project_checked(lens, world[chosen] @ start[:9].reshape(3, 3).T + start[9:])
        layers = (
            Dots(placed(pixels[chosen])),
            Lines(placed(np.hstack([pixels[chosen], away]).reshape(-1, 2)).reshape(-1, 4)),
        )
        yield Step("closed form", Picture(sheet), *layers, note="Where a pose without a search would see them.")
    away = project_checked(lens, world[chosen] @ found.rotation.T + found.translation)
    lines = placed(np.hstack([pixels[chosen], away]).reshape(-1, 2)).reshape(-1, 4)
    layers = Picture(sheet), Dots(placed(pixels[chosen])), Lines(lines), Cloud(scene_of(world, found.center[None]))
    yield Step("pose", Value(found), *layers, note=f"{found.error:.3f} pixels (RMS) off; the camera is orange.")


def _checked(
    points3: Any, points2: Any, camera: Any, method: Any, threshold: Any, confidence: Any, iterations: Any
) -> tuple[Camera, Array, Array, Array, Moments]:
    world, pixels = as_rows("pnp", "points3", points3, (3,), least=4), as_rows("pnp", "points2", points2, (2,), least=4)
    if len(world) != len(pixels):
        raise InputError(f"pnp: points2 must be as many as points3; got {len(pixels)} and {len(world)}.")
    lens = as_camera("pnp", camera)
    choice("pnp", "method", method, METHODS)
    if threshold is not None:
        number("pnp", "threshold", threshold, above=0, unit="pixels")
    number("pnp", "confidence", confidence, 0.5, 0.999999)
    integer("pnp", "iterations", iterations, 1, 1000000)
    rays = rays_of(lens, pixels)
    rows = np.hstack([rays, world])
    moments = moments_of(rows)
    sizes = moments.sizes
    if not sizes[1] > 1e-9 * max(sizes[0], np.abs(world).max() * 1e-3):
        raise InputError(f"pnp: points3 must not lie on a line or in one place; got {len(world)} that do.")
    if not np.isfinite(rays).all():
        raise InputError(
            f"pnp: points2 must lie where the lens sees; got {int((~np.isfinite(rays).all(axis=1)).sum())} beyond it."
        )
    return lens, world, pixels, rows, moments


def _finished(pose: Array, square: float, chosen: Any, count: int) -> CameraPose:
    inliers = np.zeros(count, bool)
    inliers[chosen] = True
    mean = square / max(np.count_nonzero(inliers), 1)
    if not np.isfinite(pose).all() or not np.isfinite(mean):
        raise InputError(f"pnp: points must lie in front of a camera; got {count} that no pose explains.")
    return CameraPose(pose[:9].reshape(3, 3).copy(), pose[9:].copy(), inliers, float(np.sqrt(mean)))


def closed_form(rows: Array, method: str, moments: Moments | None = None) -> Array:
    """Return a pose (12 numbers) of rows (ray x, y, and X, Y, Z) without a search."""
    moments = moments or moments_of(rows)
    sizes = moments.sizes
    flat = sizes[2] <= _FLAT * sizes[0]
    if method == "iterative" and len(rows) >= _MANY and sizes[2] > _THICK * sizes[0]:
        return linear_pose(moments)
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


_PLAIN = Camera(np.eye(3))


def _refine_rays(pose: Array, rows: Array) -> Array:
    return refined_pose(pose, rows[:, 2:], rows[:, :2], _PLAIN)[0] if len(rows) > 3 else pose


_KIND = pose_kind(_refine_rays)
