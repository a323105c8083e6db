"""How good detections are: matched to the truth, class by class, at one overlap and at ten."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sightline.core.box_overlap import pairwise_iou
from sightline.core.errors import DataError
from sightline.core.results import Detections
from sightline.metrics.box_set import BoxSet
from sightline.metrics.mean_average_precision import AveragePrecision, mean_average_precision

SIZES = ("small", "medium", "large")


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
    truths: Sequence[BoxSet]
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


def match(found: Detections, truth: BoxSet, threshold: float) -> np.ndarray:
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


def curve(found: Sequence[Detections], truths: Sequence[BoxSet], label: int, threshold: float) -> Curve:
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
        same = truth.labels == label
        own = BoxSet(truth.boxes[same], truth.labels[same], ignore=truth.ignore[same])
        answer = match(mine, own, threshold)
        scores.append(mine.scores[answer != -2])
        right.append(answer[answer != -2] >= 0)
        things += int((~own.ignore).sum())
    all_scores = np.concatenate(scores) if scores else np.zeros(0)
    order = np.argsort(-all_scores, kind="stable")
    return Curve(all_scores[order], np.concatenate(right)[order] if right else np.zeros(0, bool), things)


def score(found: Sequence[Detections], truths: Sequence[BoxSet]) -> AveragePrecision:
    """Return COCO's numbers, with as many detections of a picture as there are.

    Parameters
    ----------
    found, truths
        Of each picture.
    """
    return mean_average_precision(found, truths, most=(1, 10, max(100, *map(len, found))))


def known(value: float) -> float:
    """Return a number, 0 for NaN: where there was nothing to find.

    Parameters
    ----------
    value
        A mean.
    """
    return 0.0 if math.isnan(value) else value


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
    scored = score(seen.found, seen.truths)
    table = {label: scored.precision[:, :, k, 0, -1] for k, label in enumerate(scored.classes.tolist())}  # each T×101
    rows = []
    for label, name in enumerate(classes):
        line = curve(seen.found, seen.truths, label, 0.5)
        at = best_place(line)
        rows.append(
            {
                "class": name,
                "ap50": float(table[label][0].mean()) if label in table else None,
                "ap": float(table[label].mean()) if label in table else None,
                "precision": float(line.precision[at]) if at >= 0 else 0.0,
                "recall": float(line.recall[at]) if at >= 0 else 0.0,
                "score": float(line.scores[at]) if at >= 0 else None,
                "things": line.things,
            }
        )
    sizes = {f"map_{name}": scored.average(size=name) for name in SIZES}
    return {
        "split": seen.split,
        "images": len(seen.truths),
        "things": sum(int((~truth.ignore).sum()) for truth in seen.truths),
        "map50": known(scored.ap50),
        "map": known(scored.ap),
        **{name: None if math.isnan(value) else value for name, value in sizes.items()},
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
