"""What a classifier's answers on labelled images add up to."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import nn

from sightline.core.errors import DataError
from sightline.metrics import (
    bootstrap_interval,
    calibration_error,
    confusion_matrix,
    precision_recall_f1,
    top_k_accuracy,
)


@dataclass(frozen=True)
class Examination:
    """Answers to images whose labels are known.

    Parameters
    ----------
    probabilities
        N×classes, rows sum to 1.
    labels
        N true class indices.
    keys
        N names that tell where the images come from.
    split
        The split that they are.
    """

    probabilities: np.ndarray
    labels: np.ndarray
    keys: Sequence[str]
    split: str

    def __post_init__(self) -> None:
        if not len(self.labels):
            raise DataError(f"evaluate: the split '{self.split}' has no images.")

    @property
    def predicted(self) -> np.ndarray:
        """The N classes of highest probability."""
        return self.probabilities.argmax(axis=1)


def summarise(found: Examination, classes: Sequence[str]) -> dict[str, Any]:
    """Return the evaluation as JSON values.

    Parameters
    ----------
    found
        The answers.
    classes
        Names by index.

    Returns
    -------
    ``split``, ``images``, ``accuracy``, ``accuracy_interval`` (95 %), ``top5`` from six classes on, ``macro_f1``,
    ``calibration_error``, ``per_class`` (class, precision, recall, f1, images), ``confusion_matrix`` (rows are true
    classes) and ``classes``.
    """
    labels, predicted, count = found.labels, found.predicted, len(classes)
    right = predicted == labels
    scores = precision_recall_f1(labels, predicted, classes=count)
    rows = zip(classes, scores.precision, scores.recall, scores.f1, scores.support, strict=True)
    summary: dict[str, Any] = {
        "split": found.split,
        "images": len(labels),
        "accuracy": float(right.mean()),
        "accuracy_interval": list(interval(right)),
    }
    if count > 5:
        summary["top5"] = top_k_accuracy(labels, found.probabilities, k=5)
    return {
        **summary,
        "macro_f1": scores.macro_f1,
        "calibration_error": calibration_error(labels, found.probabilities).error,
        "per_class": [
            {"class": name, "precision": float(p), "recall": float(r), "f1": float(f), "images": int(n)}
            for name, p, r, f, n in rows
        ],
        "confusion_matrix": confusion_matrix(labels, predicted, classes=count).tolist(),
        "classes": list(classes),
    }


def interval(right: np.ndarray) -> tuple[float, float]:
    """Return the 95 % interval of an accuracy: bootstrap, and the exact binomial bound where all answers agree.

    Parameters
    ----------
    right
        N bools: which answers are right.

    Examples
    --------
    >>> import numpy as np
    >>> low, high = interval(np.ones(10, bool))  # ten right answers do not prove perfection
    >>> round(low, 3), high
    (0.692, 1.0)
    """
    if 0 < right.sum() < len(right):
        return bootstrap_interval(right)
    # Clopper and Pearson 1934 for none or all of n: (α/2)^(1/n). Resampling equal values would show no spread.
    bound = 0.025 ** (1 / len(right))
    return (bound, 1.0) if right.all() else (0.0, 1 - bound)


def digest_of(model: nn.Module) -> str:
    """Return a digest of a model's weights and buffers: it changes when they do.

    Parameters
    ----------
    model
        On any device.
    """
    digest = hashlib.blake2b(digest_size=16)
    for value in (*model.parameters(), *model.buffers()):
        digest.update(value.detach().cpu().contiguous().numpy().data)
    return digest.hexdigest()
