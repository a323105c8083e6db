"""Runs of true pixels: where they begin and end in each row, found sixty-four pixels at a time."""

from __future__ import annotations

import numpy as np

from sightline.core.buffers import empty
from sightline.core.kernels import kernel, over_rows
from sightline.core.types import Array
from sightline.image.bits import count_bits, trailing_zeros, true_bits

_STRIP = 64
_ONE, _LAST = np.uint64(1), np.uint64(63)


def listed_runs(mask: Array) -> tuple[Array, Array]:
    """Return the bounds of all runs one after the other, row by row, and which is the first one of each row.

    Parameters
    ----------
    mask
        H×W bool, contiguous.

    Returns
    -------
    bounds
        2R numbers for R runs in all; run i is ``bounds[2 i]`` up to, not with, ``bounds[2 i + 1]``. They are int32, or
        uint16 where that holds the width: noise has half as many as there are pixels.
    firsts
        H + 1 int64: the runs of row y are ``firsts[y]`` up to, not with, ``firsts[y + 1]``.
    """
    height, pixels = len(mask), mask.view(np.uint8)
    firsts = np.zeros(height + 1, np.int64)
    over_rows(_count, height, pixels, firsts[1:], strip=4 * _STRIP)
    np.cumsum(firsts, out=firsts)
    bounds = empty((2 * int(firsts[-1]),), np.uint16 if mask.shape[1] < 1 << 16 else np.int32)
    over_rows(_list, height, pixels, bounds, firsts, strip=_STRIP)
    return bounds, firsts


@kernel
def _count(mask, counts, y0, y1):
    line = _line_for(mask)
    for y in range(y0, y1):
        _copy(mask[y], line)
        found, before = 0, np.uint64(0)
        for x in range(0, line.size, 64):
            pixels = true_bits(line, x)
            found += count_bits(pixels & ~(pixels << _ONE | before))
            before = pixels >> _LAST
        counts[y] = found


@kernel
def _list(mask, bounds, firsts, y0, y1):
    line = _line_for(mask)
    for y in range(y0, y1):
        _copy(mask[y], line)
        found, before = 2 * firsts[y], np.uint64(0)
        for x in range(0, line.size, 64):
            pixels = true_bits(line, x)
            changes = pixels ^ (pixels << _ONE | before)
            before = pixels >> _LAST
            while changes != 0:
                bounds[found] = x + np.int64(trailing_zeros(changes))
                found += 1
                changes &= changes - _ONE


@kernel(inline=True)
def _line_for(mask):
    return np.zeros(mask.shape[1] // 64 * 64 + 64, np.uint8)  # a row, and at least one false pixel after it


@kernel
def _copy(row, line):
    for x in range(row.size):
        line[x] = row[x]


@kernel(inline=True)
def root_of(parents, run):
    """Return the first of the group that a run belongs to, where ``parents`` leads from each to an earlier one."""
    while parents[run] != run:
        parents[run] = parents[parents[run]]  # halves the way for the next one
        run = parents[run]
    return run
