"""Warp by a matrix: each new pixel is fetched from where the inverse matrix says that it was.

Wolberg 1990, "Digital Image Warping", IEEE Computer Society Press, chapter 3 (affine and perspective maps, inverse
mapping); Keys 1981, "Cubic convolution interpolation for digital image processing", for bicubic.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Annotated, Any

import numpy as np

from sightline.core.buffers import empty
from sightline.core.catalogue import method as catalogued
from sightline.core.checks import array_of, as_image, describe
from sightline.core.conversions import to_float
from sightline.core.errors import InputError
from sightline.core.layers import Lines, Picture, Table
from sightline.core.trace import Step
from sightline.core.types import Array, Choice, Image, NewImage
from sightline.image.sampling import sample, sampled

_TURN = np.array([[0.96, -0.28, 8.0], [0.28, 0.96, -6.0]])
_TILT = np.array([[1.0, 0.1, 2.0], [0.05, 0.9, 3.0], [1e-3, 5e-4, 1.0]])


@catalogued(task="sampling", paper="Wolberg 1990", lesson="w1d3", example={"matrix": _TURN, "shape": (48, 64)})
def warp_affine(
    image: Image,
    matrix: Array,
    shape: tuple[int, int] | None = None,
    *,
    method: Annotated[str, Choice("nearest", "bilinear", "bicubic")] = "bilinear",
    border: Annotated[str, Choice("constant", "reflect", "symmetric", "edge", "wrap")] = "constant",
    value: float | Sequence[float] = 0.0,
    out: Array | None = None,
) -> NewImage:
    """Return the image moved by an affine map: turned, scaled, sheared, shifted.

    The matrix maps points of the image to points of the result, new = A · old + b; its inverse is taken here. Whole
    shifts and the identity move pixels exactly. NaN and infinity spoil the new pixels whose window holds them.

    Parameters
    ----------
    image
        H×W or H×W×C; uint8, uint16 or float32.
    matrix
        2×3, ``[A | b]`` in pixels, or 3×3 with a last row of 0 0 1; finite, and not singular.
    shape
        ``(height, width)`` of the result in pixels; None for the image's own.
    method
        ``nearest``, ``bilinear`` or ``bicubic`` (Keys's cubic with a = −¾).
    border
        What lies beyond the image: ``constant`` (``value``), ``reflect`` (2 1 | 0 1 2), ``symmetric`` (1 0 | 0 1 2),
        ``edge`` (0 0 | 0 1 2) or ``wrap`` (8 9 | 0 1 2).
    value
        Beyond a constant border, in the image's units: a number, or one for each channel.
    out
        Array to write to, of the result's shape and the image's dtype; None for a new one.

    Returns
    -------
    The warped image, same dtype. Integers are rounded and clipped, floats may overshoot with ``bicubic``.

    Raises
    ------
    InputError
        When the matrix is singular or not finite, or the shape is too large.

    References
    ----------
    G. Wolberg, "Digital Image Warping", IEEE Computer Society Press, 1990.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.array([[10, 20, 30]], np.uint8)
    >>> warp_affine(image, np.array([[1, 0, 0.5], [0, 1, 0]]), border="edge")
    array([[10, 15, 25]], dtype=uint8)
    """
    image = as_image("warp_affine", image, channels=())
    return _warp("warp_affine", image, _affine("warp_affine", matrix), shape, method, border, value, out)


@catalogued(task="sampling", paper="Wolberg 1990", lesson="w1d3", example={"matrix": _TILT, "shape": (48, 64)})
def warp_perspective(
    image: Image,
    matrix: Array,
    shape: tuple[int, int] | None = None,
    *,
    method: Annotated[str, Choice("nearest", "bilinear", "bicubic")] = "bilinear",
    border: Annotated[str, Choice("constant", "reflect", "symmetric", "edge", "wrap")] = "constant",
    value: float | Sequence[float] = 0.0,
    out: Array | None = None,
) -> NewImage:
    """Return the image seen from elsewhere: moved by a homography.

    The matrix maps points of the image to points of the result, in homogeneous coordinates and up to scale; its inverse
    is taken here. New pixels on the horizon lie beyond the border. NaN and infinity spoil the new pixels whose window
    holds them.

    Parameters
    ----------
    image
        H×W or H×W×C; uint8, uint16 or float32.
    matrix
        3×3, acting on (x, y, 1) in pixels; finite, and not singular.
    shape
        ``(height, width)`` of the result in pixels; None for the image's own.
    method
        ``nearest``, ``bilinear`` or ``bicubic`` (Keys's cubic with a = −¾).
    border
        What lies beyond the image: ``constant`` (``value``), ``reflect`` (2 1 | 0 1 2), ``symmetric`` (1 0 | 0 1 2),
        ``edge`` (0 0 | 0 1 2) or ``wrap`` (8 9 | 0 1 2).
    value
        Beyond a constant border, in the image's units: a number, or one for each channel.
    out
        Array to write to, of the result's shape and the image's dtype; None for a new one.

    Returns
    -------
    The warped image, same dtype. Integers are rounded and clipped, floats may overshoot with ``bicubic``.

    Raises
    ------
    InputError
        When the matrix is singular or not finite, or the shape is too large.

    References
    ----------
    G. Wolberg, "Digital Image Warping", IEEE Computer Society Press, 1990.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.array([[10, 20, 30]], np.uint8)
    >>> warp_perspective(image, np.array([[2, 0, 0], [0, 1, 0], [0, 0, 1]]), (1, 5))
    array([[10, 15, 20, 25, 30]], dtype=uint8)
    """
    image = as_image("warp_perspective", image, channels=())
    return _warp("warp_perspective", image, homography("warp_perspective", matrix), shape, method, border, value, out)


@warp_affine.steps
def _affine_steps(image: Image, matrix: Array, shape: Any = None, **options: Any) -> Iterator[Step]:
    yield from _steps("warp_affine", warp_affine, image, _affine("warp_affine", matrix), matrix, shape, options)


@warp_perspective.steps
def _perspective_steps(image: Image, matrix: Array, shape: Any = None, **options: Any) -> Iterator[Step]:
    forward = homography("warp_perspective", matrix)
    yield from _steps("warp_perspective", warp_perspective, image, forward, matrix, shape, options)


def _steps(
    name: str, function: Any, image: Image, forward: Array, matrix: Array, shape: Any, options: dict[str, Any]
) -> Iterator[Step]:
    image = as_image(name, image, channels=())
    yield Step("image", Picture(image))
    yield Step("inverse", Table(np.linalg.inv(forward)), note="From a new pixel to the old one.")
    result = function(image, matrix, shape, **options)
    yield Step("fetched from", Picture(image), Lines(_outline(result.shape, forward)), note="The new image's frame.")
    yield Step("warped", Picture(result))


def _outline(shape: tuple[int, ...], forward: Array) -> Array:
    """Return the four sides of the result, N×4, in the image's points."""
    height, width = shape[:2]
    corners = np.array([(0, 0, 1), (width - 1, 0, 1), (width - 1, height - 1, 1), (0, height - 1, 1)], np.float64)
    moved = np.linalg.solve(forward, corners.T)
    points = np.nan_to_num((moved[:2] / moved[2]).T).clip(-1e5, 1e5).astype(np.float32)
    return np.hstack([points, np.roll(points, -1, axis=0)])


def _warp(name: str, image: Array, forward: Array, shape: Any, method: str, border: str, value: Any, out: Any) -> Array:
    result = sampled(name, image, shape, out)
    return sample(name, image, result, method, border, value, matrix=_inverse(forward))


def _inverse(forward: Array) -> Array:
    inverse = np.linalg.inv(forward)
    if not inverse[2, :2].any():
        inverse /= inverse[2, 2]  # a multiple of the identity is the identity
    return inverse


def warp_to_float(function: str, image: Array, matrix: Array, shape: tuple[int, int], border: str = "edge") -> Array:
    """Return what :func:`warp_perspective` makes of ``to_float(image)``, of which bytes are never held as a whole.

    Parameters
    ----------
    function
        Name for the errors' sentences.
    image
        H×W or H×W×C, checked.
    matrix
        3×3, from points of the image to those of the result.
    shape
        Height and width of the result.
    border
        ``edge``, ``reflect`` or ``wrap``.
    """
    forward = homography(function, matrix)
    if image.dtype != np.uint8:
        return _warp(function, to_float(image), forward, shape, "bilinear", border, 0.0, None)
    result = empty((*shape, *image.shape[2:]), np.float32)
    return sample(function, image, result, "bilinear", border, 0.0, matrix=_inverse(forward))


def _affine(function: str, matrix: Any) -> Array:
    """Return a 2×3 or 3×3 affine matrix as 3×3 float64, or raise."""
    if array_of(matrix).shape not in ((2, 3), (3, 3)):
        raise InputError(f"{function}: matrix must be 2×3, or 3×3 with a last row of 0 0 1; got {describe(matrix)}.")
    full = homography(function, [*np.asarray(matrix).tolist(), [0.0, 0.0, 1.0]] if len(matrix) == 2 else matrix)
    last = full[2].tolist()
    if not (abs(last[0]) <= 1e-12 and abs(last[1]) <= 1e-12 and abs(last[2] - 1) <= 1e-5):
        raise InputError(f"{function}: matrix must have a last row of 0 0 1; got {last}. Use warp_perspective.")
    return full


def homography(function: str, matrix: Any, argument: str = "matrix") -> Array:
    """Return a finite, invertible 3×3 matrix as float64, or raise."""
    if not isinstance(matrix, (np.ndarray, list, tuple)) or array_of(matrix).shape != (3, 3):
        raise InputError(f"{function}: {argument} must be 3×3; got {describe(matrix)}.")
    array = np.asarray(matrix)
    if array.dtype.kind not in "iuf":
        raise InputError(f"{function}: {argument} must hold numbers; got {describe(array)}.")
    array = array.astype(np.float64)
    rows = array.tolist()
    if not all(map(math.isfinite, chain(*rows))):
        raise InputError(f"{function}: {argument} must be finite; got {rows}.")
    # Rows and columns of length 1: what is left is singular in itself, not for its units.
    even = _of_length_one(zip(*_of_length_one(rows), strict=True))
    (a, b, c), (d, e, f), (g, h, i) = even
    determinant = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)
    # It is the product of three singular values, of which none is above √3: a glance is mostly enough.
    if not abs(determinant) > 1e-11 and np.linalg.svd(np.array(even), compute_uv=False)[-1] < 1e-12:
        raise InputError(f"{function}: {argument} must not be singular; got {rows}, which flattens the image.")
    return array


def _of_length_one(rows: Iterable[Sequence[float]]) -> list[list[float]]:
    # Nine numbers: NumPy would take ten times as long.
    return [[x / (math.hypot(*row) or 1.0) for x in row] for row in rows]
