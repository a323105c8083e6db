"""Boxes around what moves: the mask of a background model, cleaned, as detections for a tracker."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from sightline.core.catalogue import method
from sightline.core.checks import as_mask, integer, number
from sightline.core.results import Detections
from sightline.core.types import Mask
from sightline.image.dilate import dilate
from sightline.image.label import label
from sightline.image.opening import opening


@method(task="motion", paper="Stauffer & Grimson 1999", lesson="w3d7")
def moving_boxes(mask: Mask, least: float = 0.002, *, gap: int = 15) -> Detections:
    """Return a box around each part of a mask, once specks are gone and parts that nearly touch are one.

    Masks have no NaN.

    Parameters
    ----------
    mask
        H×W bool, true where something moves: what :class:`BackgroundSubtractor` gives.
    least
        Smallest part that counts, as a share of all pixels, 0–1.
    gap
        Parts that are nearer to each other than this are one; in pixels, 0–99.

    Returns
    -------
    Detections
        Largest first; the score is the share of the box that moves. The one class is ``moving``.

    References
    ----------
    C. Stauffer, W. E. L. Grimson, "Adaptive Background Mixture Models for Real-Time Tracking", CVPR, 1999.

    Examples
    --------
    >>> mask = np.zeros((60, 80), bool)
    >>> mask[10:30, 20:50] = True
    >>> moving_boxes(mask).boxes.tolist()
    [[20.0, 10.0, 50.0, 30.0]]
    """
    mask = as_mask("moving_boxes", mask)
    least = number("moving_boxes", "least", least, 0, 1)
    gap = integer("moving_boxes", "gap", gap, 0, 99)
    clean = opening(mask, 3)
    joined, _ = label(dilate(clean, gap | 1) if gap > 1 else clean)
    parts = np.where(clean, joined, 0)
    sizes = np.bincount(parts.ravel(), minlength=1)
    boxes, scores = [], []
    for number_, place in enumerate(ndimage.find_objects(parts), 1):
        if place is not None and sizes[number_] >= max(1, least * mask.size):
            y, x = place
            boxes.append((x.start, y.start, x.stop, y.stop))
            scores.append(sizes[number_] / ((x.stop - x.start) * (y.stop - y.start)))
    found = np.array(boxes, np.float32).reshape(-1, 4)
    order = np.argsort(-np.prod(found[:, 2:] - found[:, :2], axis=1), kind="stable")
    return Detections(found[order], np.array(scores, np.float32)[order], np.zeros(len(found)), ("moving",))
