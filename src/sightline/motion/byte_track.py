"""ByteTrack: boxes that a detector is unsure of are given to tracks that would end otherwise.

Zhang, Sun, Jiang, Yu, Weng, Yuan, Luo, Liu & Wang 2022, "ByteTrack: Multi-Object Tracking by Associating Every
Detection Box", ECCV.
"""

from __future__ import annotations

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import integer, number
from sightline.core.results import Detections
from sightline.core.types import Array
from sightline.motion.association import Stage
from sightline.motion.track_stack import HEIGHT_MODEL
from sightline.motion.tracker import Tracker, left_over

_FIRST, _SECOND, _YOUNG = 0.8, 0.5, 0.7  # dearest pairs: sure boxes, unsure boxes, tracks of a single box


class ByteTrack(Tracker):
    """Follow many things, first by the boxes that are sure, then by those that are not.

    Parameters
    ----------
    high
        Score from which a box is sure, 0–1.
    low
        Score below which a box is passed over, 0–1.
    begin
        Score that a box needs to begin a track, 0–1.
    max_age
        Frames without a detection that a track survives, ≥ 0.

    References
    ----------
    Y. Zhang, P. Sun, Y. Jiang, D. Yu, F. Weng, Z. Yuan, P. Luo, W. Liu, X. Wang, "ByteTrack: Multi-Object Tracking by
    Associating Every Detection Box", European Conference on Computer Vision, 2022.

    Examples
    --------
    >>> tracker = ByteTrack()
    >>> for x, score in ((0, 0.9), (3, 0.9), (6, 0.3)):
    ...     tracks = tracker.update(Detections([[x, 0, x + 10, 20]], [score], [0]))
    >>> tracks.ids.tolist()
    [1]
    """

    def __init__(self, high: float = 0.6, low: float = 0.1, begin: float = 0.7, max_age: int = 30) -> None:
        super().__init__(HEIGHT_MODEL)
        self._high = number("ByteTrack", "high", high, 0, 1)
        self._low = number("ByteTrack", "low", low, 0, self._high)
        self._begin = number("ByteTrack", "begin", begin, 0, 1)
        self._max_age = integer("ByteTrack", "max_age", max_age, 0)

    def _associate(self, found: Detections, image: Array | None) -> tuple[list[Stage], Array]:
        sure = found.scores >= self._high
        high, low = np.flatnonzero(sure), np.flatnonzero(~sure & (found.scores >= self._low))
        grown = self.stack.hits > 1
        rows, young = np.flatnonzero(grown), np.flatnonzero(~grown)

        # A sure box counts for more: overlap times score.
        cost = 1 - (1 - self._overlap_cost(rows, found, high)) * found.scores[high]
        first = self._match("sure boxes", cost, _FIRST, rows, found, high)
        rows, high = left_over(rows, high, first)

        rows = rows[self.stack.missed[rows] == 1]  # those that were there in the last frame
        second = self._match("unsure boxes", self._overlap_cost(rows, found, low), _SECOND, rows, found, low)

        cost = 1 - (1 - self._overlap_cost(young, found, high)) * found.scores[high]
        third = self._match("young tracks", cost, _YOUNG, young, found, high)
        high = left_over(young, high, third)[1]
        return [first, second, third], high[found.scores[high] >= self._begin]

    def _alive(self) -> Array:
        kept = self.stack.missed <= self._max_age
        return kept & ((self.stack.hits > 1) | (self.stack.missed == 0))

    def _shown(self) -> Array:
        return (self.stack.missed == 0) & ((self.stack.hits > 1) | (self.frame == 1))


method(task="tracking", paper="Zhang 2022", lesson="w3d7")(ByteTrack)
