"""Calibration: of all predictions made with 80 % confidence, are 80 % right?

Guo, Pleiss, Sun and Weinberger 2017, "On Calibration of Modern Neural Networks", ICML, section 2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from numpy.typing import ArrayLike

from sightline.core.catalogue import method
from sightline.core.checks import integer
from sightline.core.types import Range
from sightline.metrics.labels import as_labels, as_probabilities


@dataclass(frozen=True)
class Calibration:
    """The reliability diagram and its expected error.

    Parameters
    ----------
    error
        Expected calibration error in 0–1.
    edges
        M+1 bounds of the confidence bins, from 0 to 1.
    confidence, accuracy
        Means within each of the M bins; NaN where a bin is empty.
    counts
        Samples in each bin.
    """

    error: float
    edges: np.ndarray
    confidence: np.ndarray
    accuracy: np.ndarray
    counts: np.ndarray

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values, null for an empty bin."""
        rows = zip(self.edges, self.edges[1:], self.confidence, self.accuracy, self.counts, strict=False)
        bins = [
            {
                "low": float(low),
                "high": float(high),
                "confidence": float(confidence) if count else None,
                "accuracy": float(right) if count else None,
                "count": int(count),
            }
            for low, high, confidence, right, count in rows
        ]
        return {"error": self.error, "bins": bins}


@method(
    task="metric",
    paper="Guo 2017",
    lesson="w5d4",
    example={"labels": [0, 1], "probabilities": [[0.7, 0.3], [0.4, 0.6]]},
)
def calibration_error(
    labels: ArrayLike, probabilities: ArrayLike, *, bins: Annotated[int, Range(1, 1000)] = 15
) -> Calibration:
    """Expected calibration error Σₘ |Bₘ|/n · |acc(Bₘ) − conf(Bₘ)| over bins of equal width (equation 3).

    Parameters
    ----------
    labels
        N true class indices in 0…K−1, N ≥ 1.
    probabilities
        N×K probabilities whose rows sum to 1; the largest of a row is its confidence.
    bins
        Number M of bins ((m−1)/M, m/M], ≥ 1.

    Returns
    -------
    Calibration
        The error, and the bins for the reliability diagram. NaN and infinity are refused.

    Raises
    ------
    InputError
        When the arguments do not belong together.

    References
    ----------
    C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger, "On Calibration of Modern Neural Networks", ICML 2017.

    Examples
    --------
    >>> round(calibration_error([0, 1], [[0.8, 0.2], [0.9, 0.1]], bins=10).error, 3)
    0.55
    """
    bins = integer("calibration_error", "bins", bins, 1)
    count = len(as_labels("calibration_error", "labels", labels))
    probabilities = as_probabilities("calibration_error", "probabilities", probabilities, count)
    labels = as_labels("calibration_error", "labels", labels, probabilities.shape[1])
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    edges = np.linspace(0, 1, bins + 1)
    place = np.clip(np.searchsorted(edges, confidence, side="left") - 1, 0, bins - 1)
    counts = np.bincount(place, minlength=bins)
    summed, hits = np.bincount(place, confidence, bins), np.bincount(place, right, bins)
    empty = counts == 0
    mean_confidence = np.where(empty, np.nan, summed / np.maximum(counts, 1))
    mean_accuracy = np.where(empty, np.nan, hits / np.maximum(counts, 1))
    error = float(np.abs(hits - summed).sum() / count)
    return Calibration(error, edges, mean_confidence, mean_accuracy, counts)
