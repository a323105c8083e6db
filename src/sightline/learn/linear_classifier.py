"""What classifiers share that decide by scores: how scores become classes and probabilities, and linear ones."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np

from sightline.core.types import Array
from sightline.learn.estimator import Classifier, as_seen


class DecisionClassifier(Classifier):
    """A classifier that gives each class a score; of two classes, the second alone has one."""

    @abstractmethod
    def decision_function(self, samples: Any) -> Array:
        """Return N×C scores of N×D samples; N for two classes, above 0 for the second."""

    def predict(self, samples: Any) -> Array:
        """Return the class of each of N×D samples."""
        scores = self.decision_function(samples)
        return self.classes_[(scores > 0).astype(np.int64) if scores.ndim == 1 else scores.argmax(axis=1)]


class LinearClassifier(DecisionClassifier):
    """A classifier whose scores are linear in the sample.

    Attributes
    ----------
    coef_, intercept_
        C×D weights and C offsets, 1×D and 1 for two classes, which speak for the second one.
    """

    coef_: Array
    intercept_: Array

    def decision_function(self, samples: Any) -> Array:
        """Return N×C scores of N×D samples; N for two classes, above 0 for the second."""
        scores = as_seen(self, "decision_function", samples) @ self.coef_.T + self.intercept_
        return scores[:, 0] if len(self.coef_) == 1 else scores


def probabilities(scores: Array) -> Array:
    """Return the N×C probabilities softmax(s) of N×C scores; of N scores, those of two classes, N×2.

    Parameters
    ----------
    scores
        N×C logarithms of what is proportional to the probabilities; or N, of the second class of two over the first.

    Examples
    --------
    >>> probabilities(np.array([0.0, np.log(3)])).round(3).tolist()
    [[0.5, 0.5], [0.25, 0.75]]
    """
    if scores.ndim == 1:
        scores = np.stack([np.zeros_like(scores), scores], axis=1)
    likely = np.exp(scores - scores.max(axis=1, keepdims=True))
    return likely / likely.sum(axis=1, keepdims=True)
