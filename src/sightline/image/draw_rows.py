"""What all drawing begins and ends with: rows of numbers in, an image of the given dtype out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

import numpy as np

from sightline.core.canvas import Canvas, Colour, colour_of
from sightline.core.checks import array_of, as_image, describe, integer
from sightline.core.errors import InputError

_BAND = 64  # rows that are turned back at a time


@runtime_checkable
class Centred(Protocol):
    """A circle or an ellipse as fits return it."""

    @property
    def center(self) -> Any:
        """(x, y), in pixels."""


class Pen:
    """An image to draw on, with the colour and the width that were asked for.

    Parameters
    ----------
    function
        Name for the errors' sentences.
    image
        H×W or H×W×3; uint8, uint16 or float32.
    color
        (red, green, blue), each 0–255, for all that is drawn; None takes the palette's in turn.
    width
        Of the strokes, in pixels; None takes the canvas' own.
    """

    def __init__(self, function: str, image: Any, color: Any, width: Any) -> None:
        self.image = as_image(function, image)
        self.canvas = Canvas(self.image)
        self._colour = None if color is None else as_colour(function, color)
        if width is not None:
            self.canvas.width = integer(function, "width", width, 1, 100)

    def colour(self, index: int) -> Colour:
        """Return the colour of number ``index`` of what is drawn."""
        return colour_of(index) if self._colour is None else self._colour


def as_colour(function: str, color: Any) -> Colour:
    """Return (red, green, blue) of whole numbers 0–255, or raise."""
    parts = array_of(color)
    if parts.shape != (3,) or isinstance(color, str):
        raise InputError(f"{function}: color must be (red, green, blue) of 0–255; got {describe(color)}.")
    red, green, blue = (integer(function, f"color[{i}]", part, 0, 255) for i, part in enumerate(parts))
    return red, green, blue


def shapes_of(values: Any, fields: tuple[str, ...], row: Callable[[Any], tuple[float, ...]]) -> Any:
    """Return results with these fields, one or several, as rows of numbers; anything else as it came."""
    if all(hasattr(values, field) for field in fields):
        return [row(values)]
    if isinstance(values, (list, tuple)) and values and all(hasattr(one, field) for one in values for field in fields):
        return [row(one) for one in values]
    return values


def rows_of(
    function: str, argument: str, values: Any, width: int, *, widths: tuple[int, ...] = (), finite: bool = True
) -> np.ndarray:
    """Return N×``width`` numbers as float64, clipped to what the rasteriser can count in.

    Parameters
    ----------
    function, argument
        Names for the error's sentence.
    values
        The argument as it came; nothing at all is no row, and one row may come alone.
    width
        Numbers in a row.
    widths
        Other numbers of them that will do.
    finite
        Refuse NaN and infinity.
    """
    array = array_of(values)
    if array.size == 0:
        return np.zeros((0, width))
    allowed = (width, *widths)
    if array.ndim == 1 and array.size in allowed:
        array = array[None]
    if array.ndim != 2 or array.shape[1] not in allowed or array.dtype.kind not in "iuf":
        wanted = " or ".join(f"N×{count}" for count in allowed)
        raise InputError(f"{function}: {argument} must be {wanted} numbers; got {describe(values)}.")
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
