"""Regions as a graph: how large each region of a label map is, its mean, and which regions touch."""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from sightline.core.types import Array


def numbered(labels: Array) -> Array:
    """Return a label map with the numbers 0 … N − 1 in the order of their first pixel, row by row, as int32."""
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    place = np.empty(len(first), np.int32)
    place[np.argsort(first, kind="stable")] = np.arange(len(first), dtype=np.int32)
    return place[inverse].reshape(labels.shape)


def region_sums(labels: Array, planes: Array) -> tuple[Array, Array]:
    """Return the number of pixels (N float64) and the sums of C×H×W planes (N×C float64) of regions 0 … N − 1."""
    flat = labels.reshape(-1)
    count = int(flat.max()) + 1
    sums = [np.bincount(flat, plane.reshape(-1), count) for plane in planes]
    return np.bincount(flat, minlength=count).astype(np.float64), np.stack(sums, axis=1)


def region_pairs(labels: Array, connectivity: int = 4) -> tuple[Array, Array]:
    """Return the pairs (E×2 int64, smaller number first) of regions that touch, and how many pixel pairs do."""
    count = int(labels.max()) + 1
    views = [(labels[:, :-1], labels[:, 1:]), (labels[:-1], labels[1:])]
    if connectivity == 8:
        views += [(labels[:-1, :-1], labels[1:, 1:]), (labels[:-1, 1:], labels[1:, :-1])]
    codes = []
    for one, other in views:
        differ = one != other
        a, b = one[differ].astype(np.int64), other[differ].astype(np.int64)
        codes.append(np.minimum(a, b) * count + np.maximum(a, b))
    codes, lengths = np.unique(np.concatenate(codes), return_counts=True)
    return np.stack([codes // count, codes % count], axis=1), lengths


def absorb_small(labels: Array, planes: Array, smallest: int) -> Array:
    """Join regions of fewer than ``smallest`` pixels with the neighbour of the nearest mean, until none is left."""
    labels = numbered(labels)
    while True:
        sizes, sums = region_sums(labels, planes)
        small = sizes < smallest
        if not small.any() or len(sizes) == 1:
            return labels
        means = sums / sizes[:, None]
        pairs, _ = region_pairs(labels)
        pairs = np.concatenate([pairs, pairs[:, ::-1]])
        pairs = pairs[small[pairs[:, 0]]]
        distance = ((means[pairs[:, 0]] - means[pairs[:, 1]]) ** 2).sum(axis=1)
        order = np.lexsort((distance, pairs[:, 0]))
        _, first = np.unique(pairs[order, 0], return_index=True)
        joined = pairs[order[first]]  # each small region with its nearest neighbour
        graph = coo_matrix((np.ones(len(joined)), (joined[:, 0], joined[:, 1])), (len(sizes), len(sizes)))
        labels = numbered(connected_components(graph, directed=False)[1][labels])
