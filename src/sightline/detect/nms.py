"""Non-maximum suppression: of boxes that overlap, the best stays, and the others go.

Rosenfeld & Thurston 1971, "Edge and Curve Detection for Visual Scene Analysis", IEEE Transactions on Computers
C-20(5), for maxima; for boxes, greedily, Dalal & Triggs 2005 and Felzenszwalb et al. 2010, section 4.4.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Annotated

import numpy as np

from sightline.core.box_overlap import as_boxes
from sightline.core.box_suppression import suppress
from sightline.core.catalogue import method
from sightline.core.checks import describe, number
from sightline.core.errors import InputError
from sightline.core.layers import Boxes as BoxLayer
from sightline.core.layers import Picture, Value
from sightline.core.trace import Step
from sightline.core.types import Array, Boxes, Range
from sightline.detect.suppression_rounds import rounds

_SHOWN = 24  # rounds that are shown one by one
_SAMPLE = np.array([[8.0, 8, 40, 44], [12, 10, 44, 46], [60, 20, 92, 60], [64, 22, 90, 66], [20, 60, 44, 90]])


@method(
    task="suppression",
    paper="Felzenszwalb 2010",
    lesson="w7d1",
    example={"boxes": _SAMPLE, "scores": np.array([0.9, 0.8, 0.6, 0.7, 0.5])},
)
def nms(boxes: Boxes, scores: Array, threshold: Annotated[float, Range(0, 1)] = 0.5) -> Array:
    """Return which boxes stay: the best, then the best of what does not overlap it too much, and so on.

    Parameters
    ----------
    boxes
        N×4 xyxy with continuous edges; one without area, or with NaN, overlaps nothing and stays.
    scores
        N numbers, the higher the better; of equal ones the first is better. NaN is refused.
    threshold
        Intersection over union, 0–1: a box that overlaps a better one by more than this goes.

    Returns
    -------
    Array
        Indices of the boxes that stay, int64, by falling score.

    References
    ----------
    P. F. Felzenszwalb, R. B. Girshick, D. McAllester and D. Ramanan, "Object Detection with Discriminatively Trained
    Part-Based Models", PAMI 32(9), 2010.

    Examples
    --------
    >>> boxes = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [20, 0, 30, 10]])
    >>> nms(boxes, np.array([0.6, 0.9, 0.3])).tolist()
    [1, 2]
    """
    boxes = as_boxes("nms", boxes)
    scores = as_scores("nms", scores, len(boxes))
    return suppress(boxes, scores, number("nms", "threshold", threshold, 0, 1))


@nms.steps
def _(boxes: Boxes, scores: Array, threshold: float = 0.5) -> Iterator[Step]:
    """Yield the rounds: who is best, and whom it sends away."""
    kept = nms(boxes, scores, threshold)
    canvas = Picture(blank_for(boxes))
    order = np.argsort(-np.asarray(scores), kind="stable")
    said = tuple(f"{score:.2f}" for score in np.asarray(scores)[order])
    yield Step("candidates", canvas, BoxLayer(np.asarray(boxes)[order], said), note=f"{len(boxes)} boxes, best first")
    hard = partial(weights_of, threshold=threshold)
    for turn, one in enumerate(rounds(boxes, scores, kept[:_SHOWN], hard), 1):
        gone = one.weights == 0
        told = f"sends {gone.sum()} away" if gone.any() else "takes nothing away"
        shown = np.concatenate([[one.best], one.rivals[gone]]).astype(np.int64)
        words = ("stays", *(f"{value:.2f}" for value in one.overlaps[gone]))
        note = f"score {one.score:.2f} stays and {told}"
        yield Step(f"round {turn}", canvas, BoxLayer(boxes[shown], words), note=note)
    yield Step("kept", Value(kept), canvas, BoxLayer(boxes[kept], tuple(f"{s:.2f}" for s in np.asarray(scores)[kept])))


def weights_of(overlaps: Array, threshold: float) -> Array:
    """Return what becomes of boxes that overlap a better one: 0 sends away, 1 leaves alone.

    Parameters
    ----------
    overlaps
        R intersections over union, 0–1.
    threshold
        Overlap above which a box goes.
    """
    return np.where(overlaps > threshold, 0.0, 1.0)


def as_scores(function: str, scores: object, count: int, argument: str = "scores") -> Array:
    """Return one number for each of ``count`` boxes as float64; raise :class:`InputError` for anything else.

    Parameters
    ----------
    function, argument
        Names for the error's sentence.
    scores
        The argument as it came.
    count
        How many boxes there are.
    """
    if not isinstance(scores, np.ndarray) or scores.shape != (count,) or scores.dtype.kind not in "iufb":
        hint = f" Use {argument}.detach().cpu().numpy()." if type(scores).__module__.startswith("torch") else ""
        raise InputError(
            f"{function}: {argument} must be {count} numbers, one for each box; got {describe(scores)}.{hint}"
        )
    scores = scores.astype(np.float64)
    if np.isnan(scores).any():
        raise InputError(
            f"{function}: {argument} must be numbers; got {int(np.isnan(scores).sum())} NaN. "
            f"Drop those boxes first: boxes[~np.isnan({argument})]."
        )
    return scores


def blank_for(*boxes: Array) -> Array:
    """Return a grey page, H×W×3 uint8, on which boxes can be drawn.

    Parameters
    ----------
    *boxes
        Sets of N×4 boxes that must fit.
    """
    ends = np.concatenate([np.asarray(part, np.float64).reshape(-1, 4)[:, 2:] for part in boxes] or [np.zeros((0, 2))])
    ends = ends[np.isfinite(ends).all(axis=1)]
    width, height = np.ceil(ends.max(axis=0, initial=16)).clip(16, 2000).astype(int)
    return np.full((height + 8, width + 8, 3), 235, np.uint8)
