"""Maximum flow through a grid in which each pixel is connected with its eight neighbours and two terminals.

Boykov & Kolmogorov 2004, "An Experimental Comparison of Min-Cut/Max-Flow Algorithms for Energy Minimization in Vision",
IEEE PAMI 26(9): a tree grows from each terminal; where they touch, flow is sent along the path that joins them; pixels
that lose their parent by it look for another one (adoption), and both trees are kept for the next path.
"""

from __future__ import annotations

import numpy as np

from sightline.core.kernels import kernel
from sightline.core.types import Array

# The eight directions; the opposite of direction d is 7 − d.
WAYS = ((-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1))
FREE, SOURCE, SINK = 0, 1, 2  # trees
TERMINAL, ORPHAN, NOBODY = 8, 9, 10  # parents that are no direction
TREE, PARENT, STAMP, DISTANCE, NEXT, WAITING = 0, 1, 2, 3, 4, 5  # what is known of a pixel, eight numbers each


def min_cut(terminals: Array, links: Array) -> Array:
    """Return which pixels lie on the source's side of the least cut, H×W bool; the capacities are used up.

    Parameters
    ----------
    terminals
        H×W float32: capacity from the source where positive, to the sink where negative.
    links
        H×W×8 float32: capacity to the neighbour in each of ``WAYS``; 0 where there is none.
    """
    height, width = terminals.shape
    capacity = np.zeros((height + 2, width + 2, 8), np.float32)
    capacity[1:-1, 1:-1] = links
    rest = np.pad(terminals.astype(np.float32), 1)
    nodes = np.zeros((rest.size, 8), np.int32)
    steps = np.array([dy * (width + 2) + dx for dy, dx in WAYS], np.int64)
    orphans = np.empty(rest.size, np.int32)
    _flow(nodes, rest.reshape(-1), capacity.reshape(-1, 8), steps, orphans)
    return (nodes[:, TREE] == SOURCE).reshape(rest.shape)[1:-1, 1:-1].copy()


@kernel
def _flow(nodes, rest, capacity, steps, orphans):
    # The queue of active pixels, whose neighbours may still join their tree. A bare -1 is a type of its own, for which
    # the functions called with it would be compiled once more.
    none = np.int64(-1)
    first, last = none, none
    for i in range(rest.size):
        nodes[i, PARENT] = NOBODY
        if rest[i] != 0:
            nodes[i, TREE], nodes[i, PARENT] = SOURCE if rest[i] > 0 else SINK, TERMINAL
            nodes[i, DISTANCE], nodes[i, WAITING], nodes[i, NEXT] = 1, 1, -1
            if first < 0:
                first = i
            else:
                nodes[last, NEXT] = i
            last = i
    time = 0
    while first >= 0:
        i, meets = first, none
        tree = nodes[i, TREE]
        if tree != FREE:
            for d in range(8):
                j = i + steps[d]
                if (capacity[i, d] if tree == SOURCE else capacity[j, 7 - d]) <= 0:
                    continue
                if nodes[j, TREE] == FREE:
                    nodes[j, TREE], nodes[j, PARENT] = tree, 7 - d
                    nodes[j, STAMP], nodes[j, DISTANCE] = nodes[i, STAMP], nodes[i, DISTANCE] + 1
                    if nodes[j, WAITING] == 0:
                        nodes[j, WAITING], nodes[j, NEXT], nodes[last, NEXT] = 1, -1, j
                        last = j
                elif nodes[j, TREE] != tree:
                    meets = d
                    break
                elif nodes[j, STAMP] <= nodes[i, STAMP] and nodes[j, DISTANCE] > nodes[i, DISTANCE] + 1:
                    nodes[j, PARENT] = 7 - d  # a shorter way to the terminal
                    nodes[j, STAMP], nodes[j, DISTANCE] = nodes[i, STAMP], nodes[i, DISTANCE] + 1
        if meets < 0:
            first, nodes[i, WAITING] = nodes[i, NEXT], 0
            if first < 0:
                last = none
            continue
        time += 1
        j = i + steps[meets]
        if tree == SOURCE:
            count = _augment(i, meets, j, nodes, rest, capacity, steps, orphans)
        else:
            count = _augment(j, 7 - meets, i, nodes, rest, capacity, steps, orphans)
        last = _adopt(count, time, last, nodes, capacity, steps, orphans)


@kernel
def _augment(a, way, b, nodes, rest, capacity, steps, orphans):
    """Send what the path through the edge a → b can take; return how many pixels lost their parent."""
    least = capacity[a, way]
    i = a
    while nodes[i, PARENT] != TERMINAL:
        d = nodes[i, PARENT]
        i += steps[d]
        least = min(least, capacity[i, 7 - d])
    least = min(least, rest[i])
    i = b
    while nodes[i, PARENT] != TERMINAL:
        d = nodes[i, PARENT]
        least = min(least, capacity[i, d])
        i += steps[d]
    least = min(least, -rest[i])
    count = 0
    capacity[a, way] -= least
    capacity[b, 7 - way] += least
    i = a
    while nodes[i, PARENT] != TERMINAL:
        d = nodes[i, PARENT]
        j = i + steps[d]
        capacity[i, d] += least
        capacity[j, 7 - d] -= least
        if capacity[j, 7 - d] <= 0:
            nodes[i, PARENT], orphans[count] = ORPHAN, i
            count += 1
        i = j
    rest[i] -= least
    if rest[i] <= 0:
        nodes[i, PARENT], orphans[count] = ORPHAN, i
        count += 1
    i = b
    while nodes[i, PARENT] != TERMINAL:
        d = nodes[i, PARENT]
        j = i + steps[d]
        capacity[j, 7 - d] += least
        capacity[i, d] -= least
        if capacity[i, d] <= 0:
            nodes[i, PARENT], orphans[count] = ORPHAN, i
            count += 1
        i = j
    rest[i] += least
    if rest[i] >= 0:
        nodes[i, PARENT], orphans[count] = ORPHAN, i
        count += 1
    return count


@kernel
def _adopt(count, time, last, nodes, capacity, steps, orphans):
    """Find a parent for each orphan, or set it free with its children; return the end of the active queue."""
    at, end = 0, count  # a ring: no pixel is in it twice
    while at != end:
        i = np.int64(orphans[at])
        at = at + 1 if at + 1 < orphans.size else 0
        tree, best, nearest = nodes[i, TREE], -1, 1 << 30
        for d in range(8):
            j = i + steps[d]
            if nodes[j, TREE] != tree or (capacity[j, 7 - d] if tree == SOURCE else capacity[i, d]) <= 0:
                continue
            k, far = j, 0  # does its line of parents end at the terminal?
            while nodes[k, STAMP] != time and nodes[k, PARENT] < TERMINAL:
                k += steps[nodes[k, PARENT]]
                far += 1
            if nodes[k, STAMP] == time and nodes[k, PARENT] <= TERMINAL:
                far += nodes[k, DISTANCE]
            elif nodes[k, PARENT] == TERMINAL:
                far += 1
                nodes[k, STAMP], nodes[k, DISTANCE] = time, 1
            else:
                continue
            if far < nearest:
                best, nearest = d, far
            k = j
            while nodes[k, STAMP] != time:
                nodes[k, STAMP], nodes[k, DISTANCE] = time, far
                far -= 1
                k += steps[nodes[k, PARENT]]
        if best >= 0:
            nodes[i, PARENT], nodes[i, STAMP], nodes[i, DISTANCE] = best, time, nearest + 1
            continue
        for d in range(8):
            j = i + steps[d]
            if nodes[j, TREE] != tree:
                continue
            if (capacity[j, 7 - d] if tree == SOURCE else capacity[i, d]) > 0 and nodes[j, WAITING] == 0:
                nodes[j, WAITING], nodes[j, NEXT], nodes[last, NEXT] = 1, -1, j  # the pixel at hand still waits
                last = j
            if nodes[j, PARENT] == 7 - d:
                nodes[j, PARENT], orphans[end] = ORPHAN, j
                end = end + 1 if end + 1 < orphans.size else 0
        nodes[i, TREE], nodes[i, PARENT] = FREE, NOBODY
    return last
