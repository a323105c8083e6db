"""The edges between neighbouring pixels, lightest first, part by part: all at once they take many times the picture.

The weights are found anew for each part, which costs less than it does to sort all of them through memory: a part is
what lies between two weights, counted before, so that each edge is written to its place among them at once. What has
the same leading digits is sorted in the processor's cache.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from sightline.core.buffers import empty
from sightline.core.kernels import kernel, over_rows
from sightline.core.types import Array

KINDS = 4  # right, down, down right, up right
_SHIFT = np.uint32(16)  # bits below the leading digits of a weight; positive floats have the order of their bits
_LEADING = 1 << 15
_LEAST = 1 << 18  # edges of a part at least, 2 MB: each part asks for the weights of all edges


def edges_by_weight(planes: Array, roots: Array) -> Iterator[tuple[Array, Array]]:
    """Yield the edges of the grid with eight neighbours in parts, lightest first: their codes and their weights.

    A code is 4 times the first pixel's place, plus 0–3 for an edge to the right, down, down right or up right. Of equal
    weights, those to the right come first, then those down, down right and up right, each row by row. The arrays are
    written over when the next part is asked for.

    Parameters
    ----------
    planes
        C×H×W float32.
    roots
        H×W int32: edges between pixels of the same number are left out; 0×0 leaves none out.
    """
    height, width = planes.shape[1:]
    room = max(height * width // 4, min(_LEAST, KINDS * height * width), width)
    codes, keys = empty((room,), np.uint32), empty((room,), np.uint32)
    counts = np.zeros(_LEADING, np.int64)
    for part in over_rows(_count, height, planes, roots, strip=max(64, -(-height // 8))):
        counts += part

    def collect(low: int, shift: int, counts: Array, kinds: tuple[int, int], rows: tuple[int, int]) -> Iterator:
        places = np.zeros(len(counts) + 1, np.int64)
        np.cumsum(counts, out=places[1:])
        done = _collect(planes, roots, np.uint32(low), np.uint32(shift), places, *kinds, *rows, codes, keys)
        if shift > 0:
            _sort_each(places, codes, keys)
        if done > 0:
            yield codes[:done], keys[:done].view(np.float32)

    for first, last in _parts(counts, room):
        if counts[first:last].sum() <= room:
            yield from collect(first << 16, 16, counts[first:last], (0, KINDS), (0, height))
            continue
        fine = np.zeros(1 << 16, np.int64)
        _count_fine(planes, roots, np.uint32(first), fine)
        for low, high in _parts(fine, room):
            if fine[low:high].sum() <= room:
                yield from collect((first << 16) + low, 0, fine[low:high], (0, KINDS), (0, height))
                continue
            for kind in range(KINDS):  # of one weight: in any parts, as long as they are in order
                for y in range(0, height, room // width):
                    rows = (y, min(y + room // width, height))
                    yield from collect((first << 16) + low, 0, np.zeros(1, np.int64), (kind, kind + 1), rows)


def _parts(counts: Array, room: int) -> Iterator[tuple[int, int]]:
    """Yield ranges that hold no more than ``room`` or are one long, those that hold nothing left out."""
    first, held = 0, 0
    for place in np.flatnonzero(counts):
        if held > 0 and held + counts[place] > room:
            yield first, int(place)
            held = 0
        if held == 0:
            first = int(place)
        held += int(counts[place])
    if held > 0:
        yield first, int(np.flatnonzero(counts)[-1]) + 1


@kernel(inline=True)
def _weigh(planes, roots, kind, y, keys):
    """Write the bits of the weights of a row's edges of one kind; return how many there are.

    Edges that are left out have more bits than a positive number.
    """
    channels, height, width = planes.shape
    down, right = 0 if kind == 0 else -1 if kind == 3 else 1, 0 if kind == 1 else 1
    many = width - right if 0 <= y + down < height else 0
    below = y + down if many > 0 else y
    weights = keys.view(np.float32)[:many]
    for c in range(channels):
        one, other = planes[c, y, :many], planes[c, below, right : right + many]
        if c == 0:
            for x in range(many):
                weights[x] = (one[x] - other[x]) * (one[x] - other[x])
        else:
            for x in range(many):
                weights[x] += (one[x] - other[x]) * (one[x] - other[x])
    for x in range(many):
        weights[x] = np.sqrt(weights[x])
    if roots.size > 0:
        mine, near = roots[y, :many], roots[below, right : right + many]
        for x in range(many):
            keys[x] = np.uint32(0xFFFFFFFF) if mine[x] == near[x] else keys[x]
    return many


@kernel
def _count(planes, roots, y0, y1):
    """Return how many edges of rows y0 to y1 have each leading digits of their weight."""
    counts, keys = np.zeros(2 * _LEADING, np.int32), np.empty(planes.shape[2], np.uint32)
    for y in range(y0, y1):
        for kind in range(KINDS):
            for x in range(_weigh(planes, roots, kind, y, keys)):
                counts[keys[x] >> _SHIFT] += 1
    return counts[:_LEADING]


@kernel
def _count_fine(planes, roots, leading, counts):
    """Count how often the leading digits are followed by each of the others."""
    keys = np.empty(planes.shape[2], np.uint32)
    for y in range(planes.shape[1]):
        for kind in range(KINDS):
            for x in range(_weigh(planes, roots, kind, y, keys)):
                if keys[x] >> _SHIFT == leading:
                    counts[keys[x] & np.uint32(0xFFFF)] += 1


@kernel
def _collect(planes, roots, low, shift, places, kind0, kind1, y0, y1, codes, keys):
    """Write the edges of weights from ``low`` on to their places, those of one place in order; return their number.

    ``places`` says where each of the digits above ``shift`` begins; afterwards, where it ends.
    """
    width = planes.shape[2]
    row, found, total = np.empty(width, np.uint32), np.empty(width, np.int32), 0
    span = np.uint32((places.size - 1) << np.int64(shift))
    for kind in range(kind0, kind1):
        for y in range(y0, y1):
            count = 0
            for x in range(_weigh(planes, roots, kind, y, row)):
                found[count] = x  # without a branch, which could not be foreseen
                count += np.int64(np.uint32(row[x] - low) < span)
            for i in range(count):
                key, code = row[found[i]], np.uint32(KINDS * (y * width + found[i]) + kind)
                digit = np.int64(np.uint32(key - low) >> shift)
                at = places[digit]
                codes[at], keys[at] = code, key
                places[digit] = at + 1
            total += count
    return total


@kernel
def _sort_each(ends, codes, keys):
    """Sort what lies between two ends by the last 16 bits of the keys, equal ones as they came."""
    first, most = 0, 0
    for part in range(ends.size - 1):
        most = max(most, ends[part] - first)
        first = ends[part]
    other_codes, other_keys = np.empty(most, np.uint32), np.empty(most, np.uint32)
    starts, first = np.empty(257, np.int64), 0
    for part in range(ends.size - 1):
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
