"""Where the pixels of a tile come from: positions in the image, and the windows of pixels around them.

Eight new pixels whose windows lie inside the image are told by one comparison and need nothing more. The others are
listed, and :mod:`sightline.image.sampling_borders` looks after them.
"""

from __future__ import annotations

import numpy as np

from sightline.core.gathers import copy_same
from sightline.core.kernels import kernel
from sightline.core.lanes import prefetch
from sightline.core.positions import POSITIONS, put_fractions, put_positions
from sightline.core.vectors import LANES, all_of, any_of, count_from, floor, load_pairs, store, whole

COLUMNS, ROWS = 64, 32  # of a tile: its old pixels lie in few pages and stay in the nearest cache, however it is turned
TILE = COLUMNS * ROWS + COLUMNS  # numbers a tile keeps in a row: at a power of two they would share cache lines
CONSTANT = 0  # the border beyond which colours are the same everywhere


@kernel
def scratch():
    """Return the arrays for a tile: x and y, their fractions, and offsets, one of each for a pixel.

    The last one is for groups of eight neighbours, named by the first one's number in the tile.
    """
    places = np.empty((4, TILE), np.float32)
    groups = np.empty(TILE // LANES, np.int64)
    return places[0], places[1], places[2:].reshape(-1), np.empty(TILE, np.int32), groups


@kernel
def tile_at(frame, x0, y, y1):
    """Return where the tile of new pixels at (x0, y) begins, how many columns and rows it has, and its first number.

    Columns are whole groups of eight; the last group of a row may overlap the one before.
    """
    new_width = frame[5]
    columns, rows = min(COLUMNS, (new_width - x0) // LANES * LANES), min(ROWS, y1 - y)
    if columns == 0:
        x0, columns = new_width - LANES, LANES
    return x0, columns, rows, (y * new_width + x0) * frame[2]


@kernel
def limits(frame, near):
    """Return between which positions windows lie inside, between which they touch the image, and the strides.

    A window is one pixel for nearest, 2×2 for bilinear and 4×4 for bicubic; its offset is that of its upper left pixel.
    """
    height, width, channels, size = frame[0], frame[1], frame[2], frame[4]
    near_x, near_y = near
    before, after = (size - 1) // 2, size // 2
    beyond = 1 if size == 1 and channels == 3 else 0  # four numbers are read there, the fourth of which must exist
    inner = (
        np.float32(before - near_x),
        np.float32(width - after - near_x),
        np.float32(before - near_y),
        np.float32(height - after - near_y - beyond),
    )
    outer = (
        np.float32(-after - near_x),
        np.float32(width + before - near_x),
        np.float32(-after - near_y),
        np.float32(height + before - near_y),
    )
    first = (near_y - before) * width * channels + (near_x - before) * channels
    return inner, outer, (np.int32(channels), np.int32(width * channels), np.int32(first))


@kernel(inline=True)
def is_inside(x, y, inner):
    """Return whether all of eight positions are within four limits."""
    left, right, top, bottom = inner
    return all_of((x >= left) & (x < right) & (y >= top) & (y < bottom))


@kernel(inline=True)
def is_blank(x, y, outer):
    """Return whether none of eight positions is within four limits."""
    left, right, top, bottom = outer
    return not any_of((x >= left) & (x < right) & (y >= top) & (y < bottom))


# Inlined functions take no arrays: each would be counted once more for every eight pixels.
@kernel(inline=True)
def offsets(column, row, strides):
    """Return the offsets of eight windows."""
    across, down, first = strides
    return whole(row) * down + whole(column) * across + first


# What is asked of each tile takes no arrays either, or calls nothing: then they need not be counted.
@kernel(contract=True)
def course(matrix, frame, tile, strays):
    """Return how positions run through a tile: its corner and the steps across and down, homogeneous.

    They are distances from an old pixel near by, short, so that float32 holds them exactly enough; for nearest, the old
    pixel is the one before, half a pixel on. For affine maps, the third coordinate is 1. Then come that old pixel,
    whether all windows are inside, and whether all are beyond a constant border. Where a field takes the matrix's
    place, positions are no distances, and nobody knows.
    """
    x0, y0, columns, rows = tile
    near = (0, 0) if strays else _near(matrix, frame[1], frame[0], x0, y0)
    inner, outer, _ = limits(frame, near)
    run = _relative(matrix, near, x0, y0)
    sure, blank = _by_corners(run, lift_of(frame), columns, rows, inner, outer)
    return run, near, sure and not strays, blank and frame[3] == CONSTANT and not strays


@kernel
def lift_of(frame):
    """Return what is added to positions: half a pixel for nearest, and the image's margin."""
    return np.float32(0.5 if frame[4] == 1 else 0) + np.float32(frame[6])


@kernel(contract=True)
def places_inside(run, lift, strides, between, tile, fractions, at, first):
    """Write where a tile comes from whose windows are all inside: their offsets and, where asked for, fractions.

    They are written from number ``first`` on.
    Fractions are those along x and, ``TILE`` further, along y; values ``between`` pixels ask for them.
    """
    corner, across, down = run
    steps = np.float32(across[0]), np.float32(across[1]), np.float32(across[2])
    affine = across[2] == 0 and down[2] == 0
    for r in range(tile[3]):
        start = _row_start(corner, down, r, lift if affine else np.float32(0))
        for i in range(0, tile[2], POSITIONS):  # the last ones may be beyond the tile, where nobody looks
            g, t = first + r * COLUMNS + i, np.float32(i)
            if between:
                put_fractions(t, start, steps, lift, affine, strides, at, g, fractions, TILE)
            else:
                put_positions(t, start, steps, lift, affine, strides, at, g)


@kernel(contract=True)
def places_across(run, lift, strides, inner, tile, xs, ys, fractions, at, groups):
    """Write where a tile at the border comes from: positions, offsets and fractions.

    Groups of eight that are not all inside are listed, and have offset 0. Return how many there are.
    """
    corner, across, down = run
    dx, dy, dw = np.float32(across[0]), np.float32(across[1]), np.float32(across[2])
    affine, rest = across[2] == 0 and down[2] == 0, 0
    for r in range(tile[3]):
        x, y, w = _row_start(corner, down, r, lift if affine else np.float32(0))
        t = count_from(np.float32(0))
        for g in range(r * COLUMNS, r * COLUMNS + tile[2], LANES):
            if affine:
                u, v = x + t * dx, y + t * dy
            else:
                scale = np.float32(1) / (w + t * dw)
                u, v = (x + t * dx) * scale + lift, (y + t * dy) * scale + lift
            t = t + np.float32(LANES)
            column, row = floor(u), floor(v)
            store(u, xs, g)
            store(v, ys, g)
            store(u - column, fractions, g)
            store(v - row, fractions, g + TILE)
            known = is_inside(u, v, inner)
            store(offsets(column, row, strides) * np.int32(known), at, g)
            groups[np.uint64(rest)] = g
            rest += 1 - np.int64(known)
    return rest


@kernel(contract=True)
def places_of(field, pitch, lift, strides, inner, tile, xs, ys, fractions, at, groups):
    """Do what :func:`places_across` does for a flat field of points with ``pitch`` numbers in a row."""
    x0, y0, columns, rows = tile
    rest = 0
    for r in range(rows):
        for i in range(0, columns, LANES):
            here, g = (y0 + r) * pitch + 2 * (x0 + i), r * COLUMNS + i
            u, v = load_pairs(field, here)
            prefetch(field, here + 2 * COLUMNS)  # what the next tile begins with: rows are too short to be foreseen
            u, v = u + lift, v + lift
            column, row = floor(u), floor(v)
            store(u, xs, g)
            store(v, ys, g)
            store(u - column, fractions, g)
            store(v - row, fractions, g + TILE)
            known = is_inside(u, v, inner)
            store(offsets(column, row, strides) * np.int32(known), at, g)
            groups[np.uint64(rest)] = g
            rest += 1 - np.int64(known)
    return rest


@kernel
def _row_start(corner, down, r, lift):
    return (
        np.float32(corner[0] + r * down[0] + lift),
        np.float32(corner[1] + r * down[1] + lift),
        np.float32(corner[2] + r * down[2]),
    )


@kernel(inline=True)
def _relative(matrix, near, x0, y0):
    """Return the position of a tile's corner and the steps to its neighbours, homogeneous; for affine maps, w is 1."""
    a, b, c, d, e, f, dw, ew, fw = matrix
    near_x, near_y = near
    w = dw * x0 + ew * y0 + fw
    x = a * x0 + b * y0 + c - near_x * w
    y = d * x0 + e * y0 + f - near_y * w
    scale = 1 / w if dw == 0 and ew == 0 else 1.0
    across = (a - near_x * dw) * scale, (d - near_y * dw) * scale, dw
    down = (b - near_x * ew) * scale, (e - near_y * ew) * scale, ew
    return (x * scale, y * scale, w * scale), across, down


@kernel
def _by_corners(run, half, columns, rows, inner, outer):
    """Return whether all windows of a tile are inside, and whether all are beyond the border, as its corners tell."""
    corner, across, down = run
    left, right = _range_of(corner[0], across[0] * (columns - 1), down[0] * (rows - 1))
    top, bottom = _range_of(corner[1], across[1] * (columns - 1), down[1] * (rows - 1))
    low, high = _range_of(corner[2], across[2] * (columns - 1), down[2] * (rows - 1))
    if not 2 * low > high:  # the horizon is near, or nowhere near but behind
        return False, False
    most, least = 1 / low, 1 / high
    left, right = min(left * most, left * least) + half, max(right * most, right * least) + half
    top, bottom = min(top * most, top * least) + half, max(bottom * most, bottom * least) + half
    slack = 1e-3 + 1e-5 * (max(-left, right) + max(-top, bottom))  # more than float32 is off
    inside = left - slack >= inner[0] and right + slack < inner[1]
    inside = inside and top - slack >= inner[2] and bottom + slack < inner[3]
    blank = left - slack > outer[1] or right + slack < outer[0] or top - slack > outer[3] or bottom + slack < outer[2]
    return inside, blank


@kernel(inline=True)
def _range_of(value, across, down):
    low, high = min(across, 0.0), max(across, 0.0)
    return value + low + min(down, 0.0), value + high + max(down, 0.0)


@kernel
def fill(colours, columns, rows, result, start, pitch, channels):
    """Write the border's colours to a whole tile."""
    for r in range(rows):
        for i in range(0, columns, LANES):
            copy_same(colours, channels, result, start + r * pitch + i * channels)


@kernel
def pick_or_fill(source, frame, colours, near, g, xs, ys, result, to):
    """Write a group of eight nearest pixels, or the border's colours where there are none."""
    height, width, channels, n = frame[0], frame[1], frame[2], np.uint64(to)
    for k in range(LANES):
        x, y = np.int64(np.floor(xs[g + k])) + near[0], np.int64(np.floor(ys[g + k])) + near[1]  # NaN is far off
        known = (x >= 0) & (x < width) & (y >= 0) & (y < height)
        here = np.uint64((y * width + x) * channels if known else 0)
        for c in range(channels):
            value = source[here + np.uint64(c)]  # read in any case: there is nothing to jump over then
            result[n] = value if known else colours[np.uint64(c)]
            n += np.uint64(1)


@kernel
def _near(matrix, width, height, x0, y):
    """Return the old pixel near the one that a new pixel comes from."""
    a, b, c, d, e, f, g, h, i = matrix
    w = g * x0 + h * y + i
    return _within((a * x0 + b * y + c) / w, width), _within((d * x0 + e * y + f) / w, height)


@kernel(inline=True)
def _within(position, size):
    """Return the pixel before a position, from 0 to the last one; 0 for NaN."""
    return np.int64(min(np.floor(position), np.float64(size - 1))) if position > 0 else 0


@kernel
def call_for(source, columns, rows, at, first):
    """Ask for the old pixels of a tile, all at once: each alone would be waited for."""
    for r in range(rows):
        for i in range(0, columns, LANES):
            prefetch(source, np.uint32(at[np.uint64(first + r * COLUMNS + i)]))


@kernel
def call_for_rows(result, start, width, rows, pitch):
    """Ask for where a tile is to be written, ``width`` numbers of each of its rows."""
    for r in range(rows):
        for i in range(0, width, 64 // result.itemsize):
            prefetch(result, start + r * pitch + i)
