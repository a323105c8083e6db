"""Overlap of boxes: intersection over union, the measure of whether a box is right.

Jaccard 1912, "The Distribution of the Flora in the Alpine Zone", New Phytologist 11(2); for boxes Everingham,
Van Gool, Williams, Winn & Zisserman 2010, "The Pascal Visual Object Classes (VOC) Challenge", IJCV 88(2).
"""

from __future__ import annotations

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import describe
from sightline.core.errors import InputError
from sightline.core.types import Array, Boxes


@method(
    task="metric",
    paper="Everingham 2010",
    lesson="w3d7",
    example={"boxes": np.array([[1.0, 1.0, 5.0, 5.0]]), "others": np.array([[0.0, 0.0, 4.0, 4.0]])},
)
def box_iou(boxes: Boxes, others: Array) -> Array:
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
    >>> box_iou(np.array([[0, 0, 4, 4], [2, 0, 6, 4]]), np.array([[0, 0, 4, 4]])).round(3).tolist()
    [[1.0], [0.333]]
    """
    a, b = _rows("boxes", boxes), _rows("others", others)
    sides = np.minimum(a[:, None, 2:], b[None, :, 2:]) - np.maximum(a[:, None, :2], b[None, :, :2])
    sides = np.maximum(sides, 0)
    inside = sides[..., 0] * sides[..., 1]
    union = _areas(a)[:, None] + _areas(b)[None, :] - inside
    return np.divide(inside, union, out=np.zeros_like(inside), where=(inside > 0) & (union > 0))


def _areas(boxes: Array) -> Array:
    return np.maximum(boxes[:, 2] - boxes[:, 0], 0) * np.maximum(boxes[:, 3] - boxes[:, 1], 0)


def _rows(argument: str, boxes: object) -> Array:
    if not isinstance(boxes, np.ndarray) or boxes.ndim != 2 or boxes.shape[1] != 4 or boxes.dtype.kind not in "iuf":
        raise InputError(f"box_iou: {argument} must be N×4 numbers; got {describe(boxes)}.")
    return boxes.astype(np.float64)
