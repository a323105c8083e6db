"""Morphological reconstruction: a marker grows as far as a mask lets it.

Vincent 1993, "Morphological Grayscale Reconstruction in Image Analysis: Applications and Efficient Algorithms", IEEE
TIP 2(2), the hybrid algorithm: a scan down, a scan up, and a queue for what these two could not reach.
"""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import as_image, choice, describe
from sightline.core.errors import InputError
from sightline.core.kernels import kernel
from sightline.core.types import Array, Choice, Image, Mask, Range
from sightline.image.extremum import extremum

_DTYPES = ("uint8", "uint16", "float32", "bool")


def _hill_around(marker: Any) -> Any:
    """Return a mask that lets the marker grow a little."""
    return extremum("reconstruct", marker, 9, None, largest=True)


@method(task="morphology", paper="Vincent 1993", lesson="w1d5", example={"mask": _hill_around})
def reconstruct(
    marker: Image | Mask,
    mask: Image | Mask,
    *,
    growth: Annotated[str, Choice("dilation", "erosion")] = "dilation",
    connectivity: Annotated[int, Range(4, 8, 4)] = 8,
) -> Image | Mask:
    """Return the marker after it has been dilated again and again, each time cut down to the mask.

    From the peaks that the marker touches, all of the mask below the marker's height is filled; the others go. NaN and
    infinity are refused.

    Parameters
    ----------
    marker
        H×W; uint8, uint16, float32, or a bool mask: where to grow from; nowhere above ``mask`` (below it for
        erosions).
    mask
        H×W of the same dtype: how far.
    growth
        ``dilation`` grows what is bright up to the mask; ``erosion`` grows what is dark down to it.
    connectivity
        Neighbours of a pixel: 8, or 4 (those that share an edge with it).

    Returns
    -------
    image
        H×W of the same dtype.

    References
    ----------
    L. Vincent, "Morphological Grayscale Reconstruction in Image Analysis: Applications and Efficient Algorithms", IEEE
    Transactions on Image Processing 2(2), 1993.

    Examples
    --------
    >>> import numpy as np
    >>> mask = np.array([[0, 7, 9, 0, 0, 5, 6, 0]], np.uint8)
    >>> marker = np.array([[0, 0, 8, 0, 0, 0, 0, 0]], np.uint8)
    >>> reconstruct(marker, mask).tolist()
    [[0, 7, 8, 0, 0, 0, 0, 0]]
    """
    marker = as_image("reconstruct", marker, argument="marker", channels=(1,), dtypes=_DTYPES, finite=True)
    mask = as_image("reconstruct", mask, argument="mask", channels=(1,), dtypes=(marker.dtype.name,), finite=True)
    if mask.shape != marker.shape:
        raise InputError(
            f"reconstruct: mask must have the marker's shape; got {describe(mask)} for {describe(marker)}."
        )
    down = choice("reconstruct", "growth", growth, ("dilation", "erosion")) == "erosion"
    if isinstance(connectivity, (bool, np.ndarray)) or connectivity not in (4, 8):
        raise InputError(f"reconstruct: connectivity must be 4 or 8; got {describe(connectivity)}.")
    beyond = int(((marker < mask) if down else (marker > mask)).sum())
    if beyond:
        side = "below" if down else "above"
        raise InputError(f"reconstruct: marker must be nowhere {side} mask; got {beyond} such pixels.")
    return _grown(marker, mask, down, connectivity == 8)


def _grown(marker: Array, mask: Array, down: bool, diagonals: bool) -> Array:
    """Grow in a frame that nothing can come from; an erosion is the dilation of the negatives."""
    # Floats hold every uint16: there are two kernels, not three.
    working = np.uint8 if marker.dtype.itemsize == 1 else np.float32
    lowest = 0 if working == np.uint8 else -np.inf
    top = working(1 if marker.dtype == np.bool_ else 255) if working == np.uint8 else working(0)
    framed = []
    for image in (marker, mask):
        large = np.full((image.shape[0] + 2, image.shape[1] + 2), lowest, working)
        large[1:-1, 1:-1] = top - image.astype(working) if down else image
        framed.append(large)
    height, limit = framed
    stride = height.shape[1]
    steps = [-stride - 1, -stride, -stride + 1, -1] if diagonals else [-stride, -1]
    _grow(height.reshape(-1), limit.reshape(-1), stride, np.array(steps))
    inner = height[1:-1, 1:-1]
    return (top - inner if down else inner).astype(marker.dtype)


@kernel
def _grow(height, limit, stride, before):
    """Raise each pixel to the highest of its neighbours, up to its limit; ``before`` steps to those scanned earlier."""
    first, last = stride + 1, height.size - stride - 1
    for i in range(first, last):
        best = height[i]
        for step in before:
            best = max(best, height[i + step])
        height[i] = min(best, limit[i])
    queue, count = np.empty(1024, np.int64), np.int64(0)
    for i in range(last - 1, first - 1, -1):
        best = height[i]
        for step in before:
            best = max(best, height[i - step])
        best = min(best, limit[i])
        height[i] = best
        for step in before:
            if height[i - step] < best and height[i - step] < limit[i - step]:
                queue, count = _add(queue, count, i)
                break
    while count > 0:
        count -= 1
        i = queue[count]
        for k in range(2 * before.size):
            near = i + (before[k] if k < before.size else -before[k - before.size])
            if first <= near < last and height[near] < height[i] and height[near] < limit[near]:
                height[near] = min(height[i], limit[near])
                queue, count = _add(queue, count, near)


@kernel
def _add(items, count, item):
    """Append to a list; return it, or a larger one."""
    if count == items.size:
        grown = np.empty(2 * count, np.int64)
        grown[:count] = items
        items = grown
    items[count] = item
    return items, count + 1
