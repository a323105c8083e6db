"""Lloyd's rounds with bounds: most points are not asked again which centre is nearest.

Lloyd 1982, "Least squares quantization in PCM", IEEE Trans. Information Theory 28(2); Hamerly 2010, "Making k-means
Even Faster", SIAM Data Mining; Arthur & Vassilvitskii 2007, "k-means++: The Advantages of Careful Seeding", SODA.

With u no less than the distance of a point to its centre, and l no greater than that to any other one, the point keeps
its centre while u ≤ l. When centres move, u grows by how far its own centre went, and l shrinks by the longest way of
another one. Points in doubt are compared with all centres by one product of matrices. With few columns, as pixels have
them, comparing all is quicker than keeping bounds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sightline.core.kernels import kernel, over_rows
from sightline.core.types import Array

_STRIP = 8192  # rows whose bounds one thread looks at
_FEW = 8  # columns up to which all points are compared with all centres
_BLOCK = 512  # points whose columns lie in the first cache together
_PRODUCTS = 1 << 18  # products of points and centres that are held at once
_FAR = 1e30  # squared distances are less
_SLACK = {np.dtype(np.float32): 2e-6, np.dtype(np.float64): 4e-15}  # of a squared length, for what rounding may do


@dataclass(frozen=True, eq=False)
class Round:
    """One round: whose points are nearest to the centres that were, and where these are moved.

    Parameters
    ----------
    labels
        N int32; the array of the next round is the same one.
    centres, moved
        K×D float64 before and after.
    changed
        How many points changed their centre.
    """

    labels: Array
    centres: Array
    moved: Array
    changed: int


def rounds(table: Array, centres: Array, iterations: int) -> Iterator[Round]:
    """Assign and average, again and again, without end before ``iterations``; stop by no longer asking.

    Parameters
    ----------
    table
        N×D float32 or float64, around zero.
    centres
        K×D to start from.
    iterations
        Rounds at most.
    """
    (count, width), k = table.shape, len(centres)
    centres = np.array(centres, np.float64)
    labels = np.full(count, -1, np.int32)
    if width <= _FEW:
        for _ in range(iterations):
            strips = over_rows(_give, count, table, centres.astype(table.dtype), labels, strip=1 << 15)
            found = np.sum(strips, axis=0)
            moved = _means(table, centres, labels, found[:, :-2], found[:, -2])
            yield Round(labels, centres, moved, int(found[:, -1].sum()))
            centres = moved
        return
    upper, lower = np.full(count, np.inf), np.full(count, -np.inf)
    sums, sizes = np.zeros((k, width)), np.zeros(k)
    squares, todo = row_squares(table), np.arange(count)
    for _ in range(iterations):
        changed = _assign(table, squares, centres, todo, labels, upper, lower, sums, sizes)
        moved = _means(table, centres, labels, sums, sizes)
        yield Round(labels, centres, moved, changed)
        todo = _doubtful(table, centres, moved, labels, upper, lower)
        centres = moved


def nearest(table: Array, centres: Array) -> tuple[Array, Array]:
    """Return the nearest of K×D centres to each of N×D points, N int32, and its squared distance, N float64."""
    labels = np.full(len(table), -1, np.int32)
    if table.shape[1] <= _FEW:
        over_rows(_give, len(table), table, centres.astype(table.dtype), labels, strip=1 << 15)
    else:
        upper, lower, rows = np.empty(len(table)), np.empty(len(table)), np.arange(len(table))
        _assign(table, row_squares(table), np.asarray(centres, np.float64), rows, labels, upper, lower, None, None)
    return labels, own_squares(table, centres, labels)


def row_squares(table: Array) -> Array:
    """Return the squared length of each row."""
    return np.einsum("ij,ij->i", table, table)


def own_squares(table: Array, centres: Array, labels: Array) -> Array:
    """Return the squared distance of each point to its own centre, N float64."""
    found = np.empty(len(table))
    over_rows(_measure, len(table), table, np.asarray(centres, table.dtype), labels, found, strip=_STRIP)
    return found


def plus_plus(table: Array, k: int, random: np.random.Generator) -> Array:
    """Return the rows of ``k`` first centres among N×D points around zero, each far from those before it.

    A point is drawn with a chance that grows with its squared distance to the nearest centre so far. Of 2 + log k such
    draws the one is taken that leaves the least sum of squares.
    """
    count, tries = len(table), 2 + int(np.log(k))
    squares = row_squares(table).astype(np.float64)
    chosen = [int(random.integers(count))]
    apart = _apart(table, squares, chosen)[0]
    while len(chosen) < k:
        ends = np.cumsum(apart)
        drawn = np.searchsorted(ends, random.random(tries) * ends[-1], "right")
        drawn = np.minimum(drawn, count - 1)
        nearer = np.minimum(_apart(table, squares, drawn), apart)
        best = int(nearer.sum(axis=1).argmin())
        apart = nearer[best]
        chosen.append(int(drawn[best]))
    return np.array(chosen)


def _apart(table: Array, squares: Array, rows: Array | list[int]) -> Array:
    """Return the squared distances of all points to those in ``rows``, R×N float64, exactly 0 to themselves."""
    found = np.maximum(squares[rows][:, None] - 2.0 * (table[rows] @ table.T) + squares, 0)
    found[np.arange(len(rows)), rows] = 0
    return found


def _doubtful(table: Array, before: Array, centres: Array, labels: Array, upper: Array, lower: Array) -> Array:
    """Return the rows whose bounds, loosened by how far centres moved, no longer tell which one is nearest."""
    shifts = np.sqrt(((centres - before) ** 2).sum(axis=1))
    todo = np.empty(len(table), np.int64)
    order = np.argsort(shifts)
    far, next_far = shifts[order[-1]], shifts[order[-2]] if len(shifts) > 1 else 0.0
    apart = np.sqrt(np.maximum(_between(centres), 0))
    np.fill_diagonal(apart, np.inf)
    half = 0.5 * apart.min(axis=1)
    slack = 1 + 10 * _SLACK[table.dtype]
    given = (
        table,
        centres.astype(table.dtype),
        labels,
        upper,
        lower,
        shifts,
        half,
        order[-1],
        far,
        next_far,
        slack,
        todo,
    )
    counts = over_rows(_screen, len(table), *given, strip=_STRIP)
    return np.concatenate([todo[i * _STRIP : i * _STRIP + n] for i, n in enumerate(counts)])


def _between(centres: Array) -> Array:
    squares = row_squares(centres)
    return squares[:, None] - 2 * centres @ centres.T + squares


def _assign(
    table: Array, squares: Array, centres: Array, todo: Array, labels: Array, upper: Array, lower: Array,
    sums: Array | None, sizes: Array | None,
) -> int:  # fmt: skip
    """Compare the rows ``todo`` with all centres; return how many went to another one, and keep the sums up to date."""
    near = np.ascontiguousarray(centres.astype(table.dtype).T)
    halves = (0.5 * row_squares(centres)).astype(table.dtype)
    slack = _SLACK[table.dtype]
    step = max(64, _PRODUCTS // len(centres))
    products = np.empty((min(step, len(todo)), len(centres)), table.dtype)
    changed = 0
    for first in range(0, len(todo), step):
        rows = todo[first : first + step]
        whole = len(todo) == len(table)
        points = table[first : first + step] if whole else table[rows]
        found, old = products[: len(rows)], labels[rows]
        np.matmul(points, near, out=found)
        given = found, rows, squares, halves, 2 * halves.max(), slack, labels, upper, lower
        over_rows(_choose, len(rows), *given, strip=max(64, _PRODUCTS // (2 * len(centres))))
        if sums is not None:
            changed += _transfer(points, rows, old, labels, sums, sizes)
    return changed


def _means(table: Array, centres: Array, labels: Array, sums: Array, sizes: Array) -> Array:
    """Return the means of the points of each centre; one without points takes the point that is served worst."""
    lost = np.flatnonzero(sizes == 0)
    if not lost.size:
        return sums / sizes[:, None]
    sums, sizes = sums.copy(), sizes.copy()
    worst = np.argsort(-own_squares(table, centres, labels), kind="stable")[: lost.size]
    for cluster, row in zip(lost, worst, strict=False):
        sums[labels[row]] -= table[row]
        sizes[labels[row]] -= 1
        sums[cluster], sizes[cluster] = table[row], 1
    return np.where(sizes[:, None] > 0, sums / np.maximum(sizes, 1)[:, None], centres)


@kernel(fastmath=True)
def _measure(table, centres, labels, found, y0, y1):
    for y in range(y0, y1):
        point, centre, total = table[y], centres[labels[y]], table.dtype.type(0)
        for d in range(point.size):
            total += (point[d] - centre[d]) * (point[d] - centre[d])
        found[y] = total


@kernel(fastmath=True)
def _give(table, centres, labels, y0, y1):
    """Write the nearest centre of each point; return K×(D + 2): sums of its points, how many, and how many are new."""
    k, width = centres.shape
    zero, far = table.dtype.type(0), table.dtype.type(_FAR)
    sums, apart = np.zeros((k, width + 2)), np.empty(_BLOCK, table.dtype)
    columns, best, at = (
        np.empty((width, _BLOCK), table.dtype),
        np.empty(_BLOCK, table.dtype),
        np.empty(_BLOCK, np.int32),
    )
    for first in range(y0, y1, _BLOCK):
        count = min(_BLOCK, y1 - first)
        for i in range(count):
            for d in range(width):
                columns[d, i] = table[first + i, d]
        for i in range(_BLOCK):
            best[i], at[i], apart[i] = far, 0, zero
        for c in range(k):
            number = np.int32(c)
            for d in range(width):
                values, middle, kept = columns[d], centres[c, d], table.dtype.type(d > 0)
                for i in range(apart.size):
                    apart[i] = kept * apart[i] + (values[i] - middle) * (values[i] - middle)
            for i in range(apart.size):
                at[i] = number if apart[i] < best[i] else at[i]
                best[i] = apart[i] if apart[i] < best[i] else best[i]
        for i in range(count):
            own = sums[at[i]]
            for d in range(width):
                own[d] += columns[d, i]
            own[width] += 1
            own[width + 1] += labels[first + i] != at[i]
            labels[first + i] = at[i]
    return sums


@kernel(fastmath=True)
def _screen(table, centres, labels, upper, lower, shifts, half, farthest, far, next_far, slack, todo, y0, y1):
    """Write the rows that are in doubt from ``todo[y0]`` on; return how many."""
    count = 0
    for y in range(y0, y1):
        own = labels[y]
        up = upper[y] + shifts[own]
        low = lower[y] - (next_far if own == farthest else far)
        bound = max(low, half[own])
        if up > bound:
            total = table.dtype.type(0)
            for d in range(table.shape[1]):
                total += (table[y, d] - centres[own, d]) * (table[y, d] - centres[own, d])
            up = np.sqrt(np.float64(total)) * slack
            if up > bound:
                todo[y0 + count] = y
                count += 1
        upper[y], lower[y] = up, low
    return count


@kernel(fastmath=True)
def _choose(products, rows, squares, halves, greatest, slack, labels, upper, lower, y0, y1):
    """Write the nearest centre of each row, and bounds of the distances to it and to the second nearest."""
    for i in range(y0, y1):
        row, y = products[i], rows[i]
        for c in range(row.size):
            row[c] = halves[c] - row[c]
        best = _least(row)
        at = 0
        while row[at] != best:
            at += 1
        row[at] = _FAR
        second = _least(row)
        square = np.float64(squares[y])
        room = slack * (square + greatest)
        labels[y] = at
        upper[y] = np.sqrt(max(square + 2 * np.float64(best) + room, 0.0))
        lower[y] = np.sqrt(max(square + 2 * np.float64(second) - room, 0.0))


@kernel(fastmath=True)
def _least(row):
    least = row[0]
    for i in range(row.size):
        least = row[i] if row[i] < least else least
    return least


@kernel
def _transfer(points, rows, old, labels, sums, sizes):
    """Take the points that changed their centre out of one sum and into another; return how many."""
    changed = 0
    for i in range(rows.size):
        before, after = old[i], labels[rows[i]]
        if before == after:
            continue
        changed += 1
        point, into = points[i], sums[after]
        for d in range(point.size):
            into[d] += point[d]
        sizes[after] += 1
        if before >= 0:
            out = sums[before]
            for d in range(point.size):
                out[d] -= point[d]
            sizes[before] -= 1
    return changed
