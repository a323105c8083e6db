"""What makes a map of disparities whole: small patches that fit nothing around them go, and holes are filled.

Hirschmüller 2008, "Stereo Processing by Semiglobal Matching and Mutual Information", IEEE PAMI 30(2), sections 2.5.1
(peak filtering) and 2.5.3 (interpolation).
"""

from __future__ import annotations

import numpy as np

from sightline.core.buffers import empty
from sightline.core.kernels import kernel, over_rows
from sightline.core.types import Array


def remove_speckles(disparity: Array, size: int, step: float) -> None:
    """Set to NaN, in place, each patch of at most ``size`` pixels; neighbours in a patch differ by ``step`` at most."""
    most = disparity.size
    _clear_small(disparity, np.float32(step), size, empty((3, most), np.int32), empty((most,), np.int32))


def fill_gaps(disparity: Array) -> None:
    """Fill, in place, what is NaN with the farther (smaller) of the nearest values to the left and to the right."""
    over_rows(_fill, len(disparity), disparity)


@kernel
def _clear_small(disparity, step, size, runs, parents):
    """Join the runs of each row to those they touch in the row above, and clear those of small patches.

    ``runs`` holds where each begins and ends in its row, and, at the root of a patch, how many pixels it has.
    """
    (height, width), (begins, ends, counts) = disparity.shape, (runs[0], runs[1], runs[2])
    first_above, first, count = 0, 0, 0
    rows = np.empty(height + 1, np.int64)  # number of the first run of each row
    for y in range(height):
        row, above = disparity[y], disparity[max(y - 1, 0)]
        first_above, first, rows[y], x = first, count, count, 0
        while x < width:
            if np.isnan(row[x]):
                x += 1
                continue
            begins[count], parents[count] = x, count
            x += 1
            while x < width and np.abs(row[x] - row[x - 1]) <= step:
                x += 1
            ends[count], counts[count] = x, x - begins[count]
            count += 1
        one, other = first_above, first
        while one < first and other < count:
            low, high = max(begins[one], begins[other]), min(ends[one], ends[other])
            a, b = _root_of(parents, one), _root_of(parents, other)
            if a != b:
                while low < high and not np.abs(row[low] - above[low]) <= step:
                    low += 1
                if low < high:
                    parents[max(a, b)] = min(a, b)
                    counts[min(a, b)] += counts[max(a, b)]
            if ends[one] < ends[other]:
                one += 1
            else:
                other += 1
    rows[height] = count
    for y in range(height):
        for run in range(rows[y], rows[y + 1]):
            if counts[_root_of(parents, run)] <= size:
                disparity[y, begins[run] : ends[run]] = np.nan


@kernel
def _root_of(parents, run):
    while parents[run] != run:
        parents[run] = parents[parents[run]]
        run = parents[run]
    return run


@kernel
def _fill(disparity, y0, y1):
    for y in range(y0, y1):
        row = disparity[y]
        last, x = np.float32(np.nan), 0
        while x < row.size:
            if not np.isnan(row[x]):
                last = row[x]
                x += 1
                continue
            end = x
            while end < row.size and np.isnan(row[end]):
                end += 1
            following = row[end] if end < row.size else last
            value = following if np.isnan(last) else min(last, following)
            for k in range(x, end):
                row[k] = value
            x = end
