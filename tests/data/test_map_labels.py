"""The map of labels: each new pixel has the label of the old pixel that it lies on, of any kind and number of maps."""

from __future__ import annotations

import numpy as np
import pytest

from sightline.data.move import Move

OLD, NEW = (31, 44), (28, 39)
MATRIX = np.array([[0.8, 0.3, 2.6], [-0.25, 0.9, 9.4]])


def looked_up(labels: np.ndarray, outside: int) -> np.ndarray:
    """Return one label map in the new frame, by a look-up for each pixel."""
    found = np.full(NEW, outside, labels.dtype)
    old = np.linalg.inv(MATRIX[:, :2])
    for y, x in np.ndindex(NEW):
        u, v = old @ ((x, y) - MATRIX[:, 2])
        column, row = round(u), round(v)
        if 0 <= column < OLD[1] and 0 <= row < OLD[0]:
            found[y, x] = labels[row, column]
    return found


@pytest.mark.parametrize("dtype", [np.bool_, np.uint8, np.int16, np.int32, np.float64])
def test_labels_are_those_of_the_nearest_pixels(dtype: type) -> None:
    random, move = np.random.default_rng(0), Move(MATRIX, OLD, NEW)
    several = random.integers(0, 2 if dtype is np.bool_ else 100, (2, 3, *OLD)).astype(dtype)
    found = move.masks(several, 1)
    assert found.dtype == dtype
    assert found.shape == (2, 3, *NEW)
    for index in np.ndindex(2, 3):
        assert np.array_equal(found[index], looked_up(several[index], 1))
    strided = np.repeat(np.asfortranarray(several[0, 0]), 2, axis=1)[:, ::2]
    strided.flags.writeable = False
    assert np.array_equal(move.masks(strided, 1), found[0, 0])
    assert move.masks(several[:0], 0).shape == (0, 3, *NEW)


def test_nothing_is_left_of_a_flattened_map_and_all_of_one_far_away_is_outside() -> None:
    labels = np.ones(OLD, np.int32)
    flat = Move(np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 0.0]]), OLD, NEW)
    away = Move(np.array([[1.0, 0.1, 1e12], [0.0, 1.0, 0.0]]), OLD, NEW)
    for move in (flat, away):
        assert (move.masks(labels, 255) == 255).all()
