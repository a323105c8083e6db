"""Generalised IoU: an overlap that still tells boxes apart that do not touch.

Rezatofighi, Tsoi, Gwak, Sadeghian, Reid & Savarese 2019, "Generalized Intersection over Union: A Metric and a Loss for
Bounding Box Regression", CVPR, algorithm 1.
"""

from __future__ import annotations

import numpy as np

from sightline.core.box_overlap import area_of, as_boxes, overlap_of
from sightline.core.catalogue import method
from sightline.core.kernels import kernel
from sightline.core.types import Array, Boxes


@method(
    task="box overlap",
    paper="Rezatofighi 2019",
    lesson="w7d1",
    example={"boxes": np.array([[1.0, 1.0, 5.0, 5.0]]), "others": np.array([[6.0, 0.0, 9.0, 4.0]])},
)
def giou(boxes: Boxes, others: Array) -> Array:
    """Return the generalised IoU of each of N boxes with each of M others.

    From the overlap, the share of the smallest box around both that neither of them covers is taken off.

    Parameters
    ----------
    boxes
        N×4 xyxy with continuous edges. NaN in a box makes its row NaN.
    others
        M×4 alike.

    Returns
    -------
    Array
        N×M float64 in −1–1; 0 for two boxes without area in one place.

    References
    ----------
    H. Rezatofighi, N. Tsoi, J. Gwak, A. Sadeghian, I. Reid and S. Savarese, "Generalized Intersection over Union: A
    Metric and a Loss for Bounding Box Regression", CVPR 2019.

    Examples
    --------
    >>> giou(np.array([[0, 0, 4, 4]]), np.array([[0, 0, 4, 4], [4, 0, 8, 4], [12, 0, 16, 4]])).tolist()
    [[1.0, 0.0, -0.5]]
    """
    rows, columns = as_boxes("giou", boxes), as_boxes("giou", others, "others")
    table = np.empty((len(rows), len(columns)))
    _fill_giou(rows, columns, table)
    return table


@kernel
def _fill_giou(boxes, others, table):
    for i in range(len(boxes)):
        for j in range(len(others)):
            a, b = boxes[i], others[j]
            inside = overlap_of(a, b)
            union = area_of(a) + area_of(b) - inside
            width = max(a[2], b[2]) - min(a[0], b[0])
            height = max(a[3], b[3]) - min(a[1], b[1])
            around = width * height + (a[0] + a[1] + a[2] + a[3] + b[0] + b[1] + b[2] + b[3]) * 0.0  # NaN stays NaN
            overlap = inside / union if union > 0 else 0.0
            table[i, j] = overlap if around == 0 else overlap - (around - union) / around
