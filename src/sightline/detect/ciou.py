"""Complete IoU: overlap, less the distance of the centres, less the unlikeness of the shapes.

Zheng, Wang, Liu, Li, Ye & Ren 2020, "Distance-IoU Loss: Faster and Better Learning for Bounding Box Regression", AAAI,
equations 8 to 11.
"""

from __future__ import annotations

import math

import numpy as np

from sightline.core.box_overlap import as_boxes
from sightline.core.catalogue import method
from sightline.core.kernels import kernel
from sightline.core.types import Array, Boxes
from sightline.detect.diou import diou_of


@method(
    task="box overlap",
    paper="Zheng 2020",
    lesson="w7d1",
    example={"boxes": np.array([[1.0, 1.0, 5.0, 5.0]]), "others": np.array([[2.0, 0.0, 8.0, 4.0]])},
)
def ciou(boxes: Boxes, others: Array) -> Array:
    """Return the complete IoU of each of N boxes with each of M others.

    The distance IoU less α·v: v compares the boxes' slants, α weighs it by how much they overlap already.

    Parameters
    ----------
    boxes
        N×4 xyxy with continuous edges. NaN in a box makes its row NaN.
    others
        M×4 alike.

    Returns
    -------
    Array
        N×M float64, at most 1; boxes of one shape have their distance IoU.

    References
    ----------
    Z. Zheng, P. Wang, W. Liu, J. Li, R. Ye and D. Ren, "Distance-IoU Loss: Faster and Better Learning for Bounding Box
    Regression", AAAI 2020.

    Examples
    --------
    >>> ciou(np.array([[0, 0, 4, 4]]), np.array([[0, 0, 4, 4], [0, 0, 2, 2], [0, 0, 4, 1]])).round(4).tolist()
    [[1.0, 0.1875, 0.1636]]
    """
    rows, columns = as_boxes("ciou", boxes), as_boxes("ciou", others, "others")
    table = np.empty((len(rows), len(columns)))
    _fill_ciou(rows, columns, _slants(rows), _slants(columns), table)
    return table


def _slants(boxes: Array) -> Array:
    """Return the angle of each box's diagonal in radians, 0 for one without height."""
    width, height = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    slope = np.divide(width, height, out=np.zeros_like(width), where=height != 0)
    return np.arctan(slope)


@kernel
def _fill_ciou(boxes, others, slants, other_slants, table):
    for i in range(len(boxes)):
        for j in range(len(others)):
            overlap, apart = diou_of(boxes[i], others[j])
            unlike = 4 / math.pi**2 * (slants[i] - other_slants[j]) ** 2
            weight = unlike / (1 - overlap + unlike) if unlike > 0 else 0.0
            table[i, j] = overlap - apart - weight * unlike
