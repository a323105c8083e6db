"""Essential matrix: how two calibrated cameras stand to one another, from five pairs.

Nistér 2004, "An Efficient Solution to the Five-Point Relative Pose Problem", IEEE PAMI 26(6); then the least Sampson
distances.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import numpy as np

from sightline.core.catalogue import method as catalogued
from sightline.core.errors import InputError
from sightline.core.trace import Step
from sightline.core.types import Array, Points, Range, Seed
from sightline.features.consensus import Fit, search
from sightline.features.models import Kind
from sightline.features.ransac import rounds_of
from sightline.geometry.camera import Camera, as_camera
from sightline.geometry.five_point import solve_five
from sightline.geometry.fundamental import EXAMPLE, unit
from sightline.geometry.homography import pairs_of
from sightline.geometry.sampson import refine_epipolar, sampson_squares
from sightline.geometry.undistort import rays_of

_CAMERA = np.array([[400, 0, 320], [0, 400, 240], [0, 0, 1.0]])


def _solve(rows: Array, picks: Array) -> Array:
    out = np.full((len(picks), 10, 9), np.nan)
    solve_five(rows, picks, out)
    return out


def _refine(matrix: Array, rows: Array) -> Array:
    return refine_epipolar(matrix.reshape(3, 3), rows, True).ravel()


def _finish(matrix: Array) -> Array:
    left, _, right = np.linalg.svd(matrix)
    return unit(left[:, :2] @ right[:2])


KIND = Kind("essential", 5, 4, (3, 3), _solve, sampson_squares, _refine, _finish)


@catalogued(
    task="two views",
    paper="Nister 2004",
    lesson="w3d5",
    example={"a": EXAMPLE[0], "b": EXAMPLE[1], "camera": _CAMERA, "threshold": 1.0},
)
def essential(
    a: Points,
    b: Points,
    camera: Camera | Array | tuple[Camera | Array, Camera | Array],
    threshold: float | None = None,
    seed: Seed = 0,
    *,
    confidence: Annotated[float, Range(0.5, 0.999999, 0.01)] = 0.999,
    iterations: Annotated[int, Range(1, 1000000, 1)] = 10000,
) -> Fit:
    """Return the essential matrix of two views: ``(rb, 1) E (ra, 1)ᵀ = 0`` for the rays of the same places.

    Views from one place agree with many matrices; :func:`sightline.geometry.recover_pose` refuses them. Points that the
    lens brings nothing to do not agree. NaN and infinity are refused.

    Parameters
    ----------
    a, b
        N×2 (x, y) each, N ≥ 5, in pixels, any real dtype: the same places in two views.
    camera
        The camera, or its 3×3 matrix; a pair of them when the views have different ones.
    threshold
        Greatest Sampson distance in pixels of a pair that agrees; None when all pairs are right.
    seed, confidence, iterations
        Of the search among wrong pairs, as in :func:`sightline.features.ransac`.

    Returns
    -------
    Fit
        Its ``model`` is the 3×3 matrix ``[t]× R`` of length 1, sign unknown, with the least Sampson distances over its
        ``inliers``.

    Raises
    ------
    InputError
        When there are too few pairs, or no matrix that they agree with.

    References
    ----------
    D. Nistér, "An Efficient Solution to the Five-Point Relative Pose Problem", IEEE Transactions on Pattern Analysis
    and Machine Intelligence 26(6), 2004.

    Examples
    --------
    >>> a, b = EXAMPLE
    >>> found = essential(a, b, _CAMERA)
    >>> np.linalg.svd(found.model)[1].round(6).tolist()
    [0.707107, 0.707107, 0.0]
    """
    rows, good, bound = _checked("essential", a, b, camera, threshold, confidence, iterations)
    # Without wrong pairs every candidate agrees with all of them; the first samples compete, the last fit decides.
    found = search("essential", KIND, rows, 1e12 if bound is None else bound, seed, "lo", confidence, iterations)
    inliers = np.zeros(len(good), bool)
    inliers[good] = found.inliers
    return Fit(found.model, inliers, found.rounds, found.cost, found.name)


@essential.steps
def _steps(a: Any, b: Any, camera: Any, threshold: Any = None, seed: Seed = 0, **options: Any) -> Iterator[Step]:
    settings: dict[str, Any] = {"confidence": 0.999, "iterations": 10000, **options}
    rows, _, bound = _checked("essential", a, b, camera, threshold, **settings)
    wide = 1e12 if bound is None else bound
    yield from rounds_of("essential", KIND, rows, wide, seed, {**settings, "method": "lo"})


def _checked(
    function: str, a: Any, b: Any, camera: Any, threshold: Any, confidence: Any, iterations: Any
) -> tuple[Array, Array, float | None]:
    """Return the rays of the pairs, which pairs have rays, and the threshold's square at depth 1."""
    rows, bound = pairs_of(function, a, b, 5, threshold, "lo", confidence, iterations)
    first, second = cameras_of(function, camera)
    rays = np.hstack([rays_of(first, rows[:, :2]), rays_of(second, rows[:, 2:])])
    good = np.all(np.isfinite(rays), axis=1)
    if good.sum() < 5:
        raise InputError(f"{function}: at least 5 pairs must lie where the lens sees; got {int(good.sum())}.")
    focal = float(np.mean([*first.focal, *second.focal]))
    return np.ascontiguousarray(rays[good]), good, None if bound is None else bound / focal**2


def cameras_of(function: str, camera: Any) -> tuple[Camera, Camera]:
    """Return the cameras of both views from one camera or a pair of them."""
    if isinstance(camera, (tuple, list)) and len(camera) == 2:
        return as_camera(function, camera[0], argument="camera[0]"), as_camera(
            function, camera[1], argument="camera[1]"
        )
    one = as_camera(function, camera)
    return one, one


essential.kind = KIND  # type: ignore[attr-defined]  # where `ransac` finds it
