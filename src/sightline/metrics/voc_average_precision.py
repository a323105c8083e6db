"""Average precision as the Pascal VOC challenge measured it: at one overlap, from eleven recalls or from all.

Everingham, Van Gool, Williams, Winn & Zisserman 2010, "The Pascal Visual Object Classes (VOC) Challenge", IJCV 88(2),
section 4.2 for eleven points; from 2010 on, all points.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from sightline.core.box_overlap import pairwise_iou
from sightline.core.catalogue import method
from sightline.core.checks import choice, number
from sightline.core.results import Detections
from sightline.core.types import Array, Choice, Range
from sightline.metrics.box_matching import IGNORED, RIGHT, WRONG, Sorted, sort_boxes
from sightline.metrics.box_set import EXAMPLE_FOUND, EXAMPLE_TRUTH, as_box_sets

_ALL = 1 << 60  # detections in an image


@dataclass(frozen=True, eq=False)
class VocPrecision:
    """Average precision of each class; ``float()`` gives their mean.

    Parameters
    ----------
    classes
        K labels, those that have a true box that counts.
    precisions
        K average precisions, 0–1.
    curves
        For each class N×2 (recall, precision), a row for each detection, the surest first.
    names
        Class names by label; may be empty.
    """

    classes: Array
    precisions: Array
    curves: tuple[Array, ...]
    names: tuple[str, ...] = ()

    @property
    def by_class(self) -> dict[str, float]:
        """Average precision by class name."""
        words = [self.names[k] if 0 <= k < len(self.names) else str(k) for k in self.classes.tolist()]
        return dict(zip(words, self.precisions.tolist(), strict=True))

    def __float__(self) -> float:
        return float(self.precisions.mean()) if len(self.precisions) else float("nan")

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values: the mean (None where there is none) and each class."""
        mean = float(self)
        return {"map": None if np.isnan(mean) else mean, "by_class": self.by_class}


@method(
    task="metric", paper="Everingham 2010", lesson="w7d1", example={"found": [EXAMPLE_FOUND], "truth": [EXAMPLE_TRUTH]}
)
def voc_average_precision(
    found: Sequence[Any],
    truth: Sequence[Any],
    *,
    threshold: Annotated[float, Range(0, 1)] = 0.5,
    points: Annotated[str, Choice("all", "eleven")] = "all",
) -> VocPrecision:
    """Return Pascal VOC's average precision of each class.

    A detection looks at the true box that it overlaps most, and is wrong when a surer one has that box already.

    Parameters
    ----------
    found
        What a detector says: ``Detections`` for each image. NaN as a score is refused; a box with NaN overlaps nothing.
    truth
        What is there, in the same order: anything with ``boxes`` and ``labels``, and with ``ignore`` where some are
        difficult: neither right nor wrong to find.
    threshold
        Overlap from which a detection is right, 0–1.
    points
        ``all`` is the area under the curve, ``eleven`` the mean at recalls 0, 0.1 … 1; either way a precision is the
        best at that recall or beyond.

    Returns
    -------
    VocPrecision
        By class; ``float()`` of it is mAP.

    References
    ----------
    M. Everingham, L. Van Gool, C. K. I. Williams, J. Winn, A. Zisserman, "The Pascal Visual Object Classes (VOC)
    Challenge", International Journal of Computer Vision 88(2), 2010.

    Examples
    --------
    >>> from sightline import Detections
    >>> true = [Detections([[0, 0, 10, 10], [20, 0, 30, 10]], [1, 1], [0, 0])]
    >>> seen = [Detections([[0, 0, 10, 10], [50, 0, 60, 10]], [0.9, 0.8], [0, 0])]
    >>> float(voc_average_precision(seen, true))
    0.5
    """
    name = "voc_average_precision"
    threshold = number(name, "threshold", threshold, 0, 1)
    eleven = choice(name, "points", points, ("all", "eleven")) == "eleven"
    boxes = sort_boxes(name, as_box_sets(name, "found", found), as_box_sets(name, "truth", truth), _ALL, masks=False)
    verdicts = _verdicts(boxes, threshold)
    things = np.bincount(boxes.true_kinds[~boxes.ignore], minlength=len(boxes.classes))
    seen = np.flatnonzero(things)
    curves = tuple(_curve(boxes, verdicts, k, things[k]) for k in seen.tolist())
    precisions = np.array([_eleven(curve) if eleven else _area(curve) for curve in curves])
    names = next((one.names for one in found if isinstance(one, Detections) and one.names), ())
    return VocPrecision(boxes.classes[seen], precisions, curves, names)


def _verdicts(boxes: Sorted, threshold: float) -> Array:
    verdicts = np.full(len(boxes.scores), WRONG, np.uint8)
    for _, d0, d1, t0, t1 in boxes.groups.tolist():
        if d0 == d1 or t0 == t1:
            continue
        table = pairwise_iou(boxes.boxes[d0:d1], boxes.true_boxes[t0:t1])
        nearest, ignore, taken = table.argmax(axis=1), boxes.ignore[t0:t1], np.zeros(t1 - t0, np.bool_)
        for d, best in enumerate(nearest):
            if table[d, best] < threshold:
                continue
            if ignore[best]:
                verdicts[d0 + d] = IGNORED
            elif not taken[best]:
                verdicts[d0 + d], taken[best] = RIGHT, True
    return verdicts


def _curve(boxes: Sorted, verdicts: Array, kind: int, things: int) -> Array:
    chosen = np.flatnonzero((boxes.kinds == kind) & (verdicts != IGNORED))
    chosen = chosen[np.argsort(-boxes.scores[chosen], kind="stable")]
    right = np.cumsum(verdicts[chosen] == RIGHT)
    return np.stack([right / things, right / np.arange(1, len(chosen) + 1)], axis=1)


def _area(curve: Array) -> float:
    recalls = curve[:, 0]
    return float((np.diff(recalls, prepend=0.0) * envelope(curve, recalls)[:, 1]).sum())


def _eleven(curve: Array) -> float:
    return float(np.mean(envelope(curve, np.linspace(0, 1, 11))[:, 1]))


def envelope(curve: Array, recalls: Array) -> Array:
    """Return the best precision at each of R recalls or beyond, R×2 (recall, precision); 0 where none is reached.

    Parameters
    ----------
    curve
        N×2 recall and precision, recall rising.
    recalls
        R recalls, 0–1.
    """
    best = np.append(np.maximum.accumulate(curve[::-1, 1])[::-1], 0.0)
    return np.stack([recalls, best[np.searchsorted(curve[:, 0], recalls)]], axis=1)
