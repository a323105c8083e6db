"""Footprints: the shapes that morphology lays over an image.

Serra 1982, "Image Analysis and Mathematical Morphology" (structuring elements).
"""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import choice, integer, size_2d
from sightline.core.errors import InputError
from sightline.core.types import Array, Choice, Footprint

SHAPES = ("ellipse", "disk", "diamond", "cross", "rectangle")


_LARGEST = 4095  # rows or columns


@method(task="morphology", paper="Serra 1982", lesson="w1d5", example={"shape": "ellipse"})
def footprint(
    shape: Annotated[str, Choice("ellipse", "disk", "diamond", "cross", "rectangle")], size: int | tuple[int, int] = 5
) -> Footprint:
    """Return a shape as a bool array, for erosions, dilations and what is made of them.

    Parameters
    ----------
    shape
        ``ellipse`` fills the size as a drawn ellipse does (OpenCV's), around pixel (H // 2, W // 2); ``disk`` has the
        pixels whose centre lies within the circle, or ellipse, through the middles of the sides (scikit-image's);
        ``diamond`` those that half the height in steps along rows and columns reaches; ``cross`` the middle row and
        column; ``rectangle`` all of them.
    size
        Height and width in pixels, ≥ 1, or (height, width); odd for a disk.

    Returns
    -------
    footprint
        H×W bool.

    References
    ----------
    J. Serra, "Image Analysis and Mathematical Morphology", Academic Press, 1982.

    Examples
    --------
    >>> footprint("disk", 5).astype(int).tolist()
    [[0, 0, 1, 0, 0], [0, 1, 1, 1, 0], [1, 1, 1, 1, 1], [0, 1, 1, 1, 0], [0, 0, 1, 0, 0]]
    """
    shape = choice("footprint", "shape", shape, SHAPES)
    height, width = _size(size)
    middle_y, middle_x = height // 2, width // 2
    y, x = np.arange(height)[:, None], np.arange(width)[None, :]
    if shape == "ellipse":
        return _ellipse(height, width)
    if shape == "cross":
        return (y == middle_y) | (x == middle_x)
    if shape == "rectangle":
        return np.ones((height, width), np.bool_)
    if shape == "diamond":
        return np.abs(y - middle_y) + np.abs(x - middle_x) <= middle_y
    if height % 2 == 0 or width % 2 == 0:
        raise InputError(f"footprint: size must be odd for a disk; got {height}×{width}. Use 'ellipse' for even sizes.")
    down, along = (y - middle_y) / max(middle_y, 1), (x - middle_x) / max(middle_x, 1)
    return down**2 + along**2 <= 1 + 1e-9


def _size(size: Any) -> tuple[int, int]:
    if isinstance(size, (tuple, list)):
        height, width = size_2d("footprint", "size", size)
        return integer("footprint", "size[0]", height, 1, _LARGEST), integer("footprint", "size[1]", width, 1, _LARGEST)
    side = integer("footprint", "size", size, 1, _LARGEST)
    return side, side


def _ellipse(height: int, width: int) -> Array:
    """Return, of each row, the pixels within the ellipse's rounded half width around the middle column."""
    middle_y, middle_x = height // 2, width // 2
    down = np.abs(np.arange(height) - middle_y)
    half = np.rint(middle_x * np.sqrt(np.maximum(middle_y**2 - down**2, 0)) / max(middle_y, 1))
    along = np.arange(width) - middle_x
    return (np.abs(along)[None, :] <= half[:, None]) & (down <= middle_y)[:, None]
