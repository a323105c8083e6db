"""How good detections are: matched to the truth, class by class, at one overlap and at ten."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sightline.core.box_overlap import pairwise_iou
from sightline.core.errors import DataError
from sightline.core.results import Detections

THRESHOLDS = np.linspace(0.5, 0.95, 10)  # overlaps of COCO's average precision
_RECALLS = np.linspace(0, 1, 101)
SIZES = {"small": (0.0, 32.0**2), "medium": (32.0**2, 96.0**2), "large": (96.0**2, np.inf)}  # pixels², as in COCO


@dataclass(frozen=True)
class Truth:
    """What is on one picture.

    Parameters
    ----------
    boxes
        N×4 xyxy pixels.
    labels
        N class indices.
    ignore
        N bool: neither right nor wrong to find.
    """

    boxes: np.ndarray
    labels: np.ndarray
    ignore: np.ndarray


@dataclass(frozen=True)
class Examination:
    """A detector's answers on a split, and the truth.

    Parameters
    ----------
    found
        Of each picture, best first, in pixels of the picture as it came.
    truths
        Of each picture.
    keys
        Where the pictures come from.
    split
        The split that they are.
    """

    found: Sequence[Detections]
    truths: Sequence[Truth]
    keys: Sequence[str]
    split: str

    def __post_init__(self) -> None:
        if not len(self.truths):
            raise DataError(f"evaluate: the split '{self.split}' has no images.")


@dataclass(frozen=True)
class Curve:
    """How precision falls as recall rises, for one class at one overlap.

    Parameters
    ----------
    scores
        D scores of the detections that count, falling.
    right
        D bool: whether each found a thing that none before it had found.
    things
        Number of true things.
    """

    scores: np.ndarray
    right: np.ndarray
    things: int

    @property
    def recall(self) -> np.ndarray:
        """D shares of the things that are found by the first ones."""
        return self.right.cumsum() / max(self.things, 1)

    @property
    def precision(self) -> np.ndarray:
        """D shares of the first ones that are right."""
        return self.right.cumsum() / np.arange(1, len(self.right) + 1)

    @property
    def average_precision(self) -> float:
        """Mean over 101 recalls of the best precision at that recall or beyond; NaN for a class that is never seen."""
        if not self.things:
            return float("nan")
        best = np.maximum.accumulate(self.precision[::-1])[::-1]
        place = np.searchsorted(self.recall, _RECALLS - 1e-12)
        return float(np.append(best, 0.0)[place].mean())


def match(found: Detections, truth: Truth, threshold: float) -> np.ndarray:
    """Return what each detection of a picture found: the number of a thing, −1 for none, −2 for one that is ignored.

    Parameters
    ----------
    found
        Best first: the best takes the free thing of its class that it overlaps most.
    truth
        What is there.
    threshold
        Least overlap.
    """
    answer = np.full(len(found), -1)
    table = pairwise_iou(found.boxes, truth.boxes)
    table[found.labels[:, None] != truth.labels[None]] = 0
    free = ~truth.ignore
    for i in range(len(found)):
        overlaps = np.where(free, table[i], 0)
        best = int(overlaps.argmax()) if len(overlaps) else -1
        if best >= 0 and overlaps[best] >= threshold:
            answer[i], free[best] = best, False
        elif (table[i][truth.ignore] >= threshold).any():
            answer[i] = -2
    return answer


def curve(found: Sequence[Detections], truths: Sequence[Truth], label: int, threshold: float) -> Curve:
    """Return the curve of one class.

    Parameters
    ----------
    found, truths
        Of each picture.
    label
        The class.
    threshold
        Least overlap of a right detection.
    """
    scores, right, things = [], [], 0
    for some, truth in zip(found, truths, strict=True):
        mine = some[some.labels == label]
        known = truth.labels == label
        own = Truth(truth.boxes[known], truth.labels[known], truth.ignore[known])
        answer = match(mine, own, threshold)
        scores.append(mine.scores[answer != -2])
        right.append(answer[answer != -2] >= 0)
        things += int((~own.ignore).sum())
    all_scores = np.concatenate(scores) if scores else np.zeros(0)
    order = np.argsort(-all_scores, kind="stable")
    return Curve(all_scores[order], np.concatenate(right)[order] if right else np.zeros(0, bool), things)


def precisions(found: Sequence[Detections], truths: Sequence[Truth], classes: int) -> np.ndarray:
    """Return classes×10 average precisions at :data:`THRESHOLDS`; NaN for a class that is never seen.

    Parameters
    ----------
    found, truths
        Of each picture.
    classes
        Number of classes.
    """
    return np.array(
        [[curve(found, truths, k, t).average_precision for t in THRESHOLDS] for k in range(classes)]
    ).reshape(classes, len(THRESHOLDS))


def mean(values: np.ndarray) -> float:
    """Return the mean of what is known; 0 where nothing is.

    Parameters
    ----------
    values
        Any shape, with NaN for what is not known.
    """
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else 0.0


def summarise(seen: Examination, classes: Sequence[str]) -> dict[str, Any]:
    """Return the evaluation as JSON values.

    Parameters
    ----------
    seen
        The answers.
    classes
        Names by index.

    Returns
    -------
    ``split``, ``images``, ``things``, ``map50``, ``map`` (over overlaps of 0.5 to 0.95), ``map_small``, ``map_medium``,
    ``map_large`` (None where there is no such thing), ``per_class`` (class, ap50, ap, precision and recall at the score
    of best F1, things) and ``classes``.
    """
    table = precisions(seen.found, seen.truths, len(classes))
    rows = []
    for label, name in enumerate(classes):
        line = curve(seen.found, seen.truths, label, 0.5)
        at = best_place(line)
        rows.append(
            {
                "class": name,
                "ap50": _plain(table[label, 0]),
                "ap": _plain(table[label].mean()),
                "precision": _plain(line.precision[at]) if at >= 0 else 0.0,
                "recall": _plain(line.recall[at]) if at >= 0 else 0.0,
                "score": float(line.scores[at]) if at >= 0 else None,
                "things": line.things,
            }
        )
    return {
        "split": seen.split,
        "images": len(seen.truths),
        "things": sum(int((~truth.ignore).sum()) for truth in seen.truths),
        "map50": mean(table[:, 0]),
        "map": mean(table),
        **{f"map_{name}": _by_size(seen, len(classes), *span) for name, span in SIZES.items()},
        "per_class": rows,
        "classes": list(classes),
    }


def best_place(line: Curve) -> int:
    """Return the number of the last detection that is kept at the score of best F1; −1 where nothing is right.

    Parameters
    ----------
    line
        Of one class.
    """
    if not line.right.any():
        return -1
    p, r = line.precision, line.recall
    return int((2 * p * r / np.maximum(p + r, 1e-12)).argmax())


def _by_size(seen: Examination, classes: int, low: float, high: float) -> float | None:
    """Return the mean average precision of things of some area alone; others are ignored, and what finds nothing."""

    def area(boxes: np.ndarray) -> np.ndarray:
        return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])

    found, truths = [], []
    for some, truth in zip(seen.found, seen.truths, strict=True):
        outside = (area(truth.boxes) < low) | (area(truth.boxes) >= high)
        there = Truth(truth.boxes, truth.labels, truth.ignore | outside)
        size = area(some.boxes)
        overlaps = pairwise_iou(some.boxes, truth.boxes).max(axis=1, initial=0)
        found.append(some[((size >= low) & (size < high)) | (overlaps >= THRESHOLDS[0])])
        truths.append(there)
    if not any((~truth.ignore).any() for truth in truths):
        return None
    return mean(precisions(found, truths, classes))


def _plain(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
