"""Where the pixels of a block come from: an offset into the image with its margin, and fractions to the next pixel."""

from __future__ import annotations

import numpy as np

from sightline.core.kernels import kernel
from sightline.core.lanes import prefetch

COLUMNS, ROWS = 64, 8  # of a tile: its old pixels lie in few pages and stay in the nearest cache, however it is turned
TILE = COLUMNS * ROWS
PITCH = TILE + COLUMNS  # between rows of a tile's scratch: not a power of two, at which they would share cache lines
MARGIN = 4  # pixels around the image: a bicubic window reaches that far at most
CONSTANT, REFLECT, EDGE, WRAP = 0, 1, 2, 3
NEAREST, BILINEAR, BICUBIC = 0, 1, 2


@kernel
def scratch():
    """Return the arrays that :func:`places` writes to, one row of a tile after the other."""
    return np.empty((ROWS, COLUMNS), np.uint32), np.empty((2 * ROWS + 2, COLUMNS), np.float32)


@kernel(contract=True)
def places(matrix, field, frame, method, y, x0, at, spots):
    """Write where the windows of the tile of new pixels at (x0, y) lie: offsets to ``at``, fractions to ``spots``.

    A window is one pixel for nearest, 2×2 for bilinear and 4×4 for bicubic; its offset is that of its upper left
    pixel. The fractions, 0 to 1, are along x in the first rows of ``spots`` and along y ``PITCH`` numbers further on.
    Positions are distances from a pixel near by: short, so that float32 holds them exactly enough. What lies right of
    or below the result is some place too.
    """
    height, width, channels, stride, border, columns = frame[0], frame[1], frame[2], frame[3], frame[4], frame[6]
    x, u, w, near_x, near_y = 0.0, 0.0, 1.0, 0, 0
    if field.size == 0:
        x = matrix[0, 0] * x0 + matrix[0, 1] * y + matrix[0, 2]
        u = matrix[1, 0] * x0 + matrix[1, 1] * y + matrix[1, 2]
        w = matrix[2, 0] * x0 + matrix[2, 1] * y + matrix[2, 2]
        near_x, near_y = _within(x / w, width), _within(u / w, height)
        x, u = x - near_x * w, u - near_y * w
    across = matrix[0, 0] - near_x * matrix[2, 0], matrix[1, 0] - near_y * matrix[2, 0], matrix[2, 0]
    down = matrix[0, 1] - near_x * matrix[2, 1], matrix[1, 1] - near_y * matrix[2, 1], matrix[2, 1]
    folded = border in (REFLECT, WRAP)
    base_x, base_y = (0, 0) if folded else (near_x, near_y)
    # Further beyond the border all windows are alike.
    beyond = (1 if border == CONSTANT else 0) + (1 if method == BICUBIC and not folded else 0)
    last = 0 if border == WRAP else -1
    span = (
        np.float32(-beyond - base_x),
        np.float32(width + last + beyond - base_x),
        np.float32(-beyond - base_y),
        np.float32(height + last + beyond - base_y),
        np.float32(0.5) if method == NEAREST else np.float32(0),
    )
    margin = MARGIN - (1 if method == BICUBIC else 0)
    first = np.int32((base_y + margin) * stride + (base_x + margin) * channels)
    strides = np.int32(channels), np.int32(stride), first
    if field.size == 0 and across[2] == 0 and down[2] == 0 and not folded:
        _along_lines((x / w, u / w), across, down, w, span, strides, columns, at, spots)
        return
    if field.size:
        _from_field(field, y, x0, spots)
    else:
        _along_planes((x, u, w), across, down, columns, spots)
    if folded:
        for r in range(ROWS):
            _fold(spots[r], near_x, width, border)
            _fold(spots[r + ROWS + 1], near_y, height, border)
    _settle_all(span, strides, columns, at, spots)


@kernel(inline=True)
def _within(position, size):
    """Return the pixel before a position, from 0 to ``size``; 0 for NaN."""
    return np.int64(min(np.floor(position), np.float64(size))) if position > 0 else 0


@kernel(inline=True)
def _settle(x, y, span, strides):
    """Return the fractions and the offset of one position, pulled to what the margin holds."""
    left, right, top, bottom, half = span
    across, down, first = strides
    x, y = x + half, y + half
    x, y = x if x > left else left, y if y > top else top  # NaN too
    x, y = x if x < right else right, y if y < bottom else bottom
    column, row = np.floor(x), np.floor(y)
    offset = np.int32(np.int32(row) * down) + np.int32(np.int32(column) * across) + first
    return x - column, y - row, np.uint32(offset)


@kernel(contract=True)
def _along_lines(corner, across, down, w, span, strides, columns, at, spots):
    dx, dy = np.float32(across[0] / w), np.float32(across[1] / w)
    for r in range(ROWS):
        x, y = np.float32(corner[0] + r * (down[0] / w)), np.float32(corner[1] + r * (down[1] / w))
        for i in range(columns):
            t = np.float32(np.int32(i))
            spots[r, i], spots[r + ROWS + 1, i], at[r, i] = _settle(x + t * dx, y + t * dy, span, strides)


@kernel(contract=True)
def _along_planes(corner, across, down, columns, spots):
    dx, dy, dw = np.float32(across[0]), np.float32(across[1]), np.float32(across[2])
    for r in range(ROWS):
        x, y = np.float32(corner[0] + r * down[0]), np.float32(corner[1] + r * down[1])
        w = np.float32(corner[2] + r * down[2])
        for i in range(columns):
            t = np.float32(np.int32(i))
            scale = np.float32(1) / (w + t * dw)
            spots[r, i], spots[r + ROWS + 1, i] = (x + t * dx) * scale, (y + t * dy) * scale


@kernel
def _from_field(field, y, x0, spots):
    columns = min(COLUMNS, field.shape[1] // 2 - x0)
    for r in range(min(ROWS, len(field) - y)):
        part = field[y + r, 2 * x0 : 2 * (x0 + columns)]
        for i in range(columns):
            spots[r, i], spots[r + ROWS + 1, i] = part[2 * i], part[2 * i + 1]


@kernel
def _settle_all(span, strides, columns, at, spots):
    for r in range(ROWS):
        for i in range(columns):
            place = _settle(spots[r, i], spots[r + ROWS + 1, i], span, strides)
            spots[r, i], spots[r + ROWS + 1, i], at[r, i] = place


@kernel
def _fold(spots, near, size, border):
    """Replace positions relative to ``near`` by those inside the image that the border stands for."""
    period = size if border == WRAP else max(1, 2 * (size - 1))
    for i in range(spots.size):
        s = spots[i]
        s = s if s > np.float32(-1e9) else np.float32(-1e9)
        s = s if s < np.float32(1e9) else np.float32(1e9)
        whole = np.floor(s)
        folded = np.float32((np.int64(whole) + near) % period) + (s - whole)
        if border == REFLECT and folded > np.float32(size - 1):
            folded = np.float32(2 * (size - 1)) - folded
        spots[i] = folded


@kernel
def call_for(source, at, below):
    """Ask for a tile's old pixels and those ``below`` it, all at once: each alone would be waited for."""
    for r in range(ROWS):
        for i in range(0, COLUMNS, 4):
            prefetch(source, at[r, i])
    for i in range(0, COLUMNS, 4):
        prefetch(source, np.uint32(at[ROWS - 1, i] + below))


@kernel
def deliver(values, result, y0, y1, left, channels):
    """Copy a tile, its rows one after the other, to its place in ``result`` above row ``y1``."""
    size = min(COLUMNS * channels, result.shape[1] - left)
    for y in range(y0, min(y0 + ROWS, y1)):
        row, part = result[y, left : left + size], values[(y - y0) * COLUMNS * channels :]
        for i in range(size):
            row[i] = part[i]


@kernel(contract=True)
def bicubic_weights(fraction, n, weights):
    """Write the four weights of Keys's cubic with a = −¾ for pixels −1, 0, 1 and 2 at each fraction, PITCH apart."""
    a, one = np.float32(-0.75), np.float32(1)
    for i in range(n):
        t = fraction[i]
        r = one - t
        weights[i] = a * t * r * r
        weights[i + PITCH] = ((a + np.float32(2)) * t - (a + np.float32(3))) * t * t + one
        weights[i + 2 * PITCH] = ((a + np.float32(2)) * r - (a + np.float32(3))) * r * r + one
        weights[i + 3 * PITCH] = a * r * t * t
