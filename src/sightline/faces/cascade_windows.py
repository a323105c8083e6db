"""Windows of all sizes over a picture, and the cascade that throws most of them out after a few numbers.

Viola & Jones 2001, "Rapid Object Detection using a Boosted Cascade of Simple Features", CVPR, sections 2 and 4: sums of
rectangles from an integral image, and stages.

The window stays and the picture shrinks. All windows of a row are asked the first stage's questions together, next to
one another in memory: where every second column is looked at, even columns lie before odd ones.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from sightline.core.kernels import kernel, over_rows
from sightline.core.types import Array
from sightline.faces.cascade_file import CascadeTables
from sightline.faces.integral_rows import integrate

_CLOSE = 2.0  # factor below which every second window is looked at
_EPS = np.float32(1e-5)  # a stage's sum may fall short by this
_FLAT = 0.1  # the inverse of a window's standard deviation: flatter ones hold nothing


@dataclass(frozen=True, eq=False)
class Packed:
    """A cascade's tables as kernels read them; offsets into integral images are made per picture."""

    lbp: bool  # whether its features are local binary patterns of blocks; else Haar's
    stumps: bool  # whether each of its trees is one question
    height: int
    width: int
    stages: Array
    limits: Array
    trees: Array
    children: Array
    thresholds: Array
    subsets: Array
    leaves: Array
    weights: Array  # N×3 float32, of each node's feature
    corners: Array  # N×16×2 int32, column and row of what each node's feature reads
    tilted: Array  # N bool

    @classmethod
    def of(cls, tables: CascadeTables) -> Packed:
        """Return a cascade's tables, node by node."""
        lbp = tables.kind == "lbp"
        corners = _block_corners(tables.rects) if lbp else _rect_corners(tables)
        weights = np.zeros((len(tables.rects), 3), np.float32) if lbp else tables.weights
        return cls(
            lbp,
            tables.is_stumps,
            *tables.size,
            tables.stages,
            tables.limits - _EPS,
            tables.trees,
            np.ascontiguousarray(tables.children),
            tables.thresholds if not lbp else np.zeros(len(tables.features), np.float32),
            tables.subsets if lbp else np.zeros((1, 8), np.int32),
            tables.leaves,
            weights[tables.features],
            corners[tables.features],
            tables.tilted[tables.features],
        )


def _rect_corners(tables: CascadeTables) -> Array:
    """Return F×16×2 columns and rows: four corners of each of three rectangles."""
    x, y, w, h = np.moveaxis(tables.rects, 2, 0)
    upright = np.stack([x, y, x + w, y, x, y + h, x + w, y + h], axis=-1)
    slanted = np.stack([x, y, x - h, y + h, x + w, y + w, x + w - h, y + w + h], axis=-1)
    chosen = np.where(tables.tilted[:, None, None], slanted, upright).reshape(len(x), 12, 2)
    return np.concatenate([chosen, np.zeros((len(x), 4, 2), np.int32)], axis=1).astype(np.int32)


def _block_corners(rects: Array) -> Array:
    """Return F×16×2 columns and rows: the 4×4 corners of 3×3 blocks, row by row."""
    x, y, w, h = rects[:, 0].T[:, :, None, None]
    i = np.arange(4)
    columns, rows = np.broadcast_arrays(x + w * i[None, None, :], y + h * i[None, :, None])
    return np.stack([columns, rows], axis=-1).reshape(len(rects), 16, 2).astype(np.int32)


def search(
    image: Array, packed: Packed, scale: float, low: tuple[int, int], high: tuple[int, int]
) -> tuple[Array, Array]:
    """Return the windows that pass all stages as N×4 int64 (x, y, width, height), and how many windows there were.

    Parameters
    ----------
    image
        H×W uint8.
    packed
        The cascade.
    scale
        Factor from one size to the next, > 1.
    low, high
        Least and greatest height and width of a window in pixels.
    """
    levels, sizes = _levels(image.shape, packed, scale, low, high)
    if not len(levels):
        return np.zeros((0, 4), np.int64), np.zeros(0, np.int64)
    starts = np.concatenate([[0], np.cumsum(levels[:, 3] * levels[:, 4])])
    passed = np.zeros(int(starts[-1]), np.uint8)
    asked = np.zeros((len(levels), len(packed.limits) + 1), np.int64)
    stride = image.shape[1] + 2 + image.shape[1] % 2
    inner = np.array([(x, y) for y in (1, packed.height - 1) for x in (1, packed.width - 1)])
    reads = [(_offsets(packed.corners, stride, step), _offsets(inner, stride, step)) for step in (1, 2)]
    over_rows(_search_levels, len(levels), image, packed, levels, starts, stride, reads, passed, asked, strip=1)
    found = np.flatnonzero(passed)
    level = np.searchsorted(starts, found, side="right") - 1
    row, column = np.divmod(found - starts[level], np.maximum(levels[level, 4], 1))
    step = levels[level, 2]
    places = np.stack([column * step, row * step], axis=1).astype(np.float32)
    corners = np.rint(places * sizes[level, :1].astype(np.float32)).astype(np.int64)  # half a pixel goes as elsewhere
    return np.concatenate([corners, sizes[level, 1:].astype(np.int64)], axis=1), asked.sum(axis=0)


def _levels(
    shape: tuple[int, ...], packed: Packed, scale: float, low: tuple[int, int], high: tuple[int, int]
) -> tuple[Array, Array]:
    """Return L×5 int64 (width, height, step, rows, columns of windows), and L×3 factor, width, height of a window."""
    levels, sizes, factor = [], [], 1.0
    while True:
        height, width = round(packed.height * factor), round(packed.width * factor)
        if height > min(high[0], shape[0]) or width > min(high[1], shape[1]):
            break
        if height >= low[0] and width >= low[1]:
            single = float(np.float32(factor))
            w, h = round(shape[1] / single), round(shape[0] / single)
            step = 1 if single >= _CLOSE else 2
            rows, columns = (
                max(0, math.ceil((a - b) / step)) for a, b in ((h + 1, packed.height), (w + 1, packed.width))
            )
            levels.append((w, h, step, rows, columns))
            sizes.append((single, width, height))
        factor *= scale
    return np.array(levels, np.int64).reshape(-1, 5), np.array(sizes, np.float64).reshape(-1, 3)


def _offsets(corners: Array, stride: int, step: int) -> Array:
    """Return where corners (…×2 column and row) lie in an integral image, as seen from a window's first number."""
    column, row = corners[..., 0], corners[..., 1]
    within = column if step == 1 else (column & 1) * (stride // 2) + (column >> 1)
    return (row * stride + within).astype(np.uint64)


def _search_levels(
    image: Array, packed: Packed, levels: Array, starts: Array, stride: int, reads: Any, passed: Array, asked: Array,
    l0: int, l1: int,
) -> None:  # fmt: skip
    """Look through some levels of the pyramid: write which windows pass, and how many each stage was asked about."""
    area = (packed.width - 2) * (packed.height - 2)
    kinds = 1 if packed.lbp else 3 if packed.tilted.any() else 2
    for level in range(l0, l1):
        width, height, step, rows, columns = levels[level].tolist()
        images = integrate(image, (height, width), stride, step, kinds)
        offsets, edges = reads[step - 1]
        norms = np.ones((rows, columns), np.float32)
        if not packed.lbp:
            _normalise(images[0], images[1], step * stride, edges, area, norms)
        here = passed[starts[level] : starts[level + 1]].reshape(rows, columns)
        common = (
            images[0], images[2], step * stride, offsets, packed.weights, packed.tilted, packed.thresholds,
            packed.subsets, packed.leaves, norms, packed.stages, packed.limits, packed.lbp,
        )  # fmt: skip
        if packed.stumps:
            _ask_stumps(*common, here, asked[level])
        else:
            _ask_trees(*common, packed.trees, packed.children, here, asked[level])


@kernel
def _normalise(sums, squares, stride, at, area, norms):
    """Write the inverse of area times standard deviation of each window; 0 where it is too flat."""
    for row in range(len(norms)):
        out, base = norms[row], np.uint64(row * stride)
        a, b, c, d = base + at[0], base + at[1], base + at[2], base + at[3]
        for j in range(np.uint64(out.size)):
            total = np.float64(np.int32(sums[a + j] - sums[b + j] - sums[c + j] + sums[d + j]))
            square = np.float64(np.uint32(squares[a + j] - squares[b + j] - squares[c + j] + squares[d + j]))
            norm = np.float32(1 / np.sqrt(max(area * square - total * total, 1e-9)))
            out[j] = norm if area * np.float64(norm) < _FLAT else np.float32(0)


@kernel
def _ask_stumps(
    sums, slants, stride, offsets, weights, tilted, thresholds, subsets, leaves, norms, stages, limits, lbp, passed,
    asked,
):  # fmt: skip
    """Ask the windows row by row: all of a row together for the first stage, then those that are left."""
    columns = norms.shape[1]
    totals, alive = np.empty(columns, np.float32), np.empty(columns, np.uint64)
    codes, answers = np.empty(columns, np.int32), np.empty((stages[1], 256), np.float32)
    if lbp:
        for k in range(stages[1]):
            for code in range(256):
                answers[k, code] = leaves[2 * k] if _holds(subsets[k], code) else leaves[2 * k + 1]
    for row in range(len(norms)):
        base, norm = np.uint64(row * stride), norms[row]
        for i in range(columns):
            totals[i] = 0
        for k in range(stages[1]):
            if lbp:
                _add_first_codes(sums, offsets[k], base, answers[k], codes, totals)
                continue
            source, below, above = slants if tilted[k] else sums, leaves[2 * k], leaves[2 * k + 1]
            _add_first(source, offsets[k], base, weights[k], thresholds[k], below, above, norm, totals)
        count = _kept(norm, totals, limits[0], alive, asked)
        for s in range(1, limits.size):
            if count == 0:
                break
            asked[s] += count
            for j in range(count):
                totals[j] = 0
            if lbp:
                _add_codes(sums, base, offsets, subsets, leaves, totals, alive, count, stages[s], stages[s + 1])
            else:
                _add(
                    sums, slants, base, offsets, weights, tilted, thresholds, leaves, norm, totals, alive, count,
                    stages[s], stages[s + 1],
                )  # fmt: skip
            left = 0
            for j in range(count):
                if totals[j] >= limits[s]:
                    alive[left] = alive[j]
                    left += 1
            count = left
        asked[limits.size] += count
        for j in range(count):
            passed[row, alive[j]] = 1


@kernel(inline=True)
def _kept(norm, totals, limit, alive, asked):
    """Write the windows that pass the first stage to ``alive``; return how many do.

    As the others do it: a window that the first stage refuses takes its neighbour with it.
    """
    count, i = 0, 0
    while i < norm.size:
        if norm[i] == np.float32(0):
            i += 1
            continue
        asked[0] += 1
        if totals[i] < limit:
            i += 2
            continue
        alive[count] = i
        count += 1
        i += 1
    return count


@kernel(inline=True)
def _add_first(source, p, base, q, threshold, below, above, norms, totals):
    """Add one stump's answer for each window of a row."""
    a, b, c, d = base + p[0], base + p[1], base + p[2], base + p[3]
    e, f, g, h = base + p[4], base + p[5], base + p[6], base + p[7]
    r, s, t, u = base + p[8], base + p[9], base + p[10], base + p[11]
    q0, q1, q2 = q[0], q[1], q[2]
    three = q2 != np.float32(0)
    for i in range(np.uint64(norms.size)):
        value = q0 * np.float32(np.int32(source[a + i] - source[b + i] - source[c + i] + source[d + i]))
        value += q1 * np.float32(np.int32(source[e + i] - source[f + i] - source[g + i] + source[h + i]))
        if three:
            value += q2 * np.float32(np.int32(source[r + i] - source[s + i] - source[t + i] + source[u + i]))
        totals[i] += below if value * norms[i] < threshold else above


@kernel(inline=True)
def _add(
    sums, slants, base, offsets, weights, tilted, thresholds, leaves, norms, totals, alive, count, first, last
):  # fmt: skip
    """Add the answers of a stage's stumps for each of the windows in ``alive``."""
    for k in range(first, last):
        source, p, q = slants if tilted[k] else sums, offsets[k], weights[k]
        below, above, threshold = leaves[2 * k], leaves[2 * k + 1], thresholds[k]
        a, b, c, d = base + p[0], base + p[1], base + p[2], base + p[3]
        e, f, g, h = base + p[4], base + p[5], base + p[6], base + p[7]
        r, s, t, u = base + p[8], base + p[9], base + p[10], base + p[11]
        q0, q1, q2 = q[0], q[1], q[2]
        three = q2 != np.float32(0)
        for j in range(count):
            i = alive[j]
            value = q0 * np.float32(np.int32(source[a + i] - source[b + i] - source[c + i] + source[d + i]))
            value += q1 * np.float32(np.int32(source[e + i] - source[f + i] - source[g + i] + source[h + i]))
            if three:
                value += q2 * np.float32(np.int32(source[r + i] - source[s + i] - source[t + i] + source[u + i]))
            totals[j] += below if value * norms[i] < threshold else above


@kernel(inline=True)
def _add_first_codes(sums, p, base, answers, codes, totals):
    """Add the answer to each window's pattern of blocks, for a row."""
    for i in range(np.uint64(codes.size)):
        codes[i] = _block_code(sums, base + i, p)
    for i in range(codes.size):
        totals[i] += answers[codes[i]]


@kernel(inline=True)
def _add_codes(sums, base, offsets, subsets, leaves, totals, alive, count, first, last):
    """Add the answers of a stage's stumps on patterns for each of the windows in ``alive``."""
    for k in range(first, last):
        p, subset, below, above = offsets[k], subsets[k], leaves[2 * k], leaves[2 * k + 1]
        for j in range(count):
            totals[j] += below if _holds(subset, _block_code(sums, base + alive[j], p)) else above


@kernel
def _ask_trees(
    sums, slants, stride, offsets, weights, tilted, thresholds, subsets, leaves, norms, stages, limits, lbp, trees,
    children, passed, asked,
):  # fmt: skip
    """Walk the trees of one window after the other, until a stage refuses it."""
    for row in range(len(norms)):
        i = 0
        while i < norms.shape[1]:
            norm = norms[row, i]
            if norm == np.float32(0):
                i += 1
                continue
            base, failed = np.uint64(row * stride + i), -1
            for s in range(limits.size):
                asked[s] += 1
                total = np.float32(0)
                for tree in range(stages[s], stages[s + 1]):
                    start, at = trees[tree], 0
                    while True:
                        node = start + at
                        if lbp:
                            left = _holds(subsets[node], _block_code(sums, base, offsets[node]))
                        else:
                            value = _haar(slants if tilted[node] else sums, base, offsets[node], weights[node]) * norm
                            left = value < thresholds[node]
                        at = children[node, 0] if left else children[node, 1]
                        if at <= 0:
                            break
                    total += leaves[start + tree - at]
                if total < limits[s]:
                    failed = s
                    break
            if failed < 0:
                asked[limits.size] += 1
                passed[row, i] = 1
            i += 2 if failed == 0 else 1


@kernel
def _haar(source, p, o, q):
    value = np.float32(0)
    for k in range(3):
        if q[k] != np.float32(0):
            a, b, c, d = p + o[4 * k], p + o[4 * k + 1], p + o[4 * k + 2], p + o[4 * k + 3]
            value += q[k] * np.float32(np.int32(source[a] - source[b] - source[c] + source[d]))
    return value


@kernel(inline=True)
def _holds(subset, code):
    """Return whether a pattern is one of a subset: 256 bits in eight words."""
    return ((subset[code >> 5] >> (code & 31)) & 1) == 1


@kernel(inline=True)
def _block_code(sums, p, o):
    """Return which of the eight blocks around a block are no darker, clockwise from the top left, 128 first."""
    a0, a1, a2, a3 = sums[p + o[0]], sums[p + o[1]], sums[p + o[2]], sums[p + o[3]]
    b0, b1, b2, b3 = sums[p + o[4]], sums[p + o[5]], sums[p + o[6]], sums[p + o[7]]
    c0, c1, c2, c3 = sums[p + o[8]], sums[p + o[9]], sums[p + o[10]], sums[p + o[11]]
    d0, d1, d2, d3 = sums[p + o[12]], sums[p + o[13]], sums[p + o[14]], sums[p + o[15]]
    middle = np.int32(b1 - b2 - c1 + c2)
    code = (np.int32(a0 - a1 - b0 + b1) >= middle) << 7
    code |= (np.int32(a1 - a2 - b1 + b2) >= middle) << 6
    code |= (np.int32(a2 - a3 - b2 + b3) >= middle) << 5
    code |= (np.int32(b2 - b3 - c2 + c3) >= middle) << 4
    code |= (np.int32(c2 - c3 - d2 + d3) >= middle) << 3
    code |= (np.int32(c1 - c2 - d1 + d2) >= middle) << 2
    code |= (np.int32(c0 - c1 - d0 + d1) >= middle) << 1
    return code | (np.int32(b0 - b1 - c0 + c1) >= middle)
