"""A picture that shrinks row by row, and its integral images, which grow with it.

Viola & Jones 2001, "Rapid Object Detection using a Boosted Cascade of Simple Features", CVPR, section 2.1; the turned
integral image is that of Lienhart & Maydt 2002, "An Extended Set of Haar-like Features for Rapid Object Detection",
ICIP, section 2.
"""

from __future__ import annotations

import numpy as np

from sightline.core.buffers import empty
from sightline.core.kernels import kernel
from sightline.core.types import Array


def integrate(image: Array, size: tuple[int, int], stride: int, step: int, kinds: int) -> tuple[Array, Array, Array]:
    """Return the integral images of a picture that is shrunk first: of values, of squares, and the turned one.

    Parameters
    ----------
    image
        H×W uint8.
    size
        Height and width to shrink it to.
    stride
        Numbers in a row of the results, even, > W. With a step of 2, even columns come first, and odd ones half a row
        later.
    step
        1 or 2.
    kinds
        How many of the three are wanted; the others are 1 number long.
    """
    length = (size[0] + 1) * stride
    found = [empty((length if kind < kinds else 1,), np.int32) for kind in range(3)]
    for made in found:
        made[:stride] = 0
    rows, columns = (_places(old, new) for old, new in zip(image.shape, size, strict=True))
    _integrate(image, *rows, *columns, stride, step, *found)
    return found[0], found[1], found[2]


def _places(size: int, new: int) -> tuple[Array, Array]:
    """Return the pixels on both sides of each of ``new`` places along ``size`` pixels, and the second's 256ths."""
    at = (np.arange(new) + 0.5) * (size / new) - 0.5
    left = np.floor(at)
    shares = np.rint((at - left) * 256)
    shares[(left < 0) | (left >= size - 1)] = 0
    left = np.clip(left, 0, size - 1).astype(np.uint32)
    return np.stack([left, np.minimum(left + 1, size - 1)], axis=1).astype(np.uint32), shares.astype(np.int32)


@kernel
def _integrate(image, rows, row_shares, columns, column_shares, stride, step, sums, squares, slants):
    """Shrink the picture row by row and add each row to the integral images."""
    width = column_shares.size
    lines, scratch = np.zeros((3, width), np.int32), np.zeros((5, width + 2), np.int32)
    upper, lower, line = lines[0], lines[1], lines[2]
    taken = np.uint32(image.shape[0])
    for y in range(row_shares.size):
        top, share = rows[y, 0], row_shares[y]
        if top != taken:
            if top == taken + 1:
                for x in range(width):
                    upper[x] = lower[x]
            else:
                _across(image[top], columns, column_shares, upper)
            _across(image[rows[y, 1]], columns, column_shares, lower)
            taken = top
        for x in range(width):
            line[x] = (upper[x] * (256 - share) + lower[x] * share + 32768) >> 16
        _add_row(line, y + 1, step, stride, scratch, sums, squares, slants)


@kernel
def _across(row, places, shares, out):
    for x in range(out.size):
        share = shares[x]
        out[x] = np.int32(row[places[x, 0]]) * (256 - share) + np.int32(row[places[x, 1]]) * share


@kernel(inline=True)
def _add_row(line, y, step, stride, scratch, sums, squares, slants):
    """Add a row of pixels to the integral images, as their row y; ``scratch`` keeps what the next row needs."""
    w = line.size
    sum_, square, before, slant, slant_before = scratch[0], scratch[1], scratch[2], scratch[3], scratch[4]
    if slants.size > 1:
        _slanted(line, before, slant, slant_before, y)
        _lay(slant, slants, y * stride, stride, step, w + 1)
    total, total_square = 0, 0
    for x in range(w):
        value = np.int64(line[x])
        total += value
        total_square += value * value
        sum_[x + 1] = np.int32(sum_[x + 1] + total)
        square[x + 1] = np.int32(square[x + 1] + total_square)
    _lay(sum_, sums, y * stride, stride, step, w + 1)
    if squares.size > 1:
        _lay(square, squares, y * stride, stride, step, w + 1)


@kernel(inline=True)
def _slanted(line, before, slant, slant_before, y):
    """Write row y of the turned integral image: what lies above a corner, between its two diagonals."""
    w = line.size
    left = slant[0]  # of the row before
    for x in range(w + 1):
        old = slant[x]
        if x == 0:
            new = slant[1]
        elif x < w:
            new = np.int32(left + slant[x + 1] - slant_before[x] + line[x - 1] + before[x - 1])
        else:
            new = np.int32(left + line[w - 1] + before[w - 1])
        slant[x], slant_before[x], left = new, old, old
    for x in range(w):
        before[x] = line[x]


@kernel
def _lay(row, out, start, stride, step, count):
    """Write a row of an integral image; where every second window is looked at, even columns first."""
    half = start + stride // 2
    if step == 1:
        for x in range(count):
            out[start + x] = row[x]
        return
    for i in range(count // 2):
        out[start + i], out[half + i] = row[2 * i], row[2 * i + 1]
    if count % 2 == 1:
        out[start + count // 2] = row[count - 1]
