"""The edges between neighbouring pixels, lightest first, part by part: all at once they take many times the picture.

The weights are found anew for each part, which costs less than it does to sort all of them through memory: a part is
what lies between two weights, counted before, so that each edge is written to its place among them at once. What has
the same leading digits is sorted in the processor's cache. Edges within what is joined by then are left out, as in
the filtered Kruskal's algorithm of Osipov, Sanders & Singler 2009 ("The Filter-Kruskal Minimum Spanning Tree
Algorithm", ALENEX): most of the heavier ones are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from sightline.core.buffers import empty
from sightline.core.kernels import kernel, over_rows
from sightline.core.types import Array

KINDS = 4  # right, down, down right, up right
_SHIFT = np.uint32(16)  # bits below the leading digits of a weight; positive floats have the order of their bits
_LEADING = 1 << 15
_LEAST = 1 << 19  # edges of a part at least, 4 MB: each part asks for the weights of all edges
_WHOLE, _BAND, _ROWS = 1 << 21, 1 << 17, 32  # pixels of a picture in one band, or of a band, whose rows these are


def edges_by_weight(
    planes: Callable[[int, int], Array], shape: tuple[int, int], parents: Array
) -> Iterator[tuple[Array, Array]]:
    """Yield the edges of the grid with eight neighbours in parts, lightest first: their codes and their weights.

    A code is 4 times the first pixel's place, plus 0–3 for an edge to the right, down, down right or up right. Of equal
    weights, those to the right come first, then those down, down right and up right, each row by row. The arrays are
    written over when the next part is asked for.

    Parameters
    ----------
    planes
        Given y0 and y1, these rows of the planes, C×(y1 − y0)×W float32. Rows of great pictures are asked for again and
        again; of others, always all.
    shape
        Of the grid, H×W.
    parents
        H×W int32, which may change between two parts: of each pixel the place of the first one of its region, and of
        that one a number below 0. Edges within a region are left out; 0×0 leaves none out.
    """
    grid, low = _Grid(planes, shape, parents), 0  # all lighter edges are done
    room, codes = len(grid.codes), grid.codes
    while True:
        counts = grid.count(low)
        left = counts.sum(axis=0)
        span = _first_span(left, room)
        if span is None:
            return
        first, last = span
        if last > first:
            found = grid.collect(low, first << 16, 16, counts[:, first:last])
            low = last << 16
        else:
            counts = grid.count_fine(low, first)
            digits = _first_span(counts.sum(axis=0), room)
            begin, end = digits if digits is not None else (0, 0)
            if end == begin:  # of one weight: in any parts, as long as they are in order
                yield from grid.collect_equal((first << 16) + begin)
                low = (first << 16) + begin + 1
                continue
            found = grid.collect(low, (first << 16) + begin, 0, counts[:, begin:end])
            low = (first << 16) + end
        yield codes[:found], grid.keys[:found].view(np.float32)
        if found == left.sum():
            return


def _first_span(counts: Array, room: int) -> tuple[int, int] | None:
    """Return from where to where what is counted has room, from the first on; an empty span where that one has not."""
    held = np.flatnonzero(counts)
    if not held.size:
        return None
    many = int(np.searchsorted(np.cumsum(counts[held]), room, "right"))
    return int(held[0]), int(held[many - 1]) + 1 if many > 0 else int(held[0])


class _Grid:
    """The edges of a grid, counted and collected band by band, and where those of a part are written to."""

    def __init__(self, planes: Callable[[int, int], Array], shape: tuple[int, int], parents: Array) -> None:
        self.planes, self.parents = planes, parents
        self.height, self.width = shape
        size = self.height * self.width
        self.rows = self.height if size <= _WHOLE else max(_ROWS, _BAND // self.width)
        whole = self.rows == self.height
        room = max(size // 3 if whole else 2 * size // 7, min(_LEAST, KINDS * size), self.width)
        self.codes, self.keys = (empty if whole else np.empty)((2, room), np.uint32)  # what is large is not kept

    def bands(self, first: int, last: int) -> Iterator[tuple[int, int, tuple[Array, int, Array, int]]]:
        """Yield rows y0 to y1 and what :func:`_weigh` asks for: planes with a row more on either side, and the rest."""
        for y0 in range(first, last, self.rows):
            y1 = min(y0 + self.rows, last)
            top = max(min(y0 - 1, self.height - self.rows - 2), 0)  # always as many, in one array
            given = self.planes(top, min(top + self.rows + 2, self.height))
            yield y0, y1, (given, top, self.parents, self.height)

    def count(self, low: int) -> Array:
        """Return how many edges from a weight on have each leading digits, by their kind."""
        counts = np.zeros((KINDS, _LEADING + 1), np.int32)
        for y0, y1, given in self.bands(0, self.height):
            for part in over_rows(_count, y1 - y0, *given, np.uint32(low), y0, strip=max(128, -(-(y1 - y0) // 8))):
                counts += part
        return counts[:, :_LEADING]

    def count_fine(self, low: int, leading: int) -> Array:
        """Return how many edges from a weight on of these leading digits have each of the others, by their kind."""
        counts = np.zeros((KINDS, 1 << 16), np.int64)
        for y0, y1, given in self.bands(0, self.height):
            _count_fine(*given, np.uint32(low), np.uint32(leading), counts, y0, y1)
        return counts

    def collect(self, low: int, base: int, shift: int, counts: Array) -> int:
        """Write the edges from a weight on that were counted by their digits above ``shift``; return their number.

        The first of these digits begins at ``base``.
        """
        bounds = np.uint32(max(low, base)), np.uint32(base), np.uint32(shift)
        ends = np.cumsum(counts.T).reshape(-1, KINDS)  # of one weight, the kinds are in their order
        places = np.ascontiguousarray((ends - counts.T).T)
        for y0, y1, given in self.bands(0, self.height):
            _collect(*given, *bounds, places, 0, KINDS, y0, y1, self.codes, self.keys)
        if shift > 0:
            _sort_each(places[-1], self.codes, self.keys)
        return int(places[-1, -1])

    def collect_equal(self, key: int) -> Iterator[tuple[Array, Array]]:
        """Yield all edges of one weight, which are more than there is room for."""
        step = len(self.codes) // self.width
        for kind in range(KINDS):
            for y in range(0, self.height, step):
                places = np.zeros((KINDS, 1), np.int64)
                for y0, y1, given in self.bands(y, min(y + step, self.height)):
                    part = np.uint32(key), np.uint32(key), np.uint32(0), places, kind, kind + 1
                    _collect(*given, *part, y0, y1, self.codes, self.keys)
                found = int(places[kind, 0])
                if found > 0:
                    yield self.codes[:found], self.keys[:found].view(np.float32)


@kernel(inline=True)
def _weigh(planes, top, parents, height, kind, y, keys):
    """Write the bits of the weights of a row's edges of one kind; return how many there are.

    Edges that are left out have more bits than a positive number.
    """
    channels, width = planes.shape[0], planes.shape[2]
    down, right = 0 if kind == 0 else -1 if kind == 3 else 1, 0 if kind == 1 else 1
    many = width - right if 0 <= y + down < height else 0
    below = y + down if many > 0 else y
    weights = keys.view(np.float32)[:many]
    for c in range(channels):
        one, other = planes[c, y - top, :many], planes[c, below - top, right : right + many]
        if c == 0:
            for x in range(many):
                weights[x] = (one[x] - other[x]) * (one[x] - other[x])
        else:
            for x in range(many):
                weights[x] += (one[x] - other[x]) * (one[x] - other[x])
    for x in range(many):
        weights[x] = np.sqrt(weights[x])
    if parents.size > 0:
        mine, near = parents[y, :many], parents[below, right : right + many]
        here, there = np.int32(y * width), np.int32(below * width + right)
        for x in range(many):
            place = np.int32(x)
            one_root = mine[x] if mine[x] >= 0 else here + place
            other_root = near[x] if near[x] >= 0 else there + place
            keys[x] = np.uint32(0xFFFFFFFF) if one_root == other_root else keys[x]
    return many


@kernel
def _count(planes, top, parents, height, low, begin, y0, y1):
    """Return by kind how many edges of rows y0 to y1 from ``begin`` on have each leading digits of their weight."""
    counts, keys = np.zeros((KINDS, _LEADING + 1), np.int32), np.empty(planes.shape[2], np.uint32)
    none = np.uint32(_LEADING)
    for y in range(begin + y0, begin + y1):
        for kind in range(KINDS):
            row = counts[kind]
            for x in range(_weigh(planes, top, parents, height, kind, y, keys)):
                row[min(keys[x] >> _SHIFT, none) if keys[x] >= low else none] += 1
    return counts


@kernel
def _count_fine(planes, top, parents, height, low, leading, counts, y0, y1):
    """Count by kind how often the leading digits are followed by each of the others."""
    keys = np.empty(planes.shape[2], np.uint32)
    for y in range(y0, y1):
        for kind in range(KINDS):
            for x in range(_weigh(planes, top, parents, height, kind, y, keys)):
                if keys[x] >> _SHIFT == leading and keys[x] >= low:
                    counts[kind, keys[x] & np.uint32(0xFFFF)] += 1


@kernel
def _collect(planes, top, parents, height, low, base, shift, places, kind0, kind1, y0, y1, codes, keys):
    """Write the edges of weights from ``low`` on to their places, those of one place in order.

    ``places`` says by kind where each of the digits above ``shift`` begins, counted from ``base``; then, where it ends.
    """
    width = planes.shape[2]
    row, found = np.empty(width, np.uint32), np.empty(width, np.int32)
    span = np.uint32(np.int64(base) + (places.shape[1] << np.int64(shift)) - np.int64(low))
    for kind in range(kind0, kind1):
        for y in range(y0, y1):
            count = 0
            for x in range(_weigh(planes, top, parents, height, kind, y, row)):
                found[count] = x  # without a branch, which could not be foreseen
                count += np.int64(np.uint32(row[x] - low) < span)
            for i in range(count):
                key, code = row[found[i]], np.uint32(KINDS * (y * width + found[i]) + kind)
                digit = np.int64(np.uint32(key - base) >> shift)
                at = places[kind, digit]
                codes[at], keys[at] = code, key
                places[kind, digit] = at + 1


@kernel
def _sort_each(ends, codes, keys):
    """Sort what lies between two ends by the last 16 bits of the keys, equal ones as they came."""
    first, most = 0, 0
    for part in range(ends.size):
        most = max(most, ends[part] - first)
        first = ends[part]
    other_codes, other_keys = np.empty(most, np.uint32), np.empty(most, np.uint32)
    starts, first = np.empty(257, np.int64), 0
    for part in range(ends.size):
        last = ends[part]
        if last - first < 48:
            for i in range(first + 1, last):
                key, code, at = keys[i], codes[i], i
                while at > first and keys[at - 1] > key:
                    keys[at], codes[at] = keys[at - 1], codes[at - 1]
                    at -= 1
                keys[at], codes[at] = key, code
        else:
            size = last - first
            here, there = keys[first:last], other_keys[:size]
            named, renamed = codes[first:last], other_codes[:size]
            for turn in range(2):
                shift = np.uint32(8 * turn)
                starts[:] = 0
                for i in range(size):
                    starts[np.int64(here[i] >> shift & np.uint32(255)) + 1] += 1
                for digit in range(256):
                    starts[digit + 1] += starts[digit]
                for i in range(size):
                    digit = np.int64(here[i] >> shift & np.uint32(255))
                    there[starts[digit]], renamed[starts[digit]] = here[i], named[i]
                    starts[digit] += 1
                here, there = there, here
                named, renamed = renamed, named
        first = last
