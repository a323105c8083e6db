"""Means of neighbours weighed by a bell curve: the kernels that bilateral filter and non-local means share.

Powers of two come from a polynomial and the exponent's bits: Schraudolph 1999, "A Fast, Compact Approximation of the
Exponential Function", Neural Computation 11(4), puts the whole part of the power where a floating-point number keeps
its exponent; here the rest is a polynomial of degree 3.
"""

from __future__ import annotations

import numpy as np

from sightline.core.kernels import kernel
from sightline.core.vector_functions import LOWEST, POLYNOMIAL, ROUND

LOG2_E = 1.4426950408889634
_C3, _C2, _C1, _ONE = (np.float32(coefficient) for coefficient in POLYNOMIAL)
_LOWEST, _ROUND = np.float32(LOWEST), np.float32(ROUND)


@kernel(contract=True)
def power_of_two(t):
    """Return 2^t for float32 t ≤ 0; what is smaller than 2^-126 becomes about that."""
    bounded = t if t > _LOWEST else _LOWEST
    rounded = np.float32(bounded + _ROUND)
    f = bounded - (rounded - _ROUND)
    exponent = np.int32(rounded.view(np.int32) << np.int32(23)).view(np.float32)
    return np.float32(exponent * (_ONE + f * (_C1 + f * (_C2 + f * _C3))))


@kernel
def start(sums, i, planes, y, x, count):
    """Begin row ``i`` of the sums with the pixels from (x, y) on, each with weight 1, counted in the last sum."""
    for c in range(planes.shape[0]):
        for k in range(count):
            sums[c, i, k] = planes[c, y, x + k]
    for k in range(count):
        sums[planes.shape[0], i, k] = _ONE


@kernel(contract=True)
def gather(sums, i, left, planes, k, right, weights):
    """Add weighted values of row ``k`` to the sums of row ``i``, and the weights themselves to the last sum."""
    count, last = weights.size, planes.shape[0] - 1
    for c in range(last):
        total, value = sums[c, i, left : left + count], planes[c, k, right : right + count]
        for x in range(count):
            total[x] += weights[x] * value[x]
    total, value = sums[last, i, left : left + count], planes[last, k, right : right + count]
    whole = sums[last + 1, i, left : left + count]
    for x in range(count):
        total[x] += weights[x] * value[x]
        whole[x] += weights[x]


@kernel
def divide(sums, i, left, count, row, x0):
    """Write the means of row ``i`` to the pixels from ``x0`` on of a flat row, rounded where it holds whole numbers."""
    channels = sums.shape[0] - 1
    number = row.dtype.type
    rounding = np.float32(0.5) if number(0.5) == number(0) else np.float32(0)
    weights = sums[channels, i, left : left + count]
    if channels == 1:
        values, to = sums[0, i, left : left + count], row[x0 : x0 + count]
        for x in range(count):
            to[x] = number(values[x] / weights[x] + rounding)
        return
    if channels == 3:
        red, green, blue = (
            sums[0, i, left : left + count],
            sums[1, i, left : left + count],
            sums[2, i, left : left + count],
        )
        to = row[3 * x0 : 3 * (x0 + count)]
        for x in range(count):
            weight = weights[x]
            r, g, b = red[x] / weight + rounding, green[x] / weight + rounding, blue[x] / weight + rounding
            to[3 * x], to[3 * x + 1], to[3 * x + 2] = number(r), number(g), number(b)
        return
    for c in range(channels):
        values, to = sums[c, i, left : left + count], row[x0 * channels + c :]
        for x in range(count):
            to[x * channels] = number(values[x] / weights[x] + rounding)
