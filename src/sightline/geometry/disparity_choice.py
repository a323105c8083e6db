"""From costs to disparities: the least one, to a fraction of a pixel, if it holds from both sides and stands out.

Hirschmüller 2008, "Stereo Processing by Semiglobal Matching and Mutual Information", IEEE PAMI 30(2), section 2.3.
"""

from __future__ import annotations

import numpy as np

from sightline.core.kernels import kernel

NOWHERE = np.float32(np.nan)
NEVER = np.uint16(0xFFFF)  # more than any sum


@kernel
def choose_row(sums, first, count, check, unique, right, out):
    """Write the disparities of a row of the left picture, NaN where a test fails.

    ``sums`` is W×D uint16, of which the first ``count`` disparities, from ``first`` on, are looked at; ``right`` is
    scratch of 2×(W + D) uint16: of each pixel of the right picture, from the last one on, its least sum and where.
    """
    width = out.size
    share = np.float32(1) - unique
    cheapest, place = right[0], right[1]
    cheapest[:] = NEVER
    for x in range(width):
        at = width - 1 - x
        row = sums[x, :count]
        lowest = _offer(row, cheapest[at : at + count], place[at : at + count])
        out[x] = np.float32(_first_of(row, lowest))
    for x in range(width):
        d, row = np.int64(out[x]), sums[x, :count]
        beyond = np.float32(0)
        if 0 < d < count - 1:
            beyond = _between(np.float32(row[d - 1]), np.float32(row[d]), np.float32(row[d + 1]))
        keep = True
        if check >= 0:  # it points between two pixels: one of them must agree
            there = x - d - first
            next_one = np.int64(1) if beyond > 0 else np.int64(-1 if beyond < 0 else 0)
            keep = there >= 0 and (
                _agrees(place[width - 1 - x + d], d, check)
                or (0 <= there - next_one < width and _agrees(place[width - 1 - x + d + next_one], d, check))
            )
        if keep and unique > 0:
            keep = _stands_out(row, d, share)
        out[x] = np.float32(first + d) + beyond if keep else NOWHERE


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
def _first_of(sums, lowest):
    """Return where the least sum stands first."""
    at = NEVER
    for d in range(sums.size):
        at = min(at, np.uint16(d) if sums[d] == lowest else NEVER)
    return at


@kernel(inline=True)
def _stands_out(sums, best, share):
    """Return whether no sum but the neighbours' is nearly as small as the best."""
    bound = np.float32(sums[best])
    beaten = np.uint16(0)
    # The least number that the share of is not below the bound: comparing whole numbers is quicker.
    enough = np.int64(min(bound / share, np.float32(NEVER))) if share > 0 else np.int64(NEVER)
    while enough > 0 and np.float32(enough - 1) * share >= bound:
        enough -= 1
    while enough < NEVER and np.float32(enough) * share < bound:
        enough += 1
    limit = np.uint16(enough)
    for d in range(sums.size):
        beaten += np.uint16(sums[d] < limit)
    for d in range(max(0, best - 1), min(sums.size, best + 2)):
        beaten -= np.uint16(sums[d] < limit)
    return beaten == 0


@kernel(inline=True)
def _between(before, here, after):
    """Return where between its neighbours a minimum lies: two lines of the same slope, for costs grow like |d|."""
    rise = max(before, after) - here
    return np.float32(0.5) * (before - after) / rise if rise > 0 else np.float32(0)
