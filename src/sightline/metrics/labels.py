"""What classification metrics take: labels, scores and probabilities, checked once for all of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from sightline.core.checks import describe, integer
from sightline.core.errors import InputError


def as_labels(function: str, argument: str, values: Any, classes: int | None = None) -> np.ndarray:
    """Return N class indices as int64, N ≥ 1, each in 0…classes−1.

    Parameters
    ----------
    function, argument
        Names for the error's sentence.
    values
        The argument as it came.
    classes
        Number of classes; None accepts any index ≥ 0.
    """
    array = np.asarray(values)
    if array.ndim != 1 or array.size == 0 or array.dtype.kind not in "iub":
        raise InputError(f"{function}: {argument} must be N ≥ 1 whole class indices; got {describe(array)}.")
    array = array.astype(np.int64)
    top = int(array.max())
    if array.min() < 0 or (classes is not None and top >= classes):
        span = "≥ 0" if classes is None else f"in 0–{classes - 1}"
        raise InputError(f"{function}: {argument} must be {span}; got {int(array.min())}–{top}.")
    return array


def as_pair(
    function: str, labels: Any, predicted: Any, classes: int | None = None
) -> tuple[np.ndarray, np.ndarray, int]:
    """Return true and predicted labels of one length, and the number of classes (default: largest + 1)."""
    if classes is not None:
        classes = integer(function, "classes", classes, 1)
    labels = as_labels(function, "labels", labels, classes)
    predicted = as_labels(function, "predicted", predicted, classes)
    if len(labels) != len(predicted):
        raise InputError(
            f"{function}: labels and predicted must be of one length; got {len(labels)} and {len(predicted)}."
        )
    return labels, predicted, classes or int(max(labels.max(), predicted.max())) + 1


def as_scores(function: str, argument: str, values: Any, count: int) -> np.ndarray:
    """Return N×K finite scores as float64, one row for each of ``count`` labels."""
    array = np.asarray(values)
    if array.ndim != 2 or array.shape[0] != count or array.shape[1] == 0 or array.dtype.kind not in "fiu":
        raise InputError(
            f"{function}: {argument} must be N×K numbers, one row for each of {count} labels; got {describe(array)}."
        )
    array = array.astype(np.float64)
    if not np.isfinite(array).all():
        raise InputError(f"{function}: {argument} must be finite; got NaN or infinity.")
    return array


def as_probabilities(function: str, argument: str, values: Any, count: int) -> np.ndarray:
    """Return N×K probabilities as float64: in 0–1, rows that sum to 1 within 1 %."""
    array = as_scores(function, argument, values, count)
    if array.min() < 0 or array.max() > 1 + 1e-6 or np.abs(array.sum(axis=1) - 1).max() > 1e-2:
        raise InputError(
            f"{function}: {argument} must be probabilities in 0–1 whose rows sum to 1. Pass logits through a softmax."
        )
    return array
