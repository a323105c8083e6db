"""What all drawing begins and ends with: rows of numbers in, an image of the given dtype out."""

from __future__ import annotations

from typing import Any

import numpy as np

from sightline.core.canvas import Canvas
from sightline.core.checks import array_of, describe, integer
from sightline.core.errors import InputError

_BAND = 64  # rows that are turned back at a time


def rows_of(function: str, argument: str, values: Any, width: int, *, finite: bool = True) -> np.ndarray:
    """Return N×``width`` numbers as float64, clipped to what the rasteriser can count in.

    Parameters
    ----------
    function, argument
        Names for the error's sentence.
    values
        The argument as it came; nothing at all is no row, and one row may come alone.
    width
        Numbers in a row.
    finite
        Refuse NaN and infinity.
    """
    array = array_of(values)
    if array.size == 0:
        return np.zeros((0, width))
    if array.shape == (width,):
        array = array[None]
    if array.ndim != 2 or array.shape[1] != width or array.dtype.kind not in "iuf":
        raise InputError(f"{function}: {argument} must be N×{width} numbers; got {describe(values)}.")
    array = array.astype(np.float64)
    if finite and not np.isfinite(array).all():
        raise InputError(f"{function}: {argument} must be finite; got NaN or infinite values.")
    return np.clip(array, -1e6, 1e6)


def list_of(function: str, argument: str, values: Any, what: str) -> list[Any]:
    """Return what a sequence holds, or raise an :class:`InputError` that says ``what`` it must hold."""
    try:
        return list(values)
    except TypeError as error:
        raise InputError(f"{function}: {argument} must be {what}; got {describe(values)}.") from error


def links_of(function: str, links: Any, count: int) -> list[list[int]]:
    """Return the pairs of numbers, each below ``count``, of the points that are joined by a line."""
    what = "pairs of point numbers"
    pairs = list_of(function, "links", links, what)
    for pair in pairs:
        if not isinstance(pair, (tuple, list, np.ndarray)) or array_of(pair).shape != (2,):
            raise InputError(f"{function}: links must be {what}; got {describe(pair)} among them.")
    return [[integer(function, f"links[{i}]", end, 0, count - 1) for end in pair] for i, pair in enumerate(pairs)]


def finish(image: np.ndarray, canvas: Canvas) -> np.ndarray:
    """Return what was drawn in the image's dtype; pixels that were not drawn on keep their exact values."""
    drawn = canvas.finished()
    if image.dtype == np.uint8:
        return drawn
    result = np.empty(drawn.shape, image.dtype)
    full = 1.0 if image.dtype == np.float32 else np.iinfo(image.dtype).max
    for y in range(0, len(image), _BAND):
        given, band, here = image[y : y + _BAND], drawn[y : y + _BAND], result[y : y + _BAND]
        here[...] = given[..., None] if given.ndim == 2 else given
        touched = (band != Canvas(given).finished()).any(axis=2)
        levels = (band[touched].astype(np.float64) * (full / 255)).round(0 if full > 1 else 9)
        here[touched] = levels.astype(image.dtype)
    return result
