"""The flood of a grey image for :mod:`sightline.image.watershed`: a height belongs to a pixel.

Meyer 1994, "Topographic distance and watershed lines", Signal Processing 38(1).

A pixel has its label and its height, in arrays with a wall around them. While it waits, the pixel behind it in the
queue stands in the label's place, as its complement (WAITING for none), and the way that water came by in the height's.
Water never falls, so that markers, which wait from the beginning, stand in an array of their own, sorted by height.
Places are unsigned, so that none is looked at as if it were counted from the end; place 0 is in the wall.
"""

from __future__ import annotations

import numpy as np

from sightline.core.kernels import kernel
from sightline.core.lanes import prefetch
from sightline.image.bits import trailing_zeros
from sightline.image.flood_colours import LINE, OUTSIDE, WAITING

_one, _zero = np.uint64(1), np.uint64(0)
_two, _four, _six, _twelve, _eighteen, _low = (
    np.uint64(2),
    np.uint64(4),
    np.uint64(6),
    np.uint64(12),
    np.uint64(18),
    np.uint64(63),
)
_HIGHEST, _NONE = np.uint64(1 << 30), np.uint64(1 << 31)  # above every height; that of no spring


@kernel
def prepare_relief(markers, mask, relief, cells, heights, y0, y1):
    """Write labels and heights within a wall of one pixel; what a mask leaves out, should there be one, stays dry."""
    height, width = markers.shape
    for y in range(y0, y1):
        line = cells[y]
        if y == 0 or y == height + 1:
            for x in range(width + 2):
                line[x] = OUTSIDE
            continue
        line[0], line[width + 1] = OUTSIDE, OUTSIDE
        inner, labels, values, steep = line[1 : width + 1], markers[y - 1], relief[y - 1], heights[y, 1 : width + 1]
        for x in range(width):
            inner[x], steep[x] = labels[x], values[x]
        if mask.size > 0:
            for x in range(width):
                inner[x] = inner[x] if mask[y - 1, x] else np.int32(OUTSIDE)


@kernel
def find_springs(cells, heights, around, buckets):
    """Return the places of markers that water can flow from, the lowest first, those of a height in their order."""
    ends = np.zeros(buckets + 1, np.int32)
    springs = np.empty(0, np.int32)
    for turn in range(2):
        for pixel in range(_zero, np.uint64(cells.size)):
            if cells[pixel] <= 0:
                continue
            inner = True  # within a marker there is nothing to flood
            for way in range(around.size):
                inner &= cells[pixel + around[way]] != 0
            if inner:
                continue
            if turn == 0:
                ends[np.int64(heights[pixel]) + 1] += 1
            else:
                height = np.int64(heights[pixel])
                springs[ends[height]] = pixel
                ends[height] += 1
        if turn == 0:
            for height in range(buckets):
                ends[height + 1] += ends[height]
            springs = np.empty(ends[buckets], np.int32)
    return springs


# --- the ordered queue ---
# `ends` holds the first and the last pixel of each list, a height after the other, and three floors of `bits` say which
# heights hold something. A height has one list, or several that its pixels join in turn, `turns` says which is next:
# the one behind a pixel in its list then comes several pixels later, and is on its way from memory by that time. The
# kernel spells the queue out: handing its arrays to a function costs more than the function does.


@kernel
def flood_relief(cells, heights, around, lines, level, springs, ends, turns, bits, floor1, floor2):
    """Flood a relief: a pixel waits at its own height, or at the water's where that is higher.

    ``around`` holds the ways to its neighbours: above, left, right, below; with eight, the diagonal ones after them.
    """
    below, ways, count, waiting, at, water = around[3], np.uint64(around.size), np.uint64(springs.size), 0, _zero, _zero
    spring = np.uint64(heights[np.uint64(springs[at])]) if at < count else _NONE  # the next one's height
    lists = np.uint64(ends.size // (2 * turns.size))
    shift, several, within = trailing_zeros(lists) + _one, lists > _one, _two * (lists - _one)
    first = _zero  # the list of the water's height whose turn it is
    while True:
        height = _HIGHEST
        if waiting > 0:  # the lowest height that has a pixel waiting
            height = water
            if ends[first] == 0:
                i = floor2
                while bits[i] == _zero:
                    i += _one
                i = (i - floor2 << _six) + trailing_zeros(bits[i])
                i = (i << _six) + trailing_zeros(bits[floor1 + i])
                height = (i << _six) + trailing_zeros(bits[i])
        if spring <= height:
            pixel, height = np.uint64(springs[at]), spring
            at += _one
            spring = np.uint64(heights[np.uint64(springs[at])]) if at < count else _NONE
            label = cells[pixel]
            first = first if height == water else height << shift
            water = height
            if water > level:
                return
        else:
            if waiting == 0 or height > level:
                return
            first = first if height == water else height << shift
            water, pixel = height, np.uint64(ends[first])
            ahead = np.uint64(~cells[pixel])  # 0 for none
            ends[first] = ahead
            prefetch(cells, ahead)
            prefetch(cells, ahead + below)
            prefetch(cells, ahead - min(below, ahead))
            prefetch(heights, ahead)
            prefetch(heights, ahead + below)
            prefetch(heights, ahead - min(below, ahead))
            if several:
                first = first & ~within | first + _two & within
            waiting -= 1
            if ends[first] == 0:
                bits[height >> _six] ^= _one << (height & _low)
                if bits[height >> _six] == _zero:
                    bits[floor1 + (height >> _twelve)] ^= _one << (height >> _six & _low)
                    if bits[floor1 + (height >> _twelve)] == _zero:
                        bits[floor2 + (height >> _eighteen)] ^= _one << (height >> _twelve & _low)
            label = np.int32(0) if lines else cells[pixel - around[np.uint64(heights[pixel])]]
            cells[pixel] = label
        if lines:
            meets = False
            for way in range(around.size):
                other = cells[pixel + around[way]]
                meets |= other > 0 and label > 0 and other != label
                label = other if label <= 0 and other > 0 else label
            cells[pixel] = LINE if meets else label
            if meets:
                continue
        for half in range(_zero, ways, _four):  # by fours, whose number the compiler knows
            for way in range(half, half + _four):
                near = pixel + around[way]
                if cells[near] != 0:
                    continue
                cells[near] = WAITING
                height = max(water, np.uint64(heights[near]))
                heights[near] = way
                last = height << shift
                if several:
                    turn = np.uint64(turns[height])
                    turns[height] = turn + _two & within
                    last |= turn
                if ends[last] == 0:
                    ends[last] = near
                    bits[height >> _six] |= _one << (height & _low)
                    bits[floor1 + (height >> _twelve)] |= _one << (height >> _six & _low)
                    bits[floor2 + (height >> _eighteen)] |= _one << (height >> _twelve & _low)
                else:
                    cells[np.uint64(ends[last + _one])] = ~np.int32(near)
                ends[last + _one] = near
                waiting += 1


@kernel
def without_wall(cells, width):
    """Move the labels within the wall to the front of the flat array, those below 0 as 0."""
    rows = cells.size // (width + 2) - 2
    for y in range(rows):
        source = (y + 1) * (width + 2) + 1  # always a row ahead: nothing is written over that is still to be read
        inner, row = cells[source : source + width], cells[y * width : (y + 1) * width]
        for x in range(width):
            row[x] = max(inner[x], np.int32(0))
