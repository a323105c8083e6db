"""Suppression class by class: a rider does not send the horse away.

Girshick, Donahue, Darrell & Malik 2014, "Rich Feature Hierarchies for Accurate Object Detection", CVPR, section 2.2:
"for each class independently".
"""

from __future__ import annotations

from typing import Annotated

import numpy as np

from sightline.core.box_overlap import as_boxes
from sightline.core.box_suppression import suppress
from sightline.core.catalogue import method
from sightline.core.checks import describe, number
from sightline.core.errors import InputError
from sightline.core.types import Array, Boxes, Range
from sightline.detect.nms import as_scores


@method(
    task="suppression",
    paper="Girshick 2014",
    lesson="w7d1",
    example={
        "boxes": np.array([[8.0, 8, 40, 44], [12, 10, 44, 46], [10, 10, 42, 45]]),
        "scores": np.array([0.9, 0.8, 0.6]),
        "labels": np.array([0, 0, 1]),
    },
)
def batched_nms(boxes: Boxes, scores: Array, labels: Array, threshold: Annotated[float, Range(0, 1)] = 0.5) -> Array:
    """Return which boxes stay when only boxes of one class, image or level suppress one another.

    Parameters
    ----------
    boxes
        N×4 xyxy with continuous edges; one without area, or with NaN, overlaps nothing and stays.
    scores
        N numbers, the higher the better; of equal ones the first is better. NaN is refused.
    labels
        N whole numbers: the class, or whatever else keeps boxes apart.
    threshold
        Intersection over union, 0–1: a box that overlaps a better one of its class by more than this goes.

    Returns
    -------
    Array
        Indices of the boxes that stay, int64, by falling score over all classes.

    References
    ----------
    R. Girshick, J. Donahue, T. Darrell and J. Malik, "Rich Feature Hierarchies for Accurate Object Detection and
    Semantic Segmentation", CVPR 2014.

    Examples
    --------
    >>> boxes = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [0, 0, 10, 10]])
    >>> batched_nms(boxes, np.array([0.6, 0.9, 0.7]), np.array([0, 0, 1])).tolist()
    [1, 2]
    """
    boxes = as_boxes("batched_nms", boxes)
    scores = as_scores("batched_nms", scores, len(boxes))
    if not isinstance(labels, np.ndarray) or labels.shape != (len(boxes),) or labels.dtype.kind not in "iu":
        raise InputError(
            f"batched_nms: labels must be {len(boxes)} whole numbers, one for each box; got {describe(labels)}."
        )
    return suppress(boxes, scores, number("batched_nms", "threshold", threshold, 0, 1), labels)
