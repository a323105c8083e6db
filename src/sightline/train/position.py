"""Where a training is: what a checkpoint keeps beside the weights and the optimisers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Position:
    """Where a training is, and what it has seen. All of it goes into a checkpoint.

    Parameters
    ----------
    step
        Optimiser steps taken.
    epoch
        Epochs finished and measured.
    batch
        Batches done in the epoch that runs.
    totals
        Sums of the epoch's losses over its batches, by name.
    best
        The best value of the recipe's metric so far, None before the first.
    best_epoch
        The epoch (from 1) that reached it.
    history
        One row an epoch, as in ``metrics.csv``.
    """

    step: int = 0
    epoch: int = 0
    batch: int = 0
    totals: dict[str, float] = field(default_factory=dict)
    best: float | None = None
    best_epoch: int = 0
    history: list[dict[str, Any]] = field(default_factory=list)
