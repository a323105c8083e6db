"""Accuracy: the share of labels that were predicted right, at the first guess or among the first k.

Russakovsky et al. 2015, "ImageNet Large Scale Visual Recognition Challenge", IJCV 115(3), section 4.1 (top-5).
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.typing import ArrayLike

from sightline.core.catalogue import method
from sightline.core.checks import integer
from sightline.core.types import Range
from sightline.metrics.labels import as_labels, as_pair, as_scores


@method(task="metric", paper="Russakovsky 2015", lesson="w4d5", example={"labels": [0, 1], "predicted": [0, 0]})
def accuracy(labels: ArrayLike, predicted: ArrayLike) -> float:
    """Share of predictions that equal the label.

    Parameters
    ----------
    labels
        N true class indices, N ≥ 1.
    predicted
        N predicted class indices.

    Returns
    -------
    float
        In 0–1. Labels are whole numbers: NaN is refused.

    Raises
    ------
    InputError
        When the arguments are not N class indices each.

    Examples
    --------
    >>> accuracy([0, 1, 2, 2], [0, 1, 1, 2])
    0.75
    """
    labels, predicted, _ = as_pair("accuracy", labels, predicted)
    return float(np.mean(labels == predicted))


@method(task="metric", paper="Russakovsky 2015", lesson="w4d5", example={"labels": [0, 1], "scores": [[0.7, 0.3]] * 2})
def top_k_accuracy(labels: ArrayLike, scores: ArrayLike, *, k: Annotated[int, Range(1, 1000)] = 5) -> float:
    """Share of samples whose label is among the ``k`` highest scores.

    Parameters
    ----------
    labels
        N true class indices in 0…K−1, N ≥ 1.
    scores
        N×K finite scores, the higher the likelier: logits or probabilities. Of equal scores the higher index counts
        first, as in scikit-learn.
    k
        Number of guesses, ≥ 1; with ``k`` ≥ K every label counts as found.

    Returns
    -------
    float
        In 0–1. NaN and infinity are refused.

    Raises
    ------
    InputError
        When the arguments do not belong together.

    Examples
    --------
    >>> top_k_accuracy([0, 1], [[0.1, 0.2, 0.7], [0.3, 0.4, 0.3]], k=2)
    0.5
    """
    k = integer("top_k_accuracy", "k", k, 1)
    count = len(as_labels("top_k_accuracy", "labels", labels))
    scores = as_scores("top_k_accuracy", "scores", scores, count)
    labels = as_labels("top_k_accuracy", "labels", labels, scores.shape[1])
    ranked = np.argsort(scores, axis=1, kind="stable")[:, ::-1][:, :k]  # N×K → N×k, best first
    return float(np.mean((ranked == labels[:, None]).any(axis=1)))
