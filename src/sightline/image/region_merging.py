"""Merging regions that touch, the best pair first: the tree that hierarchical segmentation cuts.

A heap holds every pair of neighbours with its cost. The pair of the least cost becomes a region with a number of its
own, so that pairs of regions that are gone need not be looked for: they are passed over when they come up.
"""

from __future__ import annotations

import numpy as np

from sightline.core.kernels import kernel
from sightline.core.types import Array


def merge_regions(features: Array, sizes: Array, pairs: Array) -> Array:
    """Return the merges in order of Ward's cost as M×2 int32: the pair of each; merge m makes region N + m.

    Parameters
    ----------
    features
        N×F float64 means over each region; written over.
    sizes
        N float64 pixels.
    pairs
        E×2 neighbours.
    """
    count = len(sizes)
    most = max(2 * count - 1, 1)
    all_sizes = np.zeros(most)
    all_sizes[:count] = sizes
    both = np.concatenate([pairs, pairs[:, ::-1]])
    both = both[np.argsort(both[:, 0], kind="stable")]
    starts = np.zeros(most + 1, np.int64)
    np.cumsum(np.bincount(both[:, 0], minlength=count), out=starts[1 : count + 1])
    neighbours = both[:, 1].astype(np.int32)
    return _merge(features, all_sizes, starts, neighbours, count)


def cut_tree(merges: Array, count: int, groups: int) -> Array:
    """Return the group of each of ``count`` regions after all but the last ``groups`` − 1 merges."""
    group = np.arange(2 * count)
    kept = max(0, count - groups)
    for m in range(min(kept, len(merges)) - 1, -1, -1):  # from the top of the tree down
        group[merges[m]] = group[count + m]
    return group[:count]


@kernel
def _weigh_pairs(a, others, costs, features, sizes, places):
    """Write what it costs to join a region with each of others: how much the squared distances to the means rise."""
    p = places[a]
    for i in range(others.size):
        b, square = others[i], 0.0
        for f in range(features.shape[1]):
            square += (features[p, f] - features[places[b], f]) ** 2
        costs[i] = sizes[a] * sizes[b] / (sizes[a] + sizes[b]) * square


@kernel
def _longer(array, size):
    """Return an array of ``size`` numbers that begins with ``array``."""
    longer = np.empty(size, array.dtype)
    for i in range(array.size):  # an assignment of slices compiles the words of its errors: seconds
        longer[i] = array[i]
    return longer


@kernel
def _living(regions, alive, least, near):
    """Write which regions from a number on are not joined yet; return how many."""
    found = 0
    for other in regions:
        if alive[other] and other >= least:
            near[found] = other
            found += 1
    return found


@kernel
def _merge(features, sizes, starts, neighbours, count):
    alive, mark = np.zeros(sizes.size, np.bool_), np.full(sizes.size, -1, np.int32)
    places = np.empty(sizes.size, np.int32)  # whose features lie where: a new region takes an old one's place
    for i in range(count):
        alive[i], places[i] = True, i
    ends, used = starts[1:].copy(), neighbours.size
    room = 4 * neighbours.size + 64
    pool, costs, heap = _longer(neighbours, room), np.empty(room), np.empty((room, 2), np.int32)
    merges, done, waiting = np.empty((count, 2), np.int32), 0, 0
    near, far = np.empty(sizes.size, np.int32), np.empty(sizes.size)
    fresh = 0  # regions from here on have not put their pairs into the heap
    while True:
        while fresh < count + done:
            found = _living(pool[starts[fresh] : ends[fresh]], alive, fresh if fresh < count else 0, near)
            _weigh_pairs(fresh, near[:found], far, features, sizes, places)
            for i in range(found):
                if waiting == costs.size:
                    costs = _longer(costs, 2 * waiting)
                    heap = _longer(heap.reshape(-1), 4 * waiting).reshape((2 * waiting, 2))
                at, cost, other = waiting, far[i], near[i]
                waiting += 1
                while at > 0 and costs[(at - 1) >> 1] > cost:
                    above = (at - 1) >> 1
                    costs[at], heap[at, 0], heap[at, 1] = costs[above], heap[above, 0], heap[above, 1]
                    at = above
                costs[at], heap[at, 0], heap[at, 1] = cost, min(fresh, other), max(fresh, other)
            fresh += 1
        if waiting == 0:
            return merges[:done]
        a, b = heap[0, 0], heap[0, 1]
        waiting -= 1
        at, cost, p, q = 0, costs[waiting], heap[waiting, 0], heap[waiting, 1]
        while 2 * at + 1 < waiting:
            child = 2 * at + 1
            child += child + 1 < waiting and costs[child + 1] < costs[child]
            if costs[child] >= cost:
                break
            costs[at], heap[at, 0], heap[at, 1] = costs[child], heap[child, 0], heap[child, 1]
            at = child
        costs[at], heap[at, 0], heap[at, 1] = cost, p, q
        if not (alive[a] and alive[b]):
            continue
        new = count + done
        merges[done, 0], merges[done, 1] = a, b
        done += 1
        alive[a], alive[b], alive[new] = False, False, True
        both = sizes[a] + sizes[b]
        kept, gone = places[a], places[b]
        places[new] = kept
        for f in range(features.shape[1]):
            features[kept, f] = (sizes[a] * features[kept, f] + sizes[b] * features[gone, f]) / both
        sizes[new] = both
        needed = used + ends[a] - starts[a] + ends[b] - starts[b]
        if needed > pool.size:
            pool = _longer(pool, 2 * needed)
        starts[new] = used
        for old in (a, b):
            for i in range(starts[old], ends[old]):
                other = pool[i]
                if alive[other] and mark[other] != new:
                    mark[other] = new
                    pool[used] = other
                    used += 1
        ends[new] = used
        for i in range(starts[new], used):  # the neighbours learn of the new region
            other = pool[i]
            if ends[other] < pool.size and (pool[ends[other] - 1] == a or pool[ends[other] - 1] == b):
                pool[ends[other] - 1] = new
            else:
                for j in range(starts[other], ends[other]):
                    if pool[j] == a or pool[j] == b:
                        pool[j] = new
                        break
    return merges[:done]
