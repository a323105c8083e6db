"""The outline of one thing: polygons, or the run lengths of a mask."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sightline.core.run_length import mask_of_polygon, mask_of_runs, run_lengths


@dataclass(frozen=True, eq=False)
class Outline:
    """What a thing covers, more closely than its box.

    Parameters
    ----------
    polygons
        K×2 float64 corners (x, y) in continuous edges for each part; the thing is all parts together.
    runs
        Run lengths of a mask, column by column, beginning outside; None where there are polygons.
    shape
        ``(height, width)`` of the mask that ``runs`` counts.
    """

    polygons: tuple[np.ndarray, ...] = ()
    runs: np.ndarray | None = None
    shape: tuple[int, int] | None = None

    @classmethod
    def of_mask(cls, mask: np.ndarray) -> Outline:
        """Return the outline of an H×W bool mask."""
        return cls(runs=run_lengths(mask), shape=(mask.shape[0], mask.shape[1]))

    def mask(self, shape: tuple[int, int]) -> np.ndarray:
        """Return the pixels that it covers, bool.

        Parameters
        ----------
        shape
            ``(height, width)`` of the image.
        """
        if self.runs is not None:
            return mask_of_runs(self.runs, shape)
        covered = np.zeros(shape, np.bool_)
        for polygon in self.polygons:
            covered |= mask_of_polygon(polygon, shape)
        return covered

    @property
    def area(self) -> float:
        """What it covers, in pixels; parts that overlap count twice."""
        if self.runs is not None:
            return float(self.runs[1::2].sum())
        total = 0.0
        for x, y in (polygon.T for polygon in self.polygons):
            total += abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1))) / 2
        return total

    def equals(self, other: Outline | None) -> bool:
        """Tell whether another outline has the same corners or the same runs."""
        if other is None or self.shape != other.shape or (self.runs is None) != (other.runs is None):
            return False
        same_runs = self.runs is None or other.runs is None or np.array_equal(self.runs, other.runs)
        parts = zip(self.polygons, other.polygons, strict=False)
        same_parts = all(np.array_equal(mine, its) for mine, its in parts)
        return same_runs and len(self.polygons) == len(other.polygons) and same_parts

    def to_coco(self) -> Any:
        """Return it as COCO's ``segmentation``: flat lists of corners, or the run lengths with their size."""
        if self.runs is not None and self.shape is not None:
            return {"size": list(self.shape), "counts": self.runs.tolist()}
        return [polygon.ravel().tolist() for polygon in self.polygons]
