"""The picture at ever smaller sizes: a window of one size then meets things of every size.

Rowley, Baluja & Kanade 1998, "Neural network-based face detection", IEEE Transactions on Pattern Analysis and Machine
Intelligence 20(1), section 2: the picture is made smaller by a factor of 1.2, again and again.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from sightline.core.catalogue import method
from sightline.core.checks import as_image, integer, number
from sightline.core.layers import Picture, Value
from sightline.core.trace import Step
from sightline.core.types import Array, Image, Range
from sightline.image.gaussian_pyramid import side_by_side
from sightline.image.resize import resize


@method(task="multi-resolution", paper="Rowley et al. 1998", lesson="w7d2")
def image_pyramid(
    image: Image,
    scale: Annotated[float, Range(1.01, 4, 0.01)] = 1.2,
    smallest: Annotated[int, Range(1, 4096, 1)] = 32,
) -> list[Array]:
    """Return the image, and the image at 1 / scale, 1 / scale², … of its size.

    Each level is made from the image itself, smoothed as far as it shrinks; NaN spreads to the pixels next to it.

    Parameters
    ----------
    image
        H×W or H×W×C; uint8, uint16 or float32.
    scale
        Factor from one level to the next, 1.01–4.
    smallest
        Pixels, ≥ 1: levels with a shorter side are left out, but for the first.

    Returns
    -------
    Images of the given dtype, the largest first: level k has round(H / scaleᵏ) rows and round(W / scaleᵏ) columns.

    References
    ----------
    H. A. Rowley, S. Baluja, T. Kanade, "Neural network-based face detection", IEEE Transactions on Pattern Analysis
    and Machine Intelligence 20(1), 1998.

    Examples
    --------
    >>> import numpy as np
    >>> [level.shape for level in image_pyramid(np.zeros((60, 80), np.uint8), 1.5, 20)]
    [(60, 80), (40, 53), (27, 36)]
    """
    image = as_image("image_pyramid", image, channels=())
    scale = number("image_pyramid", "scale", scale, 1.01, 4)
    smallest = integer("image_pyramid", "smallest", smallest, 1)
    levels, factor = [image.copy()], scale
    while min(sides := (round(image.shape[0] / factor), round(image.shape[1] / factor))) >= smallest:
        levels.append(resize(image, sides))
        factor *= scale
    return levels


@image_pyramid.steps
def _(image: Image, scale: float = 1.2, smallest: int = 32) -> Iterator[Step]:
    levels = image_pyramid(image, scale, smallest)
    for index, level in enumerate(levels):
        yield Step(f"level {index}", Picture(level), note=f"{level.shape[1]}×{level.shape[0]} pixels.")
    yield Step("pyramid", Value(levels), Picture(side_by_side(levels)))
