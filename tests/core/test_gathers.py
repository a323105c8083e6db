"""Neighbours of eight places give what NumPy's indices give."""

from __future__ import annotations

import numpy as np
import pytest

from sightline.core.gathers import copy_one, copy_three, fetch_four, fetch_one, fetch_two, put_apart, put_one, put_three
from sightline.core.kernels import kernel

KINDS = pytest.mark.parametrize("kind", [np.uint8, np.float32])


@kernel
def fetch(image, start, at, g, out):
    put_one(fetch_one(image, start, at, g), out, 0)
    a, b = fetch_two(image, start, at, g)
    put_one(a, out, 8)
    put_one(b, out, 16)
    four = fetch_four(image, start, at, g)
    put_one(four[0], out, 24)
    put_one(four[1], out, 32)
    put_one(four[2], out, 40)
    put_one(four[3], out, 48)


@kernel
def put(values, at, image, to):
    a, b, c = fetch_one(values, 0, at, 0), fetch_one(values, 8, at, 0), fetch_one(values, 16, at, 0)
    put_three(a, b, c, image, to)
    put_apart(a, image, to + 24, 4)


@kernel
def copy(source, at, g, image, to):
    copy_one(source, at, g, image, to)
    copy_three(source, at, g, image, to + 8)


@pytest.fixture
def at() -> np.ndarray:
    return np.random.default_rng(4).integers(0, 90, 11).astype(np.int32)


@KINDS
def test_neighbours_are_fetched(kind: type, at: np.ndarray) -> None:
    image, out = np.random.default_rng(5).integers(0, 256, 100).astype(kind), np.zeros(56, np.float32)
    fetch(image, 5, at, 3, out)
    places = at[3:] + 5
    np.testing.assert_array_equal(out.reshape(7, 8), [image[places + k] for k in (0, 0, 1, 0, 1, 2, 3)])


@KINDS
def test_what_is_put_is_rounded_and_clipped_to_bytes(kind: type) -> None:
    values = np.random.default_rng(6).uniform(-20, 280, 24).astype(np.float32)
    image, first = np.full(70, 9, kind), np.arange(8, dtype=np.int32)
    put(values, first, image, 3)
    wanted = values if kind is np.float32 else np.floor(values.clip(0, 255) + 0.5).astype(np.uint8)
    np.testing.assert_array_equal(image[3:27].reshape(8, 3), wanted.reshape(3, 8).T)
    np.testing.assert_array_equal(image[27:59:4], wanted[:8])
    assert (np.delete(image, [*range(3, 27), *range(27, 59, 4)]) == 9).all()


@KINDS
def test_pixels_are_copied(kind: type, at: np.ndarray) -> None:
    source, image = np.random.default_rng(7).integers(0, 256, 100).astype(kind), np.zeros(50, kind)
    copy(source, at, 2, image, 6)
    places = at[2:10]
    np.testing.assert_array_equal(image[6:14], source[places])
    np.testing.assert_array_equal(image[14:38].reshape(8, 3), source[places[:, None] + np.arange(3)])
    assert not image[:6].any()
    assert not image[38:].any()
