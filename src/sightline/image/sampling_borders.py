"""What lies beyond an image's border where a tile of new pixels asks for it, for :mod:`sightline.image.sampling`.

Positions are pulled to what the border stands for, eight at a time; what then lies inside is read as all else is.
Windows across the border are put together pixel by pixel.
"""

from __future__ import annotations

import numpy as np

from sightline.core.kernels import kernel
from sightline.core.vectors import LANES, all_of, choose, floor, load, store
from sightline.image.sampling_places import CONSTANT, TILE, is_inside, offsets

REFLECT, EDGE, WRAP, SYMMETRIC = 1, 2, 3, 4
MARGIN = 3  # pixels around an image whose edge goes on: no window that differs from others reaches further
FARTHEST = np.float32(1e9)


@kernel
def pull_inside(frame, near, inner, strides, groups, rest, xs, ys, fractions, at):
    """Pull the first ``rest`` groups listed to what the border stands for, unless it is constant.

    Those whose windows are all inside then get their offsets. Return how many are not: they stay listed, with offset 0.
    """
    if frame[3] == CONSTANT:
        return rest
    height, width, border, size, left = frame[0], frame[1], frame[3], frame[4], 0
    exact = max(height, width) < 1 << 21  # as float32, and so is what lies a few times as far
    for k in range(rest):
        g = groups[np.uint64(k)]
        x, y = load(xs, g), load(ys, g)
        if border == EDGE:
            x, y = _clamped(x, near[0], width, border, size), _clamped(y, near[1], height, border, size)
        elif exact and _is_near(x, near[0], width, border) and _is_near(y, near[1], height, border):
            x, y = _folded(x, near[0], width, border, size), _folded(y, near[1], height, border, size)
        else:
            _fold_each(xs, g, near[0], width, border, size)
            _fold_each(ys, g, near[1], height, border, size)
            x, y = load(xs, g), load(ys, g)
        column, row = floor(x), floor(y)
        store(x, xs, g)
        store(y, ys, g)
        store(x - column, fractions, g)
        store(y - row, fractions, g + TILE)
        known = is_inside(x, y, inner)
        store(offsets(column, row, strides) * np.int32(known), at, g)
        groups[np.uint64(left)] = g
        left += 1 - np.int64(known)
    return left


@kernel
def find_windows(source, frame, colours, near, g, xs, ys, fractions, at, windows):
    """Copy the windows of a group of eight that are not all inside to ``windows``, one after the other.

    Offsets are for there. Beyond a constant border, positions are pulled to where the last windows differ from others.
    """
    if frame[3] == CONSTANT:
        x = _clamped(load(xs, g), near[0], frame[1], frame[3], frame[4])
        y = _clamped(load(ys, g), near[1], frame[0], frame[3], frame[4])
        store(x, xs, g)
        store(y, ys, g)
        store(x - floor(x), fractions, g)
        store(y - floor(y), fractions, g + TILE)
    _copy_windows(source, frame, colours, near, g, xs, ys, at, windows)


@kernel(inline=True)
def _clamped(positions, base, size, border, window):
    """Return eight positions relative to ``base``, those far beyond the border no further than windows differ.

    Further beyond a constant border all windows are alike; beyond an edge they lie in the image's margin.
    """
    before, after = (window - 1) // 2, window // 2
    reach = before - window if border == CONSTANT else before
    low, high = np.float32(reach - base), np.float32((size + before if border == CONSTANT else size - after - 1) - base)
    positions = choose(positions > low, positions, low)  # NaN too
    return choose(positions < high, positions, high)


@kernel(inline=True)
def _is_near(positions, base, size, border):
    """Return whether eight positions are at most about a period beyond the border, which NaN is not."""
    period = np.float32(_period(size, border))
    here = positions + np.float32(base)
    return all_of((here >= np.float32(1) - period) & (here < period + period))


@kernel(inline=True)
def _folded(positions, base, size, border, window):
    """Do what :func:`_fold` does for eight positions that are near, in float32, which holds these whole numbers."""
    half, zero, one = np.float32(0.5 if window == 1 else 0), np.float32(0), np.float32(1)
    period, base, last = np.float32(_period(size, border)), np.float32(base), np.float32(size - 1)
    turn = np.float32(2 * size - 1 if border == SYMMETRIC else 2 * size - 2)
    between = one if border == REFLECT else zero
    positions = positions - half
    whole = floor(positions)
    fraction = positions - whole
    place = whole + base
    place = choose(place < zero, place + period, place)
    place = choose(place >= period, place - period, place)
    turned = place + choose(fraction > zero, between, zero) > last
    back, on = (turn - place - base) - fraction, (place - base) + fraction
    return choose(turned, back, on) + half


@kernel
def _fold_each(positions, g, base, size, border, window):
    half = np.float32(0.5) if window == 1 else np.float32(0)
    for k in range(g, g + LANES):
        positions[k] = _fold(positions[k] - half, base, size, border) + half


@kernel(inline=True)
def _period(size, border):
    """Return after how many pixels what lies beyond the border comes again."""
    return size if border == WRAP else 2 * size if border == SYMMETRIC else max(1, 2 * (size - 1))


@kernel
def _fold(position, base, size, border):
    period = _period(size, border)
    position = position if position > -FARTHEST else -FARTHEST  # NaN too
    position = position if position < FARTHEST else FARTHEST
    whole = np.floor(position)
    folded, fraction = (np.int64(whole) + base) % period, position - whole
    if border == REFLECT and folded + (1 if fraction > 0 else 0) > size - 1:
        return np.float32(2 * (size - 1) - folded - base) - fraction
    if border == SYMMETRIC and folded > size - 1:
        return np.float32(2 * size - 1 - folded - base) - fraction
    return np.float32(folded - base) + fraction


@kernel
def _copy_windows(source, frame, colours, near, g, xs, ys, at, windows):
    height, width, channels, border, size = frame[0], frame[1], frame[2], frame[3], frame[4]
    before, n = (size - 1) // 2, np.uint64(0)
    for k in range(LANES):
        at[g + k] = n
        left, top = np.int64(np.floor(xs[g + k])) + near[0] - before, np.int64(np.floor(ys[g + k])) + near[1] - before
        for y in range(top, top + size):
            row = _stand_in(y, height, border)
            for x in range(left, left + size):
                column = _stand_in(x, width, border)
                here = np.uint64((row * width + column) * channels)
                known = border != CONSTANT or (row == y and column == x)
                for c in range(channels):
                    value = source[here + np.uint64(c)]  # read in any case: there is nothing to jump over then
                    windows[n] = value if known else colours[np.uint64(c)]
                    n += np.uint64(1)


@kernel
def _stand_in(index, size, border):
    """Return the row or column that stands in for one that may lie beyond the border; the nearest for a constant."""
    if border == CONSTANT:
        return min(max(index, 0), size - 1)
    if 0 <= index < size:
        return index
    period = _period(size, border)
    index %= period
    if index < size:
        return index
    return period - 1 - index if border == SYMMETRIC else period - index
