"""Mesh morph: one picture turns into another while its triangles move.

Ruprecht & Müller 1995, "Image warping with scattered data interpolation", IEEE Computer Graphics and Applications
15(2); Goshtasby 1986, "Piecewise linear mapping functions for image registration", Pattern Recognition 19(6), for the
triangles. The points stand between their two places, both pictures are warped there, and then mixed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import as_image, describe, number
from sightline.core.errors import InputError
from sightline.core.layers import Lines, Picture
from sightline.core.trace import Step
from sightline.core.types import Array, Image, Points, Range
from sightline.image.piecewise_affine import (
    as_pairs,
    example_grid,
    example_targets,
    sides,
    triangle_bands,
    triangles_of,
)
from sightline.image.warp import warp_by_bands


def example_mirrored(image: Any) -> Any:
    """Return the image's mirror image, for an example's second picture."""
    return image[:, ::-1].copy() if isinstance(image, np.ndarray) and image.ndim > 1 else image


_BAND = 64  # rows that are mixed at a time


@method(
    task="morphing",
    paper="Ruprecht & Müller 1995",
    lesson="w2d7",
    example={"b": example_mirrored, "points_a": example_grid, "points_b": example_targets},
)
def mesh_morph(
    a: Image,
    b: Image,
    points_a: Points,
    points_b: Points,
    t: Annotated[float, Range(0, 1, 0.05)] = 0.5,
) -> Image:
    """Return the picture that is the share ``t`` of the way from one to the other.

    The four corners of the picture belong to the points. NaN and infinity in a picture spoil the pixels that they
    reach; among the points they are refused.

    Parameters
    ----------
    a, b
        The two pictures, H×W or H×W×C of one shape and dtype; uint8, uint16 or float32.
    points_a, points_b
        N×2 ``(x, y)`` of the same N ≥ 1 things in each picture, in pixels.
    t
        0 gives ``a``, 1 gives ``b``.

    Returns
    -------
    The picture between them, same dtype.

    Raises
    ------
    InputError
        When the pictures or the lists of points do not match.

    References
    ----------
    D. Ruprecht, H. Müller, "Image warping with scattered data interpolation", IEEE Computer Graphics and Applications
    15(2), 1995.

    Examples
    --------
    >>> import numpy as np
    >>> a, b = np.zeros((2, 5, 7), np.uint8)
    >>> a[2, 2], b[2, 4] = 200, 100
    >>> mesh_morph(a, b, np.array([[2, 2]]), np.array([[4, 2]]))[2, 3]
    np.uint8(150)
    """
    a, b = as_two("mesh_morph", a, b)
    t = number("mesh_morph", "t", t, 0, 1)
    return mixed(*_warped(a, b, points_a, points_b, t)[:2], t)


@mesh_morph.steps
def _steps(a: Image, b: Image, points_a: Points, points_b: Points, t: float = 0.5) -> Iterator[Step]:
    a, b = as_two("mesh_morph", a, b)
    warped_a, warped_b, (old_a, old_b, between), triangles = _warped(a, b, points_a, points_b, t)
    yield Step("a", Picture(a), Lines(sides(old_a, triangles)))
    yield Step("b", Picture(b), Lines(sides(old_b, triangles)))
    yield Step("warped a", Picture(warped_a), Lines(sides(between, triangles)), note="To the points in between.")
    yield Step("warped b", Picture(warped_b), Lines(sides(between, triangles)), note="To the same points.")
    yield Step("mix", Picture(mesh_morph(a, b, points_a, points_b, t)), note=f"The second one counts {t:g}.")


def as_two(function: str, a: Any, b: Any) -> tuple[Array, Array]:
    """Return two images of one shape and dtype, or raise."""
    a = as_image(function, a, argument="a", channels=())
    b = as_image(function, b, argument="b", channels=())
    if a.shape != b.shape or a.dtype != b.dtype:
        raise InputError(f"{function}: b must have the shape and dtype of a; got {describe(a)} and {describe(b)}.")
    return a, b


def mixed(a: Array, b: Array, t: float) -> Array:
    """Return (1 − t) · a + t · b in the memory of one of them, rounded for integers; the ends exactly."""
    if t in (0.0, 1.0):
        return b if t else a
    for y in range(0, len(a), _BAND):
        rows = slice(y, y + _BAND)
        sums = a[rows].astype(np.float32)
        sums *= np.float32(1 - t)
        sums += b[rows].astype(np.float32) * np.float32(t)
        a[rows] = sums if a.dtype == np.float32 else np.rint(sums, out=sums)
    return a


def _warped(
    a: Array, b: Array, points_a: Any, points_b: Any, t: float
) -> tuple[Array, Array, tuple[Array, ...], Array]:
    """Return both pictures at the points in between, the points of all three, and the triangles."""
    old_a, old_b = as_pairs("mesh_morph", points_a, points_b, 1, ("points_a", "points_b"))
    height, width = a.shape[:2]
    corners = np.array([(0, 0), (width - 1, 0), (0, height - 1), (width - 1, height - 1)], np.float64)
    old_a, old_b = np.concatenate([old_a, corners]), np.concatenate([old_b, corners])
    between = (1 - t) * old_a + t * old_b
    between = np.where(np.abs(old_a - old_b) < 1e-12, old_a, between)  # the corners stay where they are
    triangles = triangles_of("mesh_morph", "points and corners", between)
    bands = (triangle_bands(old, between, triangles, width) for old in (old_a, old_b))
    shape = height, width
    warped = [
        warp_by_bands("mesh_morph", picture, band, shape, "bilinear", "constant", 0)
        for picture, band in zip((a, b), bands, strict=True)
    ]
    return warped[0], warped[1], (old_a, old_b, between), triangles
