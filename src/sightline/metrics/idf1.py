"""Identity metrics: for how long is one name given to one thing, over the whole film?

Ristani, Solera, Zou, Cucchiara & Tomasi 2016, "Performance Measures and a Data Set for Multi-Target, Multi-Camera
Tracking", ECCV workshop.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from scipy.optimize import linear_sum_assignment

from sightline.core.catalogue import method
from sightline.core.checks import number
from sightline.core.tracks import Tracks
from sightline.core.types import Range
from sightline.metrics.track_pairs import EXAMPLE, paired


@dataclass(frozen=True)
class IdentityScore:
    """Boxes under the right and the wrong name; two of them can be added, and ``float()`` gives IDF1.

    Parameters
    ----------
    true_positives
        Boxes whose identity is the one that the whole track is matched to.
    false_positives, false_negatives
        Found and true boxes that are not.
    """

    true_positives: int
    false_positives: int
    false_negatives: int

    @property
    def idf1(self) -> float:
        """Harmonic mean of precision and recall, 0–1."""
        wrong = self.false_positives + self.false_negatives
        return self.true_positives / max(self.true_positives + wrong / 2, 1)

    @property
    def precision(self) -> float:
        """Share of the found boxes under the right identity."""
        return self.true_positives / max(self.true_positives + self.false_positives, 1)

    @property
    def recall(self) -> float:
        """Share of the true boxes that were found under the right identity."""
        return self.true_positives / max(self.true_positives + self.false_negatives, 1)

    def __float__(self) -> float:
        return self.idf1

    def __add__(self, other: IdentityScore) -> IdentityScore:
        return IdentityScore(
            self.true_positives + other.true_positives,
            self.false_positives + other.false_positives,
            self.false_negatives + other.false_negatives,
        )

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "idf1": self.idf1,
            "precision": self.precision,
            "recall": self.recall,
            "true_positives": self.true_positives,
            "false_positives": self.false_positives,
            "false_negatives": self.false_negatives,
        }


@method(task="metric", paper="Ristani 2016", lesson="w3d7", example={"found": EXAMPLE})
def idf1(
    truth: Sequence[Tracks], found: Sequence[Tracks], *, overlap: Annotated[float, Range(0, 1)] = 0.5
) -> IdentityScore:
    """Return how well found identities keep to true ones, each to one for the whole sequence (IDF1).

    A box with NaN overlaps nothing.

    Parameters
    ----------
    truth, found
        One :class:`Tracks` for each frame; they are joined by their frame numbers.
    overlap
        Least intersection over union of boxes that are the same, 0–1.

    Returns
    -------
    IdentityScore
        The counts; ``float(result)`` is IDF1.

    References
    ----------
    E. Ristani, F. Solera, R. Zou, R. Cucchiara, C. Tomasi, "Performance Measures and a Data Set for Multi-Target,
    Multi-Camera Tracking", European Conference on Computer Vision workshop, 2016.

    Examples
    --------
    >>> box = np.array([[0, 0, 10, 20]])
    >>> truth = [Tracks([1], box, frame=t) for t in (1, 2, 3, 4)]
    >>> found = [Tracks([id_], box, frame=t) for t, id_ in ((1, 7), (2, 7), (4, 8))]
    >>> round(float(idf1(truth, found)), 3)
    0.571
    """
    least = number("idf1", "overlap", overlap, 0, 1)
    pairs = paired("idf1", truth, found)
    joint = np.zeros((len(pairs.true_ids), len(pairs.found_ids)), np.int64)
    for frame in pairs.frames:
        rows, columns = np.nonzero((frame.overlap >= least) & (frame.overlap > 0))
        np.add.at(joint, (frame.true[rows], frame.found[columns]), 1)
    # Whom an identity is matched to costs every box that the two do not share: fewest are lost where most are shared.
    rows, columns = linear_sum_assignment(joint, maximize=True)
    shared = int(joint[rows, columns].sum())
    return IdentityScore(shared, int(pairs.found_counts.sum()) - shared, int(pairs.true_counts.sum()) - shared)
