"""The flood of a colour image for :mod:`sightline.image.watershed`: heights lie between its pixels.

Meyer 1994, "Topographic distance and watershed lines", Signal Processing 38(1), with the height between two pixels that
OpenCV takes: their greatest difference of a channel.

A pixel has two numbers that lie together: its label, and in a byte each its differences from the neighbours at the
right, below, below at the right and below at the left. While it waits, the pixel behind it in the queue stands in the
label's place, as its complement: WAITING for none. After all pixels come the beginnings of the queue's lists, one a
height. Places are unsigned, so that none is looked at as if it were counted from the end.
"""

from __future__ import annotations

import numpy as np

from sightline.core.kernels import kernel
from sightline.core.lanes import prefetch
from sightline.image.bits import trailing_zeros

WAITING, LINE, OUTSIDE = -1, -2, -3  # a pixel that is in the queue; one where segments meet; one that stays dry
PAIR = 2  # numbers that a pixel has
HEIGHTS = np.uint64(256)
_RIGHT, _BELOW, _BELOW_RIGHT, _BELOW_LEFT = np.uint64(0), np.uint64(8), np.uint64(16), np.uint64(24)  # at which bit
_one, _zero, _next = np.uint64(1), np.uint64(0), np.uint64(PAIR)


@kernel
def prepare_colours(markers, mask, image, eight, cells, y0, y1):
    """Write labels and differences within a wall of one pixel; what touches a marker is waiting.

    What a mask leaves out, should there be one, stays dry.
    """
    height, width = markers.shape
    flat = image.reshape(height, 3 * width)
    scratch, sides = np.empty((2, 3 * width), np.uint8), np.zeros((2, width + 2), np.int32)
    allowed = np.empty((3, width), np.int32)
    for y in range(y0, y1):
        line = cells[y]
        if y == 0 or y == height + 1:
            for x in range(width + 2):
                line[PAIR * x] = OUTSIDE
            continue
        line[0], line[PAIR * (width + 1)] = OUTSIDE, OUTSIDE
        row, under, words = flat[y - 1], flat[min(y, height - 1)], sides[1, :width]
        words[:] = 0
        for place in range(4 if eight else 2):
            _add_differences(row, row if place == 0 else under, place, scratch[0], scratch[1], words)
        above, labels, below = markers[max(y - 2, 0)], markers[y - 1], markers[min(y, height - 1)]
        if mask.size > 0:
            above, labels, below = allowed[0], allowed[1], allowed[2]
            for near in range(3):
                source = min(max(y - 2 + near, 0), height - 1)
                for x in range(width):
                    allowed[near, x] = markers[source, x] if mask[source, x] else np.int32(OUTSIDE)
        side, middle, inner = sides[0], sides[0, 1 : width + 1], line[PAIR : PAIR * (width + 1)]
        for x in range(width):
            middle[x] = max(labels[x], max(above[x], below[x]) if eight else labels[x])
        for x in range(width):
            near = max(max(side[x], side[x + 2]), max(above[x], below[x]))
            inner[2 * x] = np.int32(WAITING) if (labels[x] == 0) & (near > 0) else labels[x]
            inner[2 * x + 1] = words[x]


@kernel
def _add_differences(row, other, place, apart, most, words):
    """Put the greatest difference of a channel between pixels and their neighbours in a byte of ``words``.

    The neighbours are at the right (places 0 and 2), the same (1) or at the left (3) in the ``other`` row.
    """
    n, step = row.size, 3 if place % 2 == 0 else 0 if place == 1 else -3
    first, last = max(0, -step), n - max(0, step)
    here, there, to = row[first:last], other[first + step : last + step], apart[first:last]
    for i in range(to.size):
        to[i] = np.uint8(max(here[i], there[i]) - min(here[i], there[i]))
    for i in range(first):
        apart[i] = np.uint8(max(row[i], other[i]) - min(row[i], other[i]))
    for i in range(last, n):
        apart[i] = np.uint8(max(row[i], other[i]) - min(row[i], other[i]))
    for x in range(words.size):
        most[x] = max(max(apart[3 * x], apart[3 * x + 1]), apart[3 * x + 2])
    shift = np.int32(8 * place)
    for x in range(words.size):
        words[x] |= np.int32(most[x]) << shift


@kernel(inline=True)
def _apart(cells, pixel, place):
    """Return how far a pixel is from the neighbour in one of its places."""
    return np.uint64(cells[pixel + _one]) >> place & np.uint64(255)


@kernel(inline=True)
def _measure(cells, pixel, below, eight, apart):
    """Write how far a pixel is from its neighbours, in the order of the ways: of two pixels, the first one knows."""
    above = pixel - below
    apart[0], apart[1] = _apart(cells, pixel - _next, _RIGHT), _apart(cells, pixel, _RIGHT)
    apart[2], apart[3] = _apart(cells, above, _BELOW), _apart(cells, pixel, _BELOW)
    if eight:
        apart[4], apart[5] = _apart(cells, above - _next, _BELOW_RIGHT), _apart(cells, above + _next, _BELOW_LEFT)
        apart[6], apart[7] = _apart(cells, pixel, _BELOW_LEFT), _apart(cells, pixel, _BELOW_RIGHT)


@kernel(inline=True)
def _choose_label(other, difference, label, nearest, meets):
    """Return label and difference of the nearest wet neighbour, once one more is known, and whether labels meet."""
    # Without branches: who is wet cannot be predicted.
    meets |= (other > 0) & (label > 0) & (other != label)
    better = (other > 0) & (difference < nearest)
    return other if better else label, difference if better else nearest, meets


@kernel
def flood_colours(cells, around, lines, level):
    """Flood a colour image: a pixel waits at its difference from the neighbour that reaches it.

    ``around`` holds the ways to its neighbours: left, right, above, below; with eight, the diagonal ones after them.
    """
    heads, below, eight = np.uint64(cells.size) - HEIGHTS, around[3], around.size == 8
    tails = np.empty(HEIGHTS, np.uint64)  # where the next pixel of each height is to be written
    apart = np.empty(8, np.uint64)
    for rise in range(HEIGHTS):
        cells[heads + rise], tails[rise] = WAITING, heads + rise
    water = HEIGHTS  # nothing waits at a lower height
    for pixel in range(_zero, heads, _next):
        if cells[pixel] != WAITING:
            continue
        _measure(cells, pixel, below, eight, apart)
        rise = HEIGHTS
        for way in range(around.size):
            if cells[pixel + around[way]] > 0:
                rise = min(rise, apart[way])
        cells[tails[rise]] = ~np.int32(pixel)
        tails[rise] = pixel
        water = min(water, rise)
    end = min(np.uint64(level + 1), HEIGHTS)
    while True:
        while water < end and cells[heads + water] == WAITING:
            water += _one
        if water >= end:
            return
        head = heads + water
        pixel = np.uint64(~cells[head])
        following = cells[pixel]
        cells[head] = following
        if following == WAITING:
            tails[water] = head
        ahead = np.uint64(~following)
        prefetch(cells, ahead)
        prefetch(cells, ahead + below)
        prefetch(cells, ahead - min(below, ahead))
        _measure(cells, pixel, below, eight, apart)
        label, nearest, meets, dry = np.int32(0), HEIGHTS, False, _zero
        for way in range(4):  # a number that the compiler knows: it writes the turns out
            other = cells[pixel + around[way]]
            label, nearest, meets = _choose_label(other, apart[way], label, nearest, meets)
            dry |= np.uint64(other == 0) << np.uint64(way)
        if eight:
            for way in range(4, 8):
                other = cells[pixel + around[way]]
                label, nearest, meets = _choose_label(other, apart[way], label, nearest, meets)
                dry |= np.uint64(other == 0) << np.uint64(way)
        cells[pixel] = LINE if lines and meets else label
        if lines and meets:
            continue
        while dry != _zero:
            way = trailing_zeros(dry)
            dry &= dry - _one
            near, rise = pixel + around[way], apart[way]
            cells[near] = WAITING
            cells[tails[rise]] = ~np.int32(near)
            tails[rise] = near
            water = min(water, rise)
