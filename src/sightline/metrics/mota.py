"""CLEAR MOT: how many boxes a tracker misses, makes up, and gives to another identity than before.

Bernardin & Stiefelhagen 2008, "Evaluating Multiple Object Tracking Performance: The CLEAR MOT Metrics", EURASIP Journal
on Image and Video Processing; tracked and lost after Li, Huang & Nevatia 2009, "Learning to Associate", CVPR.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Annotated, Any

import numpy as np
from scipy.optimize import linear_sum_assignment

from sightline.core.catalogue import method
from sightline.core.checks import number
from sightline.core.tracks import Tracks
from sightline.core.types import Array, Range
from sightline.metrics.track_pairs import CLOSE, EXAMPLE, FramePairs, paired


@dataclass(frozen=True)
class ClearMot:
    """Counts over the frames of a sequence; two of them can be added, and ``float()`` gives MOTA.

    Parameters
    ----------
    matches, misses, false_positives
        True boxes with a partner, without one, and found boxes without one.
    switches
        How often a true identity was matched to another one than the last time.
    fragmentations
        How often a true identity was found again after frames in which it was missed.
    mostly_tracked, partly_tracked, mostly_lost
        True identities that were found in more than 80 %, in 20–80 %, and in fewer than 20 % of their frames.
    overlap
        Sum of the intersections over unions of the matches.
    """

    matches: int
    misses: int
    false_positives: int
    switches: int
    fragmentations: int
    mostly_tracked: int
    partly_tracked: int
    mostly_lost: int
    overlap: float

    @property
    def boxes(self) -> int:
        """Number of true boxes."""
        return self.matches + self.misses

    @property
    def mota(self) -> float:
        """1 − (misses + false positives + switches) / true boxes: at most 1, and below 0 for the worst."""
        wrong = self.misses + self.false_positives + self.switches
        return 1 - wrong / max(self.boxes, 1)

    @property
    def motp(self) -> float:
        """Mean overlap of the matches, 0–1."""
        return self.overlap / max(self.matches, 1)

    @property
    def recall(self) -> float:
        """Share of the true boxes that were found."""
        return self.matches / max(self.boxes, 1)

    @property
    def precision(self) -> float:
        """Share of the found boxes that are true."""
        return self.matches / max(self.matches + self.false_positives, 1)

    def __float__(self) -> float:
        return self.mota

    def __add__(self, other: ClearMot) -> ClearMot:
        return ClearMot(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        rates = {name: getattr(self, name) for name in ("mota", "motp", "recall", "precision")}
        return rates | {f.name: getattr(self, f.name) for f in fields(self)}


@method(task="metric", paper="Bernardin 2008", lesson="w3d7", example={"found": EXAMPLE})
def mota(truth: Sequence[Tracks], found: Sequence[Tracks], *, overlap: Annotated[float, Range(0, 1)] = 0.5) -> ClearMot:
    """Count a tracker's misses, false positives and switches of identity (MOTA, MOTP).

    Who was matched in the last frame stays matched while the boxes overlap enough; the others are assigned so that the
    overlap is greatest. A box with NaN overlaps nothing.

    Parameters
    ----------
    truth, found
        One :class:`Tracks` for each frame; they are joined by their frame numbers.
    overlap
        Least intersection over union of a match, 0–1.

    Returns
    -------
    ClearMot
        The counts; ``float(result)`` is MOTA.

    References
    ----------
    K. Bernardin, R. Stiefelhagen, "Evaluating Multiple Object Tracking Performance: The CLEAR MOT Metrics", EURASIP
    Journal on Image and Video Processing, 2008.

    Examples
    --------
    >>> box = np.array([[0, 0, 10, 20]])
    >>> truth = [Tracks([1], box, frame=t) for t in (1, 2, 3, 4)]
    >>> found = [Tracks([id_], box, frame=t) for t, id_ in ((1, 7), (2, 7), (4, 8))]
    >>> score = mota(truth, found)
    >>> score.mota, score.misses, score.switches
    (0.5, 1, 1)
    """
    least = number("mota", "overlap", overlap, 0, 1)
    pairs = paired("mota", truth, found)
    book = _Book(len(pairs.true_ids))
    for frame in pairs.frames:
        book.enter(frame, least)
    seen, times = book.seen, np.maximum(pairs.true_counts, 1)
    share = seen / times
    mostly, lost = int((share > 0.8).sum()), int((share < 0.2).sum())
    matches = int(seen.sum())
    return ClearMot(
        matches=matches,
        misses=int(pairs.true_counts.sum()) - matches,
        false_positives=int(pairs.found_counts.sum()) - matches,
        switches=book.switches,
        fragmentations=int(np.maximum(book.begun - 1, 0).sum()),
        mostly_tracked=mostly,
        partly_tracked=len(share) - mostly - lost,
        mostly_lost=lost,
        overlap=book.overlap,
    )


class _Book:
    """Who was matched to whom, through the frames."""

    def __init__(self, identities: int) -> None:
        self.last = np.full(identities, -1)  # the last partner ever
        self.before = np.full(identities, -1)  # the partner in the frame before
        self.seen, self.begun = np.zeros(identities, np.int64), np.zeros(identities, np.int64)
        self.switches, self.overlap = 0, 0.0

    def enter(self, frame: FramePairs, least: float) -> None:
        if not len(frame.true) or not len(frame.found):
            # A frame without a truth tells nothing; one without a result breaks no pair, as the benchmark counts.
            return
        rows, columns = _matched(frame, self.before[frame.true], least)
        true, found = frame.true[rows], frame.found[columns]
        self.switches += int(((self.last[true] >= 0) & (self.last[true] != found)).sum())
        self.last[true] = found
        now = np.full_like(self.before, -1)
        now[true] = found
        self.begun += (self.before < 0) & (now >= 0)
        self.before = now
        self.seen[true] += 1
        self.overlap += float(frame.overlap[rows, columns].sum())


def _matched(frame: FramePairs, before: Array, least: float) -> tuple[Array, Array]:
    """Return the rows and columns that are matched; partners of the frame before come first."""
    worth = frame.overlap + 1000 * (before[:, None] == frame.found[None, :])
    worth[frame.overlap < least - CLOSE] = 0
    rows, columns = linear_sum_assignment(worth, maximize=True)
    kept = worth[rows, columns] > CLOSE
    return rows[kept], columns[kept]
