"""Maximum flow through a grid in which each pixel is connected with its eight neighbours and two terminals.

Boykov & Kolmogorov 2004, "An Experimental Comparison of Min-Cut/Max-Flow Algorithms for Energy Minimization in Vision",
IEEE PAMI 26(9): a tree grows from each terminal; where they touch, flow is sent along the path that joins them; pixels
that lose their parent by it look for another one (adoption), and both trees are kept for the next path.
Kohli & Torr 2007, "Dynamic Graph Cuts for Efficient Inference in Markov Random Fields", IEEE PAMI 29(12): the flow is
kept for the next cut through the same grid.
"""

from __future__ import annotations

import numpy as np

from sightline.core.kernels import kernel
from sightline.core.types import Array

# The eight directions; the opposite of direction d is 7 − d.
WAYS = ((-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1))
FREE, SOURCE, SINK = 0, 1, 2  # trees
TERMINAL, ORPHAN, NOBODY = 8, 9, 10  # parents that are no direction
STAMP, DISTANCE, NEXT = 0, 1, 2  # of a pixel's four numbers, 32 bits each
TREE, PARENT, WAITING = 12, 13, 14  # bytes of the fourth number, so that all that is known of a pixel lies together
_u64 = np.uint64
_nowhere, _one = _u64(0), _u64(1)


class GridCut:
    """Least cuts through one grid, one after the other: each goes on from the flow that the one before has found.

    Between two of them only capacities of terminals change. What flows from pixel to pixel stays allowed, and a pixel
    has left of its terminal what it is given now, less what it already sends on.

    Parameters
    ----------
    height, width
        Of the grid.

    Attributes
    ----------
    links
        H×W×8 float32, to be filled in: capacity to the neighbour in each of ``WAYS``, 0 where there is none.
    """

    def __init__(self, height: int, width: int) -> None:
        self.capacity = np.zeros((height + 2, width + 2, 8), np.float32)
        self.links = self.capacity[1:-1, 1:-1]
        self.terminals, self.rest = np.zeros((2, height + 2, width + 2), np.float32)
        self.steps = np.array([dy * (width + 2) + dx for dy, dx in WAYS], np.int64).view(np.uint64)

    def give(self, y0: int, terminals: Array) -> None:
        """Set capacities between rows of the grid and the terminals.

        Parameters
        ----------
        y0
            The first of the rows.
        terminals
            R×W float32: capacity from the source where positive, to the sink where negative.
        """
        rows = slice(y0 + 1, y0 + 1 + len(terminals))
        self.rest[rows, 1:-1] += terminals - self.terminals[rows, 1:-1]
        self.terminals[rows, 1:-1] = terminals

    def cut(self) -> Array:
        """Return which pixels lie on the source's side of the least cut, H×W bool."""
        nodes, orphans = np.zeros((self.rest.size, 4), np.int32), np.empty(self.rest.size, np.int32)
        marks = nodes.view(np.uint8)
        _flow(nodes, marks, self.rest.reshape(-1), self.capacity.reshape(-1, 8), self.steps, orphans)
        return (marks[:, TREE] == SOURCE).reshape(self.rest.shape)[1:-1, 1:-1].copy()


# --- Places are unsigned, so that none is looked at as if it were counted from the end. Place 0 is on the frame. ---


@kernel
def _flow(nodes, marks, rest, capacity, steps, orphans):
    # The queue of active pixels, whose neighbours may still join their tree.
    first, last = _nowhere, _nowhere
    for i in range(_nowhere, _u64(rest.size)):
        marks[i, PARENT] = NOBODY
        if rest[i] != 0:
            marks[i, TREE], marks[i, PARENT] = SOURCE if rest[i] > 0 else SINK, TERMINAL
            nodes[i, DISTANCE], marks[i, WAITING] = 1, 1
            if first == _nowhere:
                first = i
            else:
                nodes[last, NEXT] = i
            last = i
    time = 0
    while first != _nowhere:
        i, meets = first, 8
        tree = marks[i, TREE]
        if tree != FREE:
            for d in range(8):
                j = i + steps[d]
                if (capacity[i, d] if tree == SOURCE else capacity[j, 7 - d]) <= 0:
                    continue
                if marks[j, TREE] == FREE:
                    marks[j, TREE], marks[j, PARENT] = tree, 7 - d
                    nodes[j, STAMP], nodes[j, DISTANCE] = nodes[i, STAMP], nodes[i, DISTANCE] + 1
                    if marks[j, WAITING] == 0:
                        marks[j, WAITING], nodes[j, NEXT], nodes[last, NEXT] = 1, 0, j
                        last = j
                elif marks[j, TREE] != tree:
                    meets = d
                    break
                elif nodes[j, STAMP] <= nodes[i, STAMP] and nodes[j, DISTANCE] > nodes[i, DISTANCE] + 1:
                    marks[j, PARENT] = 7 - d  # a shorter way to the terminal
                    nodes[j, STAMP], nodes[j, DISTANCE] = nodes[i, STAMP], nodes[i, DISTANCE] + 1
        if meets == 8:
            first, marks[i, WAITING] = _u64(nodes[i, NEXT]), 0
            continue
        time += 1
        j = i + steps[meets]
        if tree == SOURCE:
            count = _augment(i, meets, j, marks, rest, capacity, steps, orphans)
        else:
            count = _augment(j, 7 - meets, i, marks, rest, capacity, steps, orphans)
        last = _adopt(count, time, last, nodes, marks, capacity, steps, orphans)


@kernel
def _augment(a, way, b, marks, rest, capacity, steps, orphans):
    """Send what the path through the edge a → b can take; return how many pixels lost their parent."""
    least = capacity[a, way]
    i, d = a, marks[a, PARENT]
    while d != TERMINAL:
        i += steps[d]
        least = min(least, capacity[i, 7 - d])
        d = marks[i, PARENT]
    least = min(least, rest[i])
    i, d = b, marks[b, PARENT]
    while d != TERMINAL:
        least = min(least, capacity[i, d])
        i += steps[d]
        d = marks[i, PARENT]
    least = min(least, -rest[i])
    count = _nowhere
    capacity[a, way] -= least
    capacity[b, 7 - way] += least
    i, d = a, marks[a, PARENT]
    while d != TERMINAL:
        j = i + steps[d]
        capacity[i, d] += least
        capacity[j, 7 - d] -= least
        if capacity[j, 7 - d] <= 0:
            marks[i, PARENT], orphans[count] = ORPHAN, i
            count += _one
        i, d = j, marks[j, PARENT]
    rest[i] -= least
    if rest[i] <= 0:
        marks[i, PARENT], orphans[count] = ORPHAN, i
        count += _one
    i, d = b, marks[b, PARENT]
    while d != TERMINAL:
        j = i + steps[d]
        capacity[j, 7 - d] += least
        capacity[i, d] -= least
        if capacity[i, d] <= 0:
            marks[i, PARENT], orphans[count] = ORPHAN, i
            count += _one
        i, d = j, marks[j, PARENT]
    rest[i] += least
    if rest[i] >= 0:
        marks[i, PARENT], orphans[count] = ORPHAN, i
        count += _one
    return count


@kernel
def _adopt(count, time, last, nodes, marks, capacity, steps, orphans):
    """Find a parent for each orphan, or set it free with its children; return the end of the active queue."""
    at, end, room = _nowhere, count, _u64(orphans.size)  # a ring: no pixel is in it twice
    while at != end:
        i = _u64(orphans[at])
        at = at + _one if at + _one < room else _nowhere
        tree, best, nearest = marks[i, TREE], -1, 1 << 30
        for d in range(8):
            j = i + steps[d]
            if marks[j, TREE] != tree or (capacity[j, 7 - d] if tree == SOURCE else capacity[i, d]) <= 0:
                continue
            k, far = j, 0  # does its line of parents end at the terminal?
            while nodes[k, STAMP] != time and marks[k, PARENT] < TERMINAL:
                k += steps[marks[k, PARENT]]
                far += 1
            if nodes[k, STAMP] == time and marks[k, PARENT] <= TERMINAL:
                far += nodes[k, DISTANCE]
            elif marks[k, PARENT] == TERMINAL:
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
                k += steps[marks[k, PARENT]]
        if best >= 0:
            marks[i, PARENT], nodes[i, STAMP], nodes[i, DISTANCE] = best, time, nearest + 1
            continue
        for d in range(8):
            j = i + steps[d]
            if marks[j, TREE] != tree:
                continue
            if (capacity[j, 7 - d] if tree == SOURCE else capacity[i, d]) > 0 and marks[j, WAITING] == 0:
                marks[j, WAITING], nodes[j, NEXT], nodes[last, NEXT] = 1, 0, j  # the pixel at hand still waits
                last = j
            if marks[j, PARENT] == 7 - d:
                marks[j, PARENT], orphans[end] = ORPHAN, j
                end = end + _one if end + _one < room else _nowhere
        marks[i, TREE], marks[i, PARENT] = FREE, NOBODY
    return last
