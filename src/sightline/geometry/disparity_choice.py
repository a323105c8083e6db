"""From costs to disparities: the least one, to a fraction of a pixel, if it holds from both sides and stands out.

Hirschmüller 2008, "Stereo Processing by Semiglobal Matching and Mutual Information", IEEE PAMI 30(2), section 2.3.
"""

from __future__ import annotations

import numpy as np

from sightline.core.kernels import kernel

NOWHERE = np.float32(np.nan)
_PLACE = np.uint32(0xFFFF)  # of a key: its disparity; the cost stands above


@kernel
def choose_row(sums, first, count, check, unique, right, out):
    """Write the disparities of a row of the left picture, NaN where a test fails.

    ``sums`` is W×D uint16, of which the first ``count`` disparities, from ``first`` on, are looked at; ``right`` is
    scratch of W + D uint32: of each pixel of the right picture, its least sum and disparity as one number.
    """
    width = out.size
    share = np.float32(1) - unique
    right[:] = np.uint32(0xFFFFFFFF)
    for x in range(width):
        at = width - 1 - x
        out[x] = _least(sums[x, :count], right[at : at + count])
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
                _agrees(right[width - 1 - x + d], d, check)
                or (0 <= there - next_one < width and _agrees(right[width - 1 - x + d + next_one], d, check))
            )
        if keep and unique > 0:
            keep = _stands_out(row, d, share)
        out[x] = np.float32(first + d) + beyond if keep else NOWHERE


@kernel(inline=True)
def _agrees(key, d, most):
    """Return whether a pixel of the right picture has nearly the disparity ``d``."""
    return np.abs(np.float32(np.int64(key & _PLACE) - d)) <= most


@kernel
def _least(sums, right):
    """Return where a pixel's sums are least, and let each be a candidate for the pixel of the right that it means."""
    lowest = np.uint32(0xFFFFFFFF)
    for d in range(sums.size):
        key = (np.uint32(sums[d]) << np.uint32(16)) | np.uint32(d)
        lowest = key if key < lowest else lowest
        right[d] = key if key < right[d] else right[d]
    return np.float32(lowest & _PLACE)


@kernel
def _stands_out(sums, best, share):
    """Return whether no sum but the neighbours' is nearly as small as the best."""
    bound = np.float32(sums[best])
    beaten = np.uint32(0)
    for d in range(sums.size):
        beaten += np.uint32(np.float32(sums[d]) * share < bound)
    for d in range(max(0, best - 1), min(sums.size, best + 2)):
        beaten -= np.uint32(np.float32(sums[d]) * share < bound)
    return beaten == 0


@kernel(inline=True)
def _between(before, here, after):
    """Return where between its neighbours a minimum lies: two lines of the same slope, for costs grow like |d|."""
    rise = max(before, after) - here
    return np.float32(0.5) * (before - after) / rise if rise > 0 else np.float32(0)
