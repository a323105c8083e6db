"""Joining of regions that are most alike, against one that weighs every pair of regions anew, in fractions."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from sightline.image.region_graph import numbered, region_pairs
from sightline.image.region_hierarchy import join_alike
from sightline.image.region_histograms import (
    BINS,
    COLOUR_BINS,
    COLOURS,
    TEXTURE_BINS,
    WAYS,
    Regions,
    bounded_regions,
    count_bins,
    read_row,
)

TURNS = np.array([[np.cos(angle), np.sin(angle)] for angle in 2 * np.pi * np.arange(WAYS) / WAYS], np.float32)


def patches(seed: int, shape: tuple[int, int], size: int) -> np.ndarray:
    """Return labels: patches about a large region, some of which became one."""
    rough = np.random.default_rng(seed).integers(1, 60, (shape[0] // size + 1, shape[1] // size + 1))
    labels = np.kron(rough, np.ones((size, size), int))[: shape[0], : shape[1]]
    labels[shape[0] // 4 : shape[0] // 2] = 0
    return numbered(labels.astype(np.int32))


def described(labels: np.ndarray, seed: int, levels: int) -> tuple[Regions, np.ndarray]:
    """Return regions with counts of a random picture of few levels, and the picture."""
    picture = np.random.default_rng(seed).integers(0, levels, (*labels.shape, 3)).astype(np.float32) / levels
    padded = np.pad(picture, ((1, 1), (1, 1), (0, 0)), mode="edge")
    regions = bounded_regions(labels)
    count_bins(picture, padded, TURNS, labels, tuple(regions))
    return regions, picture


def counts_of(regions: Regions, count: int) -> np.ndarray:
    """Return the counts of the first regions."""
    table = np.zeros((count, BINS), np.uint32)
    for region in range(count):
        read_row(tuple(regions), region, table[region])
    return table.astype(np.int64)


def joined_in_fractions(table: np.ndarray, regions: Regions, pairs: np.ndarray, weights: tuple) -> np.ndarray:
    """Return the boxes of what is joined, in order."""
    count = len(table)
    rows, sizes = list(table), [int(size) for size in regions.sizes[:count]]
    boxes = [[int(side) for side in box] for box in regions.boxes[:count]]
    whole, edges = sum(sizes), {tuple(pair): rank for rank, pair in enumerate(pairs.tolist())}
    known: dict[tuple[int, int], Fraction] = {}

    def likeness(a: int, b: int) -> Fraction:
        common = np.minimum(rows[a] * sizes[b], rows[b] * sizes[a])
        product, both = 3 * sizes[a] * sizes[b], sizes[a] + sizes[b]
        low, high = np.minimum(boxes[a], boxes[b])[:2], np.maximum(boxes[a], boxes[b])[2:]
        parts = (
            Fraction(int(common[:COLOURS].sum()), product),
            Fraction(int(common[COLOURS:].sum()), product * WAYS),
            1 - Fraction(both, whole),
            1 - Fraction(int((high - low).prod()) - both, whole),
        )
        return sum((Fraction(weight) * part for weight, part in zip(weights, parts, strict=True)), Fraction(0))

    while edges:
        known.update({pair: likeness(*pair) for pair in edges if pair not in known})
        a, b = min(edges, key=lambda pair: (-known[pair], edges[pair]))
        new = len(rows)
        rows.append(rows[a] + rows[b])
        sizes.append(sizes[a] + sizes[b])
        boxes.append([*np.minimum(boxes[a], boxes[b])[:2].tolist(), *np.maximum(boxes[a], boxes[b])[2:].tolist()])
        del edges[a, b]
        for pair in [pair for pair in edges if a in pair or b in pair]:
            near = pair[0] if pair[1] in (a, b) else pair[1]
            rank = edges.pop(pair)
            edges[near, new] = min(rank, edges.get((near, new), rank))
    return np.array(boxes[count:])


@pytest.mark.parametrize("weights", [(1.0, 1.0, 1.0, 1.0), (0.0, 1.0, 1.0, 1.0)])
@pytest.mark.parametrize(("shape", "size", "levels"), [((40, 51), 4, 5), ((45, 37), 3, 200), ((300, 512), 19, 50)])
def test_the_most_alike_are_joined_first(
    shape: tuple[int, int], size: int, levels: int, weights: tuple[float, float, float, float]
) -> None:
    labels = patches(size, shape, size)
    regions, _ = described(labels, 1, levels)
    (pairs, _), count = region_pairs(labels), int(labels.max()) + 1
    table = counts_of(regions, count)
    done = join_alike(regions, pairs, weights)
    np.testing.assert_array_equal(
        regions.boxes[count : count + done], joined_in_fractions(table, regions, pairs, weights)
    )
    np.testing.assert_array_equal(counts_of(regions, count), table)  # and so it can be joined in another way
    assert done == count - 1


def test_counts_are_those_of_each_region() -> None:
    labels = patches(3, (300, 512), 40)
    regions, picture = described(labels, 2, 97)
    count, bins = int(labels.max()) + 1, []
    padded = np.pad(picture, ((1, 1), (1, 1), (0, 0)), mode="edge")
    dx = (padded[1:-1, 2:] - padded[1:-1, :-2]) * np.float32(0.5)
    dy = (padded[2:, 1:-1] - padded[:-2, 1:-1]) * np.float32(0.5)
    for c in range(3):
        bins.append(c * COLOUR_BINS + np.minimum((picture[..., c] * np.float32(COLOUR_BINS)).astype(int), 24))
        for way in range(WAYS):
            rise = np.clip((TURNS[way, 0] * dx[..., c] + TURNS[way, 1] * dy[..., c]) * np.float32(2), 0, 1)
            place = np.minimum((rise * np.float32(TEXTURE_BINS)).astype(int), TEXTURE_BINS - 1)
            bins.append(COLOURS + (c * WAYS + way) * TEXTURE_BINS + place)
    wanted = np.zeros((count, BINS), np.int64)
    for each in bins:
        np.add.at(wanted, (labels, each), 1)
    np.testing.assert_array_equal(counts_of(regions, count), wanted)
    np.testing.assert_array_equal(regions.sizes[:count], np.bincount(labels.ravel()))
    assert regions.sizes.max() < 1 << 16


def test_a_large_region_counts_in_four_bytes() -> None:
    labels = np.zeros((300, 512), np.int32)
    labels[:9, :7], labels[200:, :] = 1, 2
    regions, _ = described(numbered(labels), 3, 7)
    np.testing.assert_array_equal(regions.sizes[:3], [63, 102337, 51200])
    table = counts_of(regions, 3)
    np.testing.assert_array_equal(table[:, :COLOURS].sum(axis=1), 3 * regions.sizes[:3])
    np.testing.assert_array_equal(table[:, COLOURS:].sum(axis=1), 3 * WAYS * regions.sizes[:3])


def test_regions_that_touch_nothing_stay() -> None:
    regions, _ = described(np.zeros((5, 6), np.int32), 4, 9)
    assert join_alike(regions, np.zeros((0, 2), np.int64), (1.0, 1.0, 1.0, 1.0)) == 0
