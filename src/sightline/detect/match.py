"""Which anchor learns which thing: the one that it overlaps most, when that is enough.

Ren, He, Girshick & Sun 2015, "Faster R-CNN: Towards Real-Time Object Detection with Region Proposal Networks", NIPS,
section 3.1.2; the single best anchor of each thing after Liu et al. 2016, "SSD", ECCV, section 2.2.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import numpy as np

from sightline.core.box_overlap import as_boxes, pairwise_iou
from sightline.core.catalogue import method
from sightline.core.checks import choice, number
from sightline.core.errors import InputError
from sightline.core.layers import Boxes as BoxLayer
from sightline.core.layers import Heat, Picture, Value
from sightline.core.trace import Step
from sightline.core.types import Array, Boxes, Choice, Range
from sightline.detect.nms import blank_for

BACKGROUND, NEITHER = -1, -2
_SHOWN = 24  # boxes of a kind that are drawn
_BEST = ("ties", "one", "none")
_SAMPLE = np.array([[0.0, 0, 40, 40], [20, 0, 60, 40], [40, 0, 80, 40], [4, 20, 44, 60], [40, 40, 80, 80]])


@method(
    task="assignment",
    paper="Ren 2015",
    lesson="w7d1",
    example={"boxes": _SAMPLE, "truth": np.array([[2.0, 2, 42, 44], [60, 50, 76, 66]])},
)
def match(
    boxes: Boxes,
    truth: Array,
    high: Annotated[float, Range(0, 1)] = 0.7,
    low: Annotated[float, Range(0, 1)] = 0.3,
    best: Annotated[str, Choice(*_BEST)] = "ties",
) -> Array:
    """Return for each box the true one that it stands for, or −1 for background, or −2 for neither.

    Parameters
    ----------
    boxes
        N×4 xyxy with continuous edges: anchors, or proposals. One with NaN, or without area, is background.
    truth
        M×4 alike; M may be 0.
    high
        Intersection over union, 0–1, from which a box stands for the true one that it overlaps most.
    low
        Overlap, 0–``high``, below which a box is background.
    best
        What is done for a true box that none overlaps enough: ``ties`` makes all its best boxes stand for what they
        overlap most; ``one`` gives it its single best box; ``none`` leaves it alone.

    Returns
    -------
    Array
        N int64: a row of ``truth``, −1 or −2.

    References
    ----------
    S. Ren, K. He, R. Girshick and J. Sun, "Faster R-CNN: Towards Real-Time Object Detection with Region Proposal
    Networks", NIPS 2015.

    Examples
    --------
    >>> anchors = np.array([[0, 0, 4, 4], [2, 0, 6, 4], [8, 0, 12, 4]])
    >>> match(anchors, np.array([[0, 0, 4, 4]])).tolist()
    [0, -2, -1]
    """
    boxes, truth = as_boxes("match", boxes), as_boxes("match", truth, "truth")
    high, low = number("match", "high", high, 0, 1), number("match", "low", low, 0, 1)
    best = choice("match", "best", best, _BEST)
    if low > high:
        raise InputError(f"match: low must be ≤ high; got {low:g} and {high:g}.")
    return _assign(pairwise_iou(boxes, truth), high, low, best)


def _assign(overlaps: Array, high: float, low: float, best: str) -> Array:
    if 0 in overlaps.shape:
        return np.full(len(overlaps), BACKGROUND, np.int64)
    nearest = overlaps.argmax(axis=1)
    most = overlaps[np.arange(len(overlaps)), nearest]
    found = np.where(most < low, BACKGROUND, np.where(most < high, NEITHER, nearest))
    top = overlaps.max(axis=0)
    touched = top > 0  # a true box that nothing overlaps has no best one
    if best == "ties":
        chosen = ((overlaps == top) & touched).any(axis=1)
        found[chosen] = nearest[chosen]
    elif best == "one":
        found[overlaps.argmax(axis=0)[touched]] = np.flatnonzero(touched)
    return found.astype(np.int64)


@match.steps
def _(boxes: Boxes, truth: Array, high: float = 0.7, low: float = 0.3, best: str = "ties") -> Iterator[Step]:
    """Yield the true boxes, the table of overlaps, and who stands for what."""
    found = match(boxes, truth, high, low, best)
    page = Picture(blank_for(boxes, truth))
    names = tuple(f"{i}" for i in range(len(truth)))
    yield Step("true boxes", page, BoxLayer(truth, names), note=f"{len(truth)} things and {len(boxes)} boxes.")
    if len(boxes) and len(truth):
        told = "Overlap of each box (down) with each thing (across)."
        yield Step("overlaps", Heat(pairwise_iou(boxes, truth).astype(np.float32)), note=told)
    for word, chosen in (("neither", found == NEITHER), ("background", found == BACKGROUND)):
        shown = np.flatnonzero(chosen)[:: max(1, int(chosen.sum()) // _SHOWN)]
        yield Step(word, page, BoxLayer(boxes[shown]), note=f"{chosen.sum()} boxes, of which {len(shown)} are drawn.")
    taken = found >= 0
    marks = tuple(f"{i}" for i in found[taken])
    note = f"{taken.sum()} boxes stand for a thing, by its number."
    yield Step("matches", Value(found), page, BoxLayer(boxes[taken], marks), note=note)
