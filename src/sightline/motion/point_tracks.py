"""The ways of many points through a film."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sightline.core.canvas import Canvas, colour_of
from sightline.core.checks import describe
from sightline.core.errors import InputError
from sightline.core.types import Array

_TAIL = 20  # frames


@dataclass(frozen=True, eq=False)
class PointTracks:
    """Points that were followed through frames.

    Parameters
    ----------
    points
        F×N×2 float32 (x, y) of N points in F frames; NaN before a point was found and after it was lost.
    """

    points: Array

    def __post_init__(self) -> None:
        points = self.points
        if not isinstance(points, np.ndarray) or points.ndim != 3 or points.shape[2] != 2 or points.dtype.kind != "f":
            raise InputError(f"PointTracks: points must be F×N×2 floats; got {describe(points)}.")

    @property
    def seen(self) -> Array:
        """F×N bool: whether the point is known in the frame."""
        return np.asarray(np.isfinite(self.points).all(axis=2))

    @property
    def lengths(self) -> Array:
        """N int64: in how many frames each point is known."""
        return self.seen.sum(axis=0)

    def __len__(self) -> int:
        return self.points.shape[1]

    def __getitem__(self, index: Any) -> PointTracks:
        """Select points by number, slice, index array or bool mask: ``tracks[tracks.lengths > 10]``."""
        return PointTracks(self.points[:, np.atleast_1d(np.arange(len(self))[index])])

    def draw(self, image: Array, frame: int | None = None) -> Array:
        """Return a copy of ``image`` with the points of a frame (None for the last), and where they came from."""
        last = len(self.points) - 1 if frame is None else frame
        canvas = Canvas(image)
        for index in np.flatnonzero(self.seen[last]):
            path = self.points[max(0, last - _TAIL) : last + 1, index]
            path = path[np.isfinite(path).all(axis=1)]
            if len(path) > 1:
                canvas.line(path, colour_of(int(index)))
            canvas.dots(path[-1:], colour_of(int(index)), 1.0)
        return canvas.image()

    def to_json(self) -> list[dict[str, Any]]:
        """Return plain JSON values, one record a point: its first frame, and its places from there on."""
        seen = self.seen
        return [
            {
                "id": index,
                "frame": int(np.argmax(seen[:, index])),
                "points": [[float(v) for v in point] for point in self.points[seen[:, index], index]],
            }
            for index in np.flatnonzero(seen.any(axis=0)).tolist()
        ]
