"""Narrow arithmetic against NumPy, over every border of the types."""

from __future__ import annotations

import numpy as np
import pytest

from sightline.core.kernels import kernel
from sightline.core.narrow import minus, plus, shifted, upper_half


@kernel
def added(a, b, out):
    for x in range(a.size):
        out[0, x], out[1, x] = plus(a[x], b[x]), minus(a[x], b[x])


@kernel
def multiplied(a, b, out):
    for x in range(a.size):
        out[0, x], out[1, x] = upper_half(a[x], b[x]), shifted(a[x], b[x] % np.uint16(16))


@pytest.mark.parametrize("dtype", ["int16", "uint16", "float32"])
def test_sums_keep_their_type(dtype: str) -> None:
    random = np.random.default_rng(3)
    a, b = random.integers(-(1 << 15), 1 << 15, (2, 1000)).astype(np.int16).view("uint16").astype(dtype)
    out = np.empty((2, 1000), dtype)
    added(a, b, out)
    np.testing.assert_array_equal(out, [a + b, a - b])


def test_upper_halves_of_products_and_shifts() -> None:
    a, b = (grid.ravel() for grid in np.meshgrid(np.arange(0, 1 << 16, 127), np.arange((1 << 16) - 1, 0, -251)))
    out = np.empty((2, a.size), np.uint16)
    multiplied(a.astype(np.uint16), b.astype(np.uint16), out)
    np.testing.assert_array_equal(out, [a * b >> 16, a >> (b % 16)])
