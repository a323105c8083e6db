"""What a method gives back: which parts of it are pictures, and how the rest is shown."""

from __future__ import annotations

from typing import Any

import numpy as np

from sightline.core.canvas import Canvas, colour_of, label_colours
from sightline.core.catalogue import Method
from sightline.core.conversions import to_uint8
from sightline.core.trace import trace
from sightline.image.draw_motion import flow as draw_flow
from sightline.image.draw_shapes import circles as draw_circles


def parts_of(entry: Method, result: Any, image: Any) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Return the pictures and the other values of a result, by the name of the part (empty for a single one).

    Parameters
    ----------
    entry
        The method.
    result
        What it returned.
    image
        Its first argument: tables of numbers are told from pictures by their shape.
    """
    if isinstance(result, tuple):
        names = getattr(result, "_fields", None) or [str(index + 1) for index in range(len(result))]
        parts = dict(zip(names, result, strict=True))
    else:
        parts = {"": result}
    if entry.returns in ("image", "mask", "labels"):
        return parts, {}
    pictures = {name: part for name, part in parts.items() if _is_picture(part, image)}
    return pictures, {name: part for name, part in parts.items() if name not in pictures}


def _is_picture(part: Any, image: Any) -> bool:
    if not isinstance(part, np.ndarray) or part.ndim not in (2, 3) or part.size == 0:
        return False
    if part.dtype == np.int64:  # counts
        return False
    if part.dtype in (np.bool_, np.uint8, np.uint16):
        return part.ndim == 2 or part.shape[2] == 3
    if part.ndim == 3 and part.shape[2] not in (1, 2, 3):
        return False
    # A table of points has a few columns; a response has about the size of the picture.
    return isinstance(image, np.ndarray) and image.ndim >= 2 and part.shape[1] > 8 and 2 * part.size > image.shape[0]


def drawn(entry: Method, result: Any, image: Any, values: dict[str, Any]) -> np.ndarray | None:
    """Return a result that is no picture drawn over the image: by itself, or as its last step shows it."""
    items = result if isinstance(result, list) else [result]
    if isinstance(image, np.ndarray) and items and all(hasattr(item, "draw") for item in items):
        shown = to_uint8(as_picture(image))
        for item in items:
            shown = item.draw(shown)
        return shown
    if isinstance(image, np.ndarray) and entry.task == "blobs" and np.shape(result)[1:] == (3,):
        scale = 1.0 if entry.name == "simple_blobs" else np.sqrt(2.0)  # from sigma to radius
        return draw_circles(to_uint8(as_picture(image)), result * (1.0, 1.0, scale), color=colour_of(5))
    if isinstance(result, np.ndarray) and entry.name == "histogram":
        return _counted(np.atleast_2d(result)) if result.ndim == 1 or (result.ndim == 2 and len(result) <= 4) else None
    if isinstance(image, np.ndarray) and isinstance(result, np.ndarray) and entry.name == "find_page":
        canvas = Canvas(to_uint8(as_picture(image)))
        if len(result):
            canvas.line(result, colour_of(5), closed=True)
        return canvas.image()
    if entry.steps is None:
        return None
    for step in reversed(trace(entry.function, image, **values).steps):
        shown = step.picture()
        if shown is not None:
            return shown
    return None


def _counted(counts: np.ndarray) -> np.ndarray:
    """Return the counts of each channel as a curve over its bins, H×W×3 uint8; three are red, green and blue."""
    height, width = 256, max(256, counts.shape[1])
    canvas = Canvas(np.full((height, width, 3), 255, np.uint8))
    colours = ((200, 40, 40), (30, 140, 50), (40, 70, 200)) if len(counts) == 3 else ((40, 40, 40),) * len(counts)
    x = np.linspace(0, width - 1, counts.shape[1])
    most = max(1, int(counts.max()))
    for row, colour in zip(counts, colours, strict=True):
        canvas.line(np.stack([x, (height - 4) * (1 - row / most) + 1], axis=1), colour)
    return canvas.image()


def as_picture(array: np.ndarray) -> np.ndarray:
    """Return an array as something to look at: uint8 or uint16, H×W or H×W×3; flow as colours."""
    if array.dtype == np.bool_:
        return array.astype(np.uint8) * np.uint8(255)
    if array.dtype in (np.uint8, np.uint16):
        return array
    if array.dtype == np.int32 and array.ndim == 2:
        return label_colours(array)
    if np.iscomplexobj(array):
        array = np.log1p(np.abs(array))
    if array.ndim == 3 and array.shape[2] == 2 and array.dtype == np.float32:  # the convention of flow
        return draw_flow(array)
    if array.ndim == 3 and array.shape[2] not in (1, 3):
        array = np.linalg.norm(array.astype(np.float64), axis=2)
    values = array.astype(np.float64)
    low, high = (np.nanmin(values), np.nanmax(values)) if np.isfinite(values).any() else (0.0, 1.0)
    # What would be black all over in a picture is a response: small numbers, to be seen by their differences.
    if array.dtype == np.float32 and low >= 0 and high <= 1 and not 0 < high < 1 / 255:
        return np.rint(np.nan_to_num(values) * 255).astype(np.uint8)
    return np.rint(np.nan_to_num((values - low) / max(high - low, 1e-12)) * 255).astype(np.uint8)


def side_by_side(image: np.ndarray, picture: np.ndarray) -> np.ndarray:
    """Return the source and the result beside each other, H×W×3 uint8; the lower one is filled up with black."""
    both = []
    for part in (as_picture(image), picture):
        eight = to_uint8(part)
        both.append(np.repeat(eight[..., None], 3, axis=2) if eight.ndim == 2 else eight)
    height = max(len(part) for part in both)
    return np.concatenate([np.pad(part, ((0, height - len(part)), (0, 0), (0, 0))) for part in both], axis=1)
