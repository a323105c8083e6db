"""Costs of matches: which neighbours of a pixel are darker, and by how much its brightness differs.

Zabih & Woodfill 1994, "Non-parametric Local Transforms for Computing Visual Correspondence", ECCV; both costs together
as by Mei et al. 2011, "On Building an Accurate Stereo Matching System on Graphics Hardware", ICCV Workshops.
"""

from __future__ import annotations

import numpy as np

from sightline.core.buffers import empty
from sightline.core.kernels import kernel, over_rows
from sightline.core.popcount import popcount
from sightline.core.types import Array
from sightline.geometry.sgm_lanes import LANES

DOWN, ACROSS = 3, 4  # the window reaches that far: 7 rows of 9 pixels, 62 neighbours
BITS = (2 * DOWN + 1) * (2 * ACROSS + 1) - 1
MOST_APART = np.uint8(20)  # grey levels beyond which a difference counts no more
LARGEST = np.uint8(BITS // 2 + MOST_APART)  # the cost of a match that lies outside the right picture
NEVER = np.uint8(255)


def matching_costs(left: Array, right: Array, first: int, count: int) -> Array:
    """Return H×W×D uint8: how unlike the left picture at (x, y) and the right one at (x - first - k, y) are.

    The pictures are H×W uint8. The cost is half of how many of 62 neighbours are darker in one of them alone, and the
    difference of brightness, at most 20. D is ``count`` and what makes it a multiple of 32: disparities that do not
    exist, at the cost of 255.
    """
    out = empty((*left.shape, -(-count // LANES) * LANES), np.uint8)
    over_rows(_compare, len(left), left, right, _census(left), _census(right), first, count, out)
    return out


def _census(gray: Array) -> Array:
    padded = np.pad(gray, ((DOWN, DOWN), (ACROSS, ACROSS)), mode="edge")
    out = empty(gray.shape, np.uint64)
    over_rows(_darker_neighbours, len(gray), padded, out)
    return out


@kernel
def _darker_neighbours(padded, out, y0, y1):
    one = np.uint64(1)
    for y in range(y0, y1):
        row = out[y]
        middle = padded[y + DOWN, ACROSS : ACROSS + row.size]
        for x in range(row.size):
            row[x] = np.uint64(0)
        for dy in range(2 * DOWN + 1):
            for dx in range(2 * ACROSS + 1):
                if dy == DOWN and dx == ACROSS:
                    continue
                other = padded[y + dy, dx : dx + row.size]
                for x in range(row.size):
                    row[x] = (row[x] << one) | np.uint64(other[x] < middle[x])


@kernel
def _compare(left, right, left_census, right_census, first, count, out, y0, y1):
    width = out.shape[1]
    # The right rows backwards, so that a pixel's candidates lie in the order of their disparities.
    codes, levels = np.empty(width, np.uint64), np.empty(width, np.uint8)
    for y in range(y0, y1):
        for x in range(width):
            codes[x], levels[x] = right_census[y, width - 1 - x], right[y, width - 1 - x]
        for x in range(width):
            costs = out[y, x]
            begin = width - 1 - x + first  # of disparity `first`
            inside = min(count, max(0, width - begin))
            if inside > 0:
                _distances(left_census[y, x], codes[begin : begin + inside], costs)
                _add_differences(left[y, x], levels[begin : begin + inside], costs)
            for k in range(inside, count):
                costs[k] = LARGEST
            for k in range(count, costs.size):
                costs[k] = NEVER


@kernel(inline=True)
def _distances(code, others, costs):
    one = np.uint64(1)
    for k in range(others.size):
        costs[k] = np.uint8(popcount(others[k] ^ code) >> one)


@kernel(inline=True)
def _add_differences(level, others, costs):
    for k in range(others.size):
        apart = np.uint8(max(level, others[k]) - min(level, others[k]))
        costs[k] = np.uint8(costs[k] + min(apart, MOST_APART))
