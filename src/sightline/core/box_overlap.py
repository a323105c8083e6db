"""Boxes against boxes: the table of overlaps that detection, tracking and every score of boxes begins with."""

from __future__ import annotations

import numpy as np

from sightline.core.checks import describe
from sightline.core.errors import InputError
from sightline.core.kernels import kernel
from sightline.core.types import Array, Boxes


def pairwise_iou(boxes: Boxes, others: Array) -> Array:
    """Return the intersection over union of each of N boxes with each of M others, N×M float64.

    Parameters
    ----------
    boxes, others
        N×4 and M×4 xyxy with continuous edges. What has no area, or NaN, overlaps nothing.
    """
    rows, columns = (np.ascontiguousarray(part, np.float64).reshape(-1, 4) for part in (boxes, others))
    table = np.empty((len(rows), len(columns)))
    fill_iou(rows, columns, table)
    return table


@kernel
def overlap_of(a, b):
    """Return the area that boxes ``a`` and ``b`` share."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width > 0 and height > 0:  # never with NaN
        return width * height
    return 0.0


@kernel
def area_of(box):
    """Return the area of a box, 0 for one that is turned inside out."""
    return max(box[2] - box[0], 0.0) * max(box[3] - box[1], 0.0)


@kernel
def fill_iou(boxes, others, table):
    """Write the intersection over union of ``boxes`` and ``others`` to ``table``; all float64."""
    areas = np.empty(len(others))
    for j in range(len(others)):
        areas[j] = area_of(others[j])
    for i in range(len(boxes)):
        area = area_of(boxes[i])
        for j in range(len(others)):
            inside = overlap_of(boxes[i], others[j])
            union = area + areas[j] - inside
            table[i, j] = inside / union if inside > 0 and union > 0 else 0.0


def as_boxes(function: str, boxes: object, argument: str = "boxes") -> Array:
    """Return boxes as N×4 contiguous float64; raise :class:`InputError` for what is none.

    Parameters
    ----------
    function, argument
        Names for the error's sentence.
    boxes
        The argument as it came.
    """
    if not isinstance(boxes, np.ndarray) or boxes.ndim != 2 or boxes.shape[1] != 4 or boxes.dtype.kind not in "iuf":
        hint = ""
        if type(boxes).__module__.startswith("torch"):
            hint = f" Use {argument}.detach().cpu().numpy()."
        elif isinstance(boxes, (list, tuple)):
            hint = f" Use np.asarray({argument}, np.float32).reshape(-1, 4)."
        raise InputError(f"{function}: {argument} must be N×4 numbers, xyxy; got {describe(boxes)}.{hint}")
    return np.ascontiguousarray(boxes, np.float64)
