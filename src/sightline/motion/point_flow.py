"""Where points went from one picture to the next."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from sightline.core.canvas import Canvas, colour_of
from sightline.core.types import Array


@dataclass(frozen=True, eq=False)
class PointFlow:
    """Points of one picture, and where each is in the next one.

    Parameters
    ----------
    starts
        N×2 float32 (x, y) in the first picture.
    points
        N×2 float32 (x, y) in the second one; NaN for what was lost.
    found
        N bool: whether the point was found again.
    errors
        N float32: mean absolute difference of the two windows, in grey levels of 255; NaN for what was lost.
    """

    starts: Array
    points: Array
    found: Array
    errors: Array

    @property
    def flow(self) -> Array:
        """How far each point moved, N×2 float32 (dx, dy) in pixels."""
        return self.points - self.starts

    def __len__(self) -> int:
        return len(self.starts)

    def __iter__(self) -> Iterator[Array]:
        """Unpack as ``points, found, errors``."""
        return iter((self.points, self.found, self.errors))

    def __getitem__(self, index: Any) -> PointFlow:
        """Select by number, slice, index array or bool mask: ``moved[moved.found]``."""
        rows = np.atleast_1d(np.arange(len(self))[index])
        return PointFlow(self.starts[rows], self.points[rows], self.found[rows], self.errors[rows])

    def draw(self, image: Array) -> Array:
        """Return a copy of ``image`` (H×W or H×W×3) with the way of each point that was found, a dot at its end."""
        canvas = Canvas(image)
        colours = [colour_of(index) for index in range(8)]
        for index in np.flatnonzero(self.found):
            canvas.line(np.stack([self.starts[index], self.points[index]]), colours[index % 8])
            canvas.dots(self.points[index : index + 1], colours[index % 8], 1.0)
        return canvas.image()

    def to_json(self) -> list[dict[str, Any]]:
        """Return plain JSON values, one record a point; what was lost has no ``to``."""
        return [
            {"from": [float(v) for v in start]}
            | ({"to": [float(v) for v in end], "error": float(error)} if found else {})
            for start, end, found, error in zip(self.starts, self.points, self.found, self.errors, strict=True)
        ]
