"""Piecewise affine warp: points pull the image along, triangle by triangle.

Goshtasby 1986, "Piecewise linear mapping functions for image registration", Pattern Recognition 19(6): the new points
are joined to triangles (Delaunay), and each triangle is filled from the old one by the affine map between the two.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import numpy as np
from scipy.spatial import Delaunay, QhullError

from sightline.core.buffers import empty
from sightline.core.catalogue import method as catalogued
from sightline.core.checks import as_image, describe, size_2d
from sightline.core.errors import InputError
from sightline.core.kernels import kernel
from sightline.core.layers import Lines, Picture
from sightline.core.trace import Step
from sightline.core.types import Array, Choice, Image, NewImage, Points
from sightline.image.sampling import sampled
from sightline.image.warp import Band, warp_by_bands


def example_grid(image: Any) -> Array:
    """Return a grid of 3×3 points over the image, for an example."""
    height, width = image.shape[:2] if isinstance(image, np.ndarray) and image.ndim > 1 else (48, 64)
    return np.array([(x, y) for y in (0, 0.5, 1) for x in (0, 0.5, 1)]) * (width - 1, height - 1)


def example_targets(image: Any) -> Array:
    """Return the same grid with its middle drawn to the upper left."""
    points = example_grid(image)
    points[4] *= 0.7
    return points


@catalogued(
    task="sampling", paper="Goshtasby 1986", lesson="w2d7", example={"points": example_grid, "targets": example_targets}
)
def piecewise_affine(
    image: Image,
    points: Points,
    targets: Points,
    shape: tuple[int, int] | None = None,
    *,
    method: Annotated[str, Choice("nearest", "bilinear", "bicubic")] = "bilinear",
    value: float | Sequence[float] = 0.0,
    out: Array | None = None,
) -> NewImage:
    """Return the image with every point moved to its target and each triangle between them moved along.

    NaN and infinity in the image spoil the new pixels whose window holds them; among the points they are refused.

    Parameters
    ----------
    image
        H×W or H×W×C; uint8, uint16 or float32.
    points
        N×2 ``(x, y)`` in the image, in pixels, N ≥ 3.
    targets
        N×2, where they are in the result; not all on a line.
    shape
        ``(height, width)`` of the result in pixels; None for the image's own.
    method
        ``nearest``, ``bilinear`` or ``bicubic``.
    value
        Outside the targets' convex hull and beyond the image, in its units: a number, or one for each channel.
    out
        Array to write to, of the result's shape and the image's dtype; None for a new one.

    Returns
    -------
    The warped image, same dtype.

    Raises
    ------
    InputError
        When there are too few points, or the targets lie on a line.

    References
    ----------
    A. Goshtasby, "Piecewise linear mapping functions for image registration", Pattern Recognition 19(6), 1986.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.arange(9, dtype=np.uint8).reshape(3, 3) * 10
    >>> corners = np.array([[0, 0], [2, 0], [0, 2], [2, 2]])
    >>> piecewise_affine(image, corners, corners[:, ::-1])
    array([[ 0, 30, 60],
           [10, 40, 70],
           [20, 50, 80]], dtype=uint8)
    """
    image = as_image("piecewise_affine", image, channels=())
    pair = as_pairs("piecewise_affine", points, targets, 3)
    size = image.shape[:2] if shape is None else size_2d("piecewise_affine", "shape", shape)
    sampled("piecewise_affine", image, size, None)
    band = triangle_bands(*pair, triangles_of("piecewise_affine", "targets", pair[1]), size[1])
    return warp_by_bands("piecewise_affine", image, band, size, method, "constant", value, out)


@piecewise_affine.steps
def _steps(image: Image, points: Points, targets: Points, shape: Any = None, **options: Any) -> Iterator[Step]:
    image = as_image("piecewise_affine", image, channels=())
    old, new = as_pairs("piecewise_affine", points, targets, 3)
    triangles = triangles_of("piecewise_affine", "targets", new)
    result = piecewise_affine(image, points, targets, shape, **options)
    yield Step("triangles", Picture(image), Lines(sides(old, triangles)), note="Where each one comes from.")
    yield Step("moved", Picture(result), Lines(sides(new, triangles)), note="Delaunay triangles of the targets.")
    yield Step("warped", Picture(result))


def as_points(function: str, argument: str, points: Any, least: int) -> Array:
    """Return finite points as N×2 float64, N ≥ ``least``, or raise."""
    if not isinstance(points, np.ndarray) or points.ndim != 2 or points.shape[1] != 2 or points.dtype.kind not in "iuf":
        raise InputError(f"{function}: {argument} must be N×2 of (x, y); got {describe(points)}.")
    if len(points) < least:
        raise InputError(f"{function}: {argument} must hold at least {least} points; got {len(points)}.")
    points = points.astype(np.float64)
    if not (np.abs(points) < 1e7).all():
        raise InputError(f"{function}: {argument} must be finite and below 10⁷ pixels; got NaN, infinity or more.")
    return points


def as_pairs(
    function: str, points: Any, targets: Any, least: int, names: tuple[str, str] = ("points", "targets")
) -> tuple[Array, Array]:
    """Return two equally long lists of points as float64, or raise."""
    pair = as_points(function, names[0], points, least), as_points(function, names[1], targets, least)
    if len(pair[0]) != len(pair[1]):
        counts = " and ".join(str(len(points)) for points in pair)
        raise InputError(f"{function}: {names[1]} must be as many as {names[0]}; got {counts}.")
    return pair


def triangles_of(function: str, argument: str, points: Array) -> Array:
    """Return the Delaunay triangles of points as M×3 indices, or raise when they lie on a line."""
    try:
        return Delaunay(points).simplices
    except QhullError:
        raise InputError(f"{function}: {argument} must not all lie on a line; got {len(points)} that do.") from None


def sides(points: Array, triangles: Array) -> Array:
    """Return the sides of triangles as segments, 3M×4."""
    corners = points[triangles]
    return np.concatenate([np.hstack([corners[:, i], corners[:, (i + 1) % 3]]) for i in range(3)]).astype(np.float32)


def triangle_bands(old: Array, new: Array, triangles: Array, width: int) -> Band:
    """Return what tells where the pixels of rows come from, rows×width×2 float32; NaN outside the triangles."""
    corners = new[triangles]
    # Old point = affine · (x, y, 1): six numbers for each triangle, from its three corners.
    square = np.concatenate([corners, np.ones((len(corners), 3, 1))], axis=2)
    solid = np.abs(np.linalg.det(square)) > 1e-12
    affine = np.linalg.solve(square[solid], old[triangles[solid]]).transpose(0, 2, 1).copy()
    corners = np.ascontiguousarray(corners[solid])

    def band(y0: int, y1: int) -> Array:
        field = empty((y1 - y0, width, 2), np.float32)
        field.fill(np.nan)
        _fill(corners, affine, field, y0, y1)
        return field

    return band


@kernel
def _fill(corners, affine, field, y0, y1):
    """Write the positions of the pixels of rows ``y0`` to ``y1``, the field's, that lie in or on a triangle."""
    width, slack = field.shape[1], 1e-9
    for k in range(len(corners)):
        top = min(corners[k, 0, 1], corners[k, 1, 1], corners[k, 2, 1])
        bottom = max(corners[k, 0, 1], corners[k, 1, 1], corners[k, 2, 1])
        first = max(float(y0), np.ceil(top - slack))
        for y in range(int(first), int(min(float(y1 - 1), np.floor(bottom + slack))) + 1):
            left, right = 1e9, -1e9
            for i in range(3):  # where the row cuts each side
                ax, ay = corners[k, i]
                bx, by = corners[k, (i + 1) % 3]
                if min(ay, by) - slack <= y <= max(ay, by) + slack:
                    share = min(max((y - ay) / (by - ay), 0.0), 1.0) if by != ay else 0.0
                    cut = ax + share * (bx - ax)
                    left, right = min(left, cut), max(right, cut)
                    if by == ay:
                        left, right = min(left, bx), max(right, bx)
            a = affine[k]
            for x in range(int(max(0.0, np.ceil(left - slack))), int(min(width - 1.0, np.floor(right + slack))) + 1):
                field[y - y0, x, 0] = a[0, 0] * x + a[0, 1] * y + a[0, 2]
                field[y - y0, x, 1] = a[1, 0] * x + a[1, 1] * y + a[1, 2]
