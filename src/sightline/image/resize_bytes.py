"""Bilinear and bicubic resampling of bytes, gray or RGB, in 16-bit integers.

Before a row is resampled, each of its values is joined with the same channel of the next pixel: two bytes in 16 bits.
An RGB pixel is four such lanes (the fourth is idle), so one look-up of 64 bits fetches two neighbours of all channels.
What follows is arithmetic on contiguous rows. Where an old row serves several new ones, it is resampled once.
"""

from __future__ import annotations

import numpy as np

from sightline.core.kernels import kernel, over_rows
from sightline.core.lanes import upper_product
from sightline.core.types import Array
from sightline.image.resize_weights import axis_weights

LOW, HIGH = np.uint16(0x00FF), np.uint16(0xFF00)
EIGHT = np.uint16(8)
PLAIN, SIGNED = np.uint16(0), np.uint16(0x8080)  # flipping the upper bits makes bytes signed, around mid-gray


def resize_bytes(image: Array, result: Array, method: str) -> None:
    """Fill ``result`` (h×w or h×w×3) from ``image`` (H×W or H×W×3), both uint8 and contiguous, without antialiasing."""
    rows = axis_weights(image.shape[0], result.shape[0], method, antialias=False)
    columns = axis_weights(image.shape[1], result.shape[1], method, antialias=False)
    lanes, pixel = (4, np.uint64) if image.ndim == 3 else (1, np.uint16)
    flat = image.reshape(len(image), -1), result.reshape(len(result), -1)
    index = np.zeros(0, pixel), columns.start.astype(np.uint32)
    if method == "bilinear":
        function = _bilinear_growing if len(result) > len(image) else _bilinear_shrinking
        down, across = np.rint(rows.weights[:, 1] * 65535).astype(np.uint16), _fixed(columns.weights[:, 1], 32768)
    else:
        function, down, across = _bicubic, _fixed(rows.weights, 16384), _fixed(columns.weights.T, 16384)
    over_rows(function, len(result), *flat, rows.start, down, *index, np.repeat(across, lanes, axis=-1), strip=90)


def _fixed(weights: Array, one: int) -> Array:
    return np.minimum(np.rint(weights * one), 32767).astype(np.int16)


@kernel
def _bilinear_shrinking(image, result, start, down, pixel, columns, across, y0, y1):
    bytes_, pairs, words, lanes = _scratch(image, result, pixel, columns)
    line, mixed = np.empty(image.shape[1], np.uint8), np.empty(across.size, np.uint8)
    following, pixels, taken = bytes_[lanes:], pairs.view(pixel.dtype), words.view(np.uint16)
    for y in range(y0, y1):
        _mix_rows(image[start[y]], image[min(start[y] + 1, len(image) - 1)], down[y], line)
        _spread(line, lanes, bytes_)
        _join(bytes_, following, PLAIN, pairs)
        _look_up(pixels, columns, words)
        _mix_pairs(taken, across, mixed)
        _unspread(mixed, lanes, result[y])


@kernel
def _bilinear_growing(image, result, start, down, pixel, columns, across, y0, y1):
    bytes_, pairs, words, lanes = _scratch(image, result, pixel, columns)
    mixed, lines = np.empty(across.size, np.uint8), np.empty((2, result.shape[1]), np.uint8)
    following, pixels, taken = bytes_[lanes:], pairs.view(pixel.dtype), words.view(np.uint16)
    last = -1
    for y in range(y0, y1):
        a, b = start[y], min(start[y] + 1, len(image) - 1)
        for old in range(max(a, last + 1), b + 1):  # into line old & 1
            _spread(image[old], lanes, bytes_)
            _join(bytes_, following, PLAIN, pairs)
            _look_up(pixels, columns, words)
            _mix_pairs(taken, across, mixed)
            _unspread(mixed, lanes, lines[old & 1])
        last = b
        _mix_rows(lines[a & 1], lines[b & 1], down[y], result[y])


@kernel
def _bicubic(image, result, start, down, pixel, columns, across, y0, y1):
    bytes_, pairs, words, lanes = _scratch(image, result, pixel, columns)
    later, size = np.empty_like(words), across.shape[1]
    following, pixels, taken = bytes_[lanes:], pairs.view(pixel.dtype), words.view(np.uint16)
    later_pixels, later_taken = pairs[2 * lanes :].view(pixel.dtype), later.view(np.uint16)
    lines, clipped = np.empty((4, size), np.int16), np.empty(size, np.uint8)
    last = -1
    for y in range(y0, y1):
        a, d = start[y], min(start[y] + 3, len(image) - 1)
        b, c = min(a + 1, d), min(a + 2, d)
        for old in range(max(a, last + 1), d + 1):  # into line old & 3; 0 is mid-gray, the unit 1/128
            _spread(image[old], lanes, bytes_)
            _join(bytes_, following, SIGNED, pairs)
            _look_up(pixels, columns, words)
            _look_up(later_pixels, columns, later)
            _weigh_pairs(taken, later_taken, across, lines[old & 3])
        last = d
        _weigh_rows(lines[a & 3], lines[b & 3], lines[c & 3], lines[d & 3], down[y], clipped)
        _unspread(clipped, lanes, result[y])


@kernel
def _scratch(image, result, pixel, columns):
    """Return a row's bytes and pairs, with room for three weightless pixels beyond the end, the pixels taken, lanes."""
    lanes = pixel.itemsize // 2
    channels = result.shape[1] // columns.size
    size = (image.shape[1] // channels + 3) * lanes
    return np.zeros(size + lanes, np.uint8), np.empty(size, np.uint16), np.empty(columns.size, pixel.dtype), lanes


# --- along a row ---


@kernel
def _spread(line, lanes, row):
    """Copy a row, RGB to four lanes."""
    if lanes == 1:
        for x in range(line.size):
            row[x] = line[x]
    else:
        for x in range(line.size // 3):
            row[4 * x], row[4 * x + 1], row[4 * x + 2] = line[3 * x], line[3 * x + 1], line[3 * x + 2]
            row[4 * x + 3] = line[3 * x + 2]  # idle, but a row without gaps is written faster


@kernel
def _join(a, b, flip, pairs):
    for x in range(pairs.size):
        pairs[x] = np.uint16(np.uint16(a[x]) | np.uint16(np.uint16(b[x]) << EIGHT)) ^ flip


@kernel
def _look_up(source, index, row):
    for x in range(row.size):
        row[x] = source[index[x]]


@kernel
def _unspread(row, lanes, line):
    """Copy a row, RGB from four lanes."""
    if lanes == 1:
        for x in range(line.size):
            line[x] = row[x]
    else:
        for x in range(line.size // 3):
            line[3 * x], line[3 * x + 1], line[3 * x + 2] = row[4 * x], row[4 * x + 1], row[4 * x + 2]


@kernel
def _mix_pairs(pairs, weight, row):
    """Fill ``row`` with a + (b − a) · weight, in 1/64 and rounded."""
    for x in range(row.size):
        a, b = np.uint16(pairs[x] & LOW), np.uint16(pairs[x] >> EIGHT)
        step = np.uint16(upper_product(np.int16(np.uint16(b - a) << np.uint16(7)), weight[x]))
        row[x] = np.uint8(np.uint16(np.uint16(a << np.uint16(6)) + step + np.uint16(32)) >> np.uint16(6))


@kernel
def _weigh_pairs(pairs, later, weights, row):
    s, t, u, v = weights[0], weights[1], weights[2], weights[3]
    for x in range(row.size):
        p, q = pairs[x], later[x]
        first = np.uint16(upper_product(np.int16(p << EIGHT), s[x]) + upper_product(np.int16(p & HIGH), t[x]))
        second = np.uint16(upper_product(np.int16(q << EIGHT), u[x]) + upper_product(np.int16(q & HIGH), v[x]))
        row[x] = np.uint16(np.uint16(first + second + np.uint16(2)) << np.uint16(1))


# --- down the columns ---


@kernel
def _mix_rows(a, b, weight, row):
    """Fill ``row`` with (65535 − weight) · a + weight · b, high and low byte of the weights apart, rounded."""
    coarse, fine = np.uint16(weight >> EIGHT), np.uint16(weight & LOW)
    other_coarse, other_fine = np.uint16(np.uint16(255) - coarse), np.uint16(np.uint16(256) - fine)
    for x in range(row.size):
        s, t = np.uint16(a[x]), np.uint16(b[x])
        upper = np.uint16(np.uint16(s * other_coarse) + np.uint16(t * coarse))
        lower = np.uint16(np.uint16(s * other_fine) + np.uint16(t * fine))
        row[x] = np.uint8(np.uint16(upper + np.uint16(lower >> EIGHT) + np.uint16(128)) >> EIGHT)


@kernel
def _weigh_rows(a, b, c, d, weights, row):
    s, t, u, v = weights[0], weights[1], weights[2], weights[3]
    for x in range(row.size):
        first = np.int16(upper_product(a[x], s) + upper_product(b[x], t))
        second = np.int16(upper_product(c[x], u) + upper_product(d[x], v))
        # 18: ½, and what four products lost on average.
        level = np.int16(np.int16(np.int16(first + second) + np.int16(18)) >> np.int16(5))
        row[x] = np.uint8(min(max(np.int16(level + np.int16(128)), np.int16(0)), np.int16(255)))
