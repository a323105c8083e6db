"""A picture as a method's first argument: what is done to it on the way, in pixels and in Python."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from sightline.apply.outputs import as_picture
from sightline.core.catalogue import Method

GRAY = 'sl.image.convert({}, "rgb", "gray")'
PICTURE = "as_picture({})"


@dataclass
class First:
    """A first argument.

    Parameters
    ----------
    array
        What the method gets.
    code
        How it was made of the picture that came: Python expressions with ``{}`` for what was there before, in order.
    """

    array: np.ndarray
    code: list[str] = field(default_factory=list)

    def then(self, array: np.ndarray, code: str) -> None:
        """Note a conversion."""
        self.array = array
        self.code.append(code)


def as_first(entry: Method, array: np.ndarray) -> First:
    """Return a picture, or what another method gave, as the first argument.

    A photo becomes a mask where one is wanted: its edges for the methods that look for shapes, otherwise what is
    brighter than Otsu's threshold. A picture of two values is a mask already.

    Parameters
    ----------
    entry
        The method that it is for.
    array
        H×W or H×W×3: uint8, uint16 or float32 pictures, bool masks, int32 labels, or values of any range.
    """
    made = First(array)
    kind = entry.parameters[0].kind
    if kind == "mask":
        _to_mask(made, entry.task)
    elif kind == "labels":
        _to_labels(made, entry.task)
    elif array.dtype == np.bool_:
        made.then(array.astype(np.uint8) * np.uint8(255), '{}.astype("uint8") * 255')
    elif not _is_image(array):
        made.then(as_picture(array), PICTURE)
    return made


def in_gray(made: First) -> First:
    """Return a first argument of three channels in grey."""
    from sightline.image.convert import convert

    return First(convert(made.array, "rgb", "gray"), [*made.code, GRAY])


def _is_image(array: np.ndarray) -> bool:
    if array.dtype == np.float32:
        return bool(array.size) and float(array.min()) >= 0 and float(array.max()) <= 1
    return array.dtype in (np.uint8, np.uint16)


def _to_gray(made: First) -> None:
    if not _is_image(made.array):
        made.then(as_picture(made.array), PICTURE)
    if made.array.ndim == 3:
        made.array = in_gray(made).array
        made.code.append(GRAY)


def _to_mask(made: First, task: str) -> None:
    from sightline import image as methods

    if made.array.dtype == np.bool_:
        return
    if made.array.dtype == np.int32:
        made.then(made.array > 0, "{} > 0")
        return
    _to_gray(made)
    gray = made.array
    low, high = gray.min(), gray.max()
    if np.isin(gray, (low, high)).all():
        middle = float(low) + (float(high) - float(low)) / 2 if high > low else 0.0
        made.then(gray > middle, f"{{}} > {middle:g}")
    elif task == "shapes":
        made.then(methods.canny(gray), "sl.image.canny({})")
    else:
        made.then(gray > methods.otsu_threshold(gray), "{0} > sl.image.otsu_threshold({0})")


def _to_labels(made: First, task: str) -> None:
    from sightline import image as methods

    if made.array.dtype == np.int32:
        return
    if made.array.dtype != np.bool_:
        _to_gray(made)
        if 2 < len(np.unique(made.array)) <= 64:  # a painted label map
            made.then(made.array.astype(np.int32), '{}.astype("int32")')
            return
        _to_mask(made, task)
    made.then(methods.label(made.array)[0], "sl.image.label({})[0]")
