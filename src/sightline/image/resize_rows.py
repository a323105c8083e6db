"""Rows on their way to a new size: a weighted mean of old ones before they are resampled, numbers of the image after.

Kernels that every way of resampling in float32 shares.
"""

from __future__ import annotations

import numpy as np

from sightline.core.kernels import kernel
from sightline.core.streaming import copy_past


@kernel
def mix_down(image, middle, first, weights):
    """Write the weighted mean of the rows from ``first`` on."""
    last = image.shape[0] - 1
    if weights.size == 4:
        p, q = image[min(first, last)], image[min(first + 1, last)]
        _mix_four_rows(middle, p, q, image[min(first + 2, last)], image[min(first + 3, last)], weights)
    else:
        _mix_rows(middle, image[min(first, last)], weights[0], image[min(first + 1, last)], weights[1])
        for k in range(2, weights.size, 2):
            a, b = image[min(first + k, last)], image[min(first + k + 1, last)]
            _add_rows(middle, a, weights[k], b, weights[k + 1])


@kernel(contract=True)
def write_row(total, result, y, top, past):
    """Write a row as numbers of the image, rounded and clipped where they are whole."""
    row, kind = result[y], result.dtype.type
    if kind(0.5) == kind(0):
        for x in range(row.size):
            row[x] = kind(min(max(total[x] + np.float32(0.5), np.float32(0)), top))
    elif past:
        copy_past(total, row.size, row, 0)
    else:
        for x in range(row.size):
            row[x] = kind(total[x])


@kernel(contract=True)
def _mix_rows(total, a, u, b, v):
    for x in range(total.size):
        total[x] = u * np.float32(a[x]) + v * np.float32(b[x])


@kernel(contract=True)
def _mix_four_rows(total, a, b, c, d, weights):
    t, u, v, w = weights[0], weights[1], weights[2], weights[3]
    for x in range(total.size):
        upper = t * np.float32(a[x]) + u * np.float32(b[x])
        total[x] = upper + (v * np.float32(c[x]) + w * np.float32(d[x]))


@kernel(contract=True)
def _add_rows(total, a, u, b, v):
    for x in range(total.size):
        total[x] += u * np.float32(a[x]) + v * np.float32(b[x])
