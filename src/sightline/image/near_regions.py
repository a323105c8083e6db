"""Regions of neighbours with near values, joined row by row while the values come band by band.

No picture of all values is kept: what a region adds up to stands in a slot of its own, and the slot of a region that
was joined with another one is given to the next new region.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from sightline.core.buffers import empty
from sightline.core.kernels import kernel
from sightline.core.types import Array

_STRIP = 8  # rows between which room is made for new regions
_USED, _FREE = 0, 1  # how many slots were ever used, and the first of those that are free again


def join_near(
    bands: Iterable[tuple[int, int, Array]], shape: tuple[int, ...], radius: float
) -> tuple[Array, Array, Array]:
    """Return labels of the groups of neighbours (4) whose values are nearer than ``radius``, their sizes and sums.

    Parameters
    ----------
    bands
        Rows y0 to y1 from the top to the bottom, and their values, C×(y1 − y0)×W float32, which may be written over as
        soon as the next band is asked for.
    shape
        H, W and the number C of channels.
    radius
        Euclidean distance that is no longer near.

    Returns
    -------
    labels
        H×W int32, 0 … N − 1 in the order of their first pixel, row by row.
    sizes
        Pixels of each, N int32.
    sums
        Sums of the values of each, N×C float64.
    """
    height, width, channels = shape
    labels, above = empty((height, width), np.int32), np.zeros((channels, width), np.float32)
    sizes, sums = empty((0,), np.int32), empty((0, channels), np.float64)
    slots = np.array([0, -1])
    for y0, y1, values in bands:
        for y in range(0, y1 - y0, _STRIP):
            end = min(y + _STRIP, y1 - y0)
            used = int(slots[_USED])
            room = used + (end - y) * width
            if room > len(sizes):
                likely = used * height // max(y0 + y, 1)  # in the end, if it goes on like this
                room = max(room, (likely + used // 4) * 9 // 8)
                sizes, sums = _grown(sizes, used, room), _grown(sums, used, room)
            _join_rows(values, above, y0, y, end, np.float32(radius**2), labels.reshape(-1), sizes, sums, slots)
        above[...] = values[:, -1]
    count = _number(labels.reshape(-1), np.full(slots[_USED], -1, np.int32), sizes, sums)
    return labels, sizes[:count], sums[:count]


def _grown(values: Array, used: int, room: int) -> Array:
    grown = empty((room, *values.shape[1:]), values.dtype)
    grown[:used] = values[:used]
    return grown


@kernel(inline=True)
def _first_of(labels, pixel):
    """Return the first pixel of a pixel's group, and let those on the way point farther up."""
    while labels[pixel] >= 0:
        up = np.int64(labels[pixel])
        if labels[up] >= 0:
            labels[pixel] = labels[up]
        pixel = up
    return pixel


@kernel
def _join_rows(values, above, y0, begin, end, square, labels, sizes, sums, slots):
    """Let each pixel of a band's rows have an earlier pixel of its group as label, or be the first: then −1 − slot."""
    channels, _, width = values.shape
    for y in range(begin, end):
        for x in range(width):
            pixel, first = (y0 + y) * width + x, np.int64(-1)
            if x > 0:
                apart = np.float32(0)
                for c in range(channels):
                    apart += (values[c, y, x] - values[c, y, x - 1]) * (values[c, y, x] - values[c, y, x - 1])
                if apart < square:
                    first = _first_of(labels, pixel - 1)
            if y0 + y > 0:
                apart = np.float32(0)
                for c in range(channels):
                    step = values[c, y, x] - (values[c, y - 1, x] if y > 0 else above[c, x])
                    apart += step * step
                if apart < square:
                    other = _first_of(labels, pixel - width)
                    if first >= 0 and first != other:
                        _unite(min(first, other), max(first, other), labels, sizes, sums, slots)
                        first = min(first, other)
                    else:
                        first = other
            if first < 0:
                labels[pixel] = ~_new_slot(sizes, sums, slots)
                first = pixel
            else:
                labels[pixel] = first
            slot = ~labels[first]
            sizes[slot] += 1
            for c in range(channels):
                sums[slot, c] += np.float64(values[c, y, x])


@kernel(inline=True)
def _unite(first, other, labels, sizes, sums, slots):
    """Join two groups, given by their first pixels, the earlier one first; a slot becomes free."""
    slot, gone = ~labels[first], ~labels[other]
    sizes[slot] += sizes[gone]
    for c in range(sums.shape[1]):
        sums[slot, c] += sums[gone, c]
    labels[other] = first
    sizes[gone] = slots[_FREE]  # where the next free one is
    slots[_FREE] = gone


@kernel(inline=True)
def _new_slot(sizes, sums, slots):
    """Return a slot that is free, with sums of 0."""
    slot = slots[_FREE]
    if slot >= 0:
        slots[_FREE] = sizes[slot]
    else:
        slot = slots[_USED]
        slots[_USED] += 1
    sizes[slot] = 0
    for c in range(sums.shape[1]):
        sums[slot, c] = 0.0
    return slot


@kernel
def _number(labels, places, sizes, sums):
    """Number the groups by their first pixel, put their slots in that order, and return how many there are."""
    count = 0
    for i in range(labels.size):
        if labels[i] < 0:
            places[~labels[i]] = count
            labels[i] = count
            count += 1
        else:
            labels[i] = labels[labels[i]]
    for slot in range(places.size):
        while places[slot] >= 0 and places[slot] != slot:
            to = places[slot]
            places[slot], places[to] = places[to], to
            sizes[slot], sizes[to] = sizes[to], sizes[slot]
            for c in range(sums.shape[1]):
                sums[slot, c], sums[to, c] = sums[to, c], sums[slot, c]
    return count
