"""Tracks: who is where in one frame, as a small frozen record that draws itself, and as lines of text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from sightline.core.canvas import Canvas, colour_of
from sightline.core.errors import InputError


@dataclass(frozen=True, eq=False)
class Tracks:
    """Boxes with an identity, in one frame.

    Parameters
    ----------
    ids
        N whole numbers ≥ 1; the same thing has the same one in every frame.
    boxes
        N×4 xyxy, absolute, continuous edges (the top-left pixel is 0, 0, 1, 1).
    scores
        N confidences in 0–1 of the detections; all 1 when None.
    labels
        N class indices; all 0 when None.
    names
        Class names by index; may be empty.
    frame
        Number of the frame, from 1.
    """

    ids: np.ndarray
    boxes: np.ndarray
    scores: np.ndarray | None = None
    labels: np.ndarray | None = None
    names: tuple[str, ...] = ()
    frame: int = 1

    def __post_init__(self) -> None:
        ids = np.asarray(self.ids, np.int64).reshape(-1)
        count = len(ids)
        scores = np.ones(count, np.float32) if self.scores is None else np.asarray(self.scores, np.float32)
        labels = np.zeros(count, np.int64) if self.labels is None else np.asarray(self.labels, np.int64)
        boxes = np.asarray(self.boxes, np.float32).reshape(-1, 4)
        for name, value in (("ids", ids), ("boxes", boxes), ("scores", scores), ("labels", labels)):
            object.__setattr__(self, name, value)
        if not count == len(boxes) == len(scores) == len(labels):
            raise InputError(
                "Tracks: ids, boxes, scores and labels must be of one length; "
                f"got {count}, {len(boxes)}, {len(scores)} and {len(labels)}."
            )
        if len(set(ids.tolist())) != count:
            raise InputError(f"Tracks: ids must differ within a frame; got {ids.tolist()} in frame {self.frame}.")

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: Any) -> Tracks:
        """Select by slice, index array or bool mask: ``tracks[tracks.ids == 3]``."""
        rows = np.atleast_1d(np.arange(len(self))[index])
        scores, labels = self._known
        return Tracks(self.ids[rows], self.boxes[rows], scores[rows], labels[rows], self.names, self.frame)

    @property
    def _known(self) -> tuple[np.ndarray, np.ndarray]:
        """Scores and labels: arrays from the moment that the record is made."""
        assert self.scores is not None
        assert self.labels is not None
        return self.scores, self.labels

    @property
    def centres(self) -> np.ndarray:
        """N×2 middles of the boxes, (x, y) in point coordinates."""
        return (self.boxes[:, :2] + self.boxes[:, 2:]) / 2 - np.float32(0.5)

    def draw(self, image: np.ndarray, paths: Mapping[int, np.ndarray] | None = None) -> np.ndarray:
        """Return a copy of ``image`` with the boxes in the colour of their identity.

        Parameters
        ----------
        image
            H×W or H×W×3; uint8, uint16 or float32.
        paths
            For an id N×2 points (x, y) that it came along; drawn as a line.
        """
        canvas = Canvas(image)
        for number in self.ids.tolist():
            path = None if paths is None else paths.get(number)
            if path is not None and len(path) > 1:
                canvas.line(path, colour_of(number))
        for index, number in enumerate(self.ids.tolist()):
            label = int(self._known[1][index])
            name = f" {self.names[label]}" if label < len(self.names) else ""
            canvas.box(self.boxes[index], colour_of(number), f"{number}{name}")
        return canvas.image()

    def to_json(self) -> list[dict[str, Any]]:
        """Return plain JSON values, one record a box."""
        scores, labels = self._known
        return [
            {
                "frame": self.frame,
                "id": int(self.ids[i]),
                "box": [float(v) for v in self.boxes[i]],
                "score": float(scores[i]),
                "label": int(labels[i]),
            }
            | ({"name": self.names[int(labels[i])]} if int(labels[i]) < len(self.names) else {})
            for i in range(len(self))
        ]

    def to_mot(self) -> str:
        """Return MOTChallenge's lines: frame, id, left, top, width, height, score, -1, -1, -1; edges count from 1."""
        return "".join(
            f"{self.frame},{number},{x1 + 1:.2f},{y1 + 1:.2f},{x2 - x1:.2f},{y2 - y1:.2f},{score:.4g},-1,-1,-1\n"
            for number, (x1, y1, x2, y2), score in zip(self.ids, self.boxes, self._known[0], strict=True)
        )
