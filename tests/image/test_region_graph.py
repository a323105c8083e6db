"""Regions as a graph, against what NumPy and SciPy make of the same labels."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from sightline.image.region_graph import absorb_small, numbered, region_pairs, region_sums


def renumbered(labels: np.ndarray) -> np.ndarray:
    """Return labels numbered in the order of their first pixel."""
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[inverse].reshape(labels.shape)


def noise(seed: int, levels: int, shape: tuple[int, int] = (40, 53)) -> np.ndarray:
    """Return random labels in patches."""
    patches = np.random.default_rng(seed).integers(0, levels, (shape[0] // 2 + 1, shape[1] // 3 + 1))
    return np.kron(patches, np.ones((2, 3), int))[: shape[0], : shape[1]].astype(np.int32)


@pytest.mark.parametrize(("offset", "dtype"), [(0, np.int32), (7, np.int32), (-3, np.int32), (0, np.int64)])
def test_numbers_follow_the_first_pixel(offset: int, dtype: type) -> None:
    labels = (noise(1, 60) + offset).astype(dtype)
    np.testing.assert_array_equal(numbered(labels), renumbered(labels))


def test_groups_are_numbered_in_place() -> None:
    labels, group = noise(2, 60), np.random.default_rng(0).integers(0, 9, 60)
    wanted = renumbered(group[labels])
    assert numbered(labels, group, out=labels) is labels
    np.testing.assert_array_equal(labels, wanted)


def test_sums_of_bands_equal_those_of_all() -> None:
    labels, planes = renumbered(noise(3, 50)).astype(np.int32), np.random.default_rng(3).random((3, 40, 53), np.float32)
    sizes, sums = region_sums(labels, [(0, 17, planes[:, :17]), (17, 40, planes[:, 17:])])
    np.testing.assert_array_equal(sizes, np.bincount(labels.ravel()))
    np.testing.assert_array_equal(sums[:, 1], np.bincount(labels.ravel(), planes[1].ravel()))


@pytest.mark.parametrize("connectivity", [4, 8])
def test_pairs_are_counted_over_bands(connectivity: int, monkeypatch: pytest.MonkeyPatch) -> None:
    labels = renumbered(noise(4, 30)).astype(np.int32)
    ways = [(0, 1), (1, 0), (1, 1), (1, -1)][: connectivity // 2]
    counts: dict[tuple[int, int], int] = {}
    for dy, dx in ways:
        for y in range(40 - dy):
            for x in range(max(0, -dx), 53 - max(0, dx)):
                a, b = sorted((int(labels[y, x]), int(labels[y + dy, x + dx])))
                counts[a, b] = counts.get((a, b), 0) + (a != b)
    wanted = sorted(pair for pair, count in counts.items() if count)
    monkeypatch.setattr("sightline.image.region_graph._BAND", 53 * 7)
    pairs, lengths = region_pairs(labels, connectivity)
    assert [tuple(pair) for pair in pairs.tolist()] == wanted
    assert lengths.tolist() == [counts[pair] for pair in wanted]


def absorbed(labels: np.ndarray, plane: np.ndarray, smallest: int) -> np.ndarray:
    """Join small regions as absorb_small does, from sorted pairs."""
    labels = renumbered(labels).astype(np.int32)
    while True:
        sizes = np.bincount(labels.ravel())
        if (sizes >= smallest).all() or len(sizes) == 1:
            return labels
        means = np.bincount(labels.ravel(), plane.ravel()) / sizes
        pairs, _ = region_pairs(labels)
        pairs = np.concatenate([pairs, pairs[:, ::-1]])
        pairs = pairs[sizes[pairs[:, 0]] < smallest]
        pairs = pairs[np.lexsort(((means[pairs[:, 0]] - means[pairs[:, 1]]) ** 2, pairs[:, 0]))]
        one, other = pairs[np.unique(pairs[:, 0], return_index=True)[1]].T
        graph = coo_matrix((np.ones(len(one)), (one, other)), (len(sizes), len(sizes)))
        labels = renumbered(connected_components(graph, directed=False)[1][labels])


@pytest.mark.parametrize("levels", [2, 5, 1000])  # with few, many neighbours are equally near
def test_small_regions_join_the_nearest(levels: int) -> None:
    random = np.random.default_rng(levels)
    labels, plane = noise(5, 400), random.integers(0, levels, (40, 53)).astype(np.float32)
    wanted = absorbed(labels, plane, 30)
    labels = numbered(labels)
    sizes, sums = region_sums(labels, [(0, 40, plane[None])])
    np.testing.assert_array_equal(absorb_small(labels, sizes.astype(np.int32), sums, 30), wanted)
