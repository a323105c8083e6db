"""Bilinear and bicubic resampling of bytes, in 16-bit integers.

Each old row that is wanted is resampled once, to the new width; a new row is a weighted mean of two or four of them.
Along a row, results are made in groups of up to eight that find their old pixels in the same sixteen bytes.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from sightline.core.kernels import kernel, over_rows, quick
from sightline.core.types import Array
from sightline.core.windows import SUMS, WINDOW, level_of_four, level_of_two, weigh_windows
from sightline.image.resize_weights import axis_weights


class Windows(NamedTuple):
    """For each group of results where its window begins in a row, which bytes of it are wanted, and their weights."""

    start: Array
    order: Array
    weights: Array


def resize_bytes(image: Array, result: Array, method: str) -> bool:
    """Fill ``result`` (h×w or h×w×C) from ``image`` (H×W or H×W×C), both uint8 and contiguous, without antialiasing.

    Return False, and do nothing, where the image shrinks so far that the pixels of a group do not share a window.
    """
    channels = image.shape[2] if image.ndim == 3 else 1
    across = _windows(image.shape[1], result.shape[1], channels, method)
    if across is None:
        return False
    rows = axis_weights(image.shape[0], result.shape[0], method, antialias=False)
    down = np.rint(rows.weights * 16384).astype(np.int16)
    flat = image.reshape(-1), result.reshape(len(result), -1)
    over_rows(_resample, len(result), *flat, len(image), rows.start, down, *across, channels, strip=90)
    return True


@lru_cache(maxsize=64)
def _windows(old: int, new: int, channels: int, method: str) -> Windows | None:
    """Return how to turn rows of ``old`` pixels into ``new`` ones; None where they would not fit the windows."""
    axis = axis_weights(old, new, method, antialias=False)
    count = axis.weights.shape[1] // 2
    size, last = SUMS // channels, old * channels - WINDOW - 2 * channels * (count - 1)
    if size == 0 or last < 0:
        return None
    pixels = np.minimum(np.arange(0, new, size)[:, None] + np.arange(size), new - 1)
    start = np.minimum(axis.start[pixels[:, 0]] * channels, last)
    first = axis.start[pixels][:, :, None] * channels + np.arange(channels) - start[:, None, None]
    pairs = np.zeros((len(start), SUMS, 2), np.int64)
    pairs[:, : size * channels] = first.reshape(len(start), -1, 1) + np.array([0, channels])
    if pairs.max() >= WINDOW:
        return None
    weights = np.zeros((len(start), count, SUMS, 2), np.int16)
    fixed = np.rint(axis.weights[pixels] * 16384).reshape(len(start), size, count, 2).transpose(0, 2, 1, 3)
    weights[:, :, : size * channels] = np.repeat(fixed, channels, axis=2)
    return Windows(start, pairs.reshape(-1, WINDOW).astype(np.uint8), weights.reshape(len(start), -1))


@quick
@kernel
def _resample(image, result, rows, start, down, begin, order, across, channels, y0, y1):
    width, taps = result.shape[1], down.shape[1]
    lines = np.empty((4, width + SUMS), np.int16)  # a group is written whole: what is too much, the next one overwrites
    flat, pitch = lines.reshape(-1), lines.shape[1]
    last = -1
    for y in range(y0, y1):
        top, bottom = start[y], min(start[y] + taps, rows) - 1
        for old in range(max(top, last + 1), bottom + 1):  # into line old & 3
            _across(image, old * (image.size // rows), begin, order, across, channels, flat, (old & 3) * pitch)
        last = bottom
        a, b = lines[top & 3, :width], lines[min(top + 1, bottom) & 3, :width]
        if taps == 2:
            _weigh_two(a, b, down[y], result[y])
        else:
            c, d = lines[min(top + 2, bottom) & 3, :width], lines[bottom & 3, :width]
            _weigh_four(a, b, c, d, down[y], result[y])


@kernel
def _across(image, at, begin, order, across, channels, line, to):
    """Write a row at its new width, 0 for mid-gray and in units of 1/128."""
    step, size = 2 * channels, SUMS // channels * channels
    if across.shape[1] == WINDOW:  # a number that the compiler knows: no loop
        for group in range(begin.size):
            weigh_windows(image, at + begin[group], step, 1, order, across, group, line, to + group * size)
    else:
        for group in range(begin.size):
            weigh_windows(image, at + begin[group], step, 2, order, across, group, line, to + group * size)


@kernel
def _weigh_two(a, b, weights, row):
    s, t = np.int16(2 * weights[0] - 1), np.int16(2 * weights[1] - 1)
    for x in range(row.size):
        row[x] = level_of_two(a[x], b[x], s, t)


@kernel
def _weigh_four(a, b, c, d, weights, row):
    s, t, u, v = weights[0], weights[1], weights[2], weights[3]
    for x in range(row.size):
        row[x] = level_of_four(a[x], b[x], c[x], d[x], s, t, u, v)
