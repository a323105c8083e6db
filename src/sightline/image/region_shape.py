"""What the runs of a region tell of its shape: sums, spread, pieces less holes, convex hull, and what it encloses.

Each is one walk along the runs, so that a large region costs no more than its outline.
"""

from __future__ import annotations

import numpy as np

from sightline.core.kernels import kernel, over_rows
from sightline.core.types import Array
from sightline.image.region_runs import Runs
from sightline.image.runs import root_of

# Columns of the table: the box, the sums, the spread about the centroid, and the counts.
X1, Y1, X2, Y2, AREA, SUM_X, SUM_Y, XX, XY, YY, EULER, CONVEX, ENCLOSED = range(13)
_NONE = 1 << 40  # no pixel in this row


def shapes_of(runs: Runs) -> Array:
    """Return a K×13 float64 table, a row for each region; its columns are named above."""
    table = np.empty((len(runs.labels), 13))
    over_rows(_measure, len(table), runs.bounds, runs.firsts, table, strip=64)
    return table


@kernel
def _measure(bounds, firsts, table, k0, k1):
    for k in range(k0, k1):
        runs, row = bounds[firsts[k] : firsts[k + 1]], table[k]
        _sums(runs, row)
        row[EULER] = _euler(runs)
        row[CONVEX] = _convex_area(runs, np.int64(row[Y1]), np.int64(row[Y2]))
        row[ENCLOSED] = _enclosed(runs, np.int64(row[X1]), np.int64(row[X2]), np.int64(row[Y1]), np.int64(row[Y2]))


@kernel
def _sums(runs, row):
    """Write the box, the area, Σ x, Σ y, and the spread, about a whole pixel near the centroid first."""
    left, right = np.int64(runs[0, 1]), np.int64(runs[0, 2])
    area, sum_x, sum_y = 0, 0, 0
    for i in range(len(runs)):
        y, start, stop = np.int64(runs[i, 0]), np.int64(runs[i, 1]), np.int64(runs[i, 2])
        left, right = min(left, start), max(right, stop)
        area += stop - start
        sum_x += (start + stop - 1) * (stop - start) // 2
        sum_y += y * (stop - start)
    cx, cy = sum_x // area, sum_y // area
    xx, xy, yy = 0, 0, 0
    for i in range(len(runs)):
        y, a, b = runs[i, 0] - cy, runs[i, 1] - cx, runs[i, 2] - cx - 1
        n = b - a + 1
        along = (a + b) * n // 2
        xx += (b * (b + 1) * (2 * b + 1) - (a - 1) * a * (2 * a - 1)) // 6
        xy += y * along
        yy += y * y * n
    dx, dy = np.float64(sum_x - cx * area), np.float64(sum_y - cy * area)
    row[X1], row[Y1], row[X2], row[Y2] = left, runs[0, 0], right, runs[len(runs) - 1, 0] + 1
    row[AREA], row[SUM_X], row[SUM_Y] = area, sum_x, sum_y
    row[XX], row[XY], row[YY] = xx - dx * dx / area, xy - dx * dy / area, yy - dy * dy / area


@kernel
def _euler(runs):
    """Return pieces less holes (8 neighbours): runs, less the pairs of them that touch in two rows."""
    pairs, first = 0, 0
    for i in range(len(runs)):
        y, start, stop = runs[i, 0], runs[i, 1], runs[i, 2]
        while runs[first, 0] < y - 1 or (runs[first, 0] == y - 1 and runs[first, 2] < start):
            first += 1
        other = first
        while runs[other, 0] == y - 1 and runs[other, 1] <= stop:
            pairs += 1
            other += 1
    return len(runs) - pairs


@kernel
def _convex_area(runs, top, bottom):
    """Return the pixels whose centre is in the hull of the middles of all pixels' sides.

    In half pixels from half a pixel above the region: the row y of pixels is line 2 (y - top) + 1.
    """
    lines = 2 * (bottom - top) + 1
    left, right = np.full(lines, _NONE, np.int64), np.full(lines, _NONE, np.int64)
    for i in range(len(runs)):
        line, first, last = 2 * (runs[i, 0] - top) + 1, 2 * np.int64(runs[i, 1]), 2 - 2 * np.int64(runs[i, 2])
        for j in range(-1, 2):
            out = 1 - abs(j)
            left[line + j] = min(left[line + j], first - out)
            right[line + j] = min(right[line + j], last - out)  # the right side in a mirror
    return -_inner_side(left) - _inner_side(right) + (bottom - top)


@kernel
def _inner_side(side):
    """Return the sum over the rows of pixels of the first whole pixel within the hull of a side, from the left."""
    corners, count = np.empty(side.size, np.int64), 0
    for line in range(side.size):
        if side[line] == _NONE:
            continue
        while count > 1:
            a, b = corners[count - 2], corners[count - 1]
            if (side[b] - side[a]) * (line - a) < (side[line] - side[a]) * (b - a):
                break
            count -= 1
        corners[count] = line
        count += 1
    total = 0
    for i in range(count - 1):
        a, b = corners[i], corners[i + 1]
        base, rise, length = side[a], side[b] - side[a], b - a
        for line in range(a | 1, b, 2):
            total -= -(base * length + rise * (line - a)) // (2 * length)
    return total


@kernel
def _enclosed(runs, left, right, top, bottom):
    """Return the pixels that the region encloses: gaps that no way over gaps (8 neighbours) joins to the outside."""
    most = len(runs) + bottom - top + 1
    starts, stops = np.empty(most, np.int64), np.empty(most, np.int64)
    parents = np.zeros(most, np.int64)  # gap 0 is the outside
    count, above, i = 1, 1, 0
    for y in range(top, bottom):
        here, start = count, left
        while True:
            more = i < len(runs) and runs[i, 0] == y
            stop = np.int64(runs[i, 1]) if more else right
            if stop > start:
                inside = y > top and y < bottom - 1 and start > left and stop < right
                starts[count], stops[count], parents[count] = start, stop, count if inside else 0
                count += 1
            if not more:
                break
            start = np.int64(runs[i, 2])
            i += 1
        first = above
        for gap in range(here, count):
            while first < here and stops[first] < starts[gap]:
                first += 1
            other = first
            while other < here and starts[other] <= stops[gap]:
                a, b = root_of(parents, gap), root_of(parents, other)
                parents[max(a, b)] = min(a, b)
                other += 1
        above = here
    total = 0
    for gap in range(1, count):
        if root_of(parents, gap) != 0:
            total += stops[gap] - starts[gap]
    return total
