"""A k-d tree: space is halved again and again, so that most of it need not be looked at when the nearest are sought.

Bentley 1975, "Multidimensional Binary Search Trees Used for Associative Searching", Communications of the ACM 18(9);
Friedman, Bentley & Finkel 1977, "An Algorithm for Finding Best Matches in Logarithmic Expected Time", ACM Transactions
on Mathematical Software 3(3), for halving at the median of the widest direction. Each part knows the box around its
samples.
"""

from __future__ import annotations

import numpy as np

from sightline.core.kernels import kernel, over_rows
from sightline.core.types import Array
from sightline.learn.nearest_rows import keep_nearest, squared_distance

_LEAF = 24  # samples that are not halved any more
_SURE = 1 - 1e-12  # of a box's distance: what rounding may take from it


class KDTree:
    """Samples among which the nearest are sought, of few numbers each.

    Parameters
    ----------
    table
        M×D float32 or float64, finite.
    """

    def __init__(self, table: Array) -> None:
        self.order = np.arange(len(table))
        spans, boxes = [], []
        waiting = [(0, len(table))]  # halved breadth first: the children of node i are 2 i + 1 and 2 i + 2
        while waiting:
            following = []
            for start, end in waiting:
                part = table[self.order[start:end]]
                spans.append((start, end))
                boxes.append((part.min(axis=0), part.max(axis=0)))
                if waiting[0][1] - waiting[0][0] > _LEAF:  # a level is halved as a whole, so that no node is missing
                    middle = (start + end) // 2
                    widest = int((boxes[-1][1] - boxes[-1][0]).argmax())
                    turn = np.argpartition(part[:, widest], middle - start)
                    self.order[start:end] = self.order[start:end][turn]
                    following += [(start, middle), (middle, end)]
            waiting = following
        self.spans = np.array(spans, np.int64)
        self.boxes = np.array(boxes, table.dtype)
        self.table = table[self.order]

    def nearest(self, samples: Array, k: int) -> tuple[Array, Array]:
        """Return the k nearest of each of N×D samples, the nearest first, of equally near ones that of lower index.

        Parameters
        ----------
        samples
            N×D of the table's dtype, finite.
        k
            1 to M.

        Returns
        -------
        places
            N×k int64 indices.
        distances
            N×k float64.
        """
        places = np.full((len(samples), k), -1, np.int64)
        distances = np.full((len(samples), k), np.inf)
        over_rows(
            _seek, len(samples), samples, self.table, self.order, self.spans, self.boxes, places, distances, strip=32
        )
        return places, np.sqrt(distances, out=distances)


@kernel
def _seek(samples, table, order, spans, boxes, places, distances, y0, y1):
    """Go down to the nearer half first, and into the other one only when its box is near enough."""
    nodes, nears = np.empty(64, np.int64), np.empty(64)
    for y in range(y0, y1):
        sample, place, distance = samples[y], places[y], distances[y]
        nodes[0], nears[0], waiting = 0, 0.0, 1
        while waiting > 0:
            waiting -= 1
            node = nodes[waiting]
            if nears[waiting] > distance[-1]:
                continue
            child = 2 * node + 1
            if child >= len(spans):
                for at in range(spans[node, 0], spans[node, 1]):
                    keep_nearest(squared_distance(sample, table[at]), order[at], place, distance)
                continue
            left, right = _apart(sample, boxes[child]), _apart(sample, boxes[child + 1])
            far = child + 1 if left <= right else child
            nodes[waiting], nears[waiting] = far, max(left, right)
            nodes[waiting + 1], nears[waiting + 1] = 2 * child + 1 - far, min(left, right)
            waiting += 2


@kernel
def _apart(sample, box):
    """Return the squared distance of a box, or a trifle less."""
    total = 0.0
    for d in range(sample.size):
        value = np.float64(sample[d])
        apart = max(np.float64(box[0, d]) - value, value - np.float64(box[1, d]), 0.0)
        total += apart * apart
    return total * _SURE
