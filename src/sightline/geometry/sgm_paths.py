"""Costs gathered along straight paths: what makes the matching of pixels semi-global.

Hirschmüller 2008, "Stereo Processing by Semiglobal Matching and Mutual Information", IEEE PAMI 30(2), section 2.2.
Along a path r, L(p, d) = C(p, d) + min(L(p-r, d), L(p-r, d±1) + P1, min L(p-r, ·) + P2) - min L(p-r, ·), which is at
most the largest C and P2 together: it fits into a byte.
"""

from __future__ import annotations

import numpy as np

from sightline.core.buffers import empty
from sightline.core.kernels import kernel, over_rows
from sightline.core.types import Array
from sightline.geometry.sgm_lanes import LANES, advance

FAR = 255  # the cost of a disparity that does not exist
_MORE, _ANEW = np.uint16(65535), np.uint16(0)


def path_sums(costs: Array, p1: int, p2: int, paths: int) -> tuple[Array, ...]:
    """Return volumes H×W×D uint16 that add up to the sum of L over 4 or 8 paths.

    ``costs`` is H×W×D uint8, D a multiple of 32; 255 is the cost of what does not exist, all else + P2 is less.
    """
    height = len(costs)
    across, down, up = (empty(costs.shape, np.uint16) for _ in range(3))
    over_rows(_gather_across, height, costs, np.uint8(p1), np.uint8(p2), across)
    ways = 3 if paths == 8 else 1

    def gather(k0: int, k1: int) -> None:
        for k in range(k0, k1):
            _gather_along(costs, np.uint8(p1), np.uint8(p2), ways, k == 0, (down, up)[k])

    over_rows(gather, 2, strip=1)
    return across, down, up


@kernel
def _gather_across(costs, p1, p2, out, y0, y1):
    """Write the sums of the paths from the left and from the right."""
    width, count = costs.shape[1], costs.shape[2]
    flat, total = costs.reshape(-1), out.reshape(-1)
    stride = count + 2 * LANES
    # L of this pixel and of the last one, each between numbers that are never chosen, and zeros: a path begins with
    # L = C, as after a pixel whose L is 0.
    rows = np.full(3 * stride, FAR, np.uint8)
    start = 2 * stride + LANES
    rows[start - LANES :] = np.uint8(0)
    for y in range(y0, y1):
        for back in range(2):
            kept = _MORE if back else _ANEW
            least, last = np.uint8(0), start
            for k in range(width):
                x = width - 1 - k if back else k
                at, new = (y * width + x) * count, (k & 1) * stride + LANES
                least = advance(rows, last, new, flat, total, at, count, least, p1, p2, kept)
                last = new


@kernel
def _gather_along(costs, p1, p2, ways, downwards, out):
    """Write the sums of the paths that come from above (or below): straight, and slanting from both sides."""
    height, width, count = costs.shape
    flat, total = costs.reshape(-1), out.reshape(-1)
    stride = count + 2 * LANES
    row = ways * (width + 2) * stride
    rows = np.zeros(2 * row, np.uint8)  # L of the last row and of this one, with a column of zeros on both sides
    least = np.zeros((2, ways, width + 2), np.uint8)
    for place in range(0, 2 * row, stride):
        for k in range(LANES):
            rows[place + k], rows[place + LANES + count + k] = np.uint8(FAR), np.uint8(FAR)
    for k in range(height):
        y = k if downwards else height - 1 - k
        new, old = (k & 1) * row + LANES, ((k + 1) & 1) * row + LANES
        for x in range(width):
            at = (y * width + x) * count
            for way in range(ways):
                slant = (way + 1) // 2 * (1 - 2 * (way & 1))  # 0, -1, 1
                to, come = way * (width + 2) + x + 1, way * (width + 2) + x + 1 + slant
                before = least[(k + 1) & 1, way, x + 1 + slant]
                kept = _ANEW if way == 0 else _MORE
                last, now = old + come * stride, new + to * stride
                least[k & 1, way, x + 1] = advance(rows, last, now, flat, total, at, count, before, p1, p2, kept)
