"""Edges between regions that are joined: found by their ends, listed by region, and the best one at hand.

Each edge has an owner, the end with more neighbours, and lies in a heap of its own there (the pairing heap of Fredman,
Sedgewick, Sleator & Tarjan 1986, "The pairing heap: a new form of self-adjusting heap", Algorithmica 1). What is added
to the keys of all that a region owns is kept once, so that one of thousands of neighbours need not look at them.
"""

from __future__ import annotations

import numpy as np

from sightline.core.kernels import kernel
from sightline.core.types import Array

# What is known of an edge: its ends, the owner first; for each the next edge of its list and the one before,
# 2e + side; the next one of the same bucket; and in a heap the first one below, the next one beside, and whom that is
# below or beside.
END, _AFTER, _BACK, _CHAIN, _CHILD, _BESIDE, _ABOVE = 0, 2, 4, 6, 7, 8, 9
# What is known of a region's place: the first halves of its lists, of what it owns and of the rest; how many they are;
# its best edge; and where it is in the queue.
HEAD, DEGREE, TOP, _TURN = 0, 2, 3, 4
_KEY, _RISEN = 0, 1  # of a place: the key of its best edge, and what is added to those of its edges
_NOTHING = -(1 << 62)  # the key of a region that owns no edge


def edges_for(edges: int, count: int) -> tuple[Array, ...]:
    """Return arrays for edges between regions at ``count`` places, of which there are none yet.

    Returns
    -------
    links, places, keys, bests, queue, buckets
        Of edges, E×10 int32; of places, N×5 int32; of edges, less what is added, E int64; of places, N×2 int64; all
        places, a heap by their best edges; and the first edge of those whose ends have a number in common.
    """
    places, bests = np.full((count, 5), -1, np.int32), np.zeros((count, 2), np.int64)
    places[:, DEGREE], places[:, _TURN], bests[:, _KEY] = 0, np.arange(count), _NOTHING
    buckets = np.full(1 << int(edges).bit_length(), -1, np.int32)
    links, keys = np.empty((edges, 10), np.int32), np.empty(edges, np.int64)
    return links, places, keys, bests, np.arange(count, dtype=np.int32), buckets


@kernel
def find_edge(edges, a, b):
    """Return the edge between two places, or −1."""
    links, places, _, _, _, buckets = edges
    e = buckets[_bucket(a, b, places.shape[0], buckets.size)]
    while e >= 0:
        one, other = links[e, END], links[e, END + 1]
        if (one == a and other == b) or (one == b and other == a):
            return np.int64(e)
        e = links[e, _CHAIN]
    return np.int64(-1)


@kernel
def add_edge(edges, e, owner, other, key):
    """Put an edge between two places."""
    links, places, keys, bests, queue, buckets = edges
    links[e, END], links[e, END + 1] = owner, other
    for side in range(2):
        place = links[e, END + side]
        following = places[place, HEAD + side]
        links[e, _AFTER + side], links[e, _BACK + side], places[place, HEAD + side] = following, -1, e
        if following >= 0:
            links[following, _BACK + side] = e
        places[place, DEGREE] += 1
    bucket = _bucket(owner, other, places.shape[0], buckets.size)
    links[e, _CHAIN], links[e, _CHILD], buckets[bucket] = buckets[bucket], -1, e
    _enter_heap(links, places, keys, bests, e, key)
    _settle(places, bests, queue, owner)


@kernel
def remove_edge(edges, e):
    """Take an edge away."""
    links, places, keys, bests, queue, buckets = edges
    owner = links[e, END]
    _leave_heap(links, places, keys, bests, e)
    _settle(places, bests, queue, owner)
    for side in range(2):
        place = links[e, END + side]
        following, before = links[e, _AFTER + side], links[e, _BACK + side]
        if before >= 0:
            links[before, _AFTER + side] = following
        else:
            places[place, HEAD + side] = following
        if following >= 0:
            links[following, _BACK + side] = before
        places[place, DEGREE] -= 1
    bucket = _bucket(owner, links[e, END + 1], places.shape[0], buckets.size)
    at = buckets[bucket]
    if at == e:
        buckets[bucket] = links[e, _CHAIN]
    else:
        while links[at, _CHAIN] != e:
            at = links[at, _CHAIN]
        links[at, _CHAIN] = links[e, _CHAIN]


@kernel
def next_edge(edges, e, side):
    """Return the edge after one in the list of its owner, or of its other end, or −1."""
    links, _, _, _, _, _ = edges
    return np.int64(links[e, _AFTER + side])


@kernel
def best_key(edges, place):
    """Return the key of the best edge of a place."""
    _, _, _, bests, _, _ = edges
    return bests[place, _KEY]


@kernel
def change_key(edges, e, key):
    """Give an edge another key."""
    links, places, keys, bests, queue, _ = edges
    _leave_heap(links, places, keys, bests, e)
    _enter_heap(links, places, keys, bests, e, key)
    _settle(places, bests, queue, links[e, END])


@kernel
def rise(edges, place, more):
    """Add to the keys of all edges that a place owns."""
    _, places, _, bests, queue, _ = edges
    bests[place, _RISEN] += more
    if places[place, TOP] >= 0:
        bests[place, _KEY] += more
    _settle(places, bests, queue, place)


@kernel
def _bucket(a, b, count, buckets):
    code = np.int64(min(a, b)) * np.int64(count) + np.int64(max(a, b))
    return ((code * np.int64(-7046029254386353131)) >> np.int64(32)) & np.int64(buckets - 1)


@kernel
def _meld(links, keys, a, b):
    """Return the top of two heaps that become one: of equal keys, the edge of the smaller number is above."""
    if a < 0:
        return b
    if b < 0:
        return a
    if keys[b] > keys[a] or (keys[b] == keys[a] and b < a):
        a, b = b, a
    first = links[a, _CHILD]
    links[b, _BESIDE], links[b, _ABOVE], links[a, _CHILD] = first, a, b
    if first >= 0:
        links[first, _ABOVE] = b
    return a


@kernel
def _new_top(places, keys, bests, owner, top):
    places[owner, TOP] = top
    bests[owner, _KEY] = keys[top] + bests[owner, _RISEN] if top >= 0 else _NOTHING


@kernel
def _enter_heap(links, places, keys, bests, e, key):
    owner = np.int64(links[e, END])
    keys[e], links[e, _BESIDE], links[e, _ABOVE] = key - bests[owner, _RISEN], -1, -1
    _new_top(places, keys, bests, owner, _meld(links, keys, np.int64(places[owner, TOP]), np.int64(e)))


@kernel
def _leave_heap(links, places, keys, bests, e):
    """Take an edge out of its owner's heap, in which those below it stay."""
    owner, above, beside = np.int64(links[e, END]), links[e, _ABOVE], links[e, _BESIDE]
    top, below = np.int64(places[owner, TOP]), _meld_pairs(links, keys, np.int64(links[e, _CHILD]))
    links[e, _CHILD] = -1
    if top == e:
        _new_top(places, keys, bests, owner, below)
        return
    if links[above, _CHILD] == e:
        links[above, _CHILD] = beside
    else:
        links[above, _BESIDE] = beside
    if beside >= 0:
        links[beside, _ABOVE] = above
    _new_top(places, keys, bests, owner, _meld(links, keys, top, below))


@kernel
def _meld_pairs(links, keys, first):
    """Return the top of what lies side by side: two by two from the first on, then all from the last one back."""
    melded, top = np.int64(-1), np.int64(-1)
    while first >= 0:
        second = np.int64(links[first, _BESIDE])
        following = np.int64(links[second, _BESIDE]) if second >= 0 else np.int64(-1)
        links[first, _BESIDE] = links[first, _ABOVE] = -1
        if second >= 0:
            links[second, _BESIDE] = links[second, _ABOVE] = -1
        pair = _meld(links, keys, first, second)
        links[pair, _BESIDE], melded, first = melded, pair, following
    while melded >= 0:
        following = np.int64(links[melded, _BESIDE])
        links[melded, _BESIDE] = -1
        top = _meld(links, keys, top, melded)
        melded = following
    return top


@kernel
def _settle(places, bests, queue, place):
    """Move a place to where its best edge belongs among all: of equal keys, the edge of the smaller number is first."""
    at, key, top = np.int64(places[place, _TURN]), bests[place, _KEY], places[place, TOP]
    while at > 0:
        above = queue[(at - 1) >> 1]
        if bests[above, _KEY] > key or (bests[above, _KEY] == key and places[above, TOP] <= top):
            break
        queue[at], places[above, _TURN] = above, at
        at = (at - 1) >> 1
    while 2 * at + 1 < queue.size:
        child = 2 * at + 1
        below = queue[child]
        if child + 1 < queue.size:
            left, right = bests[below, _KEY], bests[queue[child + 1], _KEY]
            if right > left or (right == left and places[queue[child + 1], TOP] < places[below, TOP]):
                child += 1
                below = queue[child]
        if key > bests[below, _KEY] or (key == bests[below, _KEY] and top <= places[below, TOP]):
            break
        queue[at], places[below, _TURN] = below, at
        at = child
    queue[at], places[place, _TURN] = place, at
