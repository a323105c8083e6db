"""Sixteen numbers at once give what NumPy gives."""

from __future__ import annotations

import numpy as np
import pytest

from sightline.core.kernels import kernel
from sightline.core.lanes import LANES, add_groups, count_up_to, replace_group, subtract_groups


@kernel
def add(sums, at, groups, first, count, step):
    add_groups(sums, at, groups, first, count, step)


@kernel
def subtract(sums, at, groups, first, count, step):
    subtract_groups(sums, at, groups, first, count, step)


@kernel
def replace(sums, at, groups, gained, lost):
    replace_group(sums, at, groups, gained, lost)


@kernel
def count(numbers, at, bound):
    return count_up_to(numbers, at, bound)


@pytest.fixture
def groups() -> np.ndarray:
    return np.random.default_rng(7).integers(0, 256, 40 * LANES, np.uint8)


@pytest.mark.parametrize("count", [0, 1, 2, 9])
@pytest.mark.parametrize("step", [LANES, 3 * LANES])
def test_groups_are_added_and_taken_away(groups: np.ndarray, count: int, step: int) -> None:
    sums = np.arange(3 * LANES, dtype=np.uint16) + 60_000
    before = sums.copy()
    wanted = sum((groups[32 + k * step :][:LANES].astype(np.uint16) for k in range(count)), np.zeros(LANES, np.uint16))
    add(sums, 17, groups, 32, count, step)
    np.testing.assert_array_equal(sums[17 : 17 + LANES], before[17 : 17 + LANES] + wanted)
    subtract(sums, 17, groups, 32, count, step)
    np.testing.assert_array_equal(sums, before)


def test_one_group_takes_the_place_of_another(groups: np.ndarray) -> None:
    sums = np.arange(2 * LANES, dtype=np.uint8)
    wanted = sums.copy()
    wanted[5 : 5 + LANES] += groups[16:32] - groups[48:64]
    replace(sums, 5, groups, 16, 48)
    np.testing.assert_array_equal(sums, wanted)


@pytest.mark.parametrize("bound", [0, 1, 700, 32768, 65535])
def test_small_numbers_are_counted(bound: int) -> None:
    numbers = np.random.default_rng(1).integers(0, 65536, 3 * LANES).astype(np.uint16)
    numbers[16:20] = bound
    assert count(numbers, 11, bound) == np.count_nonzero(numbers[11 : 11 + LANES] <= bound)
