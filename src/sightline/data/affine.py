"""Random affine maps: a little turned, shifted, larger, sheared.

Simard, Steinkraus, Platt 2003, "Best practices for convolutional neural networks applied to visual document analysis".
"""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import as_image, choice, number
from sightline.core.seeds import generator
from sightline.core.types import Choice, Image, Range, Seed
from sightline.data.map_image import BORDERS, map_image
from sightline.data.move import Move


def affine(
    image: Image,
    *,
    angle: Annotated[float, Range(-math.pi, math.pi)] = 0.0,
    shift: tuple[float, float] = (0.0, 0.0),
    scale: Annotated[float, Range(0.05, 20)] = 1.0,
    shear: tuple[float, float] = (0.0, 0.0),
    border: Annotated[str, Choice("zero", "edge", "reflect")] = "zero",
) -> Image:
    """Return the image sheared, scaled and turned about its centre, then shifted; bilinear.

    With the centre c, a point p goes to c + shift + scale · R · S · (p − c), where
    R = [[cos a, sin a], [−sin a, cos a]] and S = [[1, tan sx], [tan sy, 1]].

    Parameters
    ----------
    image
        H×W or H×W×3, uint8.
    angle
        Radians, positive against the clock as seen on the screen.
    shift
        ``(x, y)`` in pixels, to the right and down.
    scale
        Factor of size, 0.05–20.
    shear
        ``(x, y)`` in radians, each within ±1.4.
    border
        What comes in from outside: ``zero``, the ``edge`` pixel again, or the image mirrored (``reflect``).

    Returns
    -------
    Image
        A new array of the same shape and dtype.

    Examples
    --------
    >>> import numpy as np
    >>> affine(np.array([[10, 20, 30]], np.uint8), shift=(0.5, 0.0), border="edge")
    array([[10, 15, 25]], dtype=uint8)
    """
    image = as_image("affine", image, dtypes=("uint8",))
    angle = number("affine", "angle", angle, -2 * math.pi, 2 * math.pi, unit="radians")
    scale = number("affine", "scale", scale, 0.05, 20)
    dx, dy = (number("affine", "shift", value, -1e6, 1e6, unit="pixels") for value in shift)
    sx, sy = (math.tan(number("affine", "shear", value, -1.4, 1.4, unit="radians")) for value in shear)
    choice("affine", "border", border, BORDERS)
    move = Move.about_centre(image.shape[:2], linear_map(angle, scale, sx, sy), (dx, dy))
    return map_image(image, move.matrix, move.new, border)


def linear_map(angle: float, scale: float, sx: float, sy: float) -> tuple[float, float, float, float]:
    """Return scale · R · S, row by row.

    Parameters
    ----------
    angle
        Radians, against the clock.
    scale
        Factor of size.
    sx, sy
        Tangents of the shears along x and y.
    """
    cos, sin = scale * math.cos(angle), scale * math.sin(angle)
    return cos + sin * sy, cos * sx + sin, cos * sy - sin, cos - sin * sx


@method(task="augmentation", paper="Simard et al. 2003", lesson="w5d2")
def random_affine(
    image: Image,
    *,
    angle: Annotated[float, Range(0, math.pi)] = math.pi / 18,
    shift: Annotated[float, Range(0, 1)] = 0.1,
    scale: Annotated[float, Range(0, 0.9)] = 0.1,
    shear: Annotated[float, Range(0, 1.4)] = 0.0,
    border: Annotated[str, Choice("zero", "edge", "reflect")] = "zero",
    seed: Seed = 0,
) -> Image:
    """Return the image turned, shifted, scaled and sheared by random amounts, about its centre.

    Parameters
    ----------
    image
        H×W or H×W×3, uint8.
    angle
        Largest turn in radians, to either side, 0–π.
    shift
        Largest shift as a share of each side, 0–1.
    scale
        Largest change of size, 0–0.9: 0.1 gives factors of 0.9–1.1.
    shear
        Largest shear along x in radians, to either side, 0–1.4.
    border
        What comes in from outside: ``zero``, the ``edge`` pixel again, or the image mirrored (``reflect``).
    seed
        Whole number ≥ 0 or a generator.

    Returns
    -------
    Image
        A new array of the same shape and dtype.

    References
    ----------
    P. Simard, D. Steinkraus, J. Platt, "Best practices for convolutional neural networks applied to visual document
    analysis", ICDAR 2003.

    Examples
    --------
    >>> import numpy as np
    >>> random_affine(np.full((3, 3), 7, np.uint8), border="edge")[1].tolist()
    [7, 7, 7]
    """
    image = as_image("random_affine", image, dtypes=("uint8",))
    angle = number("random_affine", "angle", angle, 0, math.pi, unit="radians")
    shift = number("random_affine", "shift", shift, 0, 1)
    scale = number("random_affine", "scale", scale, 0, 0.9)
    shear = number("random_affine", "shear", shear, 0, 1.4, unit="radians")
    choice("random_affine", "border", border, BORDERS)
    move = draw_move(generator(seed), image.shape[:2], angle, shift, scale, shear)
    return map_image(image, move.matrix, move.new, border)


def draw_move(
    random: np.random.Generator, shape: tuple[int, int], angle: float, shift: float, scale: float, shear: float
) -> Move:
    """Return the map that :func:`random_affine` applies to an image of a shape; arguments are its own.

    Parameters
    ----------
    random
        Where the five draws come from.
    shape
        ``(height, width)``.
    angle, shift, scale, shear
        Largest amounts.
    """
    turn, right, down, size, slant = random.uniform(-1, 1, 5).tolist()
    linear = linear_map(angle * turn, 1 + scale * size, math.tan(shear * slant), 0.0)
    return Move.about_centre(shape, linear, (shift * shape[1] * right, shift * shape[0] * down))
