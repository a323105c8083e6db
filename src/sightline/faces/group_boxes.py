"""Many windows around one thing become one box: those that nearly cover one another are averaged.

Viola & Jones 2004, "Robust Real-Time Face Detection", International Journal of Computer Vision 57(2), section 5.6; what
counts as near, and which boxes inside larger ones are dropped, is as in OpenCV.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from sightline.core.types import Array

_NEAR = 0.2  # of the mean side


def group_boxes(boxes: Array, neighbours: int) -> tuple[Array, Array]:
    """Return the mean box of each group with more than ``neighbours`` windows, and how many windows it has.

    Parameters
    ----------
    boxes
        N×4 int64: x, y, width, height.
    neighbours
        0 leaves all windows as they are.
    """
    if neighbours == 0 or not len(boxes):
        return boxes, np.ones(len(boxes), np.int64)
    groups = _groups(boxes)
    counts = np.bincount(groups)
    sums = np.stack([np.bincount(groups, boxes[:, k]) for k in range(4)], axis=1)
    means = np.rint(sums.astype(np.float32) * (np.float32(1) / counts.astype(np.float32))[:, None]).astype(np.int64)
    strong = counts > neighbours
    means, counts = means[strong], counts[strong]
    alone = ~_inside_a_stronger(means, counts)
    return means[alone], counts[alone]


def _groups(boxes: Array) -> Array:
    """Return the number of each box's group: of those that are linked by pairs whose four sides are near."""
    sides = np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)
    order = np.argsort(sides[:, 0], kind="stable")
    lefts = sides[order, 0]
    firsts, seconds = [], []
    reach = np.floor(_NEAR * (boxes[order, 2] + boxes[order, 3]) * 0.5 + 1e-9)  # no pair is farther apart than this
    ends = np.searchsorted(lefts, lefts + reach, side="right")
    for k, end in enumerate(ends):
        others = order[k + 1 : end]
        a, b = boxes[order[k]], boxes[others]
        limit = _NEAR * (np.minimum(a[2], b[:, 2]) + np.minimum(a[3], b[:, 3])) * 0.5
        near = others[(np.abs(sides[others] - sides[order[k]]) <= limit[:, None]).all(axis=1)]
        firsts.append(np.full(len(near), order[k]))
        seconds.append(near)
    rows, columns = np.concatenate(firsts), np.concatenate(seconds)
    links = coo_matrix((np.ones(len(rows), bool), (rows, columns)), shape=(len(boxes), len(boxes)))
    return connected_components(links, directed=False)[1]


def _inside_a_stronger(boxes: Array, counts: Array) -> Array:
    """Return which boxes lie within another one, a fifth wider, that has more windows."""
    margin = np.rint(boxes[:, 2:] * _NEAR)
    starts, ends = boxes[:, :2], boxes[:, :2] + boxes[:, 2:]
    within = np.logical_and(
        (starts[:, None] >= starts - margin).all(axis=2), (ends[:, None] <= ends + margin).all(axis=2)
    )
    stronger = np.logical_or(counts > np.maximum(counts[:, None], 3), counts[:, None] < 3)
    np.fill_diagonal(within, False)
    return np.asarray(np.logical_and(within, stronger).any(axis=1))
