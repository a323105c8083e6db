"""Joining the two most alike of all regions that touch, again and again: the hierarchy that selective search is after.

A region that was joined may have thousands of neighbours, and is as alike to each as its histograms now say. But how
far they can have moved is known: where two regions had the share I of their histograms in common and the second one is
the share λ of both, the joined region's histogram has no more than λ(1 − I) more in common with another's than the
first one's had. So a pair that was weighed once has an upper bound ever after, and is weighed anew only when this is
the greatest of all. What a region has moved is added up, once for all its pairs.
"""

from __future__ import annotations

import numpy as np

from sightline.core.kernels import kernel
from sightline.core.types import Array
from sightline.image.region_edges import (
    DEGREE,
    END,
    HEAD,
    TOP,
    add_edge,
    best_key,
    change_key,
    edges_for,
    find_edge,
    next_edge,
    remove_edge,
    rise,
)
from sightline.image.region_histograms import BINS, COLOURS, WAYS, Regions, read_row, row_length, write_row

_SLACK = 1e-9  # more than rounding takes from a bound
_UNIT = 2.0**51  # of keys: numbers from 2 to 4, as is the likeness of what comes first, are whole ones of it


def join_alike(regions: Regions, pairs: Array, weights: tuple[float, float, float, float]) -> int:
    """Join regions until none touch, write the sizes and boxes of those that are made, and return how many there are.

    Of equally alike pairs, the one comes first whose first regions do in ``pairs``. Counts are left as they were.

    Parameters
    ----------
    regions
        With the counts of the first N.
    pairs
        Which of them touch, E×2 whole numbers.
    weights
        How much the likeness of colour, of texture, small size and a full box count, ≥ 0; the third one no less than
        the last, so that nothing becomes more alike by growing.
    """
    many, count, rows = len(pairs), len(regions.sizes) // 2, tuple(regions)
    merges, edges = np.empty((count, 2), np.int32), edges_for(many, count)
    # At most how much of their histograms pairs have in common, less what the regions at both places have moved; how
    # many regions there were when it was found, if it was; and which region is at each place.
    bounds = np.ones((many, 2)), np.zeros((count, 2)), np.zeros(many, np.int32), np.arange(count, dtype=np.int32)
    done = _join(rows, pairs.astype(np.int32), edges, bounds, np.array(weights, np.float64), merges)
    _take_apart(rows, merges, done)
    return done


@kernel
def _weigh(regions, a, b, one, other):
    """Return how alike two regions are in colour and in texture: how much of their histograms is common."""
    _, _, _, _, sizes, _ = regions
    read_row(regions, a, one)
    read_row(regions, b, other)
    n, m = np.uint32(sizes[a]), np.uint32(sizes[b])
    colour = texture = np.uint64(0)
    for f in range(COLOURS):
        colour += min(np.uint64(one[f]) * np.uint64(m), np.uint64(other[f]) * np.uint64(n))
    for f in range(COLOURS, BINS):
        texture += min(np.uint64(one[f]) * np.uint64(m), np.uint64(other[f]) * np.uint64(n))
    all_pairs = np.float64(n) * np.float64(m)
    return np.float64(colour) / (3 * all_pairs), np.float64(texture) / (3 * WAYS * all_pairs)


@kernel
def _key(colour, texture, a, b, regions, weights, whole):
    """Return how alike two regions are in all, in units."""
    _, _, _, _, sizes, boxes = regions
    both = np.float64(sizes[a]) + np.float64(sizes[b])
    width = np.float64(max(boxes[a, 2], boxes[b, 2]) - min(boxes[a, 0], boxes[b, 0]))
    height = np.float64(max(boxes[a, 3], boxes[b, 3]) - min(boxes[a, 1], boxes[b, 1]))
    likeness = weights[0] * colour + weights[1] * texture + weights[2] * (1 - both / whole)
    return np.int64((likeness + weights[3] * (1 - (width * height - both) / whole)) * _UNIT)


@kernel
def _join(regions, pairs, edges, bounds, weights, merges):
    """Write the pairs of regions that are joined, and what is known of the joined ones; return how many there are."""
    _, _, _, starts, sizes, _ = regions
    links, places, _, _, queue, _ = edges
    _, _, weighed, numbers = bounds
    count, done, used, whole = merges.shape[0], 0, 0, 0.0
    one, other = np.empty(BINS, np.uint32), np.empty(BINS, np.uint32)
    for i in range(count):
        whole += sizes[i]
        used = max(used, starts[i] + row_length(sizes[i]))
    for e in range(pairs.shape[0]):
        add_edge(edges, e, pairs[e, 0], pairs[e, 1], _key(1.0, 1.0, pairs[e, 0], pairs[e, 1], regions, weights, whole))
    while True:
        place = queue[0]
        e = places[place, TOP]
        if e < 0:
            return done
        near = links[e, END + 1]
        a, b = numbers[place], numbers[near]
        if max(a, b) < weighed[e]:
            merges[done, 0], merges[done, 1] = min(a, b), max(a, b)
            used = _unite(regions, a, b, count + done, used, one, other)
            if places[place, DEGREE] < places[near, DEGREE]:
                place, near = near, place
            _hand_over(regions, edges, bounds, e, place, near, count + done, weights, whole)
            done += 1
            continue
        colour, texture = _bound(bounds, e, place, near)
        key = _key(colour, texture, a, b, regions, weights, whole)
        if key >= best_key(edges, place):
            colour, texture = _weigh(regions, a, b, one, other)
            key = _key(colour, texture, a, b, regions, weights, whole)
            _know(bounds, e, place, near, colour, texture)
            weighed[e] = count + done
        change_key(edges, e, key)


@kernel
def _unite(regions, a, b, new, used, one, other):
    """Write a joined region's size, box and counts, perhaps to a row of its own; return where the next one begins."""
    _, _, _, starts, sizes, boxes = regions
    read_row(regions, a, one)
    read_row(regions, b, other)
    for f in range(BINS):
        one[f] += other[f]
    sizes[new] = sizes[a] + sizes[b]
    for side in range(2):
        boxes[new, side] = min(boxes[a, side], boxes[b, side])
        boxes[new, side + 2] = max(boxes[a, side + 2], boxes[b, side + 2])
    if row_length(sizes[new]) == row_length(sizes[a]):
        starts[new] = starts[a]
    elif row_length(sizes[new]) == row_length(sizes[b]):
        starts[new] = starts[b]
    else:
        starts[new] = used
        used += row_length(sizes[new])
    write_row(regions, new, one)
    return used


@kernel
def _take_apart(regions, merges, done):
    """Give each row of a joined region back to the part that it was taken from, the last first."""
    _, _, _, starts, _, _ = regions
    one, other = np.empty(BINS, np.uint32), np.empty(BINS, np.uint32)
    for m in range(done - 1, -1, -1):
        a, b, new = merges[m, 0], merges[m, 1], merges.shape[0] + m
        if starts[new] == starts[b]:
            a, b = b, a
        if starts[new] == starts[a]:
            read_row(regions, new, one)
            read_row(regions, b, other)
            for f in range(BINS):
                one[f] -= other[f]
            write_row(regions, a, one)


@kernel
def _bound(bounds, e, one, other):
    """Return at most how much of two histograms of colour is common, and of texture."""
    common, moved, _, _ = bounds
    colour = common[e, 0] + moved[one, 0] + moved[other, 0] + _SLACK
    texture = common[e, 1] + moved[one, 1] + moved[other, 1] + _SLACK
    return min(colour, 1.0), min(texture, 1.0)


@kernel
def _know(bounds, e, one, other, colour, texture):
    """Keep at most how much of two histograms is common, now that their ends have moved as far as they have."""
    common, moved, _, _ = bounds
    common[e, 0] = colour - moved[one, 0] - moved[other, 0]
    common[e, 1] = texture - moved[one, 1] - moved[other, 1]


@kernel
def _link(regions, edges, bounds, e, a, b, colour, texture, weights, whole):
    """Put an edge of this number between two places; whoever has more neighbours owns it."""
    _, places, _, _, _, _ = edges
    _, _, weighed, numbers = bounds
    if places[a, DEGREE] < places[b, DEGREE]:
        a, b = b, a
    _know(bounds, e, a, b, colour, texture)
    weighed[e] = 0
    add_edge(edges, e, a, b, _key(colour, texture, numbers[a], numbers[b], regions, weights, whole))


@kernel
def _hand_over(regions, edges, bounds, joined, keep, drop, new, weights, whole):
    """Let one end of an edge, now the new region, take over the edges of the other one, which has fewer."""
    _, _, _, _, sizes, _ = regions
    links, places, _, _, _, _ = edges
    _, moved, _, numbers = bounds
    colour, texture = _bound(bounds, joined, keep, drop)
    share = np.float64(sizes[numbers[drop]]) / np.float64(sizes[new])
    remove_edge(edges, joined)
    numbers[keep] = new
    colour, texture = 1 - colour + 3 * _SLACK, 1 - texture + 3 * _SLACK
    moved[keep, 0] += share * colour
    moved[keep, 1] += share * texture
    rise(edges, keep, np.int64(share * (weights[0] * colour + weights[1] * texture) * _UNIT) + 2)
    following = np.int64(places[keep, HEAD + 1])
    while following >= 0:  # what others own
        e, following = following, next_edge(edges, following, 1)
        near = links[e, END]
        likest, evenest = _bound(bounds, e, near, keep)
        remove_edge(edges, e)
        _link(regions, edges, bounds, e, near, keep, likest, evenest, weights, whole)
    for side in range(2):
        following = np.int64(places[drop, HEAD + side])
        while following >= 0:
            e, following = following, next_edge(edges, following, side)
            near = links[e, END + 1 - side]
            likest, evenest = _bound(bounds, e, drop, near)
            likest = min(likest + (1 - share) * colour, 1.0)
            evenest = min(evenest + (1 - share) * texture, 1.0)
            remove_edge(edges, e)
            twin = find_edge(edges, keep, near)
            if twin >= 0:
                other, its = _bound(bounds, twin, keep, near)
                likest, evenest, e = min(likest, other), min(evenest, its), min(e, twin)
                remove_edge(edges, twin)
            _link(regions, edges, bounds, e, keep, near, likest, evenest, weights, whole)
