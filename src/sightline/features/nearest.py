"""The two nearest neighbours of many vectors among many: by products of floats, by counting bits, or along a graph."""

from __future__ import annotations

import numpy as np

from sightline.core.errors import require
from sightline.core.kernels import kernel, over_rows
from sightline.core.popcount import popcount
from sightline.core.types import Array
from sightline.learn.nearest_rows import best_of_rows

_BLOCK, _COLUMNS = 1 << 20, 4096  # products of a block, 4 MiB, and the most columns that it has
_PIECE = 1 << 17  # products that a strip of rows has
_FAR = np.uint32(0xFFFFFFFF)  # farther than any two codes


def nearest_floats(a: Array, b: Array, mutual: bool = False) -> tuple[Array, Array, Array]:
    """Return the two nearest of M×D float32 for each of N×D, by Euclidean distance.

    Parameters
    ----------
    a, b
        Finite float32.
    mutual
        Seek the nearest in ``a`` of each in ``b``, too.

    Returns
    -------
    places
        N×2 int64, −1 where there is none.
    distances
        N×2 float32, infinite where there is none.
    back
        M int64 places in ``a`` (−1 when ``a`` is empty); empty when they were not asked for.
    """
    n, m = len(a), len(b)
    places, distances = np.full((n, 2), -1, np.int64), np.full((n, 2), np.inf, np.float32)
    back = np.full(m if mutual else 0, -1, np.int64)
    if not n or not m:
        return places, distances, back
    # With a column for −|b|²/2, a product is largest where the distance is smallest. The middle goes first: products
    # of vectors that are far from zero, and near to one another, would lose what tells them apart.
    middle = b.mean(axis=0, dtype=np.float64).astype(np.float32)
    left, right = np.ones((n, a.shape[1] + 1), np.float32), np.empty((m, a.shape[1] + 1), np.float32)
    np.subtract(a, middle, out=left[:, :-1])
    np.subtract(b, middle, out=right[:, :-1])
    right[:, -1] = -0.5 * np.einsum("ij,ij->i", right[:, :-1], right[:, :-1])
    length = np.einsum("ij,ij->i", left[:, :-1], left[:, :-1]) * np.float32(0.5)
    height = _BLOCK // min(_COLUMNS, m)
    block = np.empty(min(height, n) * min(_COLUMNS, m), np.float32)
    tops = np.full(m if mutual else 0, -np.inf, np.float32)
    found = np.full((n, 3), -1, np.int64)
    scores = np.full((n, 3), -np.inf, np.float32)
    for y in range(0, n, height):
        rows = slice(y, min(y + height, n))
        for x in range(0, m, _COLUMNS):
            part = right[x : x + _COLUMNS]
            alike = block[: (rows.stop - y) * len(part)].reshape(-1, len(part))
            np.matmul(left[rows], part.T, out=alike)
            if mutual:
                over_rows(_best_of_columns, len(part), alike, length[rows], y, tops[x:], back[x:], strip=1024)
            over_rows(best_of_rows, len(alike), alike, x, found[rows], scores[rows], strip=max(32, _PIECE // len(part)))
    over_rows(_measure, n, a, b, found, places, distances, strip=256)
    return places, distances, back


@kernel(fastmath=True)
def _best_of_columns(alike, length, first, tops, back, x0, x1):
    """Keep the row of each column's greatest product less half the row's squared length."""
    top, at = tops[x0:x1], back[x0:x1]
    numbers = np.empty(x1 - x0, np.float32)  # rows fit in float32, and selects stay as wide
    numbers[:] = np.float32(-1)
    for y in range(len(alike)):
        row, less, number = alike[y, x0:x1], length[y], np.float32(y)
        for x in range(row.size):
            value, old = row[x] - less, top[x]
            numbers[x] = number if value > old else numbers[x]
            top[x] = max(value, old)
    for x in range(at.size):
        if numbers[x] >= 0:
            at[x] = first + np.int64(numbers[x])


@kernel
def _measure(a, b, found, places, distances, y0, y1):
    """Measure the candidates by their differences and put the two nearest in order, of equal ones the first."""
    for y in range(y0, y1):
        for k in range(found.shape[1]):
            at = found[y, k]
            if at < 0:
                continue
            total = np.float32(0)
            for d in range(a.shape[1]):
                total += (a[y, d] - b[at, d]) * (a[y, d] - b[at, d])
            apart = np.sqrt(total)
            near, second = distances[y, 0], distances[y, 1]
            if apart < near or (apart == near and at < places[y, 0]):
                distances[y, 1], places[y, 1] = near, places[y, 0]
                distances[y, 0], places[y, 0] = apart, at
            elif apart < second or (apart == second and at < places[y, 1]):
                distances[y, 1], places[y, 1] = apart, at


def nearest_bits(a: Array, b: Array, mutual: bool = False) -> tuple[Array, Array, Array]:
    """Return the two nearest of M×B uint8 for each of N×B, by the number of bits that differ; see above."""
    n, m = len(a), len(b)
    places, distances = np.full((n, 2), -1, np.int64), np.full((n, 2), np.inf, np.float32)
    back = np.full(m if mutual else 0, -1, np.int64)
    if not n or not m:
        return places, distances, back
    left, right = _words(a), np.ascontiguousarray(_words(b).T)
    found = over_rows(_count_bits, n, left, right, places, distances, mutual, strip=64)
    if mutual:
        strips = np.stack([apart for apart, _ in found]).argmin(axis=0)
        back = np.stack([rows for _, rows in found])[strips, np.arange(m)].astype(np.int64)
    return places, distances, back


def _words(codes: Array) -> Array:
    """Return N×B bytes as N×W uint64, filled up with zeros."""
    words = np.zeros((len(codes), -(-codes.shape[1] // 8)), np.uint64)
    words.view(np.uint8)[:, : codes.shape[1]] = codes
    return words


@kernel
def _count_bits(a, b, places, distances, mutual, y0, y1):
    """Write the two nearest of each row; return the nearest row of each column, and how far it is."""
    words, count = b.shape
    apart = np.empty(count, np.uint32)
    nearest = np.full(count if mutual else 0, _FAR)
    back = np.zeros(nearest.size, np.uint32)
    for y in range(y0, y1):
        apart[:] = 0
        w = 0
        while w + 4 <= words:
            i, j, k, m = a[y, w], a[y, w + 1], a[y, w + 2], a[y, w + 3]
            p, q, r, s = b[w], b[w + 1], b[w + 2], b[w + 3]
            for x in range(count):
                ones = (popcount(i ^ p[x]) + popcount(j ^ q[x])) + (popcount(k ^ r[x]) + popcount(m ^ s[x]))
                apart[x] += np.uint32(ones)
            w += 4
        for v in range(w, words):
            word, column = a[y, v], b[v]
            for x in range(count):
                apart[x] += np.uint32(popcount(word ^ column[x]))
        if mutual:
            row = np.uint32(y)
            for x in range(count):
                new, old = apart[x], nearest[x]
                back[x] = row if new < old else back[x]
                nearest[x] = min(new, old)
        for k in range(min(2, count)):
            least = _FAR
            for x in range(count):
                least = min(least, apart[x])
            at = 0
            while apart[at] != least:
                at += 1
            apart[at] = _FAR
            places[y, k], distances[y, k] = at, np.float32(least)
    return nearest, back


def nearest_approximate(a: Array, b: Array) -> tuple[Array, Array]:
    """Return places and distances as :func:`nearest_floats` does, from a graph of neighbours (HNSW, by usearch)."""
    index_of = require("usearch.index")
    places, distances = np.full((len(a), 2), -1, np.int64), np.full((len(a), 2), np.inf, np.float32)
    if not len(a) or not len(b):
        return places, distances
    binary = b.dtype == np.uint8
    index = index_of.Index(
        ndim=8 * b.shape[1] if binary else b.shape[1],
        metric=index_of.MetricKind.Hamming if binary else index_of.MetricKind.L2sq,
        dtype=index_of.ScalarKind.B1 if binary else index_of.ScalarKind.F32,
        connectivity=16,
        expansion_add=64,
        expansion_search=96,
    )
    index.add(np.arange(len(b)), b)
    found = index.search(a, min(2, len(b)))
    keys, apart = np.asarray(found.keys).reshape(len(a), -1), np.asarray(found.distances).reshape(len(a), -1)
    places[:, : keys.shape[1]] = keys
    distances[:, : keys.shape[1]] = apart if binary else np.sqrt(np.maximum(apart, 0))
    return places, distances
