"""What a classifier of histograms of words keeps, be it a machine with margins or naive Bayes: weights and offsets.

Csurka et al. 2004, "Visual Categorization with Bags of Keypoints", ECCV workshop, section 3.3, which compares the two.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sightline.core.types import Array
from sightline.learn.linear_svm import LinearSVM
from sightline.learn.naive_bayes import NaiveBayes


@dataclass(frozen=True, eq=False)
class LinearScores:
    """A class for each column of weights: the one whose score, features · weights + offset, is greatest.

    Parameters
    ----------
    weights
        D×C float32.
    offsets
        C float32.
    """

    weights: Array
    offsets: Array

    def predict(self, features: Array) -> Array:
        """Return the class of each of N×D features, as N int64."""
        return np.argmax(features @ self.weights + self.offsets, axis=1)


def scores_of(classifier: LinearSVM | NaiveBayes) -> LinearScores:
    """Return the scores by which a fitted classifier decides; of naive Bayes, one of counts."""
    if isinstance(classifier, NaiveBayes):
        weights, offsets = classifier.log_shares_, np.log(classifier.priors_)
    else:
        weights, offsets = classifier.coef_, classifier.intercept_
    if len(weights) == 1:  # of two classes, the second alone has a score
        weights, offsets = np.concatenate([-weights, weights]), np.concatenate([-offsets, offsets])
    return LinearScores(np.ascontiguousarray(weights.T, np.float32), offsets.astype(np.float32))
