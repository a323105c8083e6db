"""Runs of true pixels: where they begin and end in each row, found sixty-four pixels at a time."""

from __future__ import annotations

import numpy as np

from sightline.core.buffers import empty
from sightline.core.kernels import kernel, over_rows
from sightline.core.types import Array
from sightline.image.bits import trailing_zeros

_STRIP = 64
_GATHER = np.uint64(0x0102040810204080)  # times eight bytes of 0 or 1: their bits, in the highest byte


def runs_of(mask: Array) -> tuple[Array, Array]:
    """Return the bounds of the runs, and how many each row has.

    Parameters
    ----------
    mask
        H×W bool, contiguous.

    Returns
    -------
    bounds
        H×2R int32 with room for the R runs that a row can hold; number i of row y is ``bounds[y, 2 i]`` up to, not
        with, ``bounds[y, 2 i + 1]``. What is beyond the last run is not set.
    counts
        H int32.
    """
    height, width = mask.shape
    bounds, counts = empty((height, 2 * ((width + 1) // 2)), np.int32), np.empty(height, np.int32)
    over_rows(_find, height, mask.view(np.uint8), bounds, counts, strip=_STRIP)
    return bounds, counts


def listed_runs(mask: Array) -> tuple[Array, Array]:
    """Return the bounds of all runs one after the other, row by row, and which is the first one of each row.

    Parameters
    ----------
    mask
        H×W bool, contiguous.

    Returns
    -------
    bounds
        2R int32 for R runs in all; run i is ``bounds[2 i]`` up to, not with, ``bounds[2 i + 1]``.
    firsts
        H + 1 int64: the runs of row y are ``firsts[y]`` up to, not with, ``firsts[y + 1]``.
    """
    height, pixels = len(mask), mask.view(np.uint8)
    firsts = np.zeros(height + 1, np.int64)
    over_rows(_count, height, pixels, firsts[1:], strip=_STRIP)
    np.cumsum(firsts, out=firsts)
    bounds = empty((2 * int(firsts[-1]),), np.int32)
    over_rows(_list, height, pixels, bounds, firsts, strip=_STRIP)
    return bounds, firsts


@kernel
def _count(mask, counts, y0, y1):
    for y in range(y0, y1):
        row = mask[y]
        found = np.int64(row[0] != 0)
        for x in range(1, row.size):
            found += (row[x] != 0) & (row[x - 1] == 0)
        counts[y] = found


@kernel
def _list(mask, bounds, firsts, y0, y1):
    line = _line_for(mask)
    for y in range(y0, y1):
        _scan(mask[y], line, bounds[2 * firsts[y] : 2 * firsts[y + 1]])


@kernel
def _find(mask, bounds, counts, y0, y1):
    line = _line_for(mask)
    for y in range(y0, y1):
        counts[y] = _scan(mask[y], line, bounds[y])


@kernel(inline=True)
def _line_for(mask):
    return np.zeros(mask.shape[1] // 64 * 64 + 64, np.uint8)  # a row, and at least one false pixel after it


@kernel
def _scan(row, line, ends):
    """Write the bounds of a row's runs and return how many there are; ``line`` is room for the row."""
    for x in range(row.size):
        line[x] = row[x] != 0
    words, found, before = line.view(np.uint64), 0, np.uint64(0)
    for i in range(0, words.size, 8):
        changes = np.uint64(0)  # a bit for each of 64 pixels that differ from the one on their left
        for j in range(8):
            word = words[i + j]
            differ = word ^ (word << np.uint64(8) | before >> np.uint64(56))
            before = word
            changes |= (differ * _GATHER >> np.uint64(56)) << np.uint64(8 * j)
        while changes != 0:
            ends[found] = 8 * i + np.int64(trailing_zeros(changes))
            found += 1
            changes &= changes - np.uint64(1)
    return found // 2


@kernel(inline=True)
def root_of(parents, run):
    """Return the first of the group that a run belongs to, where ``parents`` leads from each to an earlier one."""
    while parents[run] != run:
        parents[run] = parents[parents[run]]  # halves the way for the next one
        run = parents[run]
    return run
