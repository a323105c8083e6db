"""What goes past the caches arrives, at any place of an array; pixels of three come apart and together again."""

from __future__ import annotations

import numpy as np
import pytest

from sightline.core.kernels import kernel
from sightline.core.streaming import copy_past, first_whole, is_large, store_past
from sightline.core.triples import load_triples, store_triples
from sightline.core.vectors import load


@kernel
def copy_rows(a, out, first, past):
    for x in range(first, a.size - 7, 8):
        store_past(load(a, x), out, x, past)


@kernel
def turned_pixels(a, out, past):
    r, g, b = load_triples(a, 0)
    store_triples(b, r + g, g, out, 0, past)


@pytest.mark.parametrize("past", [False, True])
@pytest.mark.parametrize("offset", range(8))
def test_rows_arrive(offset: int, past: bool) -> None:
    a = np.arange(64, dtype=np.float32)
    memory = np.zeros(80, np.float32)
    out = memory[offset : offset + 64]
    first = first_whole(out, 1, 0)
    copy_rows(a, out, first, past)
    assert out[first:].ctypes.data % 32 == 0
    end = first + (64 - first) // 8 * 8
    np.testing.assert_array_equal(out[first:end], a[first:end])
    assert not out[:first].any()
    assert not out[end:].any()


@pytest.mark.parametrize("offset", range(8))
def test_first_whole_pixel(offset: int) -> None:
    memory = np.zeros(999, np.float32)[offset:]
    for x0 in (0, 1, 50):
        first = first_whole(memory, 3, x0)
        assert x0 <= first < x0 + 8
        assert memory[3 * first :].ctypes.data % 32 == 0


@pytest.mark.parametrize("past", [False, True])
def test_pixels_are_taken_apart_and_joined(past: bool) -> None:
    pixels = np.random.default_rng(1).random((8, 3), dtype=np.float32)
    memory = np.zeros(32, np.float32)
    out = memory[first_whole(memory, 1, 0) :][:24]
    turned_pixels(pixels.reshape(-1), out, past)
    r, g, b = pixels.T
    np.testing.assert_array_equal(out.reshape(8, 3), np.stack([b, r + g, g], axis=1))


def test_large_is_more_than_caches_keep() -> None:
    assert is_large(np.empty((1080, 1920, 3), np.float32))
    assert not is_large(np.empty((480, 640, 3), np.float32), np.empty((480, 640), np.float32))


@pytest.mark.parametrize("count", [1, 7, 40, 61])
def test_lines_of_any_length_are_copied(count: int) -> None:
    line, out = np.arange(64, dtype=np.float32), np.zeros(80, np.float32)
    copy_past(line, count, out, 5)
    np.testing.assert_array_equal(out[5 : 5 + count], line[:count])
    assert not out[:5].any()
    assert not out[5 + count :].any()
