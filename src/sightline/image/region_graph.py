"""Regions as a graph: how large each region of a label map is, its mean, and which regions touch."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from sightline.core.buffers import empty
from sightline.core.kernels import kernel
from sightline.core.types import Array

_BAND = 1 << 16  # pixels of rows that are looked at together
_NO_GROUPS = np.empty(0, np.int32)


def numbered(labels: Array, group: Array | None = None, *, out: Array | None = None) -> Array:
    """Return a label map with the numbers 0 … N − 1 in the order of their first pixel, row by row, as int32.

    Parameters
    ----------
    labels
        H×W whole numbers.
    group
        Which group each label 0 … M − 1 belongs to, M whole numbers ≥ 0: then the groups are numbered.
    out
        H×W int32 array to write to, perhaps the labels' own; None makes a new one.
    """
    values = labels if group is None else group
    least, most = int(values.min()), int(values.max())
    if labels.dtype != np.int32 or not labels.flags.c_contiguous or least < 0 or most > 4 * labels.size:
        _, first, inverse = np.unique(
            labels if group is None else group[labels], return_index=True, return_inverse=True
        )
        place = np.empty(len(first), np.int32)
        place[np.argsort(first, kind="stable")] = np.arange(len(first), dtype=np.int32)
        return place[inverse].reshape(labels.shape)
    result = empty(labels.shape, np.int32) if out is None else out
    groups = _NO_GROUPS if group is None else group.astype(np.int32, copy=False)
    _number(labels.reshape(-1), groups, np.full(most + 1, -1, np.int32), result.reshape(-1))
    return result


def region_sums(labels: Array, bands: Iterable[tuple[int, int, Array]]) -> tuple[Array, Array]:
    """Return the number of pixels (N float64) and the sums (N×C float64) of regions 0 … N − 1.

    Parameters
    ----------
    labels
        H×W int32.
    bands
        Rows y0 to y1 from the top to the bottom, and what is summed there, C×(y1 − y0)×W float32.
    """
    count = int(labels.max()) + 1
    sizes, sums = np.zeros(count), np.zeros((count, 3))
    channels = 3
    for y0, y1, planes in bands:
        flat, channels = labels[y0:y1].reshape(-1), len(planes)
        for number, plane in enumerate(planes):
            _add_up(flat, plane.reshape(-1), sums, number, sizes)
    return sizes, sums[:, :channels]


def region_pairs(labels: Array, connectivity: int = 4) -> tuple[Array, Array]:
    """Return the pairs (E×2 int64, smaller number first) of regions that touch, and how many pixel pairs do."""
    count, (height, width) = int(labels.max()) + 1, labels.shape
    rows = max(1, _BAND // width)
    found = [
        _touching(labels[y : y + rows + 1], min(rows, height - y), count, connectivity) for y in range(0, height, rows)
    ]
    codes, places = np.unique(np.concatenate([codes for codes, _ in found]), return_inverse=True)
    lengths = np.zeros(len(codes), np.int64)
    np.add.at(lengths, places, np.concatenate([lengths for _, lengths in found]))
    return np.stack([codes // count, codes % count], axis=1), lengths


def _touching(labels: Array, rows: int, count: int, connectivity: int) -> tuple[Array, Array]:
    """Return codes of the pairs that touch in some rows and from them to the row below, and how often each does."""
    views = [(labels[:rows, :-1], labels[:rows, 1:]), (labels[:-1], labels[1:])]
    if connectivity == 8:
        views += [(labels[:-1, :-1], labels[1:, 1:]), (labels[:-1, 1:], labels[1:, :-1])]
    codes = []
    for one, other in views:
        differ = one != other
        a, b = one[differ].astype(np.int64), other[differ].astype(np.int64)
        codes.append(np.minimum(a, b) * count + np.maximum(a, b))
    return np.unique(np.concatenate(codes), return_counts=True)


def absorb_small(labels: Array, sizes: Array, sums: Array, smallest: int) -> Array:
    """Join regions of fewer than ``smallest`` pixels with the neighbour of the nearest mean, until none is left.

    All that is given is written over.

    Parameters
    ----------
    labels
        H×W int32, 0 … N − 1 in the order of their first pixel, row by row; it is what is returned.
    sizes
        Pixels of each region, N int32.
    sums
        What they add up to, N×C float64.
    smallest
        Fewest pixels of a region.
    """
    while len(sizes) > 1 and sizes.min() < smallest:
        groups = np.arange(len(sizes), dtype=np.int32)
        _find_nearest(labels, sums, sizes, smallest, groups)
        _find_groups(groups)
        count = _merge(groups, sizes, sums)
        sizes, sums = sizes[:count], sums[:count]
        _regroup(labels.reshape(-1), groups)
    return labels


@kernel
def _number(labels, groups, places, out):
    count = np.int32(0)
    for i in range(labels.size):
        group = groups[labels[i]] if groups.size > 0 else labels[i]
        if places[group] < 0:
            places[group] = count
            count += 1
        out[i] = places[group]


@kernel
def _add_up(labels, values, sums, column, sizes):
    if column == 0:
        for i in range(labels.size):
            sizes[labels[i]] += 1
    for i in range(labels.size):
        sums[labels[i], column] += np.float64(values[i])


@kernel(inline=True)
def _apart(sums, sizes, one, other):
    """Return the squared distance of two regions' means."""
    distance = 0.0
    for c in range(sums.shape[1]):
        step = sums[one, c] / sizes[one] - sums[other, c] / sizes[other]
        distance += step * step
    return distance


@kernel
def _find_nearest(labels, sums, sizes, smallest, nearest):
    """Write for each small region, at first its own nearest, the neighbour of the nearest mean.

    Of several, it is the next greater number; without a greater one among them, it is the smallest number.
    """
    height, width = labels.shape
    for y in range(height):
        for x in range(width):
            for way in range(2):
                ny, nx = y + way, x + 1 - way
                if ny == height or nx == width or labels[y, x] == labels[ny, nx]:
                    continue
                one, other = labels[y, x], labels[ny, nx]
                if sizes[one] >= smallest and sizes[other] >= smallest:
                    continue
                distance = _apart(sums, sizes, one, other)
                for _ in range(2):
                    known = nearest[one]
                    if sizes[one] < smallest and known != other:
                        least = _apart(sums, sizes, one, known) if known != one else np.inf
                        earlier = other < known if (other > one) == (known > one) else other > one
                        if distance < least or (distance == least and earlier):
                            nearest[one] = other
                    one, other = other, one


@kernel
def _find_groups(nearest):
    """Write −1 − g for each region, where g is the one region of its group that all ways to the nearest lead to."""
    for i in range(nearest.size):
        end, behind, steps, turn = i, i, 0, 1
        while nearest[end] >= 0 and nearest[end] != end:
            end = nearest[end]
            if end == behind:  # the way is a circle
                break
            steps += 1
            if steps == turn:
                behind, steps, turn = end, 0, 2 * turn
        group = nearest[end] if nearest[end] < 0 else ~end
        node = i
        while nearest[node] >= 0:
            after = nearest[node]
            nearest[node] = group
            node = after


@kernel
def _merge(groups, sizes, sums):
    """Number the groups in the order of their first region, add up each, and return how many there are."""
    count = np.int32(0)
    for i in range(groups.size):
        new = False
        if groups[i] < 0:
            root = ~groups[i]
            if groups[root] < 0:
                new = True
                groups[root] = count
                count += 1
            groups[i] = groups[root]
        to = groups[i]
        sizes[to] = sizes[i] if new else sizes[to] + sizes[i]
        for c in range(sums.shape[1]):
            sums[to, c] = sums[i, c] if new else sums[to, c] + sums[i, c]
    return count


@kernel
def _regroup(labels, groups):
    for i in range(labels.size):
        labels[i] = groups[labels[i]]
