"""Minimum and maximum filters: the darkest and the brightest value in each pixel's neighbourhood.

Nodes and Gallagher 1982, "Median Filters: Some Modifications and Their Properties", IEEE Transactions on Acoustics,
Speech and Signal Processing 30(5): they are the first and the last of the rank filters. The kernels are those of
erosion and dilation, in ``extremum.py``; what differs is that these have an answer for what lies beyond the border.
"""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import as_image, choice, describe, integer, output
from sightline.core.errors import InputError
from sightline.core.types import Array, Choice, Footprint, Image, Range
from sightline.image.border import BORDERS, source_indices
from sightline.image.extremum import extremum


@method(task="order statistics", paper="Nodes & Gallagher 1982", lesson="w1d4")
def min_filter(
    image: Image,
    size: Annotated[int, Range(1, 51, 1)] | tuple[int, int] = 3,
    *,
    footprint: Footprint | None = None,
    border: Annotated[str, Choice("symmetric", "reflect", "edge", "wrap")] = "symmetric",
    out: Array | None = None,
) -> Image:
    """Return the smallest value of each pixel's neighbourhood, every channel by itself.

    NaN spreads over the neighbourhood; infinity is a number like others.

    Parameters
    ----------
    image
        H×W or H×W×C; uint8, uint16 or float32.
    size
        Side of the neighbourhood in pixels, ≥ 1, or (height, width). Where it is even, there is one more pixel above
        and to the left than below and to the right.
    footprint
        H×W bool array, true where a neighbour counts, in place of ``size``; its anchor is pixel (H // 2, W // 2).
    border
        What lies beyond the border: ``"symmetric"`` (1 0 | 0 1 2), ``"reflect"`` (2 1 | 0 1 2), ``"edge"``
        (0 0 | 0 1 2) or ``"wrap"`` (8 9 | 0 1 2).
    out
        Array to write to, of the image's shape and dtype; None for a new one.

    Returns
    -------
    The filtered image, same shape and dtype.

    Examples
    --------
    >>> import numpy as np
    >>> min_filter(np.array([[5, 5, 9, 7, 8, 8]], np.uint8)).tolist()
    [[5, 5, 5, 7, 7, 8]]

    References
    ----------
    T. A. Nodes, N. C. Gallagher, "Median Filters: Some Modifications and Their Properties", IEEE Transactions on
    Acoustics, Speech and Signal Processing 30(5), 1982.
    """
    return _extremum("min_filter", image, size, footprint, border, out, largest=False)


@method(task="order statistics", paper="Nodes & Gallagher 1982", lesson="w1d4")
def max_filter(
    image: Image,
    size: Annotated[int, Range(1, 51, 1)] | tuple[int, int] = 3,
    *,
    footprint: Footprint | None = None,
    border: Annotated[str, Choice("symmetric", "reflect", "edge", "wrap")] = "symmetric",
    out: Array | None = None,
) -> Image:
    """Return the largest value of each pixel's neighbourhood, every channel by itself.

    NaN spreads over the neighbourhood; infinity is a number like others.

    Parameters
    ----------
    image
        H×W or H×W×C; uint8, uint16 or float32.
    size
        Side of the neighbourhood in pixels, ≥ 1, or (height, width). Where it is even, there is one more pixel above
        and to the left than below and to the right.
    footprint
        H×W bool array, true where a neighbour counts, in place of ``size``; its anchor is pixel (H // 2, W // 2).
    border
        What lies beyond the border: ``"symmetric"`` (1 0 | 0 1 2), ``"reflect"`` (2 1 | 0 1 2), ``"edge"``
        (0 0 | 0 1 2) or ``"wrap"`` (8 9 | 0 1 2).
    out
        Array to write to, of the image's shape and dtype; None for a new one.

    Returns
    -------
    The filtered image, same shape and dtype.

    Examples
    --------
    >>> import numpy as np
    >>> max_filter(np.array([[5, 5, 9, 7, 8, 8]], np.uint8)).tolist()
    [[5, 9, 9, 9, 8, 8]]

    References
    ----------
    T. A. Nodes, N. C. Gallagher, "Median Filters: Some Modifications and Their Properties", IEEE Transactions on
    Acoustics, Speech and Signal Processing 30(5), 1982.
    """
    return _extremum("max_filter", image, size, footprint, border, out, largest=True)


def neighbourhood(function: str, size: Any, footprint: Any) -> Array:
    """Return the bool array of the neighbours that count, or raise in the name of ``function``."""
    if isinstance(size, np.ndarray) and footprint is None:
        footprint = size
    if footprint is None:
        sides = size if isinstance(size, (tuple, list)) else (size, size)
        if len(sides) != 2:
            raise InputError(f"{function}: size must be a whole number or (height, width); got {describe(size)}.")
        return np.ones([integer(function, "size", side, 1, 4095) for side in sides], np.bool_)
    if not isinstance(footprint, np.ndarray) or footprint.ndim != 2 or footprint.dtype != np.bool_:
        raise InputError(f"{function}: footprint must be H×W bool; got {describe(footprint)}.")
    if not footprint.any():
        raise InputError(f"{function}: footprint must have a true pixel; got {describe(footprint)} of false ones.")
    return footprint


def _extremum(
    function: str, image: Any, size: Any, footprint: Any, border: str, out: Array | None, *, largest: bool
) -> Array:
    image = as_image(function, image, channels=())
    shape = neighbourhood(function, size, footprint)
    choice(function, "border", border, BORDERS)
    if shape.all() and border != "wrap":  # what is mirrored into a rectangle is in it already
        return extremum(function, image, shape, out, largest=largest)
    result = output(function, out, image.shape, image.dtype, [image])
    up, left = shape.shape[0] // 2, shape.shape[1] // 2
    rows, columns = source_indices(image.shape[0], up, border), source_indices(image.shape[1], left, border)
    padded = np.ascontiguousarray(image[rows[:, None], columns])
    whole = extremum(function, padded, shape, None, largest=largest)
    np.copyto(result, whole[up : up + image.shape[0], left : left + image.shape[1]])
    return result
