"""Maximum flow through a grid in which each pixel is connected with its eight neighbours and two terminals.

Boykov & Kolmogorov 2004, "An Experimental Comparison of Min-Cut/Max-Flow Algorithms for Energy Minimization in Vision",
IEEE PAMI 26(9): a tree grows from each terminal; where they touch, flow is sent along the path that joins them; pixels
that lose their parent by it look for another one (adoption), and both trees are kept for the next path.
Kohli & Torr 2007, "Dynamic Graph Cuts for Efficient Inference in Markov Random Fields", IEEE PAMI 29(12): the flow is
kept for the next cut through the same grid.

The order in which pixels grow does not change the least cut, which is that nearest the source: those of a square begin
together, so that few wait at once and what is known of them stays in the processor's cache.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sightline.core.kernels import kernel
from sightline.core.types import Array

# The eight directions; the opposite of direction d is 7 − d.
WAYS = ((-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1))
FREE, SOURCE, SINK, TREES, WAITING = 0, 1, 2, 3, 4  # trees, their bits, and one beside them for what is in the queue
TERMINAL, ORPHAN, NOBODY = 8, 9, 10  # parents that are no direction
# All that is known of a pixel lies together in eight bytes: a number of 32 bits, one of 16 and two of 8.
STAMP, DISTANCE, TREE, PARENT = 0, 2, 6, 7
_FARTHEST = 65535  # greater distances are taken for this one: they only tell which parent is better
_TILE, _ROOM = 256, 1 << 18  # side of a square; room in the queue, for more than a square's pixels
FIRST, LAST, LOST = 0, 1, 2  # ends of the queue, and how many pixels found no room in it
_MUCH = 1 << 30  # more than can ever flow into one pixel
MOST = 32767  # capacity of a link: what flows one way may come back beside what the other way allows
_u64 = np.uint64
_nowhere, _one = _u64(0), _u64(1)


class GridCut:
    """Least cuts through one grid, one after the other: each goes on from the flow that the one before has found.

    Between two of them only capacities of terminals change. What flows from pixel to pixel stays allowed, and a pixel
    has left of its terminal what it has been given, less what it already sends on. All capacities are whole numbers.

    Parameters
    ----------
    height, width
        Of the grid.

    Attributes
    ----------
    links
        H×W×8 uint16 up to ``MOST``, to be filled in: capacity to the neighbour in each of ``WAYS``, 0 where there is
        none.
    """

    def __init__(self, height: int, width: int) -> None:
        self.capacity = np.zeros((height + 2, width + 2, 8), np.uint16)
        self.links = self.capacity[1:-1, 1:-1]
        self.rest = np.zeros((height + 2, width + 2), np.int32)
        self.steps = np.array([dy * (width + 2) + dx for dy, dx in WAYS], np.int64).view(np.uint64)

    def give(self, y0: int, more: Array) -> None:
        """Add to the capacities between rows of the grid and the terminals.

        Parameters
        ----------
        y0
            The first of the rows.
        more
            R×W int32: what is added to the capacity from the source, where positive, or to that to the sink, where
            negative, which take from each other.
        """
        self.rest[y0 + 1 : y0 + 1 + len(more), 1:-1] += more

    def cut(self) -> Array:
        """Return which pixels lie on the source's side of the least cut, H×W bool."""
        trees = self.flow().marks[:, TREE].reshape(self.rest.shape)[1:-1, 1:-1]
        return trees == SOURCE  # none waits any more

    def flow(self) -> Trees:
        """Send all that can flow; return the trees that have grown, which :meth:`open` lets grow on."""
        nodes, size = np.zeros((self.rest.size, 2), np.int32), self.rest.size
        known = np.zeros(1, np.int64), nodes, nodes.view(np.uint16), nodes.view(np.uint8)
        queue, ends = np.empty(min(size, _ROOM), np.int32), np.zeros(3, np.uint64)
        orphans = np.empty(size, np.int32)  # all could be; only the beginning is ever touched
        capacity = self.capacity.reshape(-1, 8)
        trees = Trees(*known, self.rest, capacity, self.steps, queue, ends, orphans, _TILE)
        _plant(trees.marks, trees.fars, self.rest.reshape(-1))
        _settle(*trees)
        return trees

    def open(self, trees: Trees, pixels: Array) -> None:
        """Let flow leave the grid at some pixels without a bound, and send all that can flow now.

        Parameters
        ----------
        trees
            What :meth:`flow` has returned.
        pixels
            H×W bool: pixels without a terminal. What they take is added to their capacity to the sink, ``-_MUCH``.
        """
        rows, columns = np.nonzero(pixels)
        _open((rows + 1) * self.rest.shape[1] + columns + 1, *trees)

    def taken(self) -> Array:
        """Return which pixels that were opened have taken any flow, H×W bool."""
        rest = self.rest[1:-1, 1:-1]
        return (rest < -_MUCH // 2) & (rest > -_MUCH)


class Trees(NamedTuple):
    """The trees of :class:`GridCut` and what grows them; time counts the paths, so that what is known ages."""

    time: Array
    nodes: Array
    fars: Array
    marks: Array
    rest: Array
    capacity: Array
    steps: Array
    queue: Array
    ends: Array
    orphans: Array
    side: int


# --- Places are unsigned, so that none is looked at as if it were counted from the end. Place 0 is on the frame. ---


@kernel
def _plant(marks, fars, flat):
    for i in range(flat.size):
        marks[i, PARENT] = NOBODY
        if flat[i] != 0:
            marks[i, TREE], marks[i, PARENT] = SOURCE if flat[i] > 0 else SINK, TERMINAL
            fars[i, DISTANCE] = 1


@kernel
def _settle(clock, nodes, fars, marks, rest, capacity, steps, queue, ends, orphans, side):
    """Let all pixels of the trees grow, until no path is left."""
    flat, (height, width) = rest.reshape(-1), rest.shape
    while True:
        ends[LOST] = 0
        for top in range(1, height - 1, side):
            for left in range(1, width - 1, side):
                for y in range(top, min(top + side, height - 1)):
                    for x in range(left, min(left + side, width - 1)):
                        if marks[y * width + x, TREE] != FREE:
                            _wait(_u64(y * width + x), marks, queue, ends)
                clock[0] = _grow(clock[0], nodes, fars, marks, flat, capacity, steps, queue, ends, orphans)
        if ends[LOST] == _nowhere:
            return


@kernel
def _open(places, clock, nodes, fars, marks, rest, capacity, steps, queue, ends, orphans, side):
    flat = rest.reshape(-1)
    ends[LOST] = 0
    for place in places:
        i = _u64(place)
        while marks[i, TREE] & TREES == SOURCE:  # what has come so far leaves at once
            clock[0] += 1
            count = _drain(i, marks, flat, capacity, steps, orphans)
            _adopt(count, clock[0], nodes, fars, marks, capacity, steps, queue, ends, orphans)
        flat[i] = -_MUCH + flat[i]
        marks[i, TREE], marks[i, PARENT] = SINK | (marks[i, TREE] & WAITING), TERMINAL
        nodes[i, STAMP], fars[i, DISTANCE] = 0, 1
        if marks[i, TREE] & WAITING == 0:
            _wait(i, marks, queue, ends)
    clock[0] = _grow(clock[0], nodes, fars, marks, flat, capacity, steps, queue, ends, orphans)
    if ends[LOST] != _nowhere:
        _settle(clock, nodes, fars, marks, rest, capacity, steps, queue, ends, orphans, side)


@kernel(inline=True)
def _wait(i, marks, queue, ends):
    """Put a pixel into the queue; where there is no room, all grow once more in the end."""
    last = ends[LAST]
    after = last + _one if last + _one < _u64(queue.size) else _nowhere
    if after == ends[FIRST]:
        ends[LOST] += _one
    else:
        queue[last], ends[LAST] = i, after
        marks[i, TREE] |= WAITING


@kernel
def _grow(time, nodes, fars, marks, rest, capacity, steps, queue, ends, orphans):
    """Let the pixels of the queue grow, and all that join a tree by it; return the time."""
    while ends[FIRST] != ends[LAST]:
        i, meets = _u64(queue[ends[FIRST]]), 8
        tree = marks[i, TREE] & TREES
        if tree != FREE:
            for d in range(8):
                j = i + steps[d]
                other, farther = marks[j, TREE] & TREES, np.int32(fars[i, DISTANCE]) + 1
                if other == tree and (nodes[j, STAMP] > nodes[i, STAMP] or fars[j, DISTANCE] <= farther):
                    continue
                if (capacity[i, d] if tree == SOURCE else capacity[j, 7 - d]) == 0:
                    continue
                if other != FREE and other != tree:
                    meets = d
                    break
                marks[j, PARENT] = 7 - d  # for the first time, or a shorter way to the terminal
                nodes[j, STAMP], fars[j, DISTANCE] = nodes[i, STAMP], min(farther, _FARTHEST)
                if other == FREE:
                    marks[j, TREE] |= tree
                    if marks[j, TREE] & WAITING == 0:
                        _wait(j, marks, queue, ends)
        if meets == 8:
            marks[i, TREE] = tree
            ends[FIRST] = ends[FIRST] + _one if ends[FIRST] + _one < _u64(queue.size) else _nowhere
            continue
        time += 1
        j = i + steps[meets]
        if tree == SOURCE:
            count = _augment(i, meets, j, marks, rest, capacity, steps, orphans)
        else:
            count = _augment(j, 7 - meets, i, marks, rest, capacity, steps, orphans)
        _adopt(count, time, nodes, fars, marks, capacity, steps, queue, ends, orphans)
    return time


@kernel
def _augment(a, way, b, marks, rest, capacity, steps, orphans):
    """Send what the path through the edge a → b can take; return how many pixels lost their parent."""
    least = _bring(a, marks, rest, capacity, steps)
    least = min(least, np.int64(capacity[a, way]))
    i, d = b, marks[b, PARENT]
    while d != TERMINAL:
        least = min(least, np.int64(capacity[i, d]))
        i += steps[d]
        d = marks[i, PARENT]
    least = min(least, -np.int64(rest[i]))
    count = _fetch(least, a, marks, rest, capacity, steps, orphans)
    capacity[a, way] -= least
    capacity[b, 7 - way] += least
    i, d = b, marks[b, PARENT]
    while d != TERMINAL:
        j = i + steps[d]
        capacity[j, 7 - d] += least
        capacity[i, d] -= least
        if capacity[i, d] == 0:
            marks[i, PARENT], orphans[count] = ORPHAN, i
            count += _one
        i, d = j, marks[j, PARENT]
    rest[i] += least
    if rest[i] == 0:
        marks[i, PARENT], orphans[count] = ORPHAN, i
        count += _one
    return count


@kernel
def _drain(i, marks, rest, capacity, steps, orphans):
    """Send to a pixel of the source's tree what its path can take; return how many pixels lost their parent."""
    least = _bring(i, marks, rest, capacity, steps)
    count = _fetch(least, i, marks, rest, capacity, steps, orphans)
    rest[i] += least
    return count


@kernel(inline=True)
def _bring(a, marks, rest, capacity, steps):
    """Return what the path from the source to a pixel can take."""
    least, i, d = np.int64(_MUCH), a, marks[a, PARENT]
    while d != TERMINAL:
        i += steps[d]
        least = min(least, np.int64(capacity[i, 7 - d]))
        d = marks[i, PARENT]
    return min(least, np.int64(rest[i]))


@kernel(inline=True)
def _fetch(least, a, marks, rest, capacity, steps, orphans):
    """Take it from the path's links; return how many pixels lost their parent."""
    count, i, d = _nowhere, a, marks[a, PARENT]
    while d != TERMINAL:
        j = i + steps[d]
        capacity[i, d] += least
        capacity[j, 7 - d] -= least
        if capacity[j, 7 - d] == 0:
            marks[i, PARENT], orphans[count] = ORPHAN, i
            count += _one
        i, d = j, marks[j, PARENT]
    rest[i] -= least
    if rest[i] == 0:
        marks[i, PARENT], orphans[count] = ORPHAN, i
        count += _one
    return count


@kernel
def _adopt(count, time, nodes, fars, marks, capacity, steps, queue, ends, orphans):
    """Find a parent for each orphan, or set it free with its children."""
    at, end, room = _nowhere, count, _u64(orphans.size)  # a ring: no pixel is in it twice
    while at != end:
        i = _u64(orphans[at])
        at = at + _one if at + _one < room else _nowhere
        tree, best, nearest = marks[i, TREE] & TREES, -1, 1 << 30
        for d in range(8):
            j = i + steps[d]
            if marks[j, TREE] & TREES != tree or (capacity[j, 7 - d] if tree == SOURCE else capacity[i, d]) == 0:
                continue
            k, far = j, 0  # does its line of parents end at the terminal?
            while nodes[k, STAMP] != time and marks[k, PARENT] < TERMINAL:
                k += steps[marks[k, PARENT]]
                far += 1
            if nodes[k, STAMP] == time and marks[k, PARENT] <= TERMINAL:
                far += np.int64(fars[k, DISTANCE])
            elif marks[k, PARENT] == TERMINAL:
                far += 1
                nodes[k, STAMP], fars[k, DISTANCE] = time, 1
            else:
                continue
            if far < nearest:
                best, nearest = d, far
            k = j
            while nodes[k, STAMP] != time:
                nodes[k, STAMP], fars[k, DISTANCE] = time, min(far, _FARTHEST)
                far -= 1
                k += steps[marks[k, PARENT]]
        if best >= 0:
            marks[i, PARENT], nodes[i, STAMP], fars[i, DISTANCE] = best, time, min(nearest + 1, _FARTHEST)
            continue
        for d in range(8):
            j = i + steps[d]
            if marks[j, TREE] & TREES != tree:
                continue
            if (capacity[j, 7 - d] if tree == SOURCE else capacity[i, d]) > 0 and marks[j, TREE] & WAITING == 0:
                _wait(j, marks, queue, ends)  # the pixel at hand still waits
            if marks[j, PARENT] == 7 - d:
                marks[j, PARENT], orphans[end] = ORPHAN, j
                end = end + _one if end + _one < room else _nowhere
        marks[i, TREE], marks[i, PARENT] = marks[i, TREE] & WAITING, NOBODY
