"""Boxes around what moves: the mask of a background model, cleaned, as detections for a tracker."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import numpy as np
from scipy import ndimage

from sightline.core.catalogue import method
from sightline.core.checks import as_mask, integer, number
from sightline.core.layers import Boxes, Labels, Value
from sightline.core.layers import Mask as MaskLayer
from sightline.core.results import Detections
from sightline.core.trace import Step
from sightline.core.types import Array, Mask, Range
from sightline.image.dilate import dilate
from sightline.image.label import label
from sightline.image.opening import opening


@method(task="motion", paper="Stauffer & Grimson 1999", lesson="w3d7")
def moving_boxes(
    mask: Mask, least: Annotated[float, Range(0, 1, 0.0005)] = 0.002, *, gap: Annotated[int, Range(0, 99, 1)] = 15
) -> Detections:
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
    clean, parts = _parts(mask, least, gap)
    return _boxes(parts, least * clean.size)


@moving_boxes.steps
def _steps(mask: Mask, least: float = 0.002, *, gap: int = 15) -> Iterator[Step]:
    clean, parts = _parts(mask, least, gap)
    yield Step("moving", MaskLayer(np.array(mask)), note="What differs from the background.")
    yield Step("cleaned", MaskLayer(clean), note="Without specks: what a 3×3 square fits into.")
    yield Step("parts", Labels(parts), note=f"Parts nearer than {gap} pixels are one.")
    found = _boxes(parts, least * clean.size)
    note = f"{len(found)} parts of {least * clean.size:.0f} pixels or more."
    yield Step("boxes", Value(found), MaskLayer(clean), Boxes(found.boxes), note=note)


def _parts(mask: Any, least: Any, gap: Any) -> tuple[Array, Array]:
    """Return the mask without specks, and its parts as a label map."""
    mask = as_mask("moving_boxes", mask)
    number("moving_boxes", "least", least, 0, 1)
    gap = integer("moving_boxes", "gap", gap, 0, 99)
    clean = opening(mask, 3)
    joined, _ = label(dilate(clean, gap | 1) if gap > 1 else clean)
    joined[~clean] = 0
    return clean, joined


def _boxes(parts: Array, least: float) -> Detections:
    """Return the boxes of parts of ``least`` pixels or more, the largest first."""
    sizes = np.bincount(parts.ravel(), minlength=1)
    boxes, scores = [], []
    for number_, place in enumerate(ndimage.find_objects(parts), 1):
        if place is not None and sizes[number_] >= max(1, least):
            y, x = place
            boxes.append((x.start, y.start, x.stop, y.stop))
            scores.append(sizes[number_] / ((x.stop - x.start) * (y.stop - y.start)))
    found = np.array(boxes, np.float32).reshape(-1, 4)
    order = np.argsort(-np.prod(found[:, 2:] - found[:, :2], axis=1), kind="stable")
    return Detections(found[order], np.array(scores, np.float32)[order], np.zeros(len(found)), ("moving",))
