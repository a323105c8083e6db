"""Thirty-two bytes at once are NumPy's arithmetic on thirty-two bytes."""

from __future__ import annotations

import numpy as np

from sightline.core.kernels import kernel
from sightline.core.octets import (
    WIDE,
    are_zero,
    beyond,
    less,
    more,
    octets,
    put_octets,
    thirty_two_times,
    where_above,
)


@kernel
def _everything(a, b, out):
    x, y = octets(a, 1), octets(b, 1)
    put_octets(less(x, y), out[0], 1)
    put_octets(more(x, y), out[1], 1)
    put_octets(beyond(x, y), out[2], 1)
    put_octets(where_above(x, y), out[3], 1)
    put_octets(thirty_two_times(a[0]), out[4], 1)
    return are_zero(x), are_zero(beyond(x, x))


def test_each_step_is_that_of_single_bytes() -> None:
    a, b = np.random.default_rng(0).integers(0, 256, (2, WIDE + 2), dtype=np.uint8)
    a[3], b[3], a[4], b[4] = 7, 7, 255, 0
    out = np.zeros((5, WIDE + 2), np.uint8)
    assert _everything(a, b, out) == (False, True)
    inner = slice(1, WIDE + 1)
    x, y = a[inner], b[inner]
    expected = [
        np.minimum(x, y),
        np.maximum(x, y),
        np.where(x > y, x - y, 0),
        np.where(x > y, x, 0),
        np.full(WIDE, a[0]),
    ]
    assert np.array_equal(out[:, inner], expected)
    assert not out[:, [0, -1]].any()
