"""Vectors of eight give what NumPy gives."""

from __future__ import annotations

import numpy as np
import pytest

from sightline.core.kernels import kernel
from sightline.core.vectors import all_of, any_of, choose, count_from, floor, load, load_pairs, store, whole


@kernel
def arithmetic(a, b, number, out):
    x, y = load(a, 1), load(b, 2)
    store(x + y, out, 0)
    store(x - y, out, 8)
    store(x * y, out, 16)
    store(number + x * number - number, out, 24)


@kernel
def whole_parts(a, floors, parts):
    below = floor(load(a, 0))
    store(below, floors, 0)
    store(whole(below), parts, 0)


@kernel
def compare(a, low, high):
    x = load(a, 0)
    return all_of((x > low) & (x < high)), any_of((x >= low) & (x <= high))


@kernel
def quotients_of_pairs(a, number, out):
    x, y = load_pairs(a, 1)
    store(x / y, out, 0)
    store(number / count_from(number), out, 8)


@pytest.mark.parametrize("kind", [np.float32, np.int32])
def test_arithmetic_is_that_of_numbers(kind: type) -> None:
    random = np.random.default_rng(3)
    a, b = (random.integers(-1000, 1000, 12).astype(kind) for _ in range(2))
    out, number = np.zeros(32, kind), kind(7)
    arithmetic(a, b, number, out)
    x, y = a[1:9], b[2:10]
    np.testing.assert_array_equal(out, np.concatenate([x + y, x - y, x * y, number + x * number - number]))


def test_pairs_are_divided() -> None:
    a, out = np.random.default_rng(2).uniform(1, 9, 17).astype(np.float32), np.zeros(16, np.float32)
    quotients_of_pairs(a, np.float32(3), out)
    np.testing.assert_array_equal(out[:8], a[1::2] / a[2::2])
    np.testing.assert_array_equal(out[8:], np.float32(3) / np.arange(3, 11, dtype=np.float32))


def test_whole_parts_are_rounded_down() -> None:
    a = np.array([-2.5, -1, -0.25, 0, 0.75, 1, 99.5, 1e6], np.float32)
    floors, parts = np.zeros(8, np.float32), np.zeros(8, np.int32)
    whole_parts(a, floors, parts)
    np.testing.assert_array_equal(floors, np.floor(a))
    np.testing.assert_array_equal(parts, np.floor(a).astype(np.int32))


def test_truths_are_joined_and_counted() -> None:
    a = np.arange(8, dtype=np.float32)
    assert compare(a, np.float32(-1), np.float32(8)) == (True, True)
    assert compare(a, np.float32(0), np.float32(8)) == (False, True)
    assert compare(a, np.float32(7), np.float32(7)) == (False, True)
    assert compare(a, np.float32(7.5), np.float32(9)) == (False, False)
    assert compare(np.full(8, np.nan, np.float32), np.float32(-1), np.float32(9)) == (False, False)


@kernel
def chosen(a, b, number, out):
    x, y = load(a, 0), load(b, 0)
    store(choose(x > y, x, y), out, 0)
    store(choose(x == y, number, x), out, 8)
    store(choose(x < y, number, number + number), out, 16)
    return choose(a[0] == b[0], floor(a[1]), number)


def test_numbers_are_chosen_one_by_one() -> None:
    random = np.random.default_rng(4)
    a, b = (random.integers(0, 4, 8).astype(np.float32) for _ in range(2))
    b[0], a[1], number, out = a[0], 2.5, np.float32(9), np.zeros(24, np.float32)
    assert chosen(a, b, number, out) == 2
    parts = [np.maximum(a, b), np.where(a == b, number, a), np.where(a < b, number, 2 * number)]
    np.testing.assert_array_equal(out, np.concatenate(parts))
