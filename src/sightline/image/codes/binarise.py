"""Black and white by a threshold that follows the light: what a shadow falls on is compared with its own surroundings.

Blocks of 8×8 pixels are summed up; a block's threshold comes from the blocks around it, from farther away where these
show no contrast (after Niblack's local thresholds: Niblack 1986, "An Introduction to Digital Image Processing").
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float32, UInt8

from sightline.core.conversions import to_uint8
from sightline.core.kernels import kernel, over_rows
from sightline.image.gradient import as_gray

BLOCK = 8
_REACH = (5, 13)  # blocks across the surroundings, near and far
_CONTRAST = 24  # grey levels between paper and ink, at least


@dataclass(frozen=True, eq=False)
class Blocks:
    """What is known of each block of 8×8 pixels of a grey picture.

    Parameters
    ----------
    low, high, mean
        Its smallest, largest and mean value.
    busy
        1 where a block, or a neighbour of it, shows paper and ink, and everywhere when none does.
    """

    low: UInt8[np.ndarray, "rows columns"]
    high: UInt8[np.ndarray, "rows columns"]
    mean: Float32[np.ndarray, "rows columns"]
    busy: UInt8[np.ndarray, "rows columns"]


@dataclass(frozen=True, eq=False)
class Binary:
    """A grey picture with its thresholds.

    Parameters
    ----------
    gray
        The picture, 0–255.
    blocks
        Of it.
    thresholds
        One for each block of 8×8 pixels; what lies below is dark.
    dark
        1 where the picture is dark, 0 elsewhere.
    """

    gray: UInt8[np.ndarray, "h w"]
    blocks: Blocks
    thresholds: Float32[np.ndarray, "rows columns"]
    dark: UInt8[np.ndarray, "h w"]


def gray_bytes(function: str, image: Any) -> UInt8[np.ndarray, "h w"]:
    """Return an image in grey, 0–255, or raise in the name of ``function``."""
    return np.ascontiguousarray(to_uint8(as_gray(function, image, finite=True)))


def blocks_of(gray: UInt8[np.ndarray, "h w"]) -> Blocks:
    """Return what is known of each block of a grey picture."""
    shape = -(-gray.shape[0] // BLOCK), -(-gray.shape[1] // BLOCK)
    low, high, busy = np.empty((3, *shape), np.uint8)
    mean = np.empty(shape, np.float32)
    over_rows(_summarise, shape[0], gray, low, high, mean, strip=30)
    over_rows(_find_busy, shape[0], low, high, _CONTRAST, busy, strip=1 << 20)
    return Blocks(low, high, mean, busy)


def binarise(gray: UInt8[np.ndarray, "h w"], way: str, blocks: Blocks | None = None) -> Binary:
    """Return the dark pixels of a grey picture.

    Parameters
    ----------
    gray
        The picture.
    way
        ``middle`` between the darkest and the brightest of the surroundings, or their ``mean``.
    blocks
        Of the picture, where they are known.
    """
    blocks = blocks_of(gray) if blocks is None else blocks
    thresholds = np.empty(blocks.low.shape, np.float32)
    if way == "middle":
        over_rows(_middle, 1, blocks.low, blocks.high, _REACH, thresholds)
    else:
        over_rows(_mean, 1, blocks.low, blocks.high, blocks.mean, _REACH, thresholds)
    return Binary(gray, blocks, thresholds, dark_of(gray, thresholds))


def dark_of(
    gray: UInt8[np.ndarray, "h w"], thresholds: Float32[np.ndarray, "rows columns"]
) -> UInt8[np.ndarray, "h w"]:
    """Return 1 where a picture lies below the thresholds of its blocks, 0 elsewhere."""
    dark = np.empty_like(gray)
    over_rows(_compare, len(thresholds), gray, thresholds, dark, strip=120)
    return dark


@kernel
def _middle(low, high, reaches, thresholds, y0, y1):
    """Write the middle between the extremes of the surroundings, of the nearest ones that show contrast."""
    rows, columns = low.shape
    darkest, brightest = np.float32(low.min()), np.float32(high.max())
    least = max(np.float32(_CONTRAST), np.float32(0.2) * (brightest - darkest))
    thresholds[:] = (darkest + brightest) / 2
    lowest, highest = np.empty(columns, np.uint8), np.empty(columns, np.uint8)
    least_near, most_near = np.empty(columns, np.uint8), np.empty(columns, np.uint8)
    for reach in reaches[::-1]:
        half = reach // 2
        for y in range(rows):
            lowest[:], highest[:] = 255, 0
            for j in range(max(y - half, 0), min(y + half + 1, rows)):
                for x in range(columns):
                    lowest[x], highest[x] = min(lowest[x], low[j, x]), max(highest[x], high[j, x])
            least_near[:], most_near[:] = lowest, highest
            for shift in range(1, half + 1):
                for to, source in ((0, shift), (shift, 0)):
                    for x in range(columns - shift):
                        least_near[to + x] = min(least_near[to + x], lowest[source + x])
                        most_near[to + x] = max(most_near[to + x], highest[source + x])
            for x in range(columns):
                a, b = np.float32(least_near[x]), np.float32(most_near[x])
                if b - a > least:
                    thresholds[y, x] = (a + b) / 2


@kernel
def _mean(low, high, mean, reaches, thresholds, y0, y1):
    """Write the mean of the busy blocks around each; blocks of one colour do not say where the border between lies."""
    rows, columns = low.shape
    darkest, brightest = np.float32(low.min()), np.float32(high.max())
    least = max(np.float32(_CONTRAST), np.float32(0.1) * (brightest - darkest))
    thresholds[:] = (darkest + brightest) / 2
    counts, sums = np.zeros((rows + 1, columns + 1)), np.zeros((rows + 1, columns + 1))  # of all above and left
    for y in range(rows):
        count = total = 0.0
        for x in range(columns):
            busy = np.float32(high[y, x]) - np.float32(low[y, x]) > least
            count, total = count + busy, total + (mean[y, x] if busy else 0.0)
            counts[y + 1, x + 1], sums[y + 1, x + 1] = counts[y, x + 1] + count, sums[y, x + 1] + total
    for reach in reaches[::-1]:
        half = reach // 2
        for y in range(rows):
            top, bottom = max(y - half, 0), min(y + half + 1, rows)
            for x in range(columns):
                left, right = max(x - half, 0), min(x + half + 1, columns)
                count = counts[bottom, right] - counts[top, right] - counts[bottom, left] + counts[top, left]
                if count > 0.5:
                    total = sums[bottom, right] - sums[top, right] - sums[bottom, left] + sums[top, left]
                    thresholds[y, x] = total / count


@kernel
def _find_busy(low, high, least, busy, y0, y1):
    """Mark the blocks whose range is more than ``least``, or that lie beside one; all of them when none is."""
    rows, columns = low.shape
    busy[:] = 0
    count = 0
    for y in range(rows):
        for x in range(columns):
            if np.int64(high[y, x]) - np.int64(low[y, x]) > least:
                count += 1
                for j in range(max(y - 1, 0), min(y + 2, rows)):
                    for i in range(max(x - 1, 0), min(x + 2, columns)):
                        busy[j, i] = 1
    if count == 0:
        busy[:] = 1


@kernel
def _summarise(gray, low, high, mean, y0, y1):
    """Write the smallest, the largest and the mean value of the blocks in block rows ``y0`` to ``y1``."""
    height, width = gray.shape
    least, most, total = np.empty(width, np.uint8), np.empty(width, np.uint8), np.empty(width, np.uint16)
    for block in range(y0, y1):
        least[:], most[:], total[:] = 255, 0, 0
        end = min(block * BLOCK + BLOCK, height)
        for y in range(block * BLOCK, end):
            row = gray[y]
            for x in range(width):
                value = row[x]
                least[x] = value if value < least[x] else least[x]
                most[x] = value if value > most[x] else most[x]
                total[x] += np.uint16(value)
        for column in range(low.shape[1]):
            a, b, c = np.uint8(255), np.uint8(0), np.uint32(0)
            stop = min(column * BLOCK + BLOCK, width)
            for x in range(column * BLOCK, stop):  # without a branch
                a = least[x] if least[x] < a else a
                b = most[x] if most[x] > b else b
                c += total[x]
            low[block, column], high[block, column] = a, b
            mean[block, column] = c / ((end - block * BLOCK) * (stop - column * BLOCK))


@kernel
def _compare(gray, thresholds, dark, y0, y1):
    height, width = gray.shape
    line = np.empty(width, np.uint8)
    for block in range(y0, y1):
        for x in range(width):
            line[x] = np.uint8(min(max(np.ceil(thresholds[block, x // BLOCK]), 0), 255))
        for y in range(block * BLOCK, min(block * BLOCK + BLOCK, height)):
            row, to = gray[y], dark[y]
            for x in range(width):
                to[x] = np.uint8(row[x] < line[x])
