"""Two classifiers for histograms of words: multinomial naive Bayes, and a linear support vector machine.

Csurka et al. 2004, "Visual Categorization with Bags of Keypoints", ECCV workshop, section 3.3, which compares the two.
The machine is trained by Hsieh et al. 2008, "A Dual Coordinate Descent Method for Large-scale Linear SVM", ICML,
algorithm 1, with squared hinge loss, one class against the rest.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sightline.core.kernels import kernel, over_rows
from sightline.core.types import Array


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


def naive_bayes(counts: Array, labels: Array, classes: int) -> LinearScores:
    """Return the classifier of N×D counts ≥ 0 that takes words as independent; each has been seen once more."""
    seen = np.ones((classes, counts.shape[1]))
    for c in range(classes):
        seen[c] += counts[labels == c].sum(axis=0, dtype=np.float64)
    shares = np.bincount(labels, minlength=classes) / len(labels)
    with np.errstate(divide="ignore"):
        priors = np.log(shares)
    likelihoods = np.log(seen / seen.sum(axis=1, keepdims=True))
    return LinearScores(likelihoods.T.astype(np.float32), priors.astype(np.float32))


def linear_svm(
    features: Array, labels: Array, classes: int, random: np.random.Generator, cost: float = 1.0, rounds: int = 100
) -> LinearScores:
    """Return the machine that divides each class of N×D float32 features from the rest with the widest margin."""
    ones = np.ones((len(features), 1), np.float32)
    padded = np.concatenate([features, ones], axis=1, dtype=np.float32)
    orders = np.stack([random.permutation(len(features)) for _ in range(rounds)])
    weights = np.zeros((classes, padded.shape[1]), np.float32)
    over_rows(_descend, classes, padded, labels.astype(np.int64), orders, cost, weights, strip=1)
    return LinearScores(np.ascontiguousarray(weights[:, :-1].T), weights[:, -1].copy())


@kernel(fastmath=True)
def _descend(features, labels, orders, cost, weights, y0, y1):
    """Raise the dual of one class against the rest, one example at a time, until no gradient is left."""
    count = len(features)
    squares = np.empty(count, np.float32)
    for i in range(count):
        total = np.float32(0)
        for d in range(features.shape[1]):
            total += features[i, d] * features[i, d]
        squares[i] = total
    slack = 1 / (2 * cost)
    for c in range(y0, y1):
        alphas, w = np.zeros(count), weights[c]
        for order in orders:
            largest = 0.0
            for i in order:
                row, sign = features[i], np.float32(1 if labels[i] == c else -1)
                product = np.float32(0)
                for d in range(row.size):
                    product += row[d] * w[d]
                slope = np.float64(sign * product) - 1 + alphas[i] * slack
                if alphas[i] == 0 and slope > 0:
                    continue
                largest = max(largest, abs(slope))
                new = max(alphas[i] - slope / (np.float64(squares[i]) + slack), 0.0)
                step = np.float32((new - alphas[i]) * sign)
                alphas[i] = new
                for d in range(row.size):
                    w[d] += step * row[d]
            if largest < 1e-2:
                break
