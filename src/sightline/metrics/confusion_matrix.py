"""Confusion matrix: which class was taken for which, and the precision, recall and F1 that follow from it.

van Rijsbergen 1979, "Information Retrieval", chapter 7 (precision, recall, F).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Annotated, Any

import numpy as np
from numpy.typing import ArrayLike

from sightline.core.catalogue import method
from sightline.core.types import Range
from sightline.metrics.labels import as_pair

Classes = Annotated[int, Range(1, 10**6)] | None


@method(task="metric", paper="van Rijsbergen 1979", lesson="w4d5", example={"labels": [0, 1], "predicted": [0, 0]})
def confusion_matrix(labels: ArrayLike, predicted: ArrayLike, *, classes: Classes = None) -> np.ndarray:
    """Count how often each class (row) was predicted as each class (column).

    Parameters
    ----------
    labels
        N true class indices, N ≥ 1.
    predicted
        N predicted class indices.
    classes
        Number of classes K; None takes one more than the largest index.

    Returns
    -------
    numpy.ndarray
        K×K int64 counts that sum to N. Labels are whole numbers: NaN is refused.

    Raises
    ------
    InputError
        When the arguments are not N class indices below K each.

    Examples
    --------
    >>> confusion_matrix([0, 0, 1, 1], [0, 1, 1, 1])
    array([[1, 1],
           [0, 2]])
    """
    labels, predicted, count = as_pair("confusion_matrix", labels, predicted, classes)
    return np.bincount(labels * count + predicted, minlength=count * count).reshape(count, count)


@dataclass(frozen=True)
class ClassScores:
    """Precision, recall and F1 of each class, and their plain means.

    Parameters
    ----------
    precision, recall, f1
        K float64 each, in 0–1; 0 where the class was never predicted, or never there.
    support
        K int64: samples of each class.
    macro_precision, macro_recall, macro_f1
        Means over the classes that are there or were predicted.
    """

    precision: np.ndarray
    recall: np.ndarray
    f1: np.ndarray
    support: np.ndarray
    macro_precision: float
    macro_recall: float
    macro_f1: float

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in asdict(self).items()}


@method(task="metric", paper="van Rijsbergen 1979", lesson="w4d5", example={"labels": [0, 1], "predicted": [0, 0]})
def precision_recall_f1(labels: ArrayLike, predicted: ArrayLike, *, classes: Classes = None) -> ClassScores:
    """Precision TP/(TP + FP), recall TP/(TP + FN) and F1 = 2TP/(2TP + FP + FN) of each class; 0/0 is 0.

    Parameters
    ----------
    labels
        N true class indices, N ≥ 1.
    predicted
        N predicted class indices.
    classes
        Number of classes K; None takes one more than the largest index.

    Returns
    -------
    ClassScores
        Per class and averaged (macro). Labels are whole numbers: NaN is refused.

    Raises
    ------
    InputError
        When the arguments are not N class indices below K each.

    Examples
    --------
    >>> scores = precision_recall_f1([0, 0, 1, 1], [0, 1, 1, 1])
    >>> scores.recall
    array([0.5, 1. ])
    >>> round(scores.macro_f1, 4)
    0.7333
    """
    counts = confusion_matrix(*as_pair("precision_recall_f1", labels, predicted, classes)[:2], classes=classes)
    right, predicted_as, support = np.diag(counts), counts.sum(axis=0), counts.sum(axis=1)
    precision, recall = _ratio(right, predicted_as), _ratio(right, support)
    f1 = _ratio(2 * right, predicted_as + support)
    seen = (predicted_as + support) > 0
    means = (float(values[seen].mean()) for values in (precision, recall, f1))
    return ClassScores(precision, recall, f1, support, *means)


def _ratio(top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    return np.divide(top, bottom, out=np.zeros(len(top)), where=bottom > 0)
