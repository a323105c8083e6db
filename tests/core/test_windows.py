"""Weighted sums of bytes that lie close together, against NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sightline.core import windows
from sightline.core.kernels import kernel
from sightline.core.vectors import load, store
from sightline.core.windows import SUMS, WINDOW, level_of_four, level_of_two, picked, plus, weigh_windows


@kernel
def _sums(octets, at, step, count, order, weights, line):
    for group in range(len(order)):
        weigh_windows(octets, at + group, step, count, order, weights, group, line, group * SUMS)


@kernel
def _two(a, b, s, t, out):
    for x in range(out.size):
        out[x] = level_of_two(a[x], b[x], s[x], t[x])


@kernel
def _four(a, b, c, d, s, t, u, v, out):
    for x in range(out.size):
        out[x] = level_of_four(a[x], b[x], c[x], d[x], s[x], t[x], u[x], v[x])


@pytest.mark.parametrize("count", [1, 2, 3])
def test_sums_of_windows(count: int) -> None:
    rng = np.random.default_rng(5)
    octets = rng.integers(0, 256, 60, np.uint8)
    order = rng.integers(0, WINDOW, (3, WINDOW), np.uint8)
    weights = rng.integers(-9000, 9000, (3, WINDOW * count), np.int16)
    line = np.zeros(3 * SUMS, np.int16)
    _sums(octets, 2, 6, count, order, weights, line)
    for group in range(3):
        total = np.full(SUMS, -128 * 16384)
        for k in range(count):
            pairs = octets[2 + group + 6 * k + order[group].astype(int)].astype(int)
            total += (pairs * weights[group, WINDOW * k :][:WINDOW]).reshape(SUMS, 2).sum(axis=1)
        np.testing.assert_array_equal(line[group * SUMS :][:SUMS], (total >> 7).astype(np.int16))


def test_levels_are_rounded_and_clipped() -> None:
    rng = np.random.default_rng(6)
    sums = rng.integers(-128 * 128, 127 * 128, (4, 999), np.int16)
    share = rng.random(999)
    s, t = np.rint((1 - share) * 32767).astype(np.int16), np.rint(share * 32767).astype(np.int16)
    level = (sums[0] * (1 - share) + sums[1] * share) / 128 + 128
    out = np.empty(999, np.uint8)
    _two(sums[0], sums[1], s, t, out)
    assert np.abs(out - level).max() < 0.55
    shares = np.stack([-0.1 * share, 0.2 + share, 0.95 - share, -0.05 + 0.1 * share])
    level = np.clip((sums * shares).sum(axis=0) / 128 + 128, 0, 255)
    a, b, c, d = sums
    s, t, u, v = np.rint(shares * 16384).astype(np.int16)
    _four(a, b, c, d, s, t, u, v, out)
    assert np.abs(out - level).max() < 0.6


def test_a_machine_without_look_ups_gets_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    # A kernel of its own: what is compiled here must not take the plain instructions' place on disk.
    from numba import njit

    fast = np.zeros(SUMS, np.int16)
    plain = np.zeros(SUMS, np.int16)
    octets = np.arange(0, 240, 5, dtype=np.uint8)
    order, weights = np.arange(WINDOW, dtype=np.uint8)[None, ::-1].copy(), np.full((1, WINDOW), 700, np.int16)
    _sums(octets, 0, 2, 1, order, weights, fast)
    monkeypatch.setattr(windows, "features", lambda _: ("riscv64", frozenset()))
    sums: Any = _sums
    njit(sums.py_func)(octets, 0, 2, 1, order, weights, plain)
    np.testing.assert_array_equal(plain, fast)


@kernel(contract=True)
def picked_and_added(a, order, out):
    store(picked(load(a, 1), load(a, 16), load(order, 0)), out, 0)
    store(plus(load(a, 0) * load(a, 8), load(a, 8) * load(a, 8)), out, 8)


def test_floats_are_picked_and_rounded_products_added() -> None:
    a, out = np.random.default_rng(6).random(24, dtype=np.float32), np.zeros(16, np.float32)
    order = np.array([7, 0, 13, 3, 1, 8, 2, 15], np.int32)
    picked_and_added(a, order, out)
    np.testing.assert_array_equal(out[:8], np.concatenate([a[1:9], a[16:]])[order])
    np.testing.assert_array_equal(out[8:], a[:8] * a[8:16] + a[8:16] * a[8:16])


def test_floats_are_picked_without_look_ups(monkeypatch: pytest.MonkeyPatch) -> None:
    from numba import njit

    a, order = np.random.default_rng(7).random(24, dtype=np.float32), np.arange(14, -2, -2).astype(np.int32)
    fast, plain = np.zeros((2, 16), np.float32)
    picked_and_added(a, order, fast)
    monkeypatch.setattr(windows, "features", lambda _: ("riscv64", frozenset()))
    kernel_: Any = picked_and_added
    njit(kernel_.py_func)(a, order, plain)
    np.testing.assert_array_equal(plain[:8], fast[:8])
