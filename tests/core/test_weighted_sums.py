"""Sums in registers are what NumPy sums up."""

from __future__ import annotations

import numpy as np
import pytest

from sightline.core.kernels import kernel
from sightline.core.weighted_sums import ALONE, PAIR, weigh_alone, weigh_mirrored, weigh_pair


@kernel
def alone(numbers, at, places, weights, sums, to):
    weigh_alone(numbers, at, places, weights, sums, to)


@kernel
def pair(numbers, at, places, first, last, upper, lower, a, b, to):
    weigh_pair(numbers, at, places, first, last, upper, lower, a, b, to)


@kernel
def mirrored(numbers, at, left, right, weights, extra, sums, to):
    weigh_mirrored(numbers, at, left, right, weights, extra, sums, to)


def _sums(numbers: np.ndarray, at: int, places: np.ndarray, weights: np.ndarray, count: int) -> np.ndarray:
    shifted = [numbers[at + place : at + place + count].astype(np.float64) for place in places]
    return sum((w * part for w, part in zip(weights, shifted, strict=True)), start=np.zeros(count))


@pytest.mark.parametrize("count", [0, 1, 5, 12])
def test_one_block_of_sums(count: int) -> None:
    random = np.random.default_rng(count)
    numbers, weights = random.random(300, np.float32), random.random(count, np.float32)
    places, sums = random.integers(0, 200, count), np.full(ALONE + 3, -1, np.float32)
    alone(numbers, 7, places, weights, sums, 2)
    np.testing.assert_allclose(sums[2:-1], _sums(numbers, 7, places, weights, ALONE), rtol=1e-6)
    assert sums[0] == sums[1] == sums[-1] == -1


@pytest.mark.parametrize(("first", "last"), [(0, 0), (0, 9), (3, 5), (9, 9), (4, 4)])
def test_two_blocks_share_the_middle(first: int, last: int) -> None:
    random = np.random.default_rng(first)
    numbers, upper, lower = random.random(300, np.float32), *random.random((2, 9), np.float32)
    places, a, b = random.integers(0, 200, 9), *np.full((2, PAIR + 2), -1, np.float32)
    numbers[250:] = np.nan  # what nobody asks for does no harm
    pair(numbers, 3, places, first, last, upper, lower, a, b, 1)
    np.testing.assert_allclose(a[1:-1], _sums(numbers, 3, places[:last], upper[:last], PAIR), rtol=1e-6)
    np.testing.assert_allclose(b[1:-1], _sums(numbers, 3, places[first:], lower[first:], PAIR), rtol=1e-6)
    assert a[0] == a[-1] == b[0] == b[-1] == -1


def test_what_one_sum_leaves_out_does_not_spoil_it() -> None:
    numbers, ones, places = np.ones(200, np.float32), np.ones(2, np.float32), np.array([0, 100])
    numbers[100:] = np.nan
    a, b = np.empty((2, PAIR), np.float32)
    pair(numbers, 0, places, 1, 1, ones, ones, a, b, 0)
    assert (a == 1).all()
    assert np.isnan(b).all()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("count", [1, 2, 9])
def test_weights_but_the_first_count_for_two(dtype: type, count: int) -> None:
    random = np.random.default_rng(count)
    numbers, weights = random.integers(0, 256, 300).astype(dtype), random.random(count, np.float32)
    left, right = random.integers(0, 200, (2, count))
    sums = np.full(ALONE + 2, -1, np.float32)
    mirrored(numbers, 5, left, right, weights, np.float32(0.5), sums, 1)
    both = np.append(left, right[1:]), np.append(weights, weights[1:])
    np.testing.assert_allclose(sums[1:-1], _sums(numbers, 5, *both, ALONE) + 0.5, rtol=1e-5)
    assert sums[0] == sums[-1] == -1
