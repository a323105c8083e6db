"""Soft suppression: a box that overlaps a better one is doubted, not dropped.

Bodla, Singh, Chellappa & Davis 2017, "Soft-NMS: Improving Object Detection with One Line of Code", ICCV.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated

import numpy as np

from sightline.core.box_overlap import area_of, as_boxes, overlap_of
from sightline.core.catalogue import method
from sightline.core.checks import choice, number
from sightline.core.kernels import kernel
from sightline.core.layers import Boxes as BoxLayer
from sightline.core.layers import Curve, Picture, Value
from sightline.core.trace import Step
from sightline.core.types import Array, Boxes, Choice, Range
from sightline.detect.nms import as_scores, blank_for

_SAMPLE = np.array([[8.0, 8, 40, 44], [16, 10, 48, 46], [60, 20, 92, 60], [64, 22, 90, 66], [20, 60, 44, 90]])


@method(
    task="suppression",
    paper="Bodla 2017",
    lesson="w7d1",
    example={"boxes": _SAMPLE, "scores": np.array([0.9, 0.8, 0.6, 0.7, 0.5])},
)
def soft_nms(
    boxes: Boxes,
    scores: Array,
    threshold: Annotated[float, Range(0, 1)] = 0.3,
    sigma: Annotated[float, Range(0.01, 10)] = 0.5,
    kind: Annotated[str, Choice("gaussian", "linear")] = "gaussian",
    floor: Annotated[float, Range(0, 1)] = 0.001,
) -> tuple[Array, Array]:
    """Return the boxes in the order in which they are taken, and what is left of their scores.

    Again and again the best box is taken, and the scores of what is left fall by how much it overlaps that one.

    Parameters
    ----------
    boxes
        N×4 xyxy with continuous edges; one without area, or with NaN, overlaps nothing.
    scores
        N numbers ≥ 0; of equal ones the first is better. NaN is refused.
    threshold
        Intersection over union, 0–1, up to which ``linear`` leaves a score alone; ``gaussian`` knows no such border.
    sigma
        Width of ``gaussian``, > 0: a score is multiplied by exp(−IoU² / sigma).
    kind
        ``linear`` multiplies by 1 − IoU.
    floor
        A box whose score falls below this goes.

    Returns
    -------
    tuple of Array
        Indices of the boxes that stay, int64, and their new scores, float64, falling.

    References
    ----------
    N. Bodla, B. Singh, R. Chellappa and L. S. Davis, "Soft-NMS: Improving Object Detection with One Line of Code",
    ICCV 2017.

    Examples
    --------
    >>> boxes = np.array([[0, 0, 10, 10], [5, 0, 15, 10], [20, 0, 30, 10]])
    >>> kept, scores = soft_nms(boxes, np.array([0.9, 0.8, 0.7]), kind="linear")
    >>> kept.tolist(), scores.round(3).tolist()
    ([0, 2, 1], [0.9, 0.7, 0.533])
    """
    boxes = as_boxes("soft_nms", boxes)
    left = as_scores("soft_nms", scores, len(boxes))
    threshold = number("soft_nms", "threshold", threshold, 0, 1)
    sigma = number("soft_nms", "sigma", sigma, above=0)
    gaussian = choice("soft_nms", "kind", kind, ("gaussian", "linear")) == "gaussian"
    kept = np.empty(len(boxes), np.int64)
    count = _take(boxes, left, threshold, sigma, gaussian, number("soft_nms", "floor", floor, 0), kept)
    return kept[:count], left[kept[:count]]


@kernel
def _take(boxes, scores, threshold, sigma, gaussian, floor, kept):
    """Write the indices of the boxes taken, in order, and lower ``scores`` in place; return how many there are."""
    waiting = np.arange(len(scores))
    taken, count = 0, len(scores)
    while count > 0:
        at = 0
        for k in range(1, count):
            better = scores[waiting[k]] > scores[waiting[at]]
            if better or (scores[waiting[k]] == scores[waiting[at]] and waiting[k] < waiting[at]):
                at = k
        best = waiting[at]
        if not scores[best] >= floor:
            break
        kept[taken] = best
        taken += 1
        count -= 1
        waiting[at] = waiting[count]
        for k in range(count):
            inside = overlap_of(boxes[best], boxes[waiting[k]])
            if inside > 0:
                overlap = inside / (area_of(boxes[best]) + area_of(boxes[waiting[k]]) - inside)
                if gaussian:
                    scores[waiting[k]] *= math.exp(-overlap * overlap / sigma)
                elif overlap > threshold:
                    scores[waiting[k]] *= 1 - overlap
    return taken


@soft_nms.steps
def _(
    boxes: Boxes,
    scores: Array,
    threshold: float = 0.3,
    sigma: float = 0.5,
    kind: str = "gaussian",
    floor: float = 0.001,
) -> Iterator[Step]:
    """Yield the boxes with their scores before and after, and the weight by which an overlap lowers a score."""
    kept, left = soft_nms(boxes, scores, threshold, sigma, kind, floor)
    page = Picture(blank_for(boxes))
    yield Step("candidates", page, BoxLayer(boxes, tuple(f"{s:.2f}" for s in scores)), note="With their scores.")
    overlaps = np.linspace(0, 1, 101)
    weights = weights_of(overlaps, threshold, sigma, kind)
    told = "What a score is multiplied by."
    yield Step("weight", Curve(np.stack([overlaps, weights], axis=1), ("overlap", "weight")), note=told)
    words = tuple(f"{scores[i]:.2f} to {s:.2f}" for i, s in zip(kept, left, strict=True))
    yield Step("kept", Value((kept, left)), page, BoxLayer(boxes[kept], words), note="None dropped at once.")


def weights_of(overlaps: Array, threshold: float, sigma: float, kind: str) -> Array:
    """Return what scores are multiplied by, 0–1, where a better box is taken.

    Parameters
    ----------
    overlaps
        R intersections over union with that box, 0–1.
    threshold, sigma, kind
        As in :func:`soft_nms`.
    """
    if kind == "gaussian":
        return np.exp(-(overlaps**2) / sigma)
    return np.where(overlaps > threshold, 1 - overlaps, 1.0)
