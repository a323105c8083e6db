"""Pictures of pixels found in a mask: where a pattern fits, and what most of a window says.

Serra 1982, "Image Analysis and Mathematical Morphology" (hit-or-miss); the count in a window is read off a table of
sums (Crow 1984, "Summed-area Tables for Texture Mapping", SIGGRAPH), rectangle by rectangle of the footprint.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import as_mask, describe, integer, output, size_2d
from sightline.core.errors import InputError
from sightline.core.kernels import kernel, over_rows
from sightline.core.types import Array, Footprint, Mask
from sightline.image.extremum import as_footprint, extremum

_CORNER = np.array([[0, -1, -1], [1, 1, -1], [0, 1, 0]])


@method(task="morphology", paper="Serra 1982", lesson="w1d5", example={"pattern": _CORNER})
def hit_or_miss(mask: Mask, pattern: Array, *, out: Mask | None = None) -> Mask:
    """Return where a pattern of true and false pixels fits.

    What lies outside the image fits. A mask has no NaN.

    Parameters
    ----------
    mask
        H×W bool.
    pattern
        H×W whole numbers: 1 where a pixel must be true, -1 where it must be false, 0 where it may be either. Its
        anchor is pixel (H // 2, W // 2): the centre, of odd sizes.
    out
        H×W bool array to write to; None makes a new one.

    Returns
    -------
    found
        H×W bool, true at the anchor of each place.

    References
    ----------
    J. Serra, "Image Analysis and Mathematical Morphology", Academic Press, 1982.

    Examples
    --------
    >>> import numpy as np
    >>> ends = np.array([[-1, 1, 1]])
    >>> hit_or_miss(np.array([[0, 1, 1, 1, 0, 1]], bool), ends).astype(int).tolist()
    [[0, 1, 0, 0, 0, 1]]
    """
    mask = as_mask("hit_or_miss", mask)
    found = output("hit_or_miss", out, mask.shape, np.bool_, [mask])
    if not isinstance(pattern, np.ndarray) or pattern.ndim != 2 or pattern.dtype.kind not in "bif" or pattern.size == 0:
        raise InputError(f"hit_or_miss: pattern must be an H×W array of -1, 0 and 1; got {describe(pattern)}.")
    if not np.isin(pattern, (-1, 0, 1)).all():
        raise InputError("hit_or_miss: pattern must be of -1, 0 and 1; got other numbers, too.")
    if not pattern.any():
        raise InputError("hit_or_miss: pattern must ask for a pixel, by 1 or -1; got 0 alone.")
    found[...] = True
    for wanted, pixels in ((1, mask), (-1, np.logical_not(mask))):
        footprint = pattern == wanted
        if footprint.any():
            found &= extremum("hit_or_miss", pixels, footprint, None, largest=False)
    return found


@method(task="morphology", paper="Crow 1984", lesson="w1d5")
def majority(mask: Mask, footprint: int | tuple[int, int] | Footprint = 3, *, out: Mask | None = None) -> Mask:
    """Return for each pixel what most of the pixels under the footprint are: specks go, and outlines become smooth.

    What lies outside the image is not counted. Of as many true as false pixels, false wins. A mask has no NaN.

    Parameters
    ----------
    mask
        H×W bool.
    footprint
        Side of a square in pixels, ≥ 1; (height, width) of a rectangle; or an H×W bool array with at least one true
        pixel. Its anchor is pixel (H // 2, W // 2): the centre, of odd sizes.
    out
        H×W bool array to write to; None makes a new one.

    Returns
    -------
    mask
        H×W bool.

    References
    ----------
    F. C. Crow, "Summed-area Tables for Texture Mapping", Computer Graphics (SIGGRAPH) 18(3), 1984.

    Examples
    --------
    >>> import numpy as np
    >>> majority(np.array([[1, 1, 0, 1, 1, 0, 0, 1, 0]], bool)).astype(int).tolist()
    [[1, 1, 1, 1, 1, 0, 0, 0, 0]]
    """
    mask = as_mask("majority", mask)
    result = output("majority", out, mask.shape, np.bool_, [mask])
    rectangles, reach = _rectangles(footprint)
    # A strip sums up what its footprints reach, once more than the strips beside it: it should be higher than they are.
    tall = int(rectangles[:, 1].max() - rectangles[:, 0].min())
    over_rows(
        _count, len(mask), mask.view(np.uint8), rectangles, reach, result.view(np.uint8), strip=max(128, 2 * tall)
    )
    return result


def _rectangles(footprint: Any) -> tuple[Array, int]:
    """Return the footprint as rectangles (y0, y1, x0, x1) from its anchor, and how far they reach along x."""
    if isinstance(footprint, tuple):
        shape = size_2d("majority", "footprint", footprint)
        footprint = np.ones((1, 1), np.bool_)
    elif isinstance(footprint, np.ndarray):
        footprint = as_footprint("majority", footprint)
        shape = footprint.shape
    else:
        side = integer("majority", "footprint", footprint, 1)
        shape, footprint = (side, side), np.ones((1, 1), np.bool_)
    y, x = shape[0] // 2, shape[1] // 2
    if footprint.all():
        found = [(-y, shape[0] - y, -x, shape[1] - x)]
    else:
        found, top = [], 0
        for bottom in range(1, len(footprint) + 1):  # equal rows are taken together
            if bottom < len(footprint) and np.array_equal(footprint[bottom], footprint[top]):
                continue
            edges = np.flatnonzero(np.diff(np.pad(footprint[top], 1).astype(np.int8)))
            found += [(top - y, bottom - y, a - x, b - x) for a, b in edges.reshape(-1, 2).tolist()]
            top = bottom
    table = np.array(found, np.int64)
    return table, int(np.abs(table[:, 2:]).max())


@kernel
def _sum_up(mask, first, sums, reach):
    """Write the table of sums from row ``first`` on, its columns repeated on both sides as far as a footprint reaches.

    They are of +1 for true and -1 for false: their sign tells, and what lies outside adds nothing.
    """
    width = mask.shape[1]
    sums[0, :] = 0
    for y in range(sums.shape[0] - 1):
        row, above, here, total = mask[first + y], sums[y], sums[y + 1], np.int32(0)
        here[: reach + 1] = 0
        for x in range(width):
            total += np.int32(1) if row[x] else np.int32(-1)
            here[reach + 1 + x] = above[reach + 1 + x] + total
        here[reach + 1 + width :] = here[reach + width]


@kernel
def _count(mask, rectangles, reach, result, y0, y1):
    height, width = result.shape
    total = np.empty(width, np.int32)
    first, last = min(max(y0 + rectangles[:, 0].min(), 0), height), min(max(y1 + rectangles[:, 1].max(), 0), height)
    sums = np.empty((last - first + 1, width + 1 + 2 * reach), np.int32)
    _sum_up(mask, first, sums, reach)
    for y in range(y0, y1):
        total[:] = 0
        for k in range(rectangles.shape[0]):
            top = sums[min(max(y + rectangles[k, 0], first), last) - first]
            bottom = sums[min(max(y + rectangles[k, 1], first), last) - first]
            left, right = reach + rectangles[k, 2], reach + rectangles[k, 3]
            a, b = top[left : left + width], top[right : right + width]
            c, d = bottom[left : left + width], bottom[right : right + width]
            for x in range(width):
                total[x] += np.int32(np.int32(d[x] - c[x]) - np.int32(b[x] - a[x]))
        row = result[y]
        for x in range(width):
            row[x] = total[x] > 0
