"""Connected components: a number for every group of true pixels that touch one another.

He, Chao & Suzuki 2008, "A Run-Based Two-Scan Labeling Algorithm", IEEE TIP 17(5): runs of true pixels are joined with
the runs that they touch in the row above, by union-find, and then written with the number of their group.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import numpy as np

from sightline.core.buffers import empty
from sightline.core.canvas import colour_of
from sightline.core.catalogue import method
from sightline.core.checks import as_mask, describe, output
from sightline.core.errors import InputError
from sightline.core.kernels import kernel, over_rows
from sightline.core.layers import Mask as MaskLayer
from sightline.core.layers import Picture, Value
from sightline.core.trace import Step
from sightline.core.types import Array, Labels, Mask, Range
from sightline.image.bits import trailing_zeros

_STRIP = 64
_GATHER = np.uint64(0x0102040810204080)  # times eight bytes of 0 or 1: their bits, in the highest byte


@method(task="morphology", paper="He 2008", lesson="w1d5")
def label(
    mask: Mask, connectivity: Annotated[int, Range(4, 8, 4)] = 8, *, out: Labels | None = None
) -> tuple[Labels, int]:
    """Return a map that numbers the groups of connected true pixels, and how many groups there are.

    Groups are numbered from 1 in the order of their first pixel, row by row; false pixels are 0. A mask has no NaN.

    Parameters
    ----------
    mask
        H×W bool.
    connectivity
        Neighbours of a pixel: 8, or 4 (those that share an edge with it).
    out
        H×W int32 array for the map; None makes a new one.

    Returns
    -------
    labels
        H×W int32, 0 where ``mask`` is false.
    count
        Number of groups, the largest label.

    References
    ----------
    L. He, Y. Chao and K. Suzuki, "A Run-Based Two-Scan Labeling Algorithm", IEEE Transactions on Image Processing
    17(5), 2008.

    Examples
    --------
    >>> import numpy as np
    >>> labels, count = label(np.array([[1, 1, 0, 1], [0, 0, 1, 0], [1, 0, 0, 0]], bool))
    >>> labels.tolist(), count
    ([[1, 1, 0, 1], [0, 0, 1, 0], [2, 0, 0, 0]], 2)
    """
    mask, reach = _checked(mask, connectivity)
    labels = output("label", out, mask.shape, np.int32, [mask])
    runs = _runs(mask, reach)
    count = _number(*runs[1:])
    over_rows(_write, len(mask), *runs, labels, strip=_STRIP)
    return labels, count


@label.steps
def _steps(mask: Mask, connectivity: int = 8, *, out: Any = None) -> Iterator[Step]:
    mask, reach = _checked(mask, connectivity)
    yield Step("mask", MaskLayer(mask))
    bounds, counts, parents = _runs(mask, reach)
    own = np.arange(parents.size, dtype=np.int32).reshape(parents.shape)
    for name, groups, note in (
        ("runs", own, f"{counts.sum()} runs of true pixels, row by row, each in a colour."),
        ("joined", parents, "Runs that touch in two rows point to one another; two scans make it one group."),
    ):
        shown = empty(mask.shape, np.int32)
        over_rows(_write, len(mask), bounds, counts, -1 - groups, shown, strip=_STRIP)
        yield Step(name, Picture(_coloured(shown)), note=note)
    labels, count = label(mask, connectivity, out=out)
    yield Step("labels", Value((labels, count)), Picture(_coloured(labels)), note=f"{count} groups, numbered in order.")


def _coloured(labels: Array) -> Array:
    """Return a picture with a colour for each label, and black for 0."""
    palette = np.array([(0, 0, 0), *(colour_of(i) for i in range(7))], np.uint8)
    return palette[np.where(labels > 0, labels % 7 + 1, 0)]


def _checked(mask: Any, connectivity: Any) -> tuple[Array, int]:
    """Return the mask, and how far beyond its ends a run touches others: 1 with diagonals, 0 without."""
    mask = as_mask("label", mask)
    if isinstance(connectivity, bool) or connectivity not in (4, 8):
        raise InputError(f"label: connectivity must be 4 or 8; got {describe(connectivity)}.")
    return mask, 1 if connectivity == 8 else 0


def _runs(mask: Array, reach: int) -> tuple[Array, Array, Array]:
    """Return the runs: where each begins and ends, how many each row has, and for each one a run of its group.

    Runs have room for as many as a row can hold; number ``i`` of row ``y`` is ``y × room + i`` to the others.
    """
    height, width = mask.shape
    room = (width + 1) // 2
    bounds, parents = empty((height, 2 * room), np.int32), empty((height, room), np.int32)
    runs = bounds, np.zeros(height, np.int32), parents
    over_rows(_find_and_join, height, mask.view(np.uint8), *runs, reach, strip=_STRIP)
    for y in range(_STRIP, height, _STRIP):
        _join(*runs, reach, y)
    return runs


@kernel
def _find_and_join(mask, bounds, counts, parents, reach, y0, y1):
    """Find the runs of rows ``y0`` to ``y1``, and join each with those that it touches in the row above."""
    width, room = mask.shape[1], parents.shape[1]
    line = np.zeros(width // 64 * 64 + 64, np.uint8)  # a row, and at least one false pixel after it
    words = line.view(np.uint64)
    for y in range(y0, y1):
        row, ends, found = mask[y], bounds[y], 0
        for x in range(width):
            line[x] = row[x] != 0
        before = np.uint64(0)
        for i in range(0, words.size, 8):
            changes = np.uint64(0)  # a bit for each of 64 pixels that differ from the one on their left
            for j in range(8):
                word = words[i + j]
                bytes_ = word ^ (word << np.uint64(8) | before >> np.uint64(56))
                before = word
                changes |= (bytes_ * _GATHER >> np.uint64(56)) << np.uint64(8 * j)
            while changes != 0:
                ends[found] = 8 * i + np.int64(trailing_zeros(changes))
                found += 1
                changes &= changes - np.uint64(1)
        counts[y] = found // 2
        for i in range(found // 2):
            parents[y, i] = y * room + i
        if y > y0:
            _join(bounds, counts, parents, reach, y)


@kernel
def _join(bounds, counts, parents, reach, y):
    """Join the runs of row ``y`` with those of the row above that they touch."""
    room = parents.shape[1]
    above, here, flat = bounds[y - 1], bounds[y], parents.reshape(-1)
    first, count = 0, counts[y - 1]
    for i in range(counts[y]):
        start, stop = here[2 * i] - reach, here[2 * i + 1] + reach
        while first < count and above[2 * first + 1] <= start:
            first += 1
        mine, other = _root(flat, y * room + i), first
        while other < count and above[2 * other] < stop:
            its = _root(flat, (y - 1) * room + other)
            flat[max(mine, its)] = min(mine, its)  # so that a group's root is its first run
            mine = min(mine, its)
            other += 1


@kernel(inline=True)
def _root(parents, run):
    while parents[run] != run:
        parents[run] = parents[parents[run]]  # halves the way for the next one
        run = parents[run]
    return run


@kernel
def _number(counts, parents):
    """Number the roots in their order, give each run the number of its root, and return how many there are."""
    room, flat, number = parents.shape[1], parents.reshape(-1), 0
    for y in range(counts.size):
        for run in range(y * room, y * room + counts[y]):
            if flat[run] == run:
                number += 1
                flat[run] = -number
            else:
                flat[run] = flat[flat[run]]  # an earlier run: it has its number
    return number


@kernel
def _write(bounds, counts, parents, labels, y0, y1):
    for y in range(y0, y1):
        row, ends, numbers, x = labels[y], bounds[y], parents[y], 0
        for i in range(counts[y]):
            start, stop = ends[2 * i], ends[2 * i + 1]
            _fill(row[x:start], np.int32(0))
            _fill(row[start:stop], -numbers[i])
            x = stop
        _fill(row[x:], np.int32(0))


@kernel(inline=True)
def _fill(pixels, number):
    for x in range(pixels.size):
        pixels[x] = number
