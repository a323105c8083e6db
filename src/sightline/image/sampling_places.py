"""Where the pixels of a tile come from: an offset into the image and fractions to the next pixel, eight at a time.

Eight new pixels whose windows lie inside the image are told by one comparison and need nothing more. Where one of them
does not, positions are pulled to what the border stands for, and the windows are put together pixel by pixel.
"""

from __future__ import annotations

import numpy as np

from sightline.core.kernels import kernel
from sightline.core.lanes import prefetch
from sightline.core.vectors import LANES, all_of, any_of, count_from, floor, load, load_pairs, store, whole

COLUMNS, ROWS = 64, 8  # of a tile: its old pixels lie in few pages and stay in the nearest cache, however it is turned
TILE = COLUMNS * ROWS + COLUMNS  # numbers a tile keeps in a row: at a power of two they would share cache lines
CONSTANT, REFLECT, EDGE, WRAP = 0, 1, 2, 3
MARGIN = 3  # pixels around an image whose edge goes on: no window that differs from others reaches further
INSIDE, REST, BESIDE, BLANK = 0, 1, 2, 3  # groups: windows inside; not so; partly, wholly beyond the border
FARTHEST, UNKNOWN = np.float32(1e9), -(1 << 40)


@kernel
def scratch():
    """Return the arrays that a tile's places and groups are written to.

    Places are x and y, their fractions, and offsets, one of each for a pixel. A group is eight neighbours,
    named by the first one's number in the tile; each kind of group has a row.
    """
    places = np.empty((4, TILE), np.float32)
    return (
        places[0],
        places[1],
        places[2:].reshape(-1),
        np.empty(TILE, np.int32),
        np.empty((4, TILE // LANES), np.int64),
    )


@kernel(contract=True)
def places(matrix, field, frame, x0, y, y1, xs, ys, fractions, at, groups):
    """Find the windows of the tile of new pixels at (x0, y); return how many groups are INSIDE, BESIDE, BLANK.

    A window is one pixel for nearest, 2×2 for bilinear and 4×4 for bicubic; its offset is that of its upper left pixel.
    The fractions, 0 to 1, are along x, and along y ``TILE`` numbers further on. Positions are distances from a pixel
    near by: short, so that float32 holds them exactly enough.
    """
    height, width, channels, border, size, new_width = frame[0], frame[1], frame[2], frame[3], frame[4], frame[5]
    x0 = min(x0, new_width - LANES)  # the last group of a row may overlap the one before
    columns, rows = min(COLUMNS, new_width - x0), min(ROWS, y1 - y)
    base_x, base_y = (0, 0) if field.size else near(matrix, width, height, x0, y)
    before, after = (size - 1) // 2, size // 2
    left, right = np.float32(before - base_x), np.float32(width - after - base_x)
    top, bottom = np.float32(before - base_y), np.float32(height - after - base_y)
    first_x, last_x = np.float32(-after - base_x), np.float32(width + before - base_x)
    first_y, last_y = np.float32(-after - base_y), np.float32(height + before - base_y)
    across, down = np.int32(channels), np.int32(width * channels)
    first = np.int32((base_y - before) * width * channels + (base_x - before) * channels)
    window, strides = (left, right, top, bottom), (across, down, first)
    half = np.float32(0.5) if size == 1 else np.float32(0)  # the nearest pixel is the one before, half a pixel on
    half += np.float32(frame[6])
    if field.size:
        inside, rest = _from_field(field, x0, y, columns, rows, half, window, strides, xs, ys, fractions, at, groups)
    else:
        inside, rest = _from_matrix(
            matrix, base_x, base_y, x0, y, columns, rows, half, window, strides, xs, ys, fractions, at, groups
        )
    beside, blank = 0, 0
    for k in range(rest):
        g = groups[REST, k]
        u, v = load(xs, g), load(ys, g)
        if border == CONSTANT and not any_of((u >= first_x) & (u < last_x) & (v >= first_y) & (v < last_y)):
            groups[BLANK, blank] = g
            blank += 1
            continue
        _pull(xs, g, base_x, width, border, size)
        _pull(ys, g, base_y, height, border, size)
        u, v = load(xs, g), load(ys, g)
        if _is_inside(u, v, window):
            _offsets(u, v, strides, fractions, at, g)
            groups[INSIDE, inside] = g
            inside += 1
        else:
            groups[BESIDE, beside] = g
            beside += 1
    return inside, beside, blank, base_x, base_y, (y * new_width + x0) * channels


@kernel(inline=True)
def _is_inside(x, y, window):
    left, right, top, bottom = window
    return all_of((x >= left) & (x < right) & (y >= top) & (y < bottom))


@kernel(inline=True)
def _offsets(x, y, strides, fractions, at, g):
    across, down, first = strides
    column, row = floor(x), floor(y)
    store(x - column, fractions, g)
    store(y - row, fractions, g + TILE)
    store(whole(row) * down + whole(column) * across + first, at, g)


@kernel
def near(matrix, width, height, x0, y):
    """Return the old pixel near the one that a new pixel comes from."""
    x = matrix[0, 0] * x0 + matrix[0, 1] * y + matrix[0, 2]
    u = matrix[1, 0] * x0 + matrix[1, 1] * y + matrix[1, 2]
    w = matrix[2, 0] * x0 + matrix[2, 1] * y + matrix[2, 2]
    return _within(x / w, width), _within(u / w, height)


@kernel(inline=True)
def _within(position, size):
    """Return the pixel before a position, from 0 to the last one; 0 for NaN."""
    return np.int64(min(np.floor(position), np.float64(size - 1))) if position > 0 else 0


@kernel(contract=True)
def _from_matrix(matrix, near_x, near_y, x0, y, columns, rows, half, window, strides, xs, ys, fractions, at, groups):
    """Write a tile's places; return how many groups of eight are inside, and how many are not."""
    w, dw, ew = matrix[2, 0] * x0 + matrix[2, 1] * y + matrix[2, 2], matrix[2, 0], matrix[2, 1]
    dx, ex = matrix[0, 0] - near_x * dw, matrix[0, 1] - near_x * ew
    dy, ey = matrix[1, 0] - near_y * dw, matrix[1, 1] - near_y * ew
    x = matrix[0, 0] * x0 + matrix[0, 1] * y + matrix[0, 2] - near_x * w
    u = matrix[1, 0] * x0 + matrix[1, 1] * y + matrix[1, 2] - near_y * w
    if dw == 0 and ew == 0:
        return _along_lines(
            (x / w + half, u / w + half),
            (dx / w, dy / w),
            (ex / w, ey / w),
            columns,
            rows,
            window,
            strides,
            xs,
            ys,
            fractions,
            at,
            groups,
        )
    return _along_planes(
        (x, u, w), (dx, dy, dw), (ex, ey, ew), columns, rows, half, window, strides, xs, ys, fractions, at, groups
    )


@kernel(contract=True)
def _along_lines(corner, across, down, columns, rows, window, strides, xs, ys, fractions, at, groups):
    dx, dy, inside, rest = np.float32(across[0]), np.float32(across[1]), 0, 0
    for r in range(rows):
        x, y = np.float32(corner[0] + r * down[0]), np.float32(corner[1] + r * down[1])
        for i in range(0, columns, LANES):
            i = min(i, columns - LANES)
            t = count_from(np.float32(np.int32(i)))
            inside, rest = _place(
                x + t * dx, y + t * dy, window, strides, xs, ys, fractions, at, groups, r * COLUMNS + i, inside, rest
            )
    return inside, rest


@kernel(contract=True)
def _along_planes(corner, across, down, columns, rows, half, window, strides, xs, ys, fractions, at, groups):
    dx, dy, dw = np.float32(across[0]), np.float32(across[1]), np.float32(across[2])
    inside, rest = 0, 0
    for r in range(rows):
        x, y = np.float32(corner[0] + r * down[0]), np.float32(corner[1] + r * down[1])
        w = np.float32(corner[2] + r * down[2])
        for i in range(0, columns, LANES):
            i = min(i, columns - LANES)
            t = count_from(np.float32(np.int32(i)))
            scale = np.float32(1) / (w + t * dw)
            at_x, at_y = (x + t * dx) * scale + half, (y + t * dy) * scale + half
            inside, rest = _place(
                at_x, at_y, window, strides, xs, ys, fractions, at, groups, r * COLUMNS + i, inside, rest
            )
    return inside, rest


@kernel
def _from_field(field, x0, y, columns, rows, half, window, strides, xs, ys, fractions, at, groups):
    inside, rest, flat = 0, 0, field.reshape(-1)
    for r in range(rows):
        start = (y + r) * field.shape[1] + 2 * x0
        for i in range(0, columns, LANES):
            i = min(i, columns - LANES)
            x, y_ = load_pairs(flat, start + 2 * i)
            inside, rest = _place(
                x + half, y_ + half, window, strides, xs, ys, fractions, at, groups, r * COLUMNS + i, inside, rest
            )
    return inside, rest


@kernel(inline=True)
def _place(x, y, window, strides, xs, ys, fractions, at, groups, g, inside, rest):
    """Write the places of eight pixels, and which group they are; return how many groups are inside, and are not."""
    store(x, xs, g)
    store(y, ys, g)
    _offsets(x, y, strides, fractions, at, g)
    known = np.int64(_is_inside(x, y, window))
    groups[INSIDE, inside], groups[REST, rest] = g, g
    return inside + known, rest + 1 - known


@kernel
def _pull(positions, g, base, size, border, window):
    """Replace eight positions relative to ``base`` by those that the border stands for."""
    half, before = np.float32(0.5) if window == 1 else np.float32(0), (window - 1) // 2
    if border in (REFLECT, WRAP):
        for k in range(g, g + LANES):
            positions[k] = _fold(positions[k] - half, base, size, border) + half
        return
    # Further beyond the border all windows are alike; beyond an edge they lie in the image's margin.
    after = window // 2
    reach = before - window if border == CONSTANT else before
    low, high = np.float32(reach - base), np.float32((size + before if border == CONSTANT else size - after - 1) - base)
    for k in range(g, g + LANES):
        position = positions[k]
        position = position if position > low else low  # NaN too
        positions[k] = position if position < high else high


@kernel
def _fold(position, base, size, border):
    period = size if border == WRAP else max(1, 2 * (size - 1))
    position = position if position > -FARTHEST else -FARTHEST  # NaN too
    position = position if position < FARTHEST else FARTHEST
    whole = np.floor(position)
    folded, fraction = (np.int64(whole) + base) % period, position - whole
    if border == REFLECT and folded + (1 if fraction > 0 else 0) > size - 1:
        return np.float32(2 * (size - 1) - folded - base) - fraction
    return np.float32(folded - base) + fraction


@kernel
def window_group(source, frame, colours, base_x, base_y, g, xs, ys, fractions, at, windows):
    """Copy the windows of the eight pixels from number ``g`` on to ``windows``, one after the other."""
    height, width, channels, border, size = frame[0], frame[1], frame[2], frame[3], frame[4]
    before, n, columns = (size - 1) // 2, 0, np.empty(4, np.int64)
    for k in range(g, g + LANES):
        column, row = np.floor(xs[k]), np.floor(ys[k])
        fractions[k], fractions[k + TILE], at[k] = xs[k] - column, ys[k] - row, n
        left, top = np.int64(column) + base_x - before, np.int64(row) + base_y - before
        for i in range(size):
            pixel = _stand_in(left + i, width, border)
            columns[i] = pixel * channels if pixel >= 0 else UNKNOWN
        for y in range(top, top + size):
            line = _stand_in(y, height, border)
            line = line * width * channels if line >= 0 else UNKNOWN
            for i in range(size):
                here = line + columns[i]
                for c in range(channels):
                    windows[n] = source[here + c] if here >= 0 else colours[c]
                    n += 1


@kernel
def _stand_in(index, size, border):
    """Return the row or column that stands in for one that may lie beyond the border; −1 for none."""
    if 0 <= index < size:
        return index
    if border == CONSTANT:
        return -1
    period = size if border == WRAP else max(1, 2 * (size - 1))
    index %= period
    return index if index < size else period - index


@kernel(inline=True)
def target(g, start, pitch, channels):
    """Return where in the result a group of a tile that begins at ``start`` goes."""
    return start + (g // COLUMNS) * pitch + (g % COLUMNS) * channels


@kernel
def fill_blanks(colours, groups, n, result, start, pitch, channels):
    """Write eight times the border's colours to each group wholly beyond it."""
    for k in range(n):
        to = target(groups[BLANK, k], start, pitch, channels)
        for i in range(LANES * channels):
            result[np.uint64(to + i)] = colours[np.uint64(i)]


@kernel
def call_for(source, groups, n, at):
    """Ask for the old pixels of a tile's groups inside, all at once: each alone would be waited for."""
    for k in range(n):
        prefetch(source, np.uint32(at[groups[INSIDE, k]]))
