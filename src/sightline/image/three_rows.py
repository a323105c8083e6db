"""Windows of three rows and few weights: sums of bytes or float32, two rows at a time, read where they lie.

Where the number of weights is known to the compiler, a sum goes through its weights without a loop. Whole weights whose
sums fit are multiplied in 16 bits, where a vector holds twice as many as of float32.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from sightline.core.kernels import kernel, over_rows
from sightline.core.weighted_sums import ROW, weigh_crosses, weigh_squares

Array = np.ndarray
_KINDS = {(3, 5, 8): False, (3, 9, 12): True}  # first, last and count of taps: a cross, nine weights
_STRIP = 192  # rows


def sum_three_rows(
    image: Array, result: Array, size: tuple[int, ...], rows: Array, columns: Array, step: int, margin: int, taps: Any
) -> bool:
    """Write the sums of an image under a small window to ``result``; return False where that is not for these kernels.

    Parameters
    ----------
    image, result
        Flat rows, both uint8 or both float32, C-contiguous; fewer and shorter ones in the result where windows stay
        within the image.
    size
        Rows and columns of the window.
    rows, columns
        Which row, and which number of a row, stands for each that windows reach; none is below 0.
    step, margin
        Numbers from a pixel to its right neighbour, and left of the first pixel.
    taps
        Weights of two rows of sums: rows, columns, where both begin and end, float32 weights of the upper and lower.
    """
    dy, dx, first, last, upper, lower = taps
    square = _KINDS.get((first, last, len(dy)))
    within = image.shape[1] - (size[1] - 1) * step
    if square is None or size[0] != 3 or within < ROW or image.dtype != result.dtype:
        return False
    weights = _narrowed(upper.tobytes(), lower.tobytes()) if image.dtype == np.uint8 else (upper, lower)
    places = dy, dx, first, last, *weights
    arrays = image.reshape(-1), image.shape[1], result, rows, columns
    over_rows(_sum, len(result), *arrays, step, margin, square, places, strip=_STRIP)
    return True


@lru_cache(64)
def _narrowed(upper: bytes, lower: bytes) -> tuple[Array, Array]:
    """Return float32 weights as int16 if they are whole and no sum of bytes leaves that; otherwise as they are."""
    both = np.frombuffer(upper, np.float32), np.frombuffer(lower, np.float32)
    if any((weights != np.rint(weights)).any() or 255 * np.abs(weights).sum() >= 1 << 15 for weights in both):
        return both
    return both[0].astype(np.int16), both[1].astype(np.int16)


@kernel
def _sum(pixels, n, out, rows, columns, step, margin, square, taps, y0, y1):
    dy, dx, first, last, upper, lower = taps
    m = out.shape[1]
    places, spare = np.empty(dy.size, np.int64), np.empty(m, out.dtype)
    low, high = margin, margin + n - (columns.size - m)
    for y in range(y0, y1, 2):
        for k in range(dy.size):
            places[k] = rows[min(y + dy[k], rows.size - 1)] * n - margin + dx[k] * step
        a, b = out[y], out[y + 1] if y + 1 < y1 else spare
        if square:
            weigh_squares(pixels, places, upper, lower, a, b, low, high)
        else:
            weigh_crosses(pixels, places, upper, lower, a, b, low, high)
        for k in range(low + m - high):
            x = k if k < low else high + k - low
            a[x] = sum_at(pixels, places, dx, columns, upper, np.int64(0), last, x, step, margin)
            b[x] = sum_at(pixels, places, dx, columns, lower, first, dx.size, x, step, margin)


@kernel(contract=True)
def sum_at(pixels, places, dx, columns, weights, first, last, x, step, margin):
    """Return a sum whose window reaches beyond the border; of bytes, clipped and to be rounded down."""
    number = weights.dtype.type
    total = number(0)
    for k in range(first, last):
        shift = dx[k] * step
        total += weights[k] * number(pixels[places[k] + margin - shift + columns[x + shift]])
    if pixels.itemsize == 1:
        total = min(max(total, number(0)), number(255)) + number(0.5)  # of whole numbers, 0
    return total
