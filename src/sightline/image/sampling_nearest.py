"""Tiles whose nearest pixels are all inside the image, as a matrix tells from their corners: no more than copying."""

from __future__ import annotations

import numpy as np

from sightline.core.gathers import copy_one, copy_three
from sightline.core.kernels import kernel
from sightline.core.vectors import LANES, count_from, floor, store, whole
from sightline.image.sampling_places import COLUMNS, ROWS, near

LARGEST = 1 << 20  # pixels across an image: in float32, positions within are exact to far less than half a pixel


@kernel
def pick_inside(source, matrix, frame, x0, y, y1, at, result):
    """Copy the nearest pixels of the tile at (x0, y) if all of them are inside the image; return whether they are."""
    height, width, channels, new_width, margin = frame[0], frame[1], frame[2], frame[5], frame[6]
    x0 = min(x0, new_width - LANES)
    columns, rows = min(COLUMNS, new_width - x0), min(ROWS, y1 - y)
    if max(height, width) > LARGEST or not _has_corners_inside(matrix, height, width, margin, x0, y, columns, rows):
        return False
    base_x, base_y = near(matrix, width, height, x0, y)
    strides = np.int32(channels), np.int32(width * channels), np.int32((base_y * width + base_x) * channels)
    dw, ew = matrix[2, 0], matrix[2, 1]
    w = dw * x0 + ew * y + matrix[2, 2]
    across = matrix[0, 0] - base_x * dw, matrix[1, 0] - base_y * dw, dw
    down = matrix[0, 1] - base_x * ew, matrix[1, 1] - base_y * ew, ew
    x = matrix[0, 0] * x0 + matrix[0, 1] * y + matrix[0, 2] - base_x * w
    u = matrix[1, 0] * x0 + matrix[1, 1] * y + matrix[1, 2] - base_y * w
    _offsets((x, u, w), across, down, margin + 0.5, columns, rows, strides, at)
    pitch = new_width * channels
    _copy(source, channels, at, columns, rows, result, y * pitch + x0 * channels, pitch)
    return True


@kernel
def _has_corners_inside(matrix, height, width, margin, x0, y, columns, rows):
    # Between corners inside, all is inside, unless the horizon lies between them.
    first = matrix[2, 0] * x0 + matrix[2, 1] * y + matrix[2, 2]
    for v in (y, y + rows - 1):
        for u in (x0, x0 + columns - 1):
            w = matrix[2, 0] * u + matrix[2, 1] * v + matrix[2, 2]
            px = (matrix[0, 0] * u + matrix[0, 1] * v + matrix[0, 2]) / w + margin
            py = (matrix[1, 0] * u + matrix[1, 1] * v + matrix[1, 2]) / w + margin
            if not (w * first > 0 and px >= 0 and px <= width - 1 and py >= 0 and py <= height - 1):
                return False
    return True


@kernel(contract=True)
def _offsets(corner, across, down, half, columns, rows, strides, at):
    w = corner[2]
    right, below, first = strides
    affine = across[2] == 0 and down[2] == 0
    for r in range(rows):
        start, half_ = r * COLUMNS, np.float32(half)
        if affine:
            x = np.float32((corner[0] + r * down[0]) / w + half)
            y = np.float32((corner[1] + r * down[1]) / w + half)
            dx, dy = np.float32(across[0] / w), np.float32(across[1] / w)
            for i in range(0, columns, LANES):
                i = min(i, columns - LANES)
                t = count_from(np.float32(np.int32(i)))
                column, row = whole(floor(x + t * dx)), whole(floor(y + t * dy))
                store(row * below + column * right + first, at, start + i)
        else:
            x, y = np.float32(corner[0] + r * down[0]), np.float32(corner[1] + r * down[1])
            z, dz = np.float32(corner[2] + r * down[2]), np.float32(across[2])
            dx, dy = np.float32(across[0]), np.float32(across[1])
            for i in range(0, columns, LANES):
                i = min(i, columns - LANES)
                t = count_from(np.float32(np.int32(i)))
                scale = np.float32(1) / (z + t * dz)
                column = whole(floor((x + t * dx) * scale + half_))
                row = whole(floor((y + t * dy) * scale + half_))
                store(row * below + column * right + first, at, start + i)


@kernel
def _copy(source, channels, at, columns, rows, result, start, pitch):
    for r in range(rows):
        line, to = r * COLUMNS, start + r * pitch
        if channels == 1:
            for i in range(0, columns, LANES):
                i = min(i, columns - LANES)
                copy_one(source, at, line + i, result, to + i)
        elif channels == 3:
            for i in range(0, columns, LANES):
                i = min(i, columns - LANES)
                copy_three(source, at, line + i, result, to + 3 * i)
        else:
            for i in range(columns):
                for c in range(channels):
                    result[to + i * channels + c] = source[np.uint32(at[line + i]) + c]
