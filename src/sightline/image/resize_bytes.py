"""Bilinear resampling of RGB bytes: a pixel travels as one 32-bit word, so that it is looked up once and not thrice."""

from __future__ import annotations

import numpy as np

from sightline.core.kernels import kernel, over_rows
from sightline.core.types import Array


def resize_rgb_bytes(image: Array, result: Array) -> None:
    """Fill ``result`` (h×w×3) from ``image`` (H×W×3), both uint8 and contiguous, without antialiasing."""
    rows, down = _two_taps(image.shape[0], result.shape[0])
    columns, across = _two_taps(image.shape[1], result.shape[1])
    flat = image.reshape(len(image), -1), result.reshape(len(result), -1)
    over_rows(_bilinear, len(result), *flat, rows, down, columns.astype(np.uint32), np.repeat(across, 4), strip=24)


def _two_taps(old: int, new: int) -> tuple[Array, Array]:
    """Return the first of the two pixels around each new centre and the weight of the second, in 1/65535."""
    centre = np.clip((np.arange(new) + 0.5) * (old / new) - 0.5, 0, old - 1)
    first = np.floor(centre).astype(np.int64)
    return first, np.rint((centre - first) * 65535).astype(np.uint16)


@kernel
def _bilinear(image, result, rows, down, columns, across, y0, y1):
    height, width = image.shape[0], image.shape[1] // 3
    line = np.empty(3 * width, np.uint8)
    words = np.zeros(width + 1, np.uint32)
    second_words = words[1:]
    left, right = np.empty(columns.size, np.uint32), np.empty(columns.size, np.uint32)
    left_bytes, right_bytes = left.view(np.uint8), right.view(np.uint8)
    mixed = np.empty(left_bytes.size, np.uint8)
    for y in range(y0, y1):
        above, below = image[rows[y]], image[min(rows[y] + 1, height - 1)]
        weight = down[y]
        for x in range(line.size):
            line[x] = _mix(above[x], below[x], weight)
        for x in range(width):
            red, green, blue = np.uint32(line[3 * x]), np.uint32(line[3 * x + 1]), np.uint32(line[3 * x + 2])
            words[x] = red | (green << np.uint32(8)) | (blue << np.uint32(16))
        for x in range(left.size):
            left[x] = words[columns[x]]
        for x in range(right.size):
            right[x] = second_words[columns[x]]
        for x in range(mixed.size):
            mixed[x] = _mix(left_bytes[x], right_bytes[x], across[x])
        row = result[y]
        for x in range(left.size):
            row[3 * x] = mixed[4 * x]
            row[3 * x + 1] = mixed[4 * x + 1]
            row[3 * x + 2] = mixed[4 * x + 2]


@kernel(inline=True)
def _mix(a, b, weight):
    # a + (b − a) · weight in 8.8 fixed point, by the upper halves of 16-bit products, rounded.
    u, v = np.uint32(np.uint16(65535) - weight), np.uint32(weight)
    upper_a = np.uint16(((np.uint32(a) << np.uint32(8)) * u) >> np.uint32(16))
    upper_b = np.uint16(((np.uint32(b) << np.uint32(8)) * v) >> np.uint32(16))
    return np.uint8(np.uint16(upper_a + upper_b + np.uint16(128)) >> np.uint16(8))
