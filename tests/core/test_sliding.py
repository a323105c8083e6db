"""Groups of sums gain and lose what NumPy adds and takes away."""

from __future__ import annotations

import numpy as np

from sightline.core.kernels import kernel
from sightline.core.sliding import GROUP, exchange_differences, slide_group


@kernel
def exchange(sums, at, new, gained, start, old, lost, end):
    exchange_differences(sums, at, new, gained, start, old, lost, end)


@kernel
def slide(sums, before, after, groups, gained, lost):
    slide_group(sums, before, after, groups, gained, lost)


def _differences(value: int, octets: np.ndarray, at: int) -> np.ndarray:
    return np.abs(value - octets[at : at + GROUP].astype(np.int64))


def test_differences_come_and_go() -> None:
    random = np.random.default_rng(0)
    sums = random.integers(1000, 60000, 100, np.uint16)
    gained, lost = random.integers(0, 256, (2, 70), np.uint8)
    expected = sums.astype(np.int64)
    expected[5 : 5 + GROUP] += _differences(200, gained, 3) - _differences(17, lost, 38)
    exchange(sums, 5, np.uint8(200), gained, 3, np.uint8(17), lost, 38)
    np.testing.assert_array_equal(sums, expected)


def test_a_window_gains_one_column_and_loses_one() -> None:
    random = np.random.default_rng(1)
    sums, groups = random.integers(0, 1 << 16, (2, 120), np.uint16)
    expected = sums.copy()
    expected[80 : 80 + GROUP] = sums[7 : 7 + GROUP] + groups[2 : 2 + GROUP] - groups[60 : 60 + GROUP]
    slide(sums, 7, 80, groups, 2, 60)
    np.testing.assert_array_equal(sums, expected)
