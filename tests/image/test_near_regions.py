"""Regions that are joined while their values come, against SciPy's components of the graph of all pixels."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from sightline.image.near_regions import join_near


def values_of(levels: int, shape: tuple[int, int, int]) -> np.ndarray:
    """Return C×H×W float32 whole numbers, whose upper half is flat but for a few pixels."""
    height, width, channels = shape
    values = np.random.default_rng(levels).integers(0, levels, (channels, height, width)).astype(np.float32)
    values[:, : height // 2][:, np.random.default_rng(1).random((height // 2, width)) < 0.9] = 0
    return values


def groups_of(values: np.ndarray, radius: float) -> np.ndarray:
    """Return labels in the order of their first pixel."""
    height, width = values.shape[1:]
    places = np.arange(height * width).reshape(height, width)
    across = ((values[:, :, 1:] - values[:, :, :-1]) ** 2).sum(axis=0) < radius**2
    down = ((values[:, 1:] - values[:, :-1]) ** 2).sum(axis=0) < radius**2
    one = np.concatenate([places[:, :-1][across], places[:-1][down]])
    other = np.concatenate([places[:, 1:][across], places[1:][down]])
    found = connected_components(coo_matrix((np.ones(len(one)), (one, other)), (places.size, places.size)), False)[1]
    _, first, inverse = np.unique(found, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[inverse].reshape(height, width)


@pytest.mark.parametrize("shape", [(61, 47, 3), (61, 47, 1), (1, 50, 3), (50, 1, 1), (1, 1, 3)])
@pytest.mark.parametrize("levels", [3, 9, 1000])  # from a few large regions to one for nearly each pixel
@pytest.mark.parametrize("rows", [100, 17, 1])
def test_regions_are_those_of_the_whole(shape: tuple[int, int, int], levels: int, rows: int) -> None:
    values = values_of(levels, shape)
    wanted = groups_of(values, 2.0)
    given = ((y, min(y + rows, shape[0]), values[:, y : y + rows].copy()) for y in range(0, shape[0], rows))
    labels, sizes, sums = join_near(given, shape, 2.0)
    np.testing.assert_array_equal(labels, wanted)
    np.testing.assert_array_equal(sizes, np.bincount(wanted.ravel()))
    for channel, plane in enumerate(values):  # whole numbers: exact in any order
        np.testing.assert_array_equal(sums[:, channel], np.bincount(wanted.ravel(), plane.ravel()))
