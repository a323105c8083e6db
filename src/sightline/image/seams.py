"""Seams: the cheapest way down an image, one pixel a row, and the image without it or with it twice.

The cheapest seam is found by dynamic programming, row by row: Avidan & Shamir 2007, "Seam carving for content-aware
image resizing", ACM Transactions on Graphics 26(3), section 3. Energies follow from three rows of grey levels, and sums
from the row above, so neither is kept: of the sums every sixteenth row is, and from there on those around a seam are
summed once more on its way up.
"""

from __future__ import annotations

import numpy as np

from sightline.core import buffers
from sightline.core.kernels import kernel, over_rows
from sightline.core.types import Array

_BLOCK = 16  # rows from one whose sums are kept to the next
_ROUND = 32  # seams that are listed before their columns are marked


def energies(gray: Array) -> Array:
    """Return |∂/∂x| + |∂/∂y| by central differences, H×W float32."""
    energy = np.empty(gray.shape, np.float32)
    over_rows(_all_energies, len(gray), gray, energy)
    return energy


def accumulate(gray: Array, bias: Array | None, weight: float, forward: bool) -> Array:
    """Return the energy of the cheapest seam from the first row to each pixel, H×W float32.

    Parameters
    ----------
    gray
        H×W float32 grey levels.
    bias, weight, forward
        As those of :func:`mark_seams`.
    """
    total = np.empty((len(gray), gray.shape[1] + 2), np.float32)
    nothing_gone = np.full(len(gray), gray.shape[1], np.int32)
    one, weighed = np.float32(1), np.float32(weight)
    _sum_up(gray, _as_bias(bias, gray), one, weighed, forward, nothing_gone, gray.shape[1], 1, total)
    return total[:, 1:-1]


def mark_seams(gray: Array, level: float, bias: Array | None, weight: float, count: int, forward: bool) -> Array:
    """Return where the ``count`` cheapest seams are if they go one by one: a bit for each pixel.

    Parameters
    ----------
    gray
        H×W uint8, uint16 or float32; written to.
    level
        Times this, ``gray`` is in grey levels.
    bias
        H×W int8, times ``weight`` added to the energy of each pixel, and written to; None adds nothing.
    weight
        In grey levels.
    count
        At most the width.
    forward
        Whether to count the edges that a removal makes, in place of the gradient.

    Returns
    -------
    H×⌈W / 8⌉ uint8; bit ``x % 8`` of byte ``x // 8`` is 1 where a seam passes.
    """
    height, width = gray.shape
    gone = np.zeros((height, -(-width // 8)), np.uint8)
    kept = buffers.empty((-(-height // _BLOCK), width + 2), np.float32)
    listed = np.empty((height, min(_ROUND, count)), np.int32)
    seam = np.full(height, width, np.int32)
    biased = _as_bias(bias, gray)
    for k in range(count):
        _next_seam(gray, biased, np.float32(level), np.float32(weight), forward, width - k, kept, seam)
        listed[:, k % _ROUND] = seam
        if k % _ROUND == _ROUND - 1 or k == count - 1:
            over_rows(_mark, height, listed, k % _ROUND + 1, width, gone)
    return gone


def without_seams(pixels: Array, gone: Array, count: int) -> Array:
    """Return H×W or H×W×C pixels without the ``count`` of each row that are marked as :func:`mark_seams` does."""
    picked = np.empty((len(pixels), pixels.shape[1] - count, *pixels.shape[2:]), pixels.dtype)
    over_rows(_pick, len(pixels), np.atleast_3d(pixels), gone, np.atleast_3d(picked))
    return picked


def with_seams_twice(pixels: Array, gone: Array, count: int, mixed: bool) -> Array:
    """Return the pixels with a second one after each that is marked.

    Parameters
    ----------
    pixels
        H×W or H×W×C.
    gone, count
        As those of :func:`without_seams`.
    mixed
        Whether the second one is the mean of both neighbours, rounded to whole numbers except for float32, or equal.
    """
    wide = np.empty((len(pixels), pixels.shape[1] + count, *pixels.shape[2:]), pixels.dtype)
    whole = pixels.dtype != np.float32
    over_rows(_double, len(pixels), np.atleast_3d(pixels), gone, mixed, whole, np.atleast_3d(wide))
    return wide


def _as_bias(bias: Array | None, gray: Array) -> Array:
    """Return the bias; one without columns stands for none."""
    return np.empty((len(gray), 0), np.int8) if bias is None else bias


@kernel
def _all_energies(gray, energy, y0, y1):
    height, width = gray.shape
    rows, none = np.empty((3, width + 2), np.float32), np.empty(0, np.int8)
    for y in range(y0, y1):
        for k in range(3):
            _load(gray[min(max(y - 1 + k, 0), height - 1)], np.float32(1), 0, width, width, rows[k])
        _pay(rows[0], rows[1], rows[2], none, np.float32(0), False, energy[y])


@kernel
def _next_seam(gray, bias, level, weight, forward, left, kept, seam):
    """Let the last seam, at the columns ``seam``, go; find the next one among the ``left`` columns that remain."""
    last = _sum_up(gray, bias, level, weight, forward, seam, left, _BLOCK, kept)
    best = 0
    for x in range(1, left):
        if last[x + 1] < last[best + 1]:
            best = x
    seam[-1] = best
    _trace(gray, bias, level, weight, forward, left, kept, seam)


@kernel
def _sum_up(gray, bias, level, weight, forward, seam, left, block, kept):
    """Close the gap of a seam and sum up energies to the last row, which is returned; keep each ``block``-th one.

    The sums of a row stand between two infinite ones, for beyond the sides no seam passes.
    """
    height = len(gray)
    levels, cost = np.empty((3, left + 2), np.float32), np.empty(left, np.float32)
    sums = np.full((2, left + 2), np.inf, np.float32)
    for y in range(-1, height):
        if y + 1 < height:
            _close(gray[y + 1], seam[y + 1], left)
            _close(bias[y + 1], seam[y + 1], min(left, bias.shape[1]))
            _load(gray[y + 1], level, 0, left, left, levels[(y + 1) % 3])
        if y < 0:
            continue
        above, row, below = levels[max(y - 1, 0) % 3], levels[y % 3], levels[min(y + 1, height - 1) % 3]
        _pay(above, row, below, bias[y], weight, forward, cost)
        total = sums[y % 2]
        if y == 0:
            total[1:-1] = cost
        else:
            _step(above, row, sums[(y - 1) % 2], cost, forward, total)
        if y % block == 0:
            kept[y // block, : left + 2] = total
    return sums[(height - 1) % 2]


@kernel
def _close(row, x, left):
    """Move what lies beyond ``x`` one place to the left."""
    for i in range(x, left):
        row[i] = row[i + 1]


@kernel
def _load(row, level, first, end, left, levels):
    """Write the grey levels of the columns ``first - 1`` to ``end``; those at the sides stand for those beyond."""
    levels[0] = np.float32(row[max(first - 1, 0)]) * level
    for x in range(first, end):
        levels[x - first + 1] = np.float32(row[x]) * level
    levels[end - first + 1] = np.float32(row[min(end, left - 1)]) * level


@kernel
def _pay(above, row, below, bias, weight, forward, cost):
    """Write what each pixel costs wherever the seam comes from."""
    if forward:
        for x in range(cost.size):
            cost[x] = abs(row[x + 2] - row[x])
    else:
        for x in range(cost.size):
            cost[x] = abs(row[x + 2] - row[x]) + abs(below[x + 1] - above[x + 1])
    if bias.size > 0:
        for x in range(cost.size):
            cost[x] += np.float32(bias[x]) * weight


@kernel
def _step(upper, row, before, cost, forward, total):
    """Add the cheapest of the sums above; forward, in Rubinstein's three cases: from upper left, above, upper right."""
    if forward:
        for x in range(cost.size):
            a = before[x] + abs(upper[x + 1] - row[x])
            b = before[x + 1]
            c = before[x + 2] + abs(upper[x + 1] - row[x + 2])
            best = a if a < b else b
            total[x + 1] = cost[x] + (best if best < c else c)
    else:
        for x in range(cost.size):
            a, b, c = before[x], before[x + 1], before[x + 2]
            best = a if a < b else b
            total[x + 1] = cost[x] + (best if best < c else c)


@kernel
def _trace(gray, bias, level, weight, forward, left, kept, seam):
    """Write the seam's column in each row from its last one up; of equal ways the leftmost.

    It strays at most one column a row: up to a row whose sums are kept, the ``_BLOCK`` columns around are enough.
    """
    levels, cost = np.empty((_BLOCK + 1, 2 * _BLOCK + 3), np.float32), np.empty(2 * _BLOCK + 1, np.float32)
    sums = np.full((_BLOCK, 2 * _BLOCK + 3), np.inf, np.float32)
    bottom = len(gray) - 1
    while bottom > 0:
        top = (bottom - 1) // _BLOCK * _BLOCK
        first, end = max(seam[bottom] - _BLOCK, 0), min(seam[bottom] + _BLOCK + 1, left)
        size = end - first
        for y in range(top, bottom + 1):
            _load(gray[y], level, first, end, left, levels[y - top])
        sums[0, : size + 2] = kept[top // _BLOCK, first : end + 2]
        for k in range(1, bottom - top):
            _pay(levels[k - 1], levels[k], levels[k + 1], bias[top + k, first:end], weight, forward, cost[:size])
            _step(levels[k - 1], levels[k], sums[k - 1], cost[:size], forward, sums[k])
            sums[k, size + 1] = np.inf
        for k in range(bottom - top, 0, -1):
            x = seam[top + k] - first
            a, b, c = sums[k - 1, x], sums[k - 1, x + 1], sums[k - 1, x + 2]
            if forward:
                a += abs(levels[k - 1, x + 1] - levels[k, x])
                c += abs(levels[k - 1, x + 1] - levels[k, x + 2])
            seam[top + k - 1] = first + x + (-1 if a <= b and a <= c else 0 if b <= c else 1)
        bottom = top


@kernel
def _mark(listed, count, width, gone, y0, y1):
    """Mark the pixels of the first ``count`` seams that are listed, each by its column when those before had gone."""
    column = np.empty(width, np.int32)
    for y in range(y0, y1):
        n = 0
        for x in range(width):
            column[n] = x
            n += 1 - (gone[y, x >> 3] >> (x & 7) & 1)
        for k in range(count):
            place = listed[y, k]
            for earlier in range(k - 1, -1, -1):
                if listed[y, earlier] <= place:
                    place += 1
            x = column[place]
            gone[y, x >> 3] |= 1 << (x & 7)


@kernel
def _pick(pixels, gone, picked, y0, y1):
    for y in range(y0, y1):
        n = 0
        for x in range(pixels.shape[1]):
            if gone[y, x >> 3] >> (x & 7) & 1 == 0:
                for channel in range(pixels.shape[2]):
                    picked[y, n, channel] = pixels[y, x, channel]
                n += 1


@kernel
def _double(pixels, gone, mixed, whole, wide, y0, y1):
    width = pixels.shape[1]
    for y in range(y0, y1):
        n = 0
        for x in range(width):
            twice = gone[y, x >> 3] >> (x & 7) & 1 == 1
            for channel in range(pixels.shape[2]):
                value = pixels[y, x, channel]
                wide[y, n, channel] = value
                if twice and mixed:
                    mean = (np.float32(value) + np.float32(pixels[y, min(x + 1, width - 1), channel])) * np.float32(0.5)
                    wide[y, n + 1, channel] = np.rint(mean) if whole else mean
                elif twice:
                    wide[y, n + 1, channel] = value
            n += 2 if twice else 1
