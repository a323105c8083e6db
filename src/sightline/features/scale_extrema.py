"""Extrema of differences of Gaussians: found among their 26 neighbours, placed between pixels, and tested.

Lowe 2004, "Distinctive Image Features from Scale-Invariant Keypoints", International Journal of Computer Vision 60(2),
sections 3.1 and 4, which the code follows; the quadratic is that of Brown & Lowe 2002, "Invariant Features from
Interest Point Groups", BMVC.
"""

from __future__ import annotations

import numpy as np

from sightline.core.kernels import kernel, over_rows
from sightline.core.types import Array
from sightline.features.scale_space import BORDER

_STRIP = 48  # rows
_STEPS = 5  # moves to a neighbour before a candidate is given up


def extrema(levels: Array, threshold: float) -> Array:
    """Return N×3 int32 (layer, row, column) of the extrema of the differences of ``levels`` beyond ±``threshold``."""
    rows, room = levels.shape[1], 512
    while True:
        found = np.empty((-(-rows // _STRIP), room, 3), np.int32)
        counts = over_rows(_scan, rows, levels, np.float32(threshold), found, strip=_STRIP)
        if max(counts) <= room:
            return np.concatenate([part[:count] for part, count in zip(found, counts, strict=True)])
        room = max(counts)


def localise(levels: Array, candidates: Array) -> Array:
    """Return N×8 float64 of the candidates whose quadratic has its extremum nearby, each place once.

    The columns are the whole layer, row and column where it ended, the offsets (dx, dy, ds) from there, the difference
    of Gaussians at the extremum, and the ratio tr² / det of the principal curvatures (infinity at a saddle).
    """
    found, places = np.empty((len(candidates), 8), np.float64), np.empty(len(candidates), np.int64)
    over_rows(_localise, len(candidates), levels, candidates, found, places, strip=64)
    places, first = np.unique(places, return_index=True)
    return found[first[places >= 0]]


@kernel
def _scan(levels, threshold, found, y0, y1):
    """Write the extrema of rows ``y0`` to ``y1``, as far as there is room; return how many there are."""
    count, height, width = levels.shape
    n, inner, places = 0, width - 2 * BORDER, found[y0 // _STRIP]
    marks = np.empty(inner // 8 * 8 + 8, np.uint8)
    words = marks.view(np.uint64)
    words[len(words) - 1] = 0
    for y in range(max(y0, BORDER), min(y1, height - BORDER)):
        for s in range(1, count - 2):
            low, high = levels[s], levels[s + 1]
            a, b, c, d = low[y - 1, BORDER:], low[y, BORDER - 1 :], low[y + 1, BORDER:], levels[s - 1, y, BORDER:]
            e, f, g, h = high[y - 1, BORDER:], high[y, BORDER - 1 :], high[y + 1, BORDER:], levels[s + 2, y, BORDER:]
            for x in range(inner):  # six of the 26 neighbours, for many pixels at once
                value, left, right = f[x + 1] - b[x + 1], f[x] - b[x], f[x + 2] - b[x + 2]
                up, down, under, over = e[x] - a[x], g[x] - c[x], b[x + 1] - d[x], h[x] - f[x + 1]
                top = (value >= left) & (value >= right) & (value >= up) & (value >= down) & (value > threshold)
                low_ = (value <= left) & (value <= right) & (value <= up) & (value <= down) & (value < -threshold)
                top, low_ = top & (value >= under) & (value >= over), low_ & (value <= under) & (value <= over)
                marks[x] = np.uint8(top | low_)
            for word in range(len(words)):
                if words[word] == 0:
                    continue
                for x in range(8 * word, 8 * word + 8):
                    if marks[x] != 0 and _stands_out(levels, s, y, x + BORDER):
                        if n < len(places):
                            places[n, 0], places[n, 1], places[n, 2] = s, y, x + BORDER
                        n += 1
    return n


@kernel
def _stands_out(levels, s, y, x):
    """Tell whether none of the 26 neighbours is greater, or none less where the value is below 0."""
    value = levels[s + 1, y, x] - levels[s, y, x]
    sign = np.float32(1) if value > 0 else np.float32(-1)
    for layer in range(s - 1, s + 2):
        for row in range(y - 1, y + 2):
            for column in range(x - 1, x + 2):
                if sign * (levels[layer + 1, row, column] - levels[layer, row, column]) > sign * value:
                    return False
    return True


@kernel
def _localise(levels, candidates, found, places, y0, y1):
    """Move each candidate to the extremum of the quadratic through its neighbours, as long as that is elsewhere."""
    count, height, width = levels.shape
    d = np.empty(27, np.float64)  # 3×3×3 differences: the next layer is 9 on, the next row 3, the next column 1
    for i in range(y0, y1):
        s, y, x = candidates[i, 0], candidates[i, 1], candidates[i, 2]
        places[i] = -1
        for _ in range(_STEPS):
            for layer in range(3):
                for row in range(3):
                    near, far = levels[s + layer - 1, y + row - 1], levels[s + layer, y + row - 1]
                    for column in range(3):
                        d[9 * layer + 3 * row + column] = far[x + column - 1] - near[x + column - 1]
            gx, gy, gs = (d[14] - d[12]) / 2, (d[16] - d[10]) / 2, (d[22] - d[4]) / 2
            xx, yy, ss = d[14] + d[12] - 2 * d[13], d[16] + d[10] - 2 * d[13], d[22] + d[4] - 2 * d[13]
            xy, xs = (d[17] + d[9] - d[15] - d[11]) / 4, (d[23] + d[3] - d[21] - d[5]) / 4
            ys = (d[25] + d[1] - d[19] - d[7]) / 4
            a, b, c = yy * ss - ys * ys, xs * ys - xy * ss, xy * ys - xs * yy  # cofactors of the Hessian
            e, f, g = xx * ss - xs * xs, xs * xy - xx * ys, xx * yy - xy * xy
            det = xx * a + xy * b + xs * c
            dx, dy = -(a * gx + b * gy + c * gs) / det, -(b * gx + e * gy + f * gs) / det
            ds = -(c * gx + f * gy + g * gs) / det
            farthest = max(abs(dx), max(abs(dy), abs(ds)))
            if farthest < 0.5:
                places[i], out = (s * height + y) * width + x, found[i]
                out[0], out[1], out[2], out[3], out[4], out[5] = s, y, x, dx, dy, ds
                out[6] = d[13] + (gx * dx + gy * dy + gs * ds) / 2
                out[7] = (xx + yy) * (xx + yy) / g if g > 0 else np.inf
                break
            if not farthest < height + width:
                break
            s, y, x = s + np.int64(np.rint(ds)), y + np.int64(np.rint(dy)), x + np.int64(np.rint(dx))
            inside = (y >= BORDER) & (y < height - BORDER) & (x >= BORDER) & (x < width - BORDER)
            if not (inside & (s >= 1) & (s < count - 2)):
                break
