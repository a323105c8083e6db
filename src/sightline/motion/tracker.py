"""What the trackers of many things share: frames counted, boxes checked, identities given, the round kept."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from sightline.core.box_overlap import pairwise_iou
from sightline.core.checks import as_image, describe
from sightline.core.errors import InputError
from sightline.core.results import Detections
from sightline.core.trace import Trace
from sightline.core.tracks import Tracks
from sightline.core.types import Array
from sightline.motion.association import Round, Stage, assign
from sightline.motion.track_stack import BoxModel, TrackStack

NOBODY = np.zeros(0, np.int64)


class Tracker(ABC):
    """A tracker by detection; ``update`` is called once a frame.

    Parameters
    ----------
    model
        How boxes are measured and move.

    Attributes
    ----------
    frame
        Number of frames so far.
    round
        What was done with the last frame, a :class:`Round`; None before the first one.
    """

    def __init__(self, model: BoxModel) -> None:
        self.stack = TrackStack(model)
        self.frame = 0
        self.round: Round | None = None
        self._next = 1
        self._predicted = np.zeros((0, 4))
        self._names: tuple[str, ...] = ()

    def update(self, detections: Detections, image: Array | None = None) -> Tracks:
        """Take the boxes of the next frame; return who is where.

        Boxes with NaN or infinity and boxes without area are passed over; boxes may reach beyond the frame.

        Parameters
        ----------
        detections
            What was found in the frame; empty when nothing was.
        image
            The frame, H×W or H×W×3, for a tracker that looks at it.
        """
        name = type(self).__name__
        if not isinstance(detections, Detections):
            raise InputError(
                f"{name}.update: detections must be Detections; got {describe(detections)}. Build them with "
                "sightline.core.results.Detections(boxes, scores, labels)."
            )
        if image is not None:
            image = as_image(f"{name}.update", image)
        found = detections[_is_box(detections)]
        self._names = found.names or self._names
        self.frame += 1
        self.stack.predict()
        ids, spread = self.stack.ids.copy(), self.stack.spread
        self._predicted = predicted = self.stack.boxes
        stages, begin = self._associate(found, image)
        alive = self._alive()
        ended = self.stack.ids[~alive]
        self.stack.keep(alive)
        new = np.arange(self._next, self._next + len(begin))
        self._next += len(new)
        self.stack.add(new, found, begin)
        self._learn(new, begin)
        chosen = self._shown()
        stack = self.stack
        tracks = Tracks(
            stack.ids[chosen], stack.boxes[chosen], stack.scores[chosen], stack.labels[chosen], self._names, self.frame
        )
        self.round = Round(self.frame, ids, predicted, spread, found, tuple(stages), new, ended, tracks)
        return tracks

    def trace(self, detections: Detections, image: Array | None = None) -> Trace:
        """Take the boxes of the next frame as :meth:`update` does; return the steps: predict, compare, assign, update.

        Parameters
        ----------
        detections, image
            As in :meth:`update`. The value of the last step is the tracks.
        """
        self.update(detections, image)
        assert self.round is not None
        return Trace(f"motion.{type(self).__name__}", {}, tuple(self.round.steps(image)))

    def forget(self) -> None:
        """End all tracks, as at a cut; the next ones get new identities."""
        self.stack = TrackStack(self.stack.model)

    @abstractmethod
    def _associate(self, found: Detections, image: Array | None) -> tuple[list[Stage], Array]:
        """Match and correct; return the stages, and the detections that begin a track."""

    @abstractmethod
    def _alive(self) -> Array:
        """Return which tracks go on."""

    @abstractmethod
    def _shown(self) -> Array:
        """Return which tracks are part of the result."""

    def _learn(self, ids: Array, columns: Array) -> None:
        """Hear that detections ``columns`` began tracks ``ids``; for a tracker that keeps more of them than boxes."""
        del ids, columns

    def _match(self, name: str, cost: Array, limit: float, rows: Array, found: Detections, columns: Array) -> Stage:
        """Assign detections to tracks by ``cost`` (rows × columns, classes held apart), and correct the tracks."""
        cost[self.stack.labels[rows][:, None] != found.labels[columns]] = np.inf
        pairs = assign(cost, limit)
        self.stack.correct(rows[pairs[:, 0]], found, columns[pairs[:, 1]])
        return Stage(name, self.stack.ids[rows], columns, cost, limit, pairs)

    def _overlap_cost(self, rows: Array, found: Detections, columns: Array) -> Array:
        """Return 1 − intersection over union of predicted and found boxes."""
        return 1 - pairwise_iou(self._predicted[rows], found.boxes[columns])


def left_over(rows: Array, columns: Array, stage: Stage) -> tuple[Array, Array]:
    """Return the rows and columns that a stage over them left without a partner."""
    return np.delete(rows, stage.pairs[:, 0]), np.delete(columns, stage.pairs[:, 1])


def _is_box(detections: Detections) -> Array:
    boxes = detections.boxes
    with np.errstate(invalid="ignore"):
        return np.asarray(np.isfinite(boxes).all(axis=1) & (boxes[:, 2:] > boxes[:, :2]).all(axis=1))
