"""Windows that follow what they show: one level of the pyramid of Lucas and Kanade's method, point by point.

Bouguet 2001, "Pyramidal Implementation of the Lucas Kanade Feature Tracker", sections 2.3 and 2.4.
"""

from __future__ import annotations

import numpy as np

from sightline.core.kernels import kernel
from sightline.core.vectors import LANES, load, store
from sightline.core.widened import eight_of, load_between, load_floats, magnitudes, sum_of

STRIP = 16  # points that a thread takes at once
_CLOSE = np.float32(0.01)  # pixels: a step this short is the last one


@kernel
def follow(a, b, starts, scale, window, iterations, texture, finest, ends, found, errors, y0, y1):
    """Move ``ends`` to where ``b`` looks as ``a`` does around ``starts``, which are ``scale`` times as large there.

    Both are N×2; ``ends`` are in pixels of this level. On the ``finest`` one, ``found`` and ``errors`` are written.
    """
    height, width = a.shape
    pitch = (window + 2 + LANES) // LANES * LANES  # the window and three columns more, in whole vectors
    scratch = np.zeros((9, (window + 4) * pitch + LANES), np.float32)
    scratch[8, :window] = np.float32(1)  # columns that count; the others fill the row up
    patch = scratch[3]
    half, area = np.float32(window // 2), np.float32(window * window)
    xx, xy, yy, determinant = np.float32(0), np.float32(0), np.float32(0), np.float32(0)
    for i in range(y0, y1):
        x, y = starts[i, 0] * scale - half, starts[i, 1] * scale - half
        inside = -window <= x and x < width and -window <= y and y < height
        if inside:
            left, top = int(np.floor(x)), int(np.floor(y))
            _fetch(a, left - 1, top - 1, window + 3, pitch, patch)
            xx, xy, yy = _look(patch, left, top, x - left, y - top, window, pitch, height, width, scratch)
            determinant = xx * yy - xy * xy
            least = (xx + yy - np.sqrt((xx - yy) * (xx - yy) + np.float32(4) * xy * xy)) / (np.float32(2) * area)
            inside = least >= texture and determinant > 0
        if not inside:
            if finest:
                found[i], errors[i] = False, 0
            continue
        x, y = ends[i, 0] - half, ends[i, 1] - half
        last_x, last_y, off = np.float32(0), np.float32(0), np.float32(0)
        moving, turn = True, 0
        while moving or finest:  # on the finest level once more than it moves, for what is left
            inside = -window <= x and x < width and -window <= y and y < height
            if not inside:
                break
            left, top = int(np.floor(x)), int(np.floor(y))
            _fetch(b, left, top, window + 1, pitch, patch)
            off_x, off_y, off = _compare(patch, x - left, y - top, window, pitch, scratch)
            if not moving:
                break
            step_x, step_y = (xy * off_y - yy * off_x) / determinant, (xy * off_x - xx * off_y) / determinant
            to_and_fro = turn > 0 and abs(step_x + last_x) < _CLOSE and abs(step_y + last_y) < _CLOSE
            short = step_x * step_x + step_y * step_y <= _CLOSE * _CLOSE
            share = np.float32(0.5) if to_and_fro and not short else np.float32(1)  # to and fro: the middle
            x, y = x + step_x * share, y + step_y * share
            last_x, last_y, turn = step_x, step_y, turn + 1
            moving = not (short or to_and_fro or turn == iterations)
        ends[i, 0], ends[i, 1] = x + half, y + half
        if finest:
            found[i], errors[i] = inside, off / area if inside else np.float32(0)


@kernel
def _fetch(picture, left, top, rows, pitch, out):
    """Copy a window as float32; beyond its border, the picture is mirrored: 2 1 | 0 1 2."""
    height, width = picture.shape
    if left >= 0 and top >= 0 and left + pitch <= width and top + rows <= height:
        flat = picture.reshape(-1)
        for r in range(rows):
            start = (top + r) * width + left
            for c in range(0, pitch, LANES):
                store(load_floats(flat, start + c), out, r * pitch + c)
        return
    for r in range(rows):
        row = picture[_mirrored(top + r, height)]
        for c in range(pitch):
            out[r * pitch + c] = np.float32(row[_mirrored(left + c, width)])


@kernel
def _mirrored(index, size):
    while size > 1 and (index < 0 or index >= size):
        index = -index if index < 0 else 2 * size - 2 - index
    return index if size > 1 else 0


@kernel(contract=True)
def _look(patch, left, top, across, down, window, pitch, height, width, scratch):
    """Write brightness and its slopes in a window, between the pixels; return the sums of the products of slopes.

    Slopes are Scharr's derivatives in grey levels per pixel, and nothing beyond the picture. The ``patch`` is a pixel
    wider than the window all around. Of what fills the rows up, the slopes are 0: it counts for nothing.
    """
    across, down = np.float32(across), np.float32(down)
    sums, differences, dx, dy = scratch[4], scratch[5], scratch[6], scratch[7]
    three, ten = np.float32(3 / 32), np.float32(10 / 32)
    for k in range(0, (window + 1) * pitch, LANES):
        above, below = load(patch, k), load(patch, k + 2 * pitch)
        store((above + below) * three + load(patch, k + pitch) * ten, sums, k)
        store(below - above, differences, k)
    for k in range(0, (window + 1) * pitch, LANES):
        store(load(sums, k + 2) - load(sums, k), dx, k)
        both = load(differences, k) + load(differences, k + 2)
        store(both * three + load(differences, k + 1) * ten, dy, k)
    if left < 0 or top < 0 or left + window >= width or top + window >= height:
        for r in range(window + 1):
            out = top + r < 0 or top + r >= height
            for c in range(window + 1):
                if out or left + c < 0 or left + c >= width:
                    dx[r * pitch + c], dy[r * pitch + c] = np.float32(0), np.float32(0)
    xx = eight_of(np.float32(0))
    xy, yy = xx, xx
    for c in range(0, pitch, LANES):
        counted = load(scratch[8], c)
        for k in range(c, window * pitch, pitch):
            slope_x = load_between(dx, k, pitch, across, down) * counted
            slope_y = load_between(dy, k, pitch, across, down) * counted
            store(load_between(patch, k + pitch + 1, pitch, across, down), scratch[0], k)
            store(slope_x, scratch[1], k)
            store(slope_y, scratch[2], k)
            xx, xy, yy = xx + slope_x * slope_x, xy + slope_x * slope_y, yy + slope_y * slope_y
    return sum_of(xx), sum_of(xy), sum_of(yy)


@kernel(contract=True)
def _compare(patch, across, down, window, pitch, scratch):
    """Return the sums of (patch - a) · slopes and of |patch - a| over a window."""
    across, down = np.float32(across), np.float32(down)
    level, dx, dy = scratch[0], scratch[1], scratch[2]
    sum_x = eight_of(np.float32(0))
    sum_y, sum_off = sum_x, sum_x
    for c in range(0, pitch, LANES):
        counted = load(scratch[8], c)
        for k in range(c, window * pitch, pitch):
            off = load_between(patch, k, pitch, across, down) - load(level, k)
            sum_x, sum_y = sum_x + off * load(dx, k), sum_y + off * load(dy, k)
            sum_off = sum_off + magnitudes(off) * counted
    return sum_of(sum_x), sum_of(sum_y), sum_of(sum_off)
