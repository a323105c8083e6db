"""Suppression round by round: which box is taken, and what that does to the boxes that still wait."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from sightline.core.box_overlap import pairwise_iou
from sightline.core.types import Array, Boxes


@dataclass(frozen=True, eq=False)
class Round:
    """One box is taken.

    Parameters
    ----------
    best
        Its index.
    score
        What its score is by now.
    rivals
        R indices of the boxes that wait and overlap it.
    overlaps
        R intersections over union with it, above 0.
    weights
        R factors, 0–1, by which their scores fall; 0 sends a box away.
    scores
        R scores after it.
    """

    best: int
    score: float
    rivals: Array
    overlaps: Array
    weights: Array
    scores: Array


def rounds(boxes: Boxes, scores: Array, kept: Array, weigh: Callable[[Array], Array]) -> Iterator[Round]:
    """Yield the rounds of a suppression whose outcome is known.

    Parameters
    ----------
    boxes
        N×4 xyxy.
    scores
        N numbers.
    kept
        Indices in the order in which they are taken.
    weigh
        Gives, for R overlaps, the factors by which scores fall.

    Examples
    --------
    >>> boxes = np.array([[0, 0, 4, 4], [0, 0, 4, 3], [8, 0, 12, 4]])
    >>> hard = lambda overlaps: np.where(overlaps > 0.5, 0.0, 1.0)
    >>> [one.rivals.tolist() for one in rounds(boxes, np.array([0.9, 0.8, 0.7]), np.array([0, 2]), hard)]
    [[1], []]
    """
    left = np.array(scores, np.float64)
    waiting = np.argsort(-left, kind="stable")
    for best in kept:
        waiting = waiting[waiting != best]
        overlaps = pairwise_iou(boxes[best : best + 1], boxes[waiting])[0]
        touched = overlaps > 0
        rivals, weights = waiting[touched], weigh(overlaps[touched])
        left[rivals] *= weights
        yield Round(int(best), float(left[best]), rivals, overlaps[touched], weights, left[rivals])
        waiting = waiting[~np.isin(waiting, rivals[weights == 0])]
