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
def _scan(levels, threshold, found, y0, y1):
    """Write the extrema of rows ``y0`` to ``y1``, as far as there is room; return how many there are."""
    count, height, width = levels.shape
    differences = np.empty((count - 1, 5, width), np.float32)  # of three rows, and two for what is taken from them
    high, low = np.empty((count - 1, width), np.float32), np.empty((count - 1, width), np.float32)
    marks, n = np.zeros(width + 8, np.uint8), 0
    words, places = marks[: (width + 8) // 8 * 8].view(np.uint64), found[y0 // _STRIP]
    first, last = max(y0, BORDER), min(y1, height - BORDER)
    for y in range(first - 2, last):
        for s in range(count - 1):
            _subtract(levels[s + 1, y + 1], levels[s, y + 1], differences[s, (y + 1) % 3])
        if y < first:
            continue
        for s in range(count - 1):
            _span(differences[s], high[s], low[s])
        for s in range(1, count - 2):
            _mark(differences[s, y % 3], high, low, s, threshold, marks)
            for word in range(words.size):
                if words[word] != 0:
                    for x in range(max(8 * word, BORDER), min(8 * word + 8, width - BORDER)):
                        if marks[x]:
                            if n < len(places):
                                places[n, 0], places[n, 1], places[n, 2] = s, y, x
                            n += 1
    return n


@kernel
def _subtract(a, b, out):
    for x in range(out.size):
        out[x] = a[x] - b[x]


@kernel
def _span(rows, high, low):
    """Write the greatest and the least of the 3×3 neighbours around each pixel of a row, but for its two ends."""
    n = high.size - 2
    a, b, c, up, down = rows[0], rows[1], rows[2], rows[3], rows[4]
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
def _mark(row, high, low, s, threshold, marks):
    a, b, c, d, e, f = high[s - 1], high[s], high[s + 1], low[s - 1], low[s], low[s + 1]
    for x in range(row.size):
        value = row[x]
        top = (value >= a[x]) & (value >= b[x]) & (value >= c[x]) & (value > threshold)
        bottom = (value <= d[x]) & (value <= e[x]) & (value <= f[x]) & (value < -threshold)
        marks[x] = np.uint8(top | bottom)


@kernel
def _localise(levels, candidates, found, y0, y1):
    """Move each candidate to the extremum of the quadratic through its neighbours, as long as that is elsewhere."""
    count, height, width = levels.shape
    d, result = np.empty((3, 3, 3), np.float64), np.empty(5, np.float64)
    for i in range(y0, y1):
        s, y, x = candidates[i, 0], candidates[i, 1], candidates[i, 2]
        found[i, 0] = np.nan
        for _ in range(_STEPS):
            for j in range(27):
                layer, row, column = s + j // 9 - 1, y + j // 3 % 3 - 1, x + j % 3 - 1
                d[j // 9, j // 3 % 3, j % 3] = levels[layer + 1, row, column] - levels[layer, row, column]
            _solve(d, result)
            dx, dy, ds = result[0], result[1], result[2]
            farthest = max(abs(dx), max(abs(dy), abs(ds)))
            if farthest < 0.5:
                found[i, 0], found[i, 1], found[i, 2] = s, y, x
                for j in range(5):
                    found[i, 3 + j] = result[j]
                break
            if not farthest < height + width:
                break
            s, y, x = s + np.int64(np.rint(ds)), y + np.int64(np.rint(dy)), x + np.int64(np.rint(dx))
            inside = (y >= BORDER) & (y < height - BORDER) & (x >= BORDER) & (x < width - BORDER)
            if not (inside & (s >= 1) & (s < count - 2)):
                break


@kernel
def _solve(d, result):
    """Write where the quadratic through 3×3×3 numbers has its extremum, its value there, and tr² / det in the layer."""
    here = d[1, 1, 1]
    gx, gy, gs = (d[1, 1, 2] - d[1, 1, 0]) / 2, (d[1, 2, 1] - d[1, 0, 1]) / 2, (d[2, 1, 1] - d[0, 1, 1]) / 2
    xx, yy, ss = (
        d[1, 1, 2] + d[1, 1, 0] - 2 * here,
        d[1, 2, 1] + d[1, 0, 1] - 2 * here,
        d[2, 1, 1] + d[0, 1, 1] - 2 * here,
    )
    xy = (d[1, 2, 2] + d[1, 0, 0] - d[1, 2, 0] - d[1, 0, 2]) / 4
    xs = (d[2, 1, 2] + d[0, 1, 0] - d[2, 1, 0] - d[0, 1, 2]) / 4
    ys = (d[2, 2, 1] + d[0, 0, 1] - d[2, 0, 1] - d[0, 2, 1]) / 4
    a, b, c = yy * ss - ys * ys, xs * ys - xy * ss, xy * ys - xs * yy  # cofactors of the Hessian
    e, f, g = xx * ss - xs * xs, xs * xy - xx * ys, xx * yy - xy * xy
    det = xx * a + xy * b + xs * c
    result[0] = -(a * gx + b * gy + c * gs) / det
    result[1] = -(b * gx + e * gy + f * gs) / det
    result[2] = -(c * gx + f * gy + g * gs) / det
    result[3] = here + (gx * result[0] + gy * result[1] + gs * result[2]) / 2
    result[4] = (xx + yy) ** 2 / g if g > 0 else np.inf
