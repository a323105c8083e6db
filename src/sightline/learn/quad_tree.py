"""A quad-tree over points in the plane, and the push that every point feels from all others.

Barnes & Hut 1986, "A Hierarchical O(N log N) Force-Calculation Algorithm", Nature 324; as van der Maaten 2014,
"Accelerating t-SNE using Tree-Based Algorithms", JMLR 15, applies it. Points are sorted along Morton's curve, so that a
cell of the tree is a range of them. The points of a leaf are near one another: they share one walk down the tree, which
collects the cells that are far enough to count as one heavy point, and then each sums over that list.
"""

from __future__ import annotations

import numpy as np

from sightline.core.kernels import kernel, over_rows
from sightline.core.types import Array

_LEAF = 12  # points of a leaf at most, unless they lie in one place
_LEVELS = 16  # bits of a coordinate


def repulsion(points: Array, angle: float) -> tuple[Array, float]:
    """Return Σⱼ q²ᵢⱼ (yᵢ - yⱼ) for each point and Σᵢ≠ⱼ qᵢⱼ, with q = 1 / (1 + ‖yᵢ - yⱼ‖²).

    Parameters
    ----------
    points
        2×N float32: x and y.
    angle
        A cell counts as one point when its side is less than this share of its distance; 0 takes every point.

    Returns
    -------
    push
        2×N float32.
    total
        The second sum.
    """
    count = points.shape[1]
    low = points.min(axis=1)
    span = max(float((points.max(axis=1) - low).max()), 1e-30)
    codes = np.empty(count, np.uint64)
    over_rows(_codes, count, points, low, np.float32((1 << _LEVELS) * (1 - 1e-6) / span), codes, strip=1 << 15)
    codes.sort()
    order = (codes & np.uint64(0xFFFFFFFF)).astype(np.int64)
    sorted_points = np.ascontiguousarray(points[:, order])
    cells, masses, leaves = _build(codes, sorted_points, np.float32(span))
    push, totals = np.empty_like(points), np.empty(len(leaves))
    square = np.float32(angle * angle)
    over_rows(_push, len(leaves), sorted_points, order, cells, masses, leaves, square, push, totals, strip=32)
    return push, float(totals.sum()) - count  # each point met itself, at no distance


@kernel
def _codes(points, low, scale, codes, y0, y1):
    """Write Morton's code of each point, the bits of x and y in turn, above the point's number."""
    for i in range(y0, y1):
        code = np.uint64(0)
        x, y = np.uint64((points[0, i] - low[0]) * scale), np.uint64((points[1, i] - low[1]) * scale)
        for bit in range(_LEVELS):
            code |= ((x >> np.uint64(bit)) & np.uint64(1)) << np.uint64(2 * bit)
            code |= ((y >> np.uint64(bit)) & np.uint64(1)) << np.uint64(2 * bit + 1)
        codes[i] = (code << np.uint64(32)) | np.uint64(i)


@kernel
def _build(codes, points, span):
    """Return cells (first point, last point + 1, next cell when this one is left out), x, y, number, side²; leaves.

    Cells stand in the order of a walk: the first part of a cell comes right after it. A cell whose points lie in one
    of its quarters is that quarter.
    """
    count, most = codes.size, 2 * codes.size + 1
    cells, masses = np.empty((most, 3), np.int64), np.zeros((most, 4), np.float32)
    parents, leaves = np.empty(most, np.int64), np.empty(count, np.int64)
    stack = np.empty((4 * _LEVELS + 4, 4), np.int64)
    stack[0, 0], stack[0, 1], stack[0, 2], stack[0, 3] = 0, count, _LEVELS, -1
    depth, cell, ends = 1, 0, 0
    while depth:
        depth -= 1
        first, last, level, parent = stack[depth, 0], stack[depth, 1], stack[depth, 2], stack[depth, 3]
        differ = (codes[first] ^ codes[last - 1]) >> np.uint64(32)  # the first bit that differs says where it splits
        while level > 0 and (differ >> np.uint64(2 * level - 2)) == 0:
            level -= 1
        cells[cell, 0], cells[cell, 1], parents[cell] = first, last, parent
        side = span / np.float32(1 << (_LEVELS - level))
        masses[cell, 3] = side * side
        if last - first <= _LEAF or level == 0:
            leaves[ends] = cell
            ends += 1
        else:
            shift, end = np.uint64(32 + 2 * level - 2), last
            for quarter in range(3, -1, -1):  # the last one lies deepest
                begin, high = first, end
                while begin < high:
                    middle = (begin + high) // 2
                    if ((codes[middle] >> shift) & np.uint64(3)) < np.uint64(quarter):
                        begin = middle + 1
                    else:
                        high = middle
                if begin < end:
                    stack[depth, 0], stack[depth, 1] = begin, end
                    stack[depth, 2], stack[depth, 3] = level - 1, cell
                    depth += 1
                end = begin
        cell += 1
    _weigh(cells[:cell], masses[:cell], parents, leaves[:ends], points)
    return cells[:cell], masses[:cell], leaves[:ends]


@kernel
def _weigh(cells, masses, parents, leaves, points):
    """Write the middles and numbers of points, from the leaves up, and where the walk goes on after each cell."""
    sums, sizes = np.zeros((len(cells), 2)), np.ones(len(cells), np.int64)
    for leaf in leaves:
        for i in range(cells[leaf, 0], cells[leaf, 1]):
            sums[leaf, 0] += points[0, i]
            sums[leaf, 1] += points[1, i]
    for cell in range(len(cells) - 1, -1, -1):
        number = cells[cell, 1] - cells[cell, 0]
        masses[cell, 0], masses[cell, 1] = sums[cell, 0] / number, sums[cell, 1] / number
        masses[cell, 2] = number
        cells[cell, 2] = cell + sizes[cell]
        if cell:
            parent = parents[cell]
            sizes[parent] += sizes[cell]
            sums[parent, 0] += sums[cell, 0]
            sums[parent, 1] += sums[cell, 1]


@kernel
def _gather(points, cells, masses, first, last, square, xs, ys, ns):
    """Write what the points ``first`` to ``last`` meet: far cells as one point each, near ones point by point."""
    left, right = points[0, first], points[0, first]
    top, bottom = points[1, first], points[1, first]
    for i in range(first + 1, last):
        left, right = min(left, points[0, i]), max(right, points[0, i])
        top, bottom = min(top, points[1, i]), max(bottom, points[1, i])
    met, cell, zero = 0, 0, np.float32(0)
    while cell < len(cells):
        begin, end = cells[cell, 0], cells[cell, 1]
        x, y = masses[cell, 0], masses[cell, 1]
        across, down = max(left - x, x - right, zero), max(top - y, y - bottom, zero)
        inside = begin <= first and first < end
        if not inside and masses[cell, 3] < square * (across * across + down * down):
            xs[met], ys[met], ns[met] = x, y, masses[cell, 2]
            met += 1
            cell = cells[cell, 2]
        elif cells[cell, 2] == cell + 1:  # a leaf
            for i in range(begin, end):
                xs[met], ys[met], ns[met] = points[0, i], points[1, i], np.float32(1)
                met += 1
            cell += 1
        else:
            cell += 1
    return met


@kernel(fastmath=True)
def _push(points, order, cells, masses, leaves, square, push, totals, y0, y1):
    """Write the push on the points of each leaf, and the sum of its q."""
    count, one = points.shape[1], np.float32(1)
    xs, ys, ns = np.empty(count, np.float32), np.empty(count, np.float32), np.empty(count, np.float32)
    for leaf in range(y0, y1):
        first, last = cells[leaves[leaf], 0], cells[leaves[leaf], 1]
        met = _gather(points, cells, masses, first, last, square, xs, ys, ns)
        a, b, n = xs[:met], ys[:met], ns[:met]
        totals[leaf] = 0.0
        for i in range(first, last):
            x, y = points[0, i], points[1, i]
            total, px, py = np.float32(0), np.float32(0), np.float32(0)
            for j in range(a.size):
                dx, dy = x - a[j], y - b[j]
                q = one / (one + (dx * dx + dy * dy))
                nq = n[j] * q
                total += nq
                px += nq * q * dx
                py += nq * q * dy
            totals[leaf] += total
            push[0, order[i]], push[1, order[i]] = px, py
