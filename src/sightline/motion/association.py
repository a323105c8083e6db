"""Association: which of the boxes that were found belongs to which track, and the record of how that was decided.

The assignment of least cost is Kuhn's 1955 ("The Hungarian Method for the Assignment Problem", Naval Research
Logistics 2), solved by SciPy.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment

from sightline.core.layers import Boxes, Heat, Lines, Picture, Value
from sightline.core.results import Detections
from sightline.core.trace import Step
from sightline.core.tracks import Tracks
from sightline.core.types import Array

_GATE_95 = 2.4477468306808166  # radius that holds 95 % of a Gaussian in two dimensions


def assign(cost: Array, limit: float) -> Array:
    """Return the pairs (row, column), P×2, of least total cost; a pair may not cost more than ``limit``.

    Parameters
    ----------
    cost
        N×M; infinity where a pair is out of the question.
    limit
        What it costs to leave a row and a column alone.
    """
    if not cost.size:
        return np.zeros((0, 2), np.int64)
    rows, columns = linear_sum_assignment(np.minimum(cost, limit + 1e-6))
    kept = cost[rows, columns] <= limit
    return np.stack([rows[kept], columns[kept]], axis=1)


@dataclass(frozen=True, eq=False)
class Stage:
    """One assignment within a frame.

    Parameters
    ----------
    name
        What is compared.
    ids
        Identities of the R tracks that took part.
    columns
        Indices of the C detections that took part.
    cost
        R×C float64; infinity where a pair is out of the question.
    limit
        The dearest pair that is made.
    pairs
        P×2: rows and columns of ``cost``.
    """

    name: str
    ids: Array
    columns: Array
    cost: Array
    limit: float
    pairs: Array

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; a cost out of the question is null."""
        return {
            "name": self.name,
            "ids": self.ids.tolist(),
            "detections": self.columns.tolist(),
            "cost": [[float(c) if np.isfinite(c) else None for c in row] for row in self.cost],
            "limit": self.limit,
            "pairs": [[int(self.ids[r]), int(self.columns[c])] for r, c in self.pairs],
        }


@dataclass(frozen=True, eq=False)
class Round:
    """What a tracker did with one frame: predict, compare, assign, update.

    Parameters
    ----------
    frame
        Its number, from 1.
    ids, predicted, spread
        Identities of the N tracks there were, their predicted boxes N×4, and covariances of the middles N×2×2.
    detections
        The boxes found, without those that are none.
    stages
        The assignments, in order.
    begun, ended
        Identities that began and that were given up in this frame.
    tracks
        The result.
    """

    frame: int
    ids: Array
    predicted: Array
    spread: Array
    detections: Detections
    stages: tuple[Stage, ...]
    begun: Array
    ended: Array
    tracks: Tracks

    def ellipses(self, corners: int = 32) -> Array:
        """Return N×corners×2 outlines (x, y) that hold the middle of each track with 95 % probability."""
        turn = np.linspace(0, 2 * np.pi, corners, endpoint=False)
        values, axes = np.linalg.eigh(self.spread)
        scaled = axes * np.sqrt(np.maximum(values, 0))[:, None, :] * _GATE_95
        middles = (self.predicted[:, :2] + self.predicted[:, 2:]) / 2 - 0.5
        return middles[:, None] + np.stack([np.cos(turn), np.sin(turn)], axis=1) @ np.swapaxes(scaled, 1, 2)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values: the frame's page in the ledger."""
        return {
            "frame": self.frame,
            "predicted": [
                {"id": int(number), "box": [float(v) for v in box], "ellipse": np.round(outline, 2).tolist()}
                for number, box, outline in zip(self.ids, self.predicted, self.ellipses(), strict=True)
            ],
            "detections": self.detections.to_json(),
            "stages": [stage.to_json() for stage in self.stages],
            "begun": self.begun.tolist(),
            "ended": self.ended.tolist(),
            "tracks": self.tracks.to_json(),
        }

    def steps(self, image: Array | None = None) -> Iterator[Step]:
        """Yield the round as steps to watch; the value of the last one is the tracks.

        Parameters
        ----------
        image
            The frame, H×W or H×W×3; a dark sheet when None.
        """
        sheet = _sheet(self) if image is None else image
        outlines = self.ellipses()
        segments = np.concatenate([outlines, np.roll(outlines, -1, axis=1)], axis=2).reshape(-1, 4)
        names = tuple(str(number) for number in self.ids)
        yield Step(
            "predicted", Picture(sheet), Boxes(self.predicted, names), Lines(segments),
            note=f"Where {len(self.ids)} tracks should be, and the ellipse that holds 95 % of it.",
        )  # fmt: skip
        found = self.detections.boxes
        yield Step("detections", Picture(sheet), Boxes(found), note=f"{len(found)} boxes were found.")
        for stage in self.stages:
            if stage.cost.size:
                dear = np.where(np.isfinite(stage.cost), stage.cost, np.nan)
                yield Step(f"cost: {stage.name}", Heat(dear), note="A row a track, a column a detection.")
            rows = np.searchsorted(self.ids, stage.ids[stage.pairs[:, 0]])
            ends = [_middles(self.predicted[rows]), _middles(found[stage.columns[stage.pairs[:, 1]]])]
            yield Step(
                f"assignment: {stage.name}", Picture(sheet), Boxes(found), Lines(np.concatenate(ends, axis=1)),
                note=f"{len(stage.pairs)} pairs of a cost of {stage.limit:g} at most.",
            )  # fmt: skip
        labels = tuple(str(number) for number in self.tracks.ids)
        note = f"{len(self.begun)} began, {len(self.ended)} ended."
        yield Step("updated", Value(self.tracks), Picture(sheet), Boxes(self.tracks.boxes, labels), note=note)


def _middles(boxes: Array) -> Array:
    return (boxes[:, :2] + boxes[:, 2:]) / 2 - 0.5


def _sheet(turn: Round) -> Array:
    every = np.concatenate([turn.predicted, turn.detections.boxes, turn.tracks.boxes, [[0, 0, 320, 240]]])
    width, height = np.minimum(np.ceil(np.nanmax(every[:, 2:], axis=0)), 4096).astype(int)
    return np.full((height, width), 24, np.uint8)
