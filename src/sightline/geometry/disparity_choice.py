"""From costs to disparities: the least one, to a fraction of a pixel, if it holds from both sides and stands out.

Hirschmüller 2008, "Stereo Processing by Semiglobal Matching and Mutual Information", IEEE PAMI 30(2), section 2.3.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from sightline.core.kernels import kernel
from sightline.core.narrow import plus
from sightline.core.types import Array

NOWHERE = np.float32(np.nan)
NEVER = np.uint16(0xFFFF)  # more than any sum


@lru_cache(maxsize=8)
def limits_of(unique: float) -> Array:
    """Return for each least sum, 0–65535, the one that all others must reach to cost more by a share, as uint16.

    Of none for a share of 0: whatever the others cost will do.
    """
    if unique <= 0:
        return np.empty(0, np.uint16)
    share, bound = np.float32(1) - np.float32(unique), np.arange(int(NEVER) + 1, dtype=np.float32)
    if share <= 0:
        return np.full(bound.size, NEVER)
    # The least whole number that the share of is not below the bound, in the numbers' own precision.
    enough = np.minimum(bound / share, np.float32(NEVER)).astype(np.int64)
    while (much := (enough > 0) & ((enough - 1).astype(np.float32) * share >= bound)).any():
        enough -= much
    while (little := (enough < NEVER) & (enough.astype(np.float32) * share < bound)).any():
        enough += little
    return enough.astype(np.uint16)


@kernel
def choose_row(sums, first, count, check, limits, right, found, out):
    """Write the disparities of a row of the left picture, NaN where a test fails.

    ``sums`` is W×D uint16, of which the first ``count`` disparities, from ``first`` on, are looked at; ``limits`` are
    those of the share by which others must cost more; ``right`` is scratch of 2×(W + D) uint16, of each pixel of the
    right picture, from the last one on, its least sum and where; ``found`` of 2×W float32.
    """
    width, cheapest, place, whole, rest = out.size, right[0], right[1], found[0], found[1]
    cheapest[:] = NEVER
    for x in range(width):
        row, at = sums[x, :count], width - 1 - x
        lowest = _offer(row, cheapest[at : at + count], place[at : at + count])
        limit = limits[lowest] if limits.size > 0 else np.uint16(0)
        d, below = _first_of(row, lowest, limit)
        beyond = np.float32(0)
        if 0 < d < count - 1:
            beyond = _between(np.float32(row[d - 1]), np.float32(row[d]), np.float32(row[d + 1]))
        for k in range(max(0, d - 1), min(count, d + 2)):  # the neighbours may cost as little
            below -= np.int64(row[k] < limit)
        whole[x], rest[x] = np.float32(d), beyond
        out[x] = np.float32(first + d) + beyond if below == 0 else NOWHERE
    if check >= 0:
        _confirm(first, check, place, whole, rest, out)


@kernel
def _confirm(first, check, place, whole, rest, out):
    """Write NaN where the right picture's pixels have other disparities, by more than ``check``."""
    width = out.size
    for x in range(width):
        d, beyond = np.int64(whole[x]), rest[x]
        # It points between two pixels: one of them must agree.
        there = x - d - first
        next_one = np.int64(1) if beyond > 0 else np.int64(-1 if beyond < 0 else 0)
        keep = there >= 0 and (
            _agrees(place[width - 1 - x + d], d, check)
            or (0 <= there - next_one < width and _agrees(place[width - 1 - x + d + next_one], d, check))
        )
        out[x] = out[x] if keep else NOWHERE


@kernel(inline=True)
def _agrees(other, d, most):
    """Return whether a pixel of the right picture has nearly the disparity ``d``."""
    return np.abs(np.float32(np.int64(other) - d)) <= most


@kernel(inline=True)
def _offer(sums, cheapest, place):
    """Return a pixel's least sum, and let each be a candidate for the pixel of the right that it means."""
    lowest = NEVER
    for d in range(sums.size):
        value, old, where = sums[d], cheapest[d], place[d]
        place[d] = np.uint16(d) if value < old else where
        cheapest[d] = min(value, old)
        lowest = min(lowest, value)
    return lowest


@kernel(inline=True)
def _first_of(sums, lowest, limit):
    """Return where the least sum stands first, and how many are below a limit."""
    at, below = NEVER, np.uint16(0)
    for d in range(sums.size):
        value = sums[d]
        at = min(at, np.uint16(d) if value == lowest else NEVER)
        below = plus(below, np.uint16(value < limit))
    return np.int64(at), np.int64(below)


@kernel(inline=True)
def _between(before, here, after):
    """Return where between its neighbours a minimum lies: two lines of the same slope, for costs grow like |d|."""
    rise = max(before, after) - here
    return np.float32(0.5) * (before - after) / rise if rise > 0 else np.float32(0)
