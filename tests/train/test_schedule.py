"""Schedules, step by step equal to torch's own."""

from __future__ import annotations

import warnings

import pytest
import torch
from torch.optim import lr_scheduler as peers

from sightline.train.schedule import factor, warmup_steps
from sightline.train.settings import SCHEDULES


def _torch_rates(make, steps: int) -> list[float]:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scheduler, rates = make(optimizer), []
        for _ in range(steps):
            rates.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            scheduler.step()
    return rates


def test_cosine():
    expected = _torch_rates(lambda o: peers.CosineAnnealingLR(o, 50), 50)
    assert [factor("cosine", step, 50, 0) for step in range(50)] == pytest.approx(expected, abs=1e-9)


def test_linear():
    expected = _torch_rates(lambda o: peers.LinearLR(o, 1.0, 0.0, total_iters=50), 50)
    assert [factor("linear", step, 50, 0) for step in range(50)] == pytest.approx(expected, abs=1e-9)


def test_warmup_then_linear():
    assert [factor("linear", step, 8, 4) for step in range(8)] == [0.25, 0.5, 0.75, 1.0, 1.0, 0.75, 0.5, 0.25]


def test_warmup_then_cosine():
    def make(o):
        rise = peers.LinearLR(o, 1 / 8, 1.0, total_iters=7)
        return peers.SequentialLR(o, [rise, peers.CosineAnnealingLR(o, 42)], milestones=[8])

    expected = _torch_rates(make, 50)
    assert [factor("cosine", step, 50, 8) for step in range(50)] == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(("warmup", "rise"), [(0, 0.3), (10, 0.2), (25, 0.5)])
def test_one_cycle(warmup, rise):
    expected = _torch_rates(lambda o: peers.OneCycleLR(o, 1.0, 50, pct_start=rise, cycle_momentum=False), 50)
    assert [factor("one_cycle", step, 50, warmup) for step in range(50)] == pytest.approx(expected, abs=1e-9)


def test_constant():
    assert [factor("constant", step, 5, 2) for step in range(5)] == [0.5, 1.0, 1.0, 1.0, 1.0]


@pytest.mark.parametrize(
    ("epochs", "asked", "steps"), [(2, 2.0, 13), (1, 2.0, 6), (3, 2.0, 20), (10, 2.0, 20), (10, 0.25, 2), (2, 0.0, 0)]
)
def test_a_warmup_leaves_a_third_of_the_training(epochs, asked, steps):
    assert warmup_steps(asked, 10, 10 * epochs) == steps


@pytest.mark.parametrize("schedule", ["one_cycle", "linear", "cosine"])
def test_a_short_training_ends_below_its_peak(schedule):
    warmup = warmup_steps(2.0, 10, 20)
    rates = [factor(schedule, step, 20, warmup) for step in range(20)]
    assert max(rates) == pytest.approx(1, abs=1e-9)
    assert rates[-1] < 0.2


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("total", [1, 2, 3])
def test_tiny_trainings_have_a_rate(schedule, total):
    assert all(0 <= factor(schedule, step, total, 0) <= 1 for step in range(total))
    assert factor(schedule, 0, total, 0) > 0
