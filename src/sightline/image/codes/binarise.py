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
from sightline.core.types import Array
from sightline.image.dilate import dilate
from sightline.image.erode import erode
from sightline.image.gradient import as_gray

BLOCK = 8
_REACH = (5, 13)  # blocks across the surroundings, near and far
_CONTRAST = 24  # grey levels between paper and ink, at least


@dataclass(frozen=True, eq=False)
class Binary:
    """A grey picture with its thresholds.

    Parameters
    ----------
    gray
        The picture, 0–255.
    thresholds
        One for each block of 8×8 pixels; what lies below is dark.
    dark
        1 where the picture is dark, 0 elsewhere.
    """

    gray: UInt8[np.ndarray, "h w"]
    thresholds: Float32[np.ndarray, "rows columns"]
    dark: UInt8[np.ndarray, "h w"]


def gray_bytes(function: str, image: Any) -> UInt8[np.ndarray, "h w"]:
    """Return an image in grey, 0–255, or raise in the name of ``function``."""
    return to_uint8(as_gray(function, image, finite=True))


def binarise(gray: UInt8[np.ndarray, "h w"], way: str) -> Binary:
    """Return the dark pixels of a grey picture.

    Parameters
    ----------
    gray
        The picture.
    way
        ``middle`` between the darkest and the brightest of the surroundings, or their ``mean``.
    """
    height, width = gray.shape
    shape = -(-height // BLOCK), -(-width // BLOCK)
    low, high = np.empty((2, *shape), np.uint8)
    mean = np.empty(shape, np.float32)
    over_rows(_summarise, shape[0], gray, low, high, mean, strip=16)
    thresholds = _middle(low, high) if way == "middle" else _mean(low, high, mean)
    dark = np.empty_like(gray)
    over_rows(_compare, shape[0], gray, thresholds, dark, strip=16)
    return Binary(gray, thresholds, dark)


def _middle(low: Array, high: Array) -> Array:
    darkest, brightest = float(low.min()), float(high.max())
    result = np.full(low.shape, (darkest + brightest) / 2, np.float32)
    for reach in reversed(_REACH):
        near_low, near_high = erode(low, reach).astype(np.float32), dilate(high, reach).astype(np.float32)
        contrast = near_high - near_low > max(_CONTRAST, 0.2 * (brightest - darkest))
        result = np.where(contrast, (near_low + near_high) / 2, result)
    return result.astype(np.float32)


def _mean(low: Array, high: Array, mean: Array) -> Array:
    darkest, brightest = float(low.min()), float(high.max())
    result = np.full(low.shape, (darkest + brightest) / 2, np.float32)
    busy = (high.astype(np.float32) - low > max(_CONTRAST, 0.1 * (brightest - darkest))).astype(np.float64)
    for reach in reversed(_REACH):
        weight = _window_sums(busy, reach)  # blocks of one colour say nothing on where the border between both lies
        result = np.where(weight > 0.5, _window_sums(busy * mean, reach) / np.maximum(weight, 0.5), result)
    return result.astype(np.float32)


def _window_sums(values: Array, reach: int) -> Array:
    padded = np.pad(values, reach // 2)
    sums = np.pad(np.cumsum(np.cumsum(padded, axis=0), axis=1), ((1, 0), (1, 0)))
    return sums[reach:, reach:] - sums[:-reach, reach:] - sums[reach:, :-reach] + sums[:-reach, :-reach]


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
            a, b, c = np.uint8(255), np.uint8(0), 0
            stop = min(column * BLOCK + BLOCK, width)
            for x in range(column * BLOCK, stop):
                a, b = min(a, least[x]), max(b, most[x])
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
