"""Where bars may lie: blocks of a picture whose brightness changes in one direction, and the pieces of lines over them.

The gradients of a block are summed up to their structure tensor (Förstner & Gülch 1987, "A Fast Operator for Detection
and Precise Location of Distinct Points, Corners and Centres of Circular Features"); of bars nearly all of its energy
lies along the lines that cross them.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from jaxtyping import Float64, Int64, UInt8

from sightline.core.kernels import kernel, over_rows
from sightline.core.types import Array

_EIGHTHS = (0, 1, 7, 4, 3, 5, 2, 6)  # of half a turn, those beside each other that step across lines in the same way
ANGLES = tuple(turn * math.pi / 8 for turn in _EIGHTHS)
UPRIGHT = (0, 3)  # of them lie along the picture's sides
BLOCK = 8
_SHARE = 0.75  # of the energy that lies along the lines: of clean bars, those within 30° of a right angle
_SHARE_AROUND = 0.65  # of that of 3×3 blocks beyond the noise
_LEAST = 16  # mean energy of a pixel, in squares of grey levels over two pixels: what is flatter is smooth
_SMOOTH = 0.1  # share of a picture in which there is nothing but noise
_NOISE = 1.1  # times the energy there: what noise has elsewhere
_OVER = 1.15  # times the noise: energy that says something
_SHORTEST = 40  # pixels that a code takes at least
_WIDEST = 1 / 16  # of a code's length that one bar or space takes: four modules in 67

Directions = UInt8[np.ndarray, "rows columns"]  # of each block of 8×8 pixels: bit k is set where angle k may cross bars


def directions_of(gray: UInt8[np.ndarray, "h w"], angles: tuple[float, ...]) -> Directions:
    """Return which blocks, or neighbours of theirs, are crossed by bars in which of up to eight directions.

    Parameters
    ----------
    gray
        The picture.
    angles
        Of lines that cross the bars, to the x axis, in radians.
    """
    height, width = gray.shape
    shape = -(-height // BLOCK), -(-width // BLOCK)
    tensors = np.empty((3, *shape), np.float32)
    over_rows(_sum_gradients, shape[0], gray, tensors, strip=30)
    around = np.empty_like(tensors)
    over_rows(_sum_windows, shape[0], tensors, around, strip=1 << 20)
    noise = _NOISE * _rank((around[0] + around[1]).ravel(), _SMOOTH)
    crossed, spread = np.zeros((2, *shape), np.uint8)
    over_rows(_mark, shape[0], tensors, around, noise, _doubled(angles), crossed, spread, strip=1 << 20)
    return spread


@lru_cache(maxsize=2)
def _doubled(angles: tuple[float, ...]) -> Array:
    """Return cosine and sine of twice the angles."""
    return np.array([(math.cos(2 * angle), math.sin(2 * angle)) for angle in angles], np.float32)


@lru_cache(maxsize=16)
def lines_over(
    shape: tuple[int, int], turns: tuple[int, ...], spacing: float, first: int = 0, every: int = 1
) -> tuple[Float64[np.ndarray, "lines 5"], Int64[np.ndarray, " lines"]]:
    """Return lines that cover a picture, and the turn of each.

    Parameters
    ----------
    shape
        Height and width of the picture.
    turns
        Places in :data:`ANGLES` of their angles to the x axis, in ascending order.
    spacing
        Between neighbouring lines, in pixels; slanted ones lie half as far again apart.
    first, every
        Of the lines of each angle take every second, or so, from the first one on.

    Returns
    -------
    lines
        First point (x, y), direction (dx, dy), length in pixels.
    turn_of
        Of each line.
    """
    spacings = [spacing * (1.0 if turn in UPRIGHT else 1.5) for turn in turns]
    lines = [_parallels(shape, ANGLES[t], apart)[first::every] for t, apart in zip(turns, spacings, strict=True)]
    return np.concatenate(lines), np.repeat(np.array(turns), [len(some) for some in lines])


def _parallels(shape: tuple[int, int], angle: float, spacing: float) -> Float64[np.ndarray, "lines 5"]:
    height, width = shape
    dx, dy = math.cos(angle), math.sin(angle)
    middle = np.array([(width - 1) / 2, (height - 1) / 2])
    reach = (abs(dy) * width + abs(dx) * height) / 2
    offsets = np.arange(-reach + spacing / 2, reach, spacing)
    base = middle + offsets[:, None] * np.array([-dy, dx])
    low, high = np.full(len(base), -np.inf), np.full(len(base), np.inf)
    for axis, (step, size) in enumerate(((dx, width), (dy, height))):
        if abs(step) > 1e-9:
            a, b = -base[:, axis] / step, (size - 1 - base[:, axis]) / step
            low, high = np.maximum(low, np.minimum(a, b)), np.minimum(high, np.maximum(a, b))
    keep = high - low > 40  # shorter than any code
    start = base + low[:, None] * np.array([dx, dy])
    direction = np.broadcast_to(np.array([dx, dy]), start.shape)
    return np.concatenate([start, direction, (high - low)[:, None]], axis=1)[keep]


def pieces_over(
    directions: Directions, lines: Float64[np.ndarray, "lines 5"], turns: Int64[np.ndarray, " lines"]
) -> tuple[Float64[np.ndarray, "n 5"], Int64[np.ndarray, " n"]]:
    """Return the pieces of lines that may cross bars, as lines themselves, and which line each is of.

    Parameters
    ----------
    directions
        Of the picture, by :func:`directions_of`.
    lines
        First point (x, y), direction (dx, dy) and length of each.
    turns
        Which of the angles it has.
    """
    room = _most_pieces(lines)
    pieces, owners = np.empty((room, 5)), np.empty(room, np.int64)
    count = over_rows(_cut, len(lines), directions, lines, turns, pieces, owners, strip=1 << 20)[0] if room else 0
    return pieces[:count], owners[:count]


def _rank(values: Array, share: float) -> float:
    """Return the value that is larger than this share of the others; of many, every fourth is looked at."""
    some = values[:: 1 if values.size < 1000 else 4]
    rank = int(share * some.size)
    return float(np.partition(some, rank)[rank])


def _most_pieces(lines: Array) -> int:
    """Return how many pieces lines may be cut into, with a gap between each two."""
    return int((lines[:, 4] / (_SHORTEST + 2 * BLOCK)).sum()) + len(lines)


@kernel
def _sum_gradients(gray, tensors, y0, y1):
    """Write the tensors of the block rows ``y0`` to ``y1``."""
    height, width = gray.shape
    xx, yy, xy = np.empty(width, np.int32), np.empty(width, np.int32), np.empty(width, np.int32)
    for block in range(y0, y1):
        xx[:], yy[:], xy[:] = 0, 0, 0
        for y in range(block * BLOCK, min(block * BLOCK + BLOCK, height)):
            row, below = gray[y], gray[min(y + 1, height - 1)]
            for x in range(width - 1):  # both gradients in the middle of four pixels
                falling = np.int32(below[x + 1]) - np.int32(row[x])
                rising = np.int32(row[x + 1]) - np.int32(below[x])
                gx, gy = falling + rising, falling - rising
                xx[x] += gx * gx
                yy[x] += gy * gy
                xy[x] += gx * gy
        for column in range(tensors.shape[2]):
            a, b, c = np.int32(0), np.int32(0), np.int32(0)
            for x in range(column * BLOCK, min(column * BLOCK + BLOCK, width)):
                a += xx[x]
                b += yy[x]
                c += xy[x]
            tensors[0, block, column], tensors[1, block, column], tensors[2, block, column] = a, b, c


@kernel
def _sum_windows(tensors, around, y0, y1):
    """Write the sums over windows of 3×3 blocks."""
    _, rows, columns = tensors.shape
    line = np.empty(columns + 2, np.float32)
    for k in range(3):
        for y in range(rows):
            above, row, below = tensors[k, max(y - 1, 0)], tensors[k, y], tensors[k, min(y + 1, rows - 1)]
            for x in range(columns):
                line[x + 1] = above[x] + row[x] + below[x]
            line[0], line[columns + 1] = line[1], line[columns]
            to = around[k, y]
            for x in range(columns):
                to[x] = line[x] + line[x + 1] + line[x + 2]


@kernel
def _mark(tensors, around, noise, turns, crossed, spread, y0, y1):
    """Set the bits of the directions along which the energy lies of a block, or a neighbour, or of all 3×3 together."""
    rows, columns = crossed.shape
    share, least = np.float32(2 * _SHARE - 1), np.float32(_LEAST * BLOCK * BLOCK)
    wide, noise = np.float32(2 * _SHARE_AROUND - 1), np.float32(noise)
    for y in range(rows):
        _set_bits(tensors[0, y], tensors[1, y], tensors[2, y], turns, np.float32(0), share, least, crossed[y])
    for y in range(rows):
        above, row, below, to = crossed[max(y - 1, 0)], crossed[y], crossed[min(y + 1, rows - 1)], spread[y]
        for x in range(columns):
            to[x] = above[x] | row[x] | below[x]
        before = np.uint8(0)
        for x in range(columns):
            here = to[x]
            to[x] = before | here | (to[x + 1] if x + 1 < columns else np.uint8(0))
            before = here
        _set_bits(
            around[0, y], around[1, y], around[2, y], turns, noise, wide, max(9 * least, np.float32(_OVER) * noise), to
        )


@kernel
def _set_bits(xx, yy, xy, turns, noise, share, least, bits):
    """Set bit k where enough of the energy beyond the noise lies along direction k."""
    for k in range(turns.shape[0]):
        c, s, bit = turns[k, 0], turns[k, 1], np.uint8(1 << k)
        for x in range(bits.size):  # along the direction lie (energy + (xx − yy) cos 2φ + 2 xy sin 2φ) / 2
            energy = xx[x] + yy[x]
            turned = (xx[x] - yy[x]) * c + np.float32(2) * xy[x] * s
            along = np.uint8(energy >= least) & np.uint8(turned >= share * (energy - noise))
            bits[x] |= along * bit


@kernel
def _cut(directions, lines, turns, pieces, owners, y0, y1):
    """Write the pieces of lines that run over marked blocks; return their number."""
    rows, columns = directions.shape
    count = 0
    for k in range(y0, y1):
        x, y, dx, dy, length = lines[k]
        bit = 1 << turns[k]
        gap = max(2.0 * BLOCK, _WIDEST * length)
        start = last = -1.0
        i = 0.0
        while i <= length + BLOCK:
            column, row = np.int64(x + i * dx + 0.5) // BLOCK, np.int64(y + i * dy + 0.5) // BLOCK
            inside = i <= length and 0 <= row < rows and 0 <= column < columns
            if inside and directions[row, column] & bit:
                start = i if start < 0 else start
                last = i
            elif start >= 0 and (i - last > gap or i > length):
                if last - start >= _SHORTEST:
                    first, end = max(start - BLOCK, 0.0), min(last + BLOCK, length)
                    pieces[count, 0], pieces[count, 1] = x + first * dx, y + first * dy
                    pieces[count, 2], pieces[count, 3], pieces[count, 4] = dx, dy, end - first
                    owners[count] = k
                    count += 1
                start = -1.0
            i += BLOCK
    return count
