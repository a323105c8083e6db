"""Distance IoU: overlap, less how far apart the centres are.

Zheng, Wang, Liu, Li, Ye & Ren 2020, "Distance-IoU Loss: Faster and Better Learning for Bounding Box Regression", AAAI,
equations 6 and 7.
"""

from __future__ import annotations

import numpy as np

from sightline.core.box_overlap import area_of, as_boxes, overlap_of
from sightline.core.catalogue import method
from sightline.core.kernels import kernel
from sightline.core.types import Array, Boxes


@method(
    task="box overlap",
    paper="Zheng 2020",
    lesson="w7d1",
    example={"boxes": np.array([[1.0, 1.0, 5.0, 5.0]]), "others": np.array([[2.0, 0.0, 6.0, 4.0]])},
)
def diou(boxes: Boxes, others: Array) -> Array:
    """Return the distance IoU of each of N boxes with each of M others.

    From the overlap is taken off ρ²/c²: the centres' distance, over the diagonal of the smallest box around both.

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
    Z. Zheng, P. Wang, W. Liu, J. Li, R. Ye and D. Ren, "Distance-IoU Loss: Faster and Better Learning for Bounding Box
    Regression", AAAI 2020.

    Examples
    --------
    >>> diou(np.array([[0, 0, 4, 4]]), np.array([[0, 0, 4, 4], [1, 1, 3, 3], [0, 0, 2, 2]])).tolist()
    [[1.0, 0.25, 0.1875]]
    """
    rows, columns = as_boxes("diou", boxes), as_boxes("diou", others, "others")
    table = np.empty((len(rows), len(columns)))
    _fill_diou(rows, columns, table)
    return table


@kernel
def diou_of(a, b):
    """Return the overlap of two boxes, and what the distance of their centres takes off it."""
    inside = overlap_of(a, b)
    union = area_of(a) + area_of(b) - inside
    overlap = inside / union if union > 0 else 0.0
    width = max(a[2], b[2]) - min(a[0], b[0])
    height = max(a[3], b[3]) - min(a[1], b[1])
    across = a[0] + a[2] - b[0] - b[2]
    down = a[1] + a[3] - b[1] - b[3]
    diagonal = width * width + height * height
    apart = (across * across + down * down) / 4
    return overlap, apart if apart == 0 else apart / diagonal


@kernel
def _fill_diou(boxes, others, table):
    for i in range(len(boxes)):
        for j in range(len(others)):
            overlap, apart = diou_of(boxes[i], others[j])
            table[i, j] = overlap - apart
