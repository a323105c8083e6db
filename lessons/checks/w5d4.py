"""Checks of w5d4: one bin of the calibration error."""

import numpy as np

from sightline.lab.grading import Case


def solution(confidence, correct, low, high):
    """Weigh the gap by the bin's share."""
    inside = (confidence > low) & (confidence <= high)
    if not inside.any():
        return 0.0
    return float(abs(confidence[inside].mean() - correct[inside].mean()) * inside.mean())


def cases():
    """Yield a boastful, an empty and an edge bin."""
    confidence = np.array([0.95, 0.92, 0.55, 0.5, 0.3])
    correct = np.array([True, False, True, True, False])
    yield Case("a boastful bin", (confidence, correct, 0.9, 1.0), 1e-6, "Multiply by the share of all answers.")
    yield Case(
        "a shy bin", (confidence, correct, 0.5, 0.6), 1e-6, "The upper bound belongs to the bin, the lower does not."
    )
    yield Case("the bound below", (confidence, correct, 0.4, 0.5))
    yield Case("an empty bin", (confidence, correct, 0.6, 0.7), 1e-6, "The mean of nothing is nan.")
    yield Case("everything in one bin", (confidence, correct, 0.0, 1.0))


def wrong_unweighted(confidence, correct, low, high):
    """Forget the share."""
    inside = (confidence > low) & (confidence <= high)
    return float(abs(confidence[inside].mean() - correct[inside].mean())) if inside.any() else 0.0


def wrong_signed(confidence, correct, low, high):
    """Keep the sign."""
    inside = (confidence > low) & (confidence <= high)
    return float((confidence[inside].mean() - correct[inside].mean()) * inside.mean()) if inside.any() else 0.0


def wrong_bounds(confidence, correct, low, high):
    """Take the lower bound in and leave the upper one out."""
    inside = (confidence >= low) & (confidence < high)
    return float(abs(confidence[inside].mean() - correct[inside].mean()) * inside.mean()) if inside.any() else 0.0
