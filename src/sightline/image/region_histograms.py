"""Histograms of colour and of texture over regions, as whole numbers in rows just wide enough for a region's size.

Whole numbers add up exactly, so a region that is made of two needs no row of its own: that of one takes the other's
counts in, and gives them back when the same regions are to be joined in another way. A count is at most the region's
pixels: a small region's takes one byte, and only few are large.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sightline.core.kernels import kernel
from sightline.core.types import Array

COLOUR_BINS, TEXTURE_BINS, WAYS = 25, 10, 8
COLOURS = 3 * COLOUR_BINS
BINS = COLOURS + 3 * WAYS * TEXTURE_BINS
_COUNTED = 3 + 3 * WAYS  # bins that a pixel is counted in
_LARGE, _HUGE = 1 << 8, 1 << 16  # pixels from which on a count takes two bytes, and four
_LENGTHS = (-(-BINS // 4), -(-BINS // 2), BINS)  # of rows, in four bytes
_CHUNK = 256  # pixels of a row whose bins are found before they are counted


class Regions(NamedTuple):
    """N regions that touch, and room for the N − 1 that are joined of them, numbered in that order.

    ``small``, ``large`` and ``huge`` are one memory seen as counts of one byte, of two and of four; ``starts`` tells
    where a region's row begins, in four bytes, and ``sizes`` its pixels; ``boxes`` are xyxy. Kernels take it as a plain
    tuple, as their files on disk would not outlive a name of ours.
    """

    small: Array
    large: Array
    huge: Array
    starts: Array
    sizes: Array
    boxes: Array


def bounded_regions(labels: Array) -> Regions:
    """Return the regions 0 … N − 1 of a label map, their sizes and boxes; counts are 0."""
    count = int(labels.max()) + 1
    sizes, boxes = np.zeros(2 * count, np.int32), np.zeros((2 * count, 4), np.float32)
    boxes[:, :2] = np.inf
    _stretch(labels, sizes, boxes)
    first = sizes[:count]
    starts = np.zeros(2 * count, np.int64)
    lengths = np.where(first < _LARGE, _LENGTHS[0], np.where(first < _HUGE, _LENGTHS[1], _LENGTHS[2]))
    np.cumsum(lengths, out=starts[1 : count + 1])
    # two rows are joined to a wider one only where the pixels of both make a region of that size for the first time
    wider = int(first[first < _LARGE].sum()) // _LARGE * _LENGTHS[1] + labels.size // _HUGE * _LENGTHS[2]
    memory = np.zeros(int(starts[count]) + wider, np.uint32)
    return Regions(memory.view(np.uint8), memory.view(np.uint16), memory, starts, sizes, boxes)


@kernel
def _stretch(labels, sizes, boxes):
    height, width = labels.shape
    for y in range(height):
        x = 0
        while x < width:
            label, first = labels[y, x], x
            while x < width and labels[y, x] == label:
                x += 1
            sizes[label] += x - first
            boxes[label, 0] = min(boxes[label, 0], np.float32(first))
            boxes[label, 1] = min(boxes[label, 1], np.float32(y))
            boxes[label, 2] = max(boxes[label, 2], np.float32(x))
            boxes[label, 3] = max(boxes[label, 3], np.float32(y + 1))


@kernel
def row_length(size):
    """Return how many four bytes the row of a region of ``size`` pixels takes."""
    return _LENGTHS[0] if size < _LARGE else _LENGTHS[1] if size < _HUGE else _LENGTHS[2]


@kernel
def read_row(regions, region, counts):
    """Write a region's counts."""
    small, large, huge, starts, sizes, _ = regions
    start, size = starts[region], sizes[region]
    if size < _LARGE:
        for i in range(BINS):
            counts[i] = small[4 * start + i]
    elif size < _HUGE:
        for i in range(BINS):
            counts[i] = large[2 * start + i]
    else:
        for i in range(BINS):
            counts[i] = huge[start + i]


@kernel
def write_row(regions, region, counts):
    """Let these be a region's counts."""
    small, large, huge, starts, sizes, _ = regions
    start, size = starts[region], sizes[region]
    if size < _LARGE:
        for i in range(BINS):
            small[4 * start + i] = np.uint8(counts[i])
    elif size < _HUGE:
        for i in range(BINS):
            large[2 * start + i] = np.uint16(counts[i])
    else:
        for i in range(BINS):
            huge[start + i] = counts[i]


@kernel
def count_bins(pixels, padded, turns, labels, regions):
    """Count over each region the colours 0–1 of some rows, and how fast RGB rises in each direction.

    ``padded`` is the rows' RGB with a border of one pixel; a rise of half the range in a pixel is as much as is told
    apart. The bins are found first, for many pixels at once, and then counted.
    """
    small, large, huge, starts, sizes, _ = regions
    height, width = labels.shape
    places = np.empty((_COUNTED, _CHUNK), np.uint16)
    dx, dy = np.empty(_CHUNK, np.float32), np.empty(_CHUNK, np.float32)
    for y in range(height):
        for x0 in range(0, width, _CHUNK):
            many = min(_CHUNK, width - x0)
            for c in range(3):
                _colour_bins(pixels[y, x0 : x0 + many, c], c * COLOUR_BINS, places[c])
                _slopes(padded[y : y + 3, x0 : x0 + many + 2, c], dx, dy)
                for way in range(WAYS):
                    number = c * WAYS + way
                    first = COLOURS + number * TEXTURE_BINS
                    _rise_bins(dx[:many], dy[:many], turns[way, 0], turns[way, 1], first, places[3 + number])
            for i in range(many):
                label = labels[y, x0 + i]
                start, size = starts[label], sizes[label]
                if size < _LARGE:
                    for k in range(_COUNTED):
                        small[4 * start + places[k, i]] += np.uint8(1)
                elif size < _HUGE:
                    for k in range(_COUNTED):
                        large[2 * start + places[k, i]] += np.uint16(1)
                else:
                    for k in range(_COUNTED):
                        huge[start + places[k, i]] += np.uint32(1)


@kernel(inline=True)
def _colour_bins(values, first, places):
    for i in range(values.size):
        place = min(np.int32(values[i] * np.float32(COLOUR_BINS)), np.int32(COLOUR_BINS - 1))
        places[i] = np.uint16(first + place)


@kernel(inline=True)
def _slopes(padded, dx, dy):
    half = np.float32(0.5)
    for i in range(padded.shape[1] - 2):
        dx[i] = (padded[1, i + 2] - padded[1, i]) * half
        dy[i] = (padded[2, i + 1] - padded[0, i + 1]) * half


@kernel(inline=True)
def _rise_bins(dx, dy, along, down, first, places):
    double, zero, one = np.float32(2), np.float32(0), np.float32(1)
    for i in range(dx.size):
        value = min(max((along * dx[i] + down * dy[i]) * double, zero), one)
        place = min(np.int32(value * np.float32(TEXTURE_BINS)), np.int32(TEXTURE_BINS - 1))
        places[i] = np.uint16(first + place)
