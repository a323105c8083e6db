"""Schedules give the rates of torch.optim.lr_scheduler, epoch by epoch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch.optim import lr_scheduler

from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.learn import (
    SGD,
    ConstantRate,
    CosineDecay,
    ExponentialDecay,
    Linear,
    LinearWarmup,
    OneCycle,
    ReduceOnPlateau,
    Sequential,
    Solver,
    SquaredError,
    StepDecay,
)

EPOCHS = 20


def theirs(make: Callable[[torch.optim.Optimizer], Any], rate: float = 1.0) -> list[float]:
    """Return the rates at the start of each epoch."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], rate)
    scheduler, rates = make(optimizer), []
    for _ in range(EPOCHS):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


def ours(schedule: Callable[[float], float], last: int = EPOCHS) -> list[float]:
    return [schedule(epoch / last) for epoch in range(EPOCHS)]


def warm_then_cosine(optimizer: torch.optim.Optimizer) -> Any:
    warm = lr_scheduler.LinearLR(optimizer, 0.25, 1.0, total_iters=5)
    return lr_scheduler.SequentialLR(optimizer, [warm, lr_scheduler.CosineAnnealingLR(optimizer, 15, 0.0)], [5])


@evidence.equals("learn.ConstantRate", peer="torch", tolerance="1e-12 in each epoch's rate")
@evidence.equals("learn.StepDecay", peer="torch", tolerance="1e-12 in each epoch's rate")
@evidence.equals("learn.ExponentialDecay", peer="torch", tolerance="1e-12 in each epoch's rate")
@evidence.equals("learn.CosineDecay", peer="torch", tolerance="1e-12 in each epoch's rate")
@evidence.equals("learn.LinearWarmup", peer="torch", tolerance="1e-12 in each epoch's rate")
@evidence.equals("learn.OneCycle", peer="torch", tolerance="1e-12 in each epoch's rate")
def test_rates_are_torchs(measured: Callable[[float], None]) -> None:
    # Torch counts a cycle's steps from 0 to the last one, and its rise ends one step early.
    cycle = OneCycle((0.3 * EPOCHS - 1) / (EPOCHS - 1))
    pairs = [
        (ours(ConstantRate()), theirs(lambda o: lr_scheduler.ConstantLR(o, 1.0))),
        (ours(StepDecay((0.25, 0.5, 0.75), factor=0.3)), theirs(lambda o: lr_scheduler.StepLR(o, 5, 0.3))),
        (ours(StepDecay((0.3, 0.8))), theirs(lambda o: lr_scheduler.MultiStepLR(o, [6, 16], 0.1))),
        (ours(ExponentialDecay(0.9**EPOCHS)), theirs(lambda o: lr_scheduler.ExponentialLR(o, 0.9))),
        (ours(CosineDecay(0.05)), theirs(lambda o: lr_scheduler.CosineAnnealingLR(o, EPOCHS, 0.05))),
        (ours(LinearWarmup(0.25, start=0.25, then=CosineDecay())), theirs(warm_then_cosine)),
        (ours(cycle, EPOCHS - 1), theirs(lambda o: lr_scheduler.OneCycleLR(o, 1.0, EPOCHS + 0))[:EPOCHS]),
    ]
    worst = max(float(np.abs(np.subtract(a, b)).max()) for a, b in pairs)
    measured(worst)
    assert worst < 1e-12
    assert all(len(a) == len(b) == EPOCHS for a, b in pairs)


@evidence.equals("learn.ReduceOnPlateau", peer="torch", tolerance="1e-12 in the rate after each of 60 losses")
def test_a_plateau_is_torchs(measured: Callable[[float], None]) -> None:
    losses = np.random.default_rng(3).random(60).cumsum()[::-1] * 0.1 + np.random.default_rng(4).random(60)
    worst = 0.0
    for patience, least in ((0, 0.0), (3, 1e-3)):
        optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], 1.0)
        peer = lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=patience, min_lr=least, eps=0)
        schedule = ReduceOnPlateau(0.5, patience=patience, least=least)
        for count, loss in enumerate(losses.tolist(), 1):
            peer.step(loss)
            rate = optimizer.param_groups[0]["lr"]
            worst = max(worst, abs(rate - schedule.after(losses[:count].tolist())))
        assert rate < 0.1
    measured(worst)
    assert worst < 1e-12


def test_a_solver_follows_them() -> None:
    x = np.linspace(-1, 1, 8)[:, None]

    def rates(schedule: Any) -> list[float]:
        solver = Solver(Sequential(Linear(1, 1)), SquaredError(), SGD(0.1), batch_size=8, schedule=schedule)
        return [row["learning_rate"] for row in solver.fit(x, 0 * x, epochs=6)]

    assert rates(StepDecay((0.5,))) == pytest.approx([0.1] * 3 + [0.01] * 3)
    assert rates(ReduceOnPlateau(0.5, patience=0, threshold=0.9)) == pytest.approx(
        [0.1, 0.1, 0.05, 0.025, 0.0125, 0.00625]
    )


def test_refuses_by_name() -> None:
    with pytest.raises(InputError, match=r"StepDecay: at must be shares of the training, such as \(0.5, 0.75\); got"):
        StepDecay(0.5)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"StepDecay: at\[1\] must be a number"):
        StepDecay((0.5, 30))
    with pytest.raises(InputError, match="LinearWarmup: share must be below 1"):
        LinearWarmup(1.0)
    with pytest.raises(InputError, match=r"LinearWarmup: then must be a schedule of sightline\.learn; got"):
        LinearWarmup(then=3)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="ReduceOnPlateau: patience must be a whole number"):
        ReduceOnPlateau(patience=-1)
