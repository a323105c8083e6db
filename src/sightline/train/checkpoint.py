"""Checkpoints that survive anything: a kill at any moment, a full disk, a flipped bit.

A checkpoint is a pair of files that never change: ``step-N.safetensors`` (the weights to predict with) and
``step-N.state.safetensors`` (optimiser, position, history; it names the digest of its weights). The second rename is
the moment at which the checkpoint exists. ``last.safetensors`` and ``best.safetensors`` are further names (hard links)
of weights. The checkpoint before the newest is kept, so that there is always one to fall back on.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from sightline.core.errors import MissingFileError, WeightsError
from sightline.core.files import link_file
from sightline.train.tensors import load_tensors, save_tensors

LAST, BEST = "last.safetensors", "best.safetensors"
_STATE = re.compile(r"step-(\d+)\.state\.safetensors")


class CheckpointWarning(UserWarning):
    """The newest checkpoint is damaged and an older one is used."""


@dataclass(frozen=True)
class Snapshot:
    """Everything that a training needs to go on.

    Parameters
    ----------
    step
        Optimiser steps taken.
    weights
        The weights to predict with (the moving average, where there is one).
    tensors
        The rest of the tensors: optimisers, and the raw weights where ``weights`` is their average.
    progress
        JSON values: position in the data, history, best metric, settings of the machine.
    """

    step: int
    weights: Mapping[str, Tensor]
    tensors: Mapping[str, Tensor]
    progress: Mapping[str, Any]


class Checkpoints:
    """The ``checkpoints`` folder of a run.

    Parameters
    ----------
    folder
        Made on the first save.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._trusted: int | None = None  # the step that was saved or loaded before

    def save(self, snapshot: Snapshot, about: Mapping[str, Any], best: bool) -> None:
        """Write a checkpoint; until the state file is in place, the one before it is the newest.

        Parameters
        ----------
        snapshot
            What to keep.
        about
            JSON values for the header of the weights: recipe, epoch, metric.
        best
            Whether ``best.safetensors`` becomes a name of these weights, too.
        """
        self.folder.mkdir(exist_ok=True)
        weights = self._weights(snapshot.step)
        said = {**about, "step": snapshot.step}
        digest = save_tensors(weights, snapshot.weights, said)
        if best:  # before the state, which believes that the best is there
            link_file(weights, self.folder / BEST)
        state = {"progress": dict(snapshot.progress), "step": snapshot.step, "weights_sha256": digest}
        save_tensors(self._state(snapshot.step), snapshot.tensors, state)
        link_file(weights, self.folder / LAST)
        self._prune(snapshot.step)

    def load(self) -> Snapshot | None:
        """Return the newest whole checkpoint, warning when a damaged one was passed over; None when there is none."""
        damage: list[str] = []
        for step in sorted(self._steps(), reverse=True):
            try:
                snapshot, digest = self._load(step)
            except (WeightsError, MissingFileError) as error:
                damage.append(str(error))
                continue
            damage += self._repair_last(step, digest)
            if damage:
                warnings.warn(
                    f"resume: {' '.join(damage)} The checkpoint of step {step} is used instead.",
                    CheckpointWarning,
                    stacklevel=2,
                )
            self._trusted = step
            return snapshot
        if damage:
            raise WeightsError(f"resume: no whole checkpoint is left in '{self.folder}'. {' '.join(damage)}")
        return None

    def clean(self) -> None:
        """Remove what a killed process left half written; only the holder of the run's lock may call this."""
        for path in self.folder.glob(".*.part"):
            path.unlink(missing_ok=True)

    def _load(self, step: int) -> tuple[Snapshot, str]:
        tensors, said, _ = load_tensors(self._state(step))
        weights, _, digest = load_tensors(self._weights(step))
        if said["step"] != step or said["weights_sha256"] != digest:
            raise WeightsError(f"load: '{self._weights(step)}' does not belong to the state beside it.")
        return Snapshot(step, weights, tensors, said["progress"]), digest

    def _repair_last(self, step: int, digest: str) -> list[str]:
        # A kill between the state and the link leaves the name on the older weights, which is no damage.
        damage: list[str] = []
        last = self.folder / LAST
        try:
            found = digest if last.samefile(self._weights(step)) else load_tensors(last)[2]
        except FileNotFoundError:
            found = ""
        except WeightsError as error:
            found, damage = "", [str(error)]
        if found != digest:
            link_file(self._weights(step), last)
        return damage

    def _prune(self, newest: int) -> None:
        # What was neither saved nor loaded by this training is damaged, or left over from a kill.
        kept = (self._trusted, newest)
        for path in self.folder.glob("step-*.safetensors"):
            match = re.match(r"step-(\d+)\.", path.name)
            if match and int(match.group(1)) not in kept:
                path.unlink(missing_ok=True)
        self._trusted = newest

    def _steps(self) -> list[int]:
        matches = [_STATE.fullmatch(path.name) for path in self.folder.glob("step-*.state.safetensors")]
        return [int(match.group(1)) for match in matches if match]

    def _weights(self, step: int) -> Path:
        return self.folder / f"step-{step:08d}.safetensors"

    def _state(self, step: int) -> Path:
        return self.folder / f"step-{step:08d}.state.safetensors"
