"""All tracks of a tracker at once: boxes that move at constant velocity, as one stack of Kalman filters.

The states of Bewley, Ge, Ott, Ramos & Upcroft 2016 (middle, area, width over height) and of Wojke, Bewley & Paulus
2017 (middle, width over height, height).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from sightline.core.results import Detections
from sightline.core.types import Array
from sightline.motion.kalman_filter import correct, predicted


@dataclass(frozen=True)
class BoxModel:
    """How a box is measured, and how much noise there is, as shares of its size.

    Parameters
    ----------
    by_area
        Measure (x, y, area, width/height), the last one without a velocity; else (x, y, width/height, height).
    measured
        Standard deviations of the four measures.
    drift
        Of what four measures may change from frame to frame beyond their velocity.
    jerk
        Of what the velocities may change.
    unknown
        Of the velocities of a track that just began.
    """

    by_area: bool
    measured: tuple[float, ...]
    drift: tuple[float, ...]
    jerk: tuple[float, ...]
    unknown: tuple[float, ...]

    @property
    def size(self) -> int:
        """Numbers in a state."""
        return 4 + len(self.jerk)

    @property
    def moving(self) -> list[int]:
        """Which of the four measures have a velocity."""
        return [0, 1, 2] if self.by_area else [0, 1, 2, 3]

    def measure(self, boxes: Array) -> Array:
        """Return N×4 measures of N×4 xyxy boxes."""
        x1, y1, x2, y2 = boxes.astype(np.float64).T
        width, height = x2 - x1, y2 - y1
        middle = [(x1 + x2) / 2, (y1 + y2) / 2]
        return np.stack(
            [*middle, width * height, width / height] if self.by_area else [*middle, width / height, height], 1
        )

    def boxes(self, states: Array) -> Array:
        """Return N×4 xyxy boxes of N states."""
        x, y, a, b = states[:, :4].T
        if self.by_area:
            width = np.sqrt(np.maximum(a, 1e-6) * np.maximum(b, 1e-6))
            height = np.maximum(a, 1e-6) / width
        else:
            height = np.maximum(b, 1e-3)
            width = np.maximum(a, 1e-3) * height
        return np.stack([x - width / 2, y - height / 2, x + width / 2, y + height / 2], axis=1)

    def units(self, states: Array) -> Array:
        """Return N×4: what a share of 1 is for each measure."""
        one = np.ones(len(states))
        if self.by_area:
            area = np.maximum(states[:, 2], 1.0)
            return np.stack([np.sqrt(area), np.sqrt(area), area, one], axis=1)
        height = np.maximum(states[:, 3], 1.0)
        return np.stack([height, height, one, height], axis=1)


# Shares of the box's height, for the trackers that wait for who is hidden: a steady velocity carries them there. No
# paper gives these: chosen among two dozen, by TUD-Campus, TUD-Stadtmitte, and how closely boxes keep to cars.
HEIGHT_MODEL = BoxModel(
    by_area=False,
    measured=(0.07, 0.07, 0.1, 0.07),
    drift=(0.03, 0.03, 0.1, 0.03),
    jerk=(0.005, 0.005, 1e-5, 0.0025),
    unknown=(0.1, 0.1, 1e-4, 0.05),
)


@dataclass
class TrackStack:
    """N tracks in arrays of N rows.

    Parameters
    ----------
    model
        How boxes are measured and move.
    ids, states, covariances
        Identities, means N×n and covariances N×n×n.
    hits, missed
        Frames in which it was found, and frames since it last was.
    scores, labels
        Of the last detection.
    """

    model: BoxModel
    ids: Array = field(default_factory=lambda: np.zeros(0, np.int64))
    states: Array = field(init=False)
    covariances: Array = field(init=False)
    hits: Array = field(default_factory=lambda: np.zeros(0, np.int64))
    missed: Array = field(default_factory=lambda: np.zeros(0, np.int64))
    scores: Array = field(default_factory=lambda: np.zeros(0, np.float32))
    labels: Array = field(default_factory=lambda: np.zeros(0, np.int64))

    def __post_init__(self) -> None:
        n, moving = self.model.size, self.model.moving
        self.states, self.covariances = np.zeros((0, n)), np.zeros((0, n, n))
        self._transition = np.eye(n)
        self._transition[moving, 4 + np.arange(len(moving))] = 1
        self._observation = np.eye(4, n)

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def boxes(self) -> Array:
        """N×4 xyxy float64, where the tracks are."""
        return self.model.boxes(self.states)

    @property
    def spread(self) -> Array:
        """N×2×2 covariances of the middles."""
        return self.covariances[:, :2, :2].copy()

    def predict(self) -> None:
        """Move every track one frame on; a box never shrinks to nothing."""
        if not len(self):
            return
        model, units = self.model, self.model.units(self.states)
        noise = np.concatenate([units * model.drift, units[:, model.moving] * model.jerk], axis=1)
        sizes = [2] if model.by_area else [2, 3]
        for k in sizes:
            shrunk = self.states[:, k] + self.states[:, 4 + k] <= 0
            self.states[shrunk, 4 + k] = 0
        self.states, self.covariances = predicted(self.states, self.covariances, self._transition, _diagonal(noise))
        self.missed += 1

    def correct(self, rows: Array, detections: Detections, columns: Array) -> None:
        """Give the tracks ``rows`` the detections ``columns``."""
        if not len(rows):
            return
        noise = _diagonal(self.model.units(self.states[rows]) * self.model.measured)
        measures = self.model.measure(detections.boxes[columns])
        found = correct(self.states[rows], self.covariances[rows], measures, self._observation, noise)
        self.states[rows], self.covariances[rows] = found[:2]
        self.hits[rows] += 1
        self.missed[rows] = 0
        self.scores[rows], self.labels[rows] = detections.scores[columns], detections.labels[columns]

    def gating_distance(self, rows: Array, detections: Detections, columns: Array) -> Array:
        """Return R×C squared Mahalanobis distances of the detections ``columns`` from the predictions ``rows``."""
        if not (len(rows) and len(columns)):
            return np.zeros((len(rows), len(columns)))
        states = self.states[rows]
        noise = _diagonal(self.model.units(states) * self.model.measured)
        spread = self.covariances[rows, :4, :4] + noise
        off = self.model.measure(detections.boxes[columns])[None] - states[:, None, :4]
        solved = np.linalg.solve(spread, np.swapaxes(off, 1, 2))  # N×4×M
        return np.einsum("nmi,nim->nm", off, solved)

    def add(self, ids: Array, detections: Detections, columns: Array) -> None:
        """Begin a track at each of the detections ``columns``."""
        if not len(columns):
            return
        model, count = self.model, len(columns)
        start = np.zeros((count, model.size))
        start[:, :4] = model.measure(detections.boxes[columns])
        units = model.units(start)
        noise = np.concatenate([units * model.measured, units[:, model.moving] * model.unknown], axis=1)
        self.ids = np.concatenate([self.ids, ids])
        self.states = np.concatenate([self.states, start])
        self.covariances = np.concatenate([self.covariances, _diagonal(noise)])
        self.hits = np.concatenate([self.hits, np.ones(count, np.int64)])
        self.missed = np.concatenate([self.missed, np.zeros(count, np.int64)])
        self.scores = np.concatenate([self.scores, detections.scores[columns]])
        self.labels = np.concatenate([self.labels, detections.labels[columns]])

    def keep(self, mask: Array) -> None:
        """Drop the tracks that are not in ``mask``, N bool."""
        if mask.all():
            return
        for name in ("ids", "states", "covariances", "hits", "missed", "scores", "labels"):
            setattr(self, name, getattr(self, name)[mask])


def _diagonal(deviations: Array) -> Array:
    """Return N×n×n covariances of N×n independent standard deviations."""
    return (deviations**2)[:, :, None] * np.eye(deviations.shape[1])
