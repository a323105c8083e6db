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

_STEPS = 5  # moves to a neighbour before a candidate is given up


def extrema(levels: Array, threshold: float) -> Array:
    """Return N×3 int32 (layer, row, column) of the extrema of the differences of ``levels`` beyond ±``threshold``."""
    strips = over_rows(_scan, levels.shape[1], levels, np.float32(threshold), strip=48)
    return np.concatenate(strips)


def localise(levels: Array, candidates: Array) -> Array:
    """Return N×7 float64 of the candidates whose quadratic has its extremum nearby, each place once.

    The columns are the whole layer, row and column where it ended, the offsets (dx, dy, ds) from there, the difference
    of Gaussians at the extremum, and the ratio tr² / det of the principal curvatures (infinity at a saddle).
    """
    found = np.empty((len(candidates), 8), np.float64)
    over_rows(_localise, len(candidates), levels, candidates, found, strip=256)
    found = found[np.isfinite(found[:, 0])]
    _, first = np.unique(found[:, :3], axis=0, return_index=True)
    return found[first]


@kernel
def _scan(levels, threshold, y0, y1):
    """Return the extrema of rows ``y0`` to ``y1``."""
    count, height, width = levels.shape
    differences = np.empty((count - 1, 3, width), np.float32)
    high, low = np.empty((count - 1, width), np.float32), np.empty((count - 1, width), np.float32)
    across, marks = np.empty((2, width), np.float32), np.zeros(width + 8, np.uint8)
    words = marks[: (width + 8) // 8 * 8].view(np.uint64)
    found, n = np.empty((256, 3), np.int32), 0
    first, last = max(y0, BORDER), min(y1, height - BORDER)
    for y in range(first - 2, last):
        for s in range(count - 1):
            _subtract(levels[s + 1, y + 1], levels[s, y + 1], differences[s, (y + 1) % 3])
        if y < first:
            continue
        for s in range(count - 1):
            rows = differences[s]
            _span(rows[0], rows[1], rows[2], across[0], across[1], high[s], low[s])
        for s in range(1, count - 2):
            row = differences[s, y % 3]
            _mark(row, high[s - 1], high[s], high[s + 1], low[s - 1], low[s], low[s + 1], threshold, marks)
            for word in range(words.size):
                if words[word] == 0:
                    continue
                for x in range(max(8 * word, BORDER), min(8 * word + 8, width - BORDER)):
                    if marks[x]:
                        if n == len(found):
                            found = np.concatenate((found, np.empty_like(found)))
                        found[n, 0], found[n, 1], found[n, 2] = s, y, x
                        n += 1
    return found[:n]


@kernel
def _subtract(a, b, out):
    for x in range(out.size):
        out[x] = a[x] - b[x]


@kernel
def _span(a, b, c, up, down, high, low):
    """Write the greatest and the least of the 3×3 neighbours around each pixel of a row, but for its two ends."""
    n = high.size - 2
    for x in range(high.size):
        p, q, r = a[x], b[x], c[x]
        top, bottom = (p if p > q else q), (p if p < q else q)
        up[x], down[x] = (top if top > r else r), (bottom if bottom < r else r)
    left, middle, right, out = up[:n], up[1 : n + 1], up[2:], high[1 : n + 1]
    for x in range(n):
        p, q, r = left[x], middle[x], right[x]
        top = p if p > q else q
        out[x] = top if top > r else r
    left, middle, right, out = down[:n], down[1 : n + 1], down[2:], low[1 : n + 1]
    for x in range(n):
        p, q, r = left[x], middle[x], right[x]
        bottom = p if p < q else q
        out[x] = bottom if bottom < r else r


@kernel
def _mark(row, a, b, c, d, e, f, threshold, marks):
    for x in range(row.size):
        value = row[x]
        top = (value >= a[x]) & (value >= b[x]) & (value >= c[x]) & (value > threshold)
        bottom = (value <= d[x]) & (value <= e[x]) & (value <= f[x]) & (value < -threshold)
        marks[x] = np.uint8(top | bottom)


@kernel(inline=True)
def _at(levels, s, y, x):
    return np.float64(levels[s + 1, y, x]) - np.float64(levels[s, y, x])


@kernel
def _localise(levels, candidates, found, y0, y1):
    """Move each candidate to the extremum of the quadratic through its neighbours, as long as that is elsewhere."""
    count, height, width = levels.shape
    for i in range(y0, y1):
        s, y, x = candidates[i, 0], candidates[i, 1], candidates[i, 2]
        found[i, 0] = np.nan
        for _ in range(_STEPS):
            here = _at(levels, s, y, x)
            gx = (_at(levels, s, y, x + 1) - _at(levels, s, y, x - 1)) / 2
            gy = (_at(levels, s, y + 1, x) - _at(levels, s, y - 1, x)) / 2
            gs = (_at(levels, s + 1, y, x) - _at(levels, s - 1, y, x)) / 2
            xx = _at(levels, s, y, x + 1) + _at(levels, s, y, x - 1) - 2 * here
            yy = _at(levels, s, y + 1, x) + _at(levels, s, y - 1, x) - 2 * here
            ss = _at(levels, s + 1, y, x) + _at(levels, s - 1, y, x) - 2 * here
            xy = _cross(levels, s, y, x, 0, 1, 0, 0, 0, 1)
            xs = _cross(levels, s, y, x, 1, 0, 0, 0, 0, 1)
            ys = _cross(levels, s, y, x, 1, 0, 0, 0, 1, 0)
            a, b, c = yy * ss - ys * ys, xs * ys - xy * ss, xy * ys - xs * yy
            det = xx * a + xy * b + xs * c
            if det == 0:
                break
            d, e, f = xx * ss - xs * xs, xs * xy - xx * ys, xx * yy - xy * xy
            dx = -(a * gx + b * gy + c * gs) / det
            dy = -(b * gx + d * gy + e * gs) / det
            ds = -(c * gx + e * gy + f * gs) / det
            if max(abs(dx), max(abs(dy), abs(ds))) < 0.5:
                found[i, 0], found[i, 1], found[i, 2] = s, y, x
                found[i, 3], found[i, 4], found[i, 5] = dx, dy, ds
                found[i, 6] = here + (gx * dx + gy * dy + gs * ds) / 2
                found[i, 7] = (xx + yy) ** 2 / f if f > 0 else np.inf
                break
            if max(abs(dx), max(abs(dy), abs(ds))) > height + width:
                break
            s, y, x = s + round(ds), y + round(dy), x + round(dx)
            inside = (y >= BORDER) & (y < height - BORDER) & (x >= BORDER) & (x < width - BORDER)
            if not (inside & (s >= 1) & (s < count - 2)):
                break


@kernel(inline=True)
def _cross(levels, s, y, x, s1, y1, x1, s2, y2, x2):
    """Return the mixed second derivative along two axes."""
    one = _at(levels, s + s1 + s2, y + y1 + y2, x + x1 + x2) + _at(levels, s - s1 - s2, y - y1 - y2, x - x1 - x2)
    other = _at(levels, s + s1 - s2, y + y1 - y2, x + x1 - x2) + _at(levels, s - s1 + s2, y - y1 + y2, x - x1 + x2)
    return (one - other) / 4
