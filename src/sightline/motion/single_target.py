"""What the trackers of one thing share: frames and boxes checked, what was followed kept, a lost target told."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from sightline.core.canvas import Canvas, colour_of
from sightline.core.checks import as_image, describe
from sightline.core.conversions import to_uint8
from sightline.core.errors import InputError
from sightline.core.layers import Boxes, Layer, Picture, Value
from sightline.core.trace import Step
from sightline.core.types import Array

_SHOWN = 8  # frames whose search is shown step by step


@dataclass(frozen=True, eq=False)
class TargetPath:
    """Where one thing was in each frame.

    Parameters
    ----------
    boxes
        N×4 float32 xyxy, continuous edges (the top-left pixel is 0, 0, 1, 1).
    scores
        N float32, how sure each box is, in the tracker's unit.
    lost
        N bool: where the target was not found; the box is then the last one known.
    ellipses
        N×5 float32 (x, y of the centre, length, width, angle of the length in radians), None for trackers without.
    """

    boxes: Array
    scores: Array
    lost: Array
    ellipses: Array | None = None

    def __len__(self) -> int:
        return len(self.boxes)

    def __getitem__(self, index: int) -> Array:
        """Return the box in frame ``index``."""
        return self.boxes[index]

    def draw(self, image: Array, index: int = -1) -> Array:
        """Return a copy of the frame ``index`` with its box and the way there.

        Parameters
        ----------
        image
            That frame, H×W or H×W×3.
        index
            Its number, from 0.
        """
        canvas, end = Canvas(image), len(self) + index if index < 0 else index
        way = (self.boxes[: end + 1, :2] + self.boxes[: end + 1, 2:]) / 2 - 0.5
        if len(way) > 1:
            canvas.line(way, colour_of(1))
        word = "lost" if self.lost[end] else f"{self.scores[end]:.2f}"
        canvas.box(self.boxes[end], colour_of(3 if self.lost[end] else 0), word)
        return canvas.image()

    def to_json(self) -> list[dict[str, Any]]:
        """Return plain JSON values, one record a frame."""
        return [
            {"frame": i, "box": [float(v) for v in box], "score": float(self.scores[i]), "lost": bool(self.lost[i])}
            for i, box in enumerate(self.boxes)
        ]


class TargetTracker(ABC):
    """A tracker of one thing: ``start`` with a box around it, then ``update`` with each frame.

    Attributes
    ----------
    box
        4 float32 xyxy, continuous edges: where the target is, or was last seen; None before ``start``.
    score
        How sure that is.
    lost
        Whether the last frame did not show the target.
    ellipse
        5 float32 (centre x, y, length, width, angle in radians) for trackers that have one, else None.
    """

    name = "TargetTracker"

    def __init__(self) -> None:
        self.box: Array | None = None
        self.score, self.lost = 0.0, False
        self.ellipse: Array | None = None
        self._shape: tuple[int, ...] = ()

    def start(self, frame: Array, box: Any) -> Array:
        """Learn what is in a box; return the part of the box that lies within the frame.

        Parameters
        ----------
        frame
            H×W or H×W×3; uint8, or uint16 and finite float32, which are read as 8 bits.
        box
            xyxy in pixels, continuous edges, finite, at least one pixel of it within the frame.
        """
        image = to_uint8(as_image(self.name, frame, argument="frame", finite=True))
        self._shape, self.box = image.shape, _inside(self.name, box, image.shape)
        self.score, self.lost = 1.0, False
        self._begin(image, self.box)
        return self.box.copy()

    def update(self, frame: Array) -> Array:
        """Return the target's box in the next frame, 4 float32 xyxy; see ``lost`` and ``score`` for how sure it is.

        Parameters
        ----------
        frame
            Of the first one's shape.
        """
        if self.box is None:
            raise InputError(f"{self.name}: a target must be given before frames; got none. Call start(frame, box).")
        image = to_uint8(as_image(self.name, frame, argument="frame", finite=True))
        if image.shape != self._shape:
            raise InputError(
                f"{self.name}: frame must have the first one's shape {'×'.join(map(str, self._shape))}; got"
                f" {describe(frame)}. Resize it, or call start(frame, box) again."
            )
        self.box, self.score, self.lost = self._find(image, self.box)
        return self.box.copy()

    @abstractmethod
    def _begin(self, image: Array, box: Array) -> None:
        """Learn the target."""

    @abstractmethod
    def _find(self, image: Array, box: Array) -> tuple[Array, float, bool]:
        """Return the box in this frame, its score and whether the target is lost."""

    @abstractmethod
    def shown(self) -> tuple[Layer, ...]:
        """What the last search looked at, to be seen."""


def _inside(name: str, box: Any, shape: tuple[int, ...]) -> Array:
    try:
        edges = np.asarray(box, np.float64).reshape(-1)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name}: box must be four numbers (x1, y1, x2, y2); got {describe(box)}.") from error
    if edges.shape != (4,) or not np.isfinite(edges).all() or (edges[2:] <= edges[:2]).any():
        raise InputError(
            f"{name}: box must be four finite numbers (x1, y1, x2, y2) with x1 < x2 and y1 < y2; got {box}."
        )
    height, width = shape[:2]
    kept = np.array([*np.maximum(edges[:2], 0), *np.minimum(edges[2:], (width, height))], np.float32)
    if (kept[2:] - kept[:2] < 1).any():
        raise InputError(f"{name}: box must cover a pixel of the {height}×{width} frame at least; got {box}.")
    return kept


def follow(tracker: TargetTracker, frames: Any, box: Any) -> TargetPath:
    """Return the target's path through frames; it starts in the first one."""
    kept = [(tracker.box, tracker.score, tracker.lost, tracker.ellipse) for _ in walk(tracker, frames, box)]
    boxes, scores, lost, ellipses = zip(*kept, strict=True)
    return TargetPath(
        np.array(boxes, np.float32),
        np.array(scores, np.float32),
        np.array(lost, bool),
        None if ellipses[0] is None else np.array(ellipses, np.float32),
    )


def walk(tracker: TargetTracker, frames: Any, box: Any) -> Iterator[Array]:
    """Start a tracker in the first frame and yield each frame when the tracker has seen it."""
    if isinstance(frames, (str, bytes)) or not isinstance(frames, Iterable):
        raise InputError(f"{tracker.name}: frames must be images in order; got {describe(frames)}.")
    started = False
    for frame in frames:
        if started:
            tracker.update(frame)
        else:
            tracker.start(frame, box)
        started = True
        yield frame
    if not started:
        raise InputError(f"{tracker.name}: frames must be one image at least; got none.")


def steps_along(tracker: TargetTracker, frames: Any, box: Any) -> Iterator[Step]:
    """Yield what the tracker looked at in some of the frames, and the path at the end."""
    pictures = list(frames) if isinstance(frames, Iterable) else frames
    count = len(pictures) if isinstance(pictures, list) else 0
    chosen = set(np.linspace(0, count - 1, min(count, _SHOWN)).round().astype(int).tolist())
    for i, frame in enumerate(walk(tracker, pictures, box)):
        if i in chosen and i:
            yield Step(f"search in frame {i}", *tracker.shown(), note="Where the tracker looked.")
        if i in chosen:
            found, word = np.array([tracker.box]), "lost" if tracker.lost else f"{tracker.score:.2f}"
            yield Step(f"frame {i}", Picture(frame), Boxes(found, (word,)), note="The target and its score.")
    path = follow(tracker, pictures, box)
    yield Step("path", Value(path), Picture(path.draw(pictures[-1])), note="The box in the last frame, and its way.")
