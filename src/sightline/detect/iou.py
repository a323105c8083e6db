"""Intersection over union: the measure of whether a box is right.

Jaccard 1912, "The Distribution of the Flora in the Alpine Zone", New Phytologist 11(2); for boxes Everingham,
Van Gool, Williams, Winn & Zisserman 2010, "The Pascal Visual Object Classes (VOC) Challenge", IJCV 88(2).
"""

from __future__ import annotations

import numpy as np

from sightline.core.box_overlap import as_boxes, pairwise_iou
from sightline.core.catalogue import method
from sightline.core.types import Array, Boxes


@method(
    task="box overlap",
    paper="Everingham 2010",
    lesson="w7d1",
    example={"boxes": np.array([[1.0, 1.0, 5.0, 5.0]]), "others": np.array([[0.0, 0.0, 4.0, 4.0]])},
)
def iou(boxes: Boxes, others: Array) -> Array:
    """Return the intersection over union of each of N boxes with each of M others.

    A box without area overlaps nothing; so does one with NaN.

    Parameters
    ----------
    boxes
        N×4 xyxy with continuous edges.
    others
        M×4 alike.

    Returns
    -------
    Array
        N×M float64 in 0–1.

    References
    ----------
    M. Everingham, L. Van Gool, C. K. I. Williams, J. Winn, A. Zisserman, "The Pascal Visual Object Classes (VOC)
    Challenge", International Journal of Computer Vision 88(2), 2010.

    Examples
    --------
    >>> iou(np.array([[0, 0, 4, 4], [2, 0, 6, 4]]), np.array([[0, 0, 4, 4]])).round(3).tolist()
    [[1.0], [0.333]]
    """
    return pairwise_iou(as_boxes("iou", boxes), as_boxes("iou", others, "others"))
