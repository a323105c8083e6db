"""HOTA: finding and following, weighed alike, over all strictnesses of overlap.

Luiten, Ošep, Dendorfer, Torr, Geiger, Leal-Taixé & Leibe 2021, "HOTA: A Higher Order Metric for Evaluating
Multi-Object Tracking", IJCV 129.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment

from sightline.core.catalogue import method
from sightline.core.tracks import Tracks
from sightline.core.types import Array
from sightline.metrics.track_pairs import CLOSE, EXAMPLE, Sequences, paired

ALPHAS = np.arange(1, 20) * 0.05


@dataclass(frozen=True, eq=False)
class HotaScore:
    """HOTA and its parts at each of 19 overlaps; ``float()`` gives the mean.

    Parameters
    ----------
    alphas
        Overlaps, 0.05 to 0.95.
    detection
        DetA: share of all boxes, true and found, that are matched.
    association
        AssA: for a matched box, the share of both its tracks that are matched to each other, on average.
    localization
        LocA: mean overlap of the matches.
    detection_recall, detection_precision, association_recall, association_precision
        What the two are made of.
    """

    alphas: Array
    detection: Array
    association: Array
    localization: Array
    detection_recall: Array
    detection_precision: Array
    association_recall: Array
    association_precision: Array

    @property
    def at(self) -> Array:
        """HOTA at each overlap: the geometric mean of finding and following."""
        return np.sqrt(self.detection * self.association)

    @property
    def hota(self) -> float:
        """Mean over the overlaps, 0–1."""
        return float(self.at.mean())

    def __float__(self) -> float:
        return self.hota

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values: means over the overlaps, and HOTA at each."""
        means = ("detection", "association", "localization", "detection_recall", "detection_precision")
        parts = {name: float(getattr(self, name).mean()) for name in means}
        more = ("association_recall", "association_precision")
        return (
            {"hota": self.hota} | parts | {n: float(getattr(self, n).mean()) for n in more} | {"at": self.at.tolist()}
        )


@method(task="metric", paper="Luiten 2021", lesson="w3d7", example={"found": EXAMPLE})
def hota(truth: Sequence[Tracks], found: Sequence[Tracks]) -> HotaScore:
    """Return how well things are found and followed (HOTA, DetA, AssA, LocA).

    A box with NaN overlaps nothing.

    Parameters
    ----------
    truth, found
        One :class:`Tracks` for each frame; they are joined by their frame numbers.

    Returns
    -------
    HotaScore
        The figures at each overlap; ``float(result)`` is HOTA.

    References
    ----------
    J. Luiten, A. Ošep, P. Dendorfer, P. Torr, A. Geiger, L. Leal-Taixé, B. Leibe, "HOTA: A Higher Order Metric for
    Evaluating Multi-Object Tracking", International Journal of Computer Vision 129, 2021.

    Examples
    --------
    >>> box = np.array([[0, 0, 10, 20]])
    >>> truth = [Tracks([1], box, frame=t) for t in (1, 2, 3, 4)]
    >>> found = [Tracks([id_], box, frame=t) for t, id_ in ((1, 7), (2, 7), (3, 8), (4, 8))]
    >>> score = hota(truth, found)
    >>> round(float(score), 3), float(score.detection[0]), float(score.association[0])
    (0.707, 1.0, 0.5)
    """
    pairs = paired("hota", truth, found)
    true, other = pairs.true_counts[:, None], pairs.found_counts[None, :]
    matches = np.zeros((len(ALPHAS), len(pairs.true_ids), len(pairs.found_ids)))
    overlaps = np.zeros(len(ALPHAS))
    alike = _alike(pairs)
    for frame in pairs.frames:
        rows, columns = linear_sum_assignment(alike[np.ix_(frame.true, frame.found)] * frame.overlap, maximize=True)
        inside = frame.overlap[rows, columns][None, :] >= ALPHAS[:, None] - CLOSE
        matches[:, frame.true[rows], frame.found[columns]] += inside
        overlaps += inside @ frame.overlap[rows, columns]
    count = matches.sum(axis=(1, 2))
    one = np.maximum(count, 1)

    def mean(share: Array) -> Array:
        return (matches * share).sum(axis=(1, 2)) / one

    return HotaScore(
        alphas=ALPHAS.copy(),
        detection=count / np.maximum(true.sum() + other.sum() - count, 1),
        association=mean(matches / np.maximum(true + other - matches, 1)),
        localization=np.where(count > 0, overlaps / one, 1.0),
        detection_recall=count / max(int(true.sum()), 1),
        detection_precision=count / max(int(other.sum()), 1),
        association_recall=mean(matches / np.maximum(true, 1)),
        association_precision=mean(matches / np.maximum(other, 1)),
    )


def _alike(pairs: Sequences) -> Array:
    """Return how much two identities share over all frames, before anything is matched: their soft overlap."""
    shared = np.zeros((len(pairs.true_ids), len(pairs.found_ids)))
    for frame in pairs.frames:
        s = frame.overlap
        union = s.sum(axis=0)[None, :] + s.sum(axis=1)[:, None] - s
        shared[np.ix_(frame.true, frame.found)] += np.divide(s, union, out=np.zeros_like(s), where=union > CLOSE)
    return shared / np.maximum(pairs.true_counts[:, None] + pairs.found_counts[None, :] - shared, CLOSE)
