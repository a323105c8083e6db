"""SORT: simple online and realtime tracking; a Kalman filter for each box, overlap, and the best assignment.

Bewley, Ge, Ott, Ramos & Upcroft 2016, "Simple Online and Realtime Tracking", ICIP.
"""

from __future__ import annotations

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import integer, number
from sightline.core.results import Detections
from sightline.core.types import Array
from sightline.motion.association import Stage
from sightline.motion.track_stack import BoxModel
from sightline.motion.tracker import Tracker, left_over

# The paper gives no noise. Shares of the box's size: a detector's middle is good to a twentieth of it. Chosen among two
# dozen, by TUD-Campus, TUD-Stadtmitte, and how closely boxes keep to cars.
_MODEL = BoxModel(
    by_area=True,
    measured=(0.05, 0.05, 0.15, 0.1),
    drift=(0.01, 0.01, 0.02, 0.05),
    jerk=(0.01, 0.01, 0.005),
    unknown=(0.3, 0.3, 0.1),
)


class Sort(Tracker):
    """Follow many things from box to box, by overlap alone.

    Parameters
    ----------
    max_age
        Frames without a detection that a track survives, ≥ 0.
    min_hits
        Detections that a track needs before it is shown, ≥ 1; those of the first ``min_hits`` frames are shown at once.
    min_overlap
        Least intersection over union of a prediction and its detection, 0–1.

    References
    ----------
    A. Bewley, Z. Ge, L. Ott, F. Ramos, B. Upcroft, "Simple Online and Realtime Tracking", IEEE International
    Conference on Image Processing, 2016.

    Examples
    --------
    >>> tracker = Sort(min_hits=1)
    >>> for x in (0, 3, 6):
    ...     tracks = tracker.update(Detections([[x, 0, x + 10, 20], [50, 0, 60, 20]], [0.9, 0.8], [0, 0]))
    >>> tracks.ids.tolist(), tracks.boxes[0].round().tolist()
    ([1, 2], [6.0, 0.0, 16.0, 20.0])
    """

    def __init__(self, max_age: int = 1, min_hits: int = 3, min_overlap: float = 0.3) -> None:
        super().__init__(_MODEL)
        self._max_age = integer("Sort", "max_age", max_age, 0)
        self._min_hits = integer("Sort", "min_hits", min_hits, 1)
        self._limit = 1 - number("Sort", "min_overlap", min_overlap, 0, 1)

    def _associate(self, found: Detections, image: Array | None) -> tuple[list[Stage], Array]:
        rows, columns = np.arange(len(self.stack)), np.arange(len(found))
        cost = self._overlap_cost(rows, found, columns)
        stage = self._match("overlap", cost, self._limit, rows, found, columns)
        return [stage], left_over(rows, columns, stage)[1]

    def _alive(self) -> Array:
        return self.stack.missed <= self._max_age

    def _shown(self) -> Array:
        sure = (self.stack.hits >= self._min_hits) | (self.frame <= self._min_hits)
        return (self.stack.missed == 0) & sure


method(task="tracking", paper="Bewley 2016", lesson="w3d7")(Sort)
