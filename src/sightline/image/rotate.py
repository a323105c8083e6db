"""Rotation about a point, by any angle, in a frame of the same size or one that holds all of the turned image.

Wolberg 1990, "Digital Image Warping", IEEE Computer Society Press, section 3.3 (affine maps).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import numpy as np

from sightline.core.catalogue import method as catalogued
from sightline.core.checks import array_of, as_image, describe, flag, number
from sightline.core.errors import InputError
from sightline.core.layers import Picture, Points, Table
from sightline.core.trace import Step
from sightline.core.types import Array, Choice, Image, NewImage, Range
from sightline.image.sampling import sample, sampled

_EXACT = 1e-12  # a sine or cosine as near as that to 0 is 0: quarter turns move whole pixels


@catalogued(task="sampling", paper="Wolberg 1990", lesson="w1d3", example={"angle": 0.5})
def rotate(
    image: Image,
    angle: Annotated[float, Range(-2 * math.pi, 2 * math.pi, 0.05)],
    *,
    center: tuple[float, float] | None = None,
    scale: Annotated[float, Range(0.05, 20, 0.05)] = 1.0,
    expand: bool = False,
    method: Annotated[str, Choice("nearest", "bilinear", "bicubic")] = "bilinear",
    border: Annotated[str, Choice("constant", "reflect", "symmetric", "edge", "wrap")] = "constant",
    value: float | Sequence[float] = 0.0,
    out: Array | None = None,
) -> NewImage:
    """Return the image turned about a point.

    Quarter turns about the middle move whole pixels when the frame may grow. To turn a page straight whose lines run at
    an angle, rotate by minus that angle. NaN and infinity spoil the new pixels whose window holds them.

    Parameters
    ----------
    image
        H×W or H×W×C; uint8, uint16 or float32.
    angle
        In radians, finite; positive from the x axis towards the y axis: with the clock, as one sees the picture. (In
        OpenCV, scikit-image and Pillow it is degrees against the clock.)
    center
        (x, y) that stays where it is, in pixels; None for the middle of the image. Not with ``expand``.
    scale
        Factor of size, above 0.
    expand
        Return all of the turned image, in a frame as large as it needs, rather than a frame of the image's size.
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
    The turned image, same dtype. Integers are rounded and clipped, floats may overshoot with ``bicubic``.

    Raises
    ------
    InputError
        When both a centre and a frame that grows are asked for, or the frame would be too large.

    References
    ----------
    G. Wolberg, "Digital Image Warping", IEEE Computer Society Press, 1990.

    Examples
    --------
    >>> import math, numpy as np
    >>> rotate(np.array([[1, 2, 3]], np.uint8), math.pi / 2, expand=True)
    array([[1],
           [2],
           [3]], dtype=uint8)
    """
    image = as_image("rotate", image, channels=())
    matrix, shape = _turn(image, angle, center, scale, expand)
    result = sampled("rotate", image, shape, out)
    inverse = np.linalg.inv(np.vstack([matrix, (0, 0, 1)]))
    return sample("rotate", image, result, method, border, value, matrix=inverse)


@rotate.steps
def _steps(
    image: Image, angle: float, *, center: Any = None, scale: float = 1.0, expand: bool = False, **options: Any
) -> Iterator[Step]:
    image = as_image("rotate", image, channels=())
    matrix, shape = _turn(image, angle, center, scale, expand)
    fixed = np.array([_middle(image.shape) if center is None else center], np.float32)
    yield Step("image", Picture(image), Points(fixed), note="What it is turned about.")
    yield Step("matrix", Table(matrix), note=f"From old points to new ones, in a frame of {shape[0]}×{shape[1]}.")
    turned = rotate(image, angle, center=center, scale=scale, expand=expand, **options)
    yield Step("rotated", Picture(turned))


def _middle(shape: tuple[int, ...]) -> tuple[float, float]:
    return (shape[1] - 1) / 2, (shape[0] - 1) / 2


def _turn(image: Array, angle: Any, center: Any, scale: Any, expand: Any) -> tuple[Array, tuple[int, int]]:
    """Return the 2×3 matrix from old to new points, and the height and width of the new frame."""
    angle = number("rotate", "angle", angle, -1e6, 1e6, unit="radians")
    scale = number("rotate", "scale", scale, 0, 1e6, above=0)
    expand = flag("rotate", "expand", expand)
    c, s = (0.0 if abs(part) < _EXACT else part for part in (math.cos(angle), math.sin(angle)))
    c, s = (float(round(part)) if abs(abs(part) - 1) < _EXACT else part for part in (c, s))
    height, width = image.shape[:2]
    x, y = _middle(image.shape)
    if center is not None:
        if expand:
            raise InputError("rotate: center must be None where expand is True: all of the image is in the frame.")
        if array_of(center).shape != (2,):
            raise InputError(f"rotate: center must be (x, y); got {describe(center)}.")
        x, y = (number("rotate", f"center[{i}]", part, -1e6, 1e6, unit="pixels") for i, part in enumerate(center))
    new_x, new_y = x, y
    if expand:
        wide, tall = (
            scale * (width * abs(c) + height * abs(s)),
            scale * (width * abs(s) + height * abs(c)),
        )
        height, width = (max(1, math.ceil(side - 1e-6)) for side in (tall, wide))
        new_x, new_y = (width - 1) / 2, (height - 1) / 2
    c, s = scale * c, scale * s
    return np.array([[c, -s, new_x - c * x + s * y], [s, c, new_y - s * x - c * y]]), (height, width)
