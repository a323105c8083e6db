"""What the metrics of tracking share: truth and result frame by frame, with the overlaps of their boxes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sightline.core.box_overlap import pairwise_iou
from sightline.core.checks import describe
from sightline.core.errors import InputError
from sightline.core.tracks import Tracks
from sightline.core.types import Array

EXAMPLE = [Tracks(np.array([1]), np.array([[0.0, 0.0, 4.0, 8.0]]))]
CLOSE = np.finfo(float).eps  # a threshold is reached by what equals it but for rounding


@dataclass(frozen=True, eq=False)
class FramePairs:
    """One frame: R true boxes and C found ones.

    Parameters
    ----------
    true, found
        Places of their identities in the whole sequence's lists, R and C int64.
    overlap
        R×C intersection over union.
    """

    true: Array
    found: Array
    overlap: Array


@dataclass(frozen=True, eq=False)
class Sequences:
    """A sequence of frames.

    Parameters
    ----------
    frames
        In order; those in which there is neither a true nor a found box may be left out.
    true_ids, found_ids
        All identities, ascending.
    """

    frames: tuple[FramePairs, ...]
    true_ids: Array
    found_ids: Array

    @property
    def true_counts(self) -> Array:
        """Boxes of each true identity."""
        return _counts([frame.true for frame in self.frames], len(self.true_ids))

    @property
    def found_counts(self) -> Array:
        """Boxes of each found identity."""
        return _counts([frame.found for frame in self.frames], len(self.found_ids))


def paired(function: str, truth: Sequence[Tracks], found: Sequence[Tracks]) -> Sequences:
    """Return truth and result frame by frame; frames are joined by their numbers."""
    true, other = _by_frame(function, "truth", truth), _by_frame(function, "found", found)
    true_ids, found_ids = _ids(true), _ids(other)
    nothing = Tracks(np.zeros(0), np.zeros((0, 4)))
    frames = []
    for number in sorted({*true, *other}):
        a, b = true.get(number, nothing), other.get(number, nothing)
        overlap = pairwise_iou(a.boxes, b.boxes)
        frames.append(FramePairs(np.searchsorted(true_ids, a.ids), np.searchsorted(found_ids, b.ids), overlap))
    return Sequences(tuple(frames), true_ids, found_ids)


def _by_frame(function: str, argument: str, tracks: Any) -> dict[int, Tracks]:
    if not isinstance(tracks, (list, tuple)) or not all(isinstance(item, Tracks) for item in tracks):
        raise InputError(f"{function}: {argument} must be a list of Tracks, one a frame; got {describe(tracks)}.")
    made = {item.frame: item for item in tracks}
    if len(made) != len(tracks):
        raise InputError(
            f"{function}: {argument} must have one entry a frame; got {len(tracks)} of {len(made)} frames."
        )
    return made


def _ids(frames: dict[int, Tracks]) -> Array:
    return np.unique(np.concatenate([item.ids for item in frames.values()] or [np.zeros(0, np.int64)]))


def _counts(parts: list[Array], size: int) -> Array:
    return np.bincount(np.concatenate(parts or [np.zeros(0, np.int64)]), minlength=size)
