"""Checks of w4d5: F1 of one class."""

import numpy as np

from sightline.lab.grading import Case


def solution(labels, predicted, k):
    """Count, divide, mind the empty case."""
    found, there = predicted == k, labels == k
    total = found.sum() + there.sum()
    return float(2 * (found & there).sum() / total) if total else 0.0


def cases():
    """Yield mixed, perfect, missed and absent classes."""
    labels = np.array([0, 0, 0, 1, 1, 2])
    yield Case("a mixed class", (labels, np.array([0, 0, 1, 1, 1, 0]), 0))
    yield Case("found too often", (labels, np.array([1, 1, 1, 1, 1, 1]), 1), 1e-6, "FP counts.")
    yield Case("missed", (labels, np.array([1, 1, 1, 1, 1, 1]), 2), 1e-6, "FN counts.")
    yield Case("perfect", (labels, labels.copy(), 2))
    yield Case("a class that is nowhere", (labels, labels.copy(), 7), 1e-6, "0 / 0 is not a number: return 0.0.")


def wrong_accuracy(labels, predicted, k):
    """Take the accuracy of is-k."""
    return float(((labels == k) == (predicted == k)).mean())


def wrong_precision(labels, predicted, k):
    """Take precision alone."""
    found = (predicted == k).sum()
    return float(((labels == k) & (predicted == k)).sum() / found) if found else 0.0


def wrong_nan(labels, predicted, k):
    """Divide by nothing."""
    with np.errstate(invalid="ignore"):
        return float(
            2 * ((labels == k) & (predicted == k)).sum() / np.float64((labels == k).sum() + (predicted == k).sum())
        )
