"""Matches: pairs of descriptors, and where in the two images they lie."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sightline.core.canvas import Canvas, colour_of
from sightline.core.checks import as_image
from sightline.core.conversions import to_uint8
from sightline.core.errors import InputError
from sightline.core.types import Array


@dataclass(frozen=True, eq=False)
class Matches:
    """Pairs of things in two images that look alike.

    Parameters
    ----------
    indices
        N×2 int64: place in the first list, place in the second.
    distances
        N float32 between their descriptors.
    points_a, points_b
        N×2 float32 (x, y) of the pairs in each image; None where descriptors came without places.
    """

    indices: Array
    distances: Array
    points_a: Array | None = None
    points_b: Array | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "indices", np.ascontiguousarray(self.indices, np.int64).reshape(-1, 2))
        object.__setattr__(self, "distances", np.ascontiguousarray(self.distances, np.float32))
        for name in ("points_a", "points_b"):
            if (points := getattr(self, name)) is not None:
                object.__setattr__(self, name, np.ascontiguousarray(points, np.float32).reshape(-1, 2))
        lengths = [len(part) for part in self._parts() if part is not None]
        if len(set(lengths)) > 1:
            raise InputError(f"Matches: indices, distances and points must be of one length; got {lengths}.")

    def _parts(self) -> tuple[Array | None, ...]:
        return self.indices, self.distances, self.points_a, self.points_b

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: Any) -> Matches:
        """Select by number, slice, index array or bool mask: ``found[found.distances < 200]``."""
        rows = np.atleast_1d(np.arange(len(self))[index])
        a, b = self.points_a, self.points_b
        return Matches(
            self.indices[rows],
            self.distances[rows],
            None if a is None else a[rows],
            None if b is None else b[rows],
        )

    def best(self, count: int) -> Matches:
        """Return the ``count`` with the smallest distances, the nearest first."""
        return self[np.argsort(self.distances, kind="stable")[:count]]

    def draw(self, image_a: Array, image_b: Array | None = None) -> Array:
        """Return the two images side by side with a line for each match, H×W×3 uint8.

        Parameters
        ----------
        image_a, image_b
            H×W or H×W×3. Without a second one, the lines lead from each point to where it is in the second image,
            on the first.
        """
        if self.points_a is None or self.points_b is None:
            raise InputError("Matches.draw: matches must know their points; match Features instead of descriptors.")
        first = _coloured(image_a)
        if image_b is None:
            canvas, shift = Canvas(first), 0
        else:
            second = _coloured(image_b)
            height = max(len(first), len(second))
            both = [np.pad(part, ((0, height - len(part)), (0, 0), (0, 0))) for part in (first, second)]
            canvas, shift = Canvas(np.concatenate(both, axis=1)), first.shape[1]
        canvas.width = max(1, canvas.width // 2)
        ends = np.stack([self.points_a, self.points_b + np.array([shift, 0], np.float32)], axis=1)
        for i, line in enumerate(ends):
            canvas.line(line, colour_of(i))
        canvas.dots(ends.reshape(-1, 2)[:: 1 if shift else 2], colour_of(5), 1.5 * canvas.width)
        return canvas.image()

    def to_json(self) -> list[dict[str, Any]]:
        """Return plain JSON values, one record a match."""
        records = []
        for i, ((a, b), distance) in enumerate(zip(self.indices, self.distances, strict=True)):
            record: dict[str, Any] = {"a": int(a), "b": int(b), "distance": float(distance)}
            if self.points_a is not None and self.points_b is not None:
                record["points"] = [float(v) for v in (*self.points_a[i], *self.points_b[i])]
            records.append(record)
        return records


def _coloured(image: Array) -> Array:
    image = to_uint8(as_image("Matches.draw", image))
    return np.repeat(image[..., None], 3, axis=2) if image.ndim == 2 else image
