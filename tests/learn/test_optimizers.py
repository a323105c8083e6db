"""Optimisers take PyTorch's steps, one after the other, and come down Rosenbrock's valley."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.learn import SGD, AdaGrad, Adam, AdamW, Momentum, Nesterov, RMSProp
from sightline.learn.optimizers import Optimizer

CASES: list[tuple[str, Optimizer, Callable[[Any], torch.optim.Optimizer]]] = [
    ("SGD", SGD(0.02), lambda p: torch.optim.SGD(p, 0.02)),
    ("SGD", SGD(0.02, weight_decay=0.1), lambda p: torch.optim.SGD(p, 0.02, weight_decay=0.1)),
    ("SGD", SGD(0.01, momentum=0.9), lambda p: torch.optim.SGD(p, 0.01, momentum=0.9)),
    ("SGD", SGD(0.01, momentum=0.8, nesterov=True), lambda p: torch.optim.SGD(p, 0.01, 0.8, nesterov=True)),
    ("Momentum", Momentum(0.01, momentum=0.8), lambda p: torch.optim.SGD(p, 0.01, 0.8)),
    ("Nesterov", Nesterov(0.01, weight_decay=0.1), lambda p: torch.optim.SGD(p, 0.01, 0.9, 0, 0.1, nesterov=True)),
    ("AdaGrad", AdaGrad(0.1, weight_decay=0.1), lambda p: torch.optim.Adagrad(p, 0.1, weight_decay=0.1)),
    ("RMSProp", RMSProp(0.01, rho=0.9), lambda p: torch.optim.RMSprop(p, 0.01, 0.9)),
    ("RMSProp", RMSProp(0.01, momentum=0.9), lambda p: torch.optim.RMSprop(p, 0.01, momentum=0.9)),
    ("Adam", Adam(0.02, weight_decay=0.1), lambda p: torch.optim.Adam(p, 0.02, weight_decay=0.1)),
    ("Adam", Adam(0.05, betas=(0.8, 0.9), eps=1e-3), lambda p: torch.optim.Adam(p, 0.05, (0.8, 0.9), 1e-3)),
    ("AdamW", AdamW(0.02, weight_decay=0.3), lambda p: torch.optim.AdamW(p, 0.02, weight_decay=0.3)),
]


def slopes_of(w: np.ndarray, v: np.ndarray) -> list[np.ndarray]:
    return [2 * (w - 1) * v.sum() ** 2 + np.sin(3 * w), 2 * v * (w**2).sum() + 0.1]


def steps_apart(ours: Optimizer, make: Callable[[Any], torch.optim.Optimizer], steps: int = 40) -> float:
    random = np.random.default_rng(0)
    w, v = random.normal(0, 1, (3, 2)), random.normal(0, 0.3, 4)
    theirs = [torch.tensor(w, requires_grad=True), torch.tensor(v, requires_grad=True)]
    peer, worst = make(theirs), 0.0
    for _ in range(steps):
        ours.step([w, v], slopes_of(w, v))
        for leaf, slope in zip(theirs, slopes_of(*(leaf.detach().numpy() for leaf in theirs)), strict=True):
            leaf.grad = torch.from_numpy(slope)
        peer.step()
        worst = max(worst, *(np.abs(a - b.detach().numpy()).max() for a, b in zip((w, v), theirs, strict=True)))
    return float(worst)


@evidence.equals("learn.SGD", peer="torch", tolerance="1e-12 after each of 40 steps, float64")
@evidence.equals("learn.Momentum", peer="torch", tolerance="1e-12 after each of 40 steps, float64")
@evidence.equals("learn.Nesterov", peer="torch", tolerance="1e-12 after each of 40 steps, float64")
@evidence.equals("learn.AdaGrad", peer="torch", tolerance="1e-12 after each of 40 steps, float64")
@evidence.equals("learn.RMSProp", peer="torch", tolerance="1e-12 after each of 40 steps, float64")
@evidence.equals("learn.Adam", peer="torch", tolerance="1e-12 after each of 40 steps, float64")
@evidence.equals("learn.AdamW", peer="torch", tolerance="1e-12 after each of 40 steps, float64")
def test_each_step_is_torchs(measured: Callable[[float], None]) -> None:
    found = {f"{name} {i}": steps_apart(ours, make) for i, (name, ours, make) in enumerate(CASES)}
    measured(max(found.values()))
    assert max(found.values()) < 1e-12, found


def test_all_come_down_rosenbrocks_valley() -> None:
    for optimizer, most in (
        (SGD(1e-3, momentum=0.9), 0.02),
        (Adam(0.02), 0.02),
        (RMSProp(0.005), 0.1),
        (AdamW(0.02), 0.5),
    ):
        w = np.array([-1.2, 1.0])
        for _ in range(3000):
            x, y = w
            optimizer.step([w], [np.array([-400 * x * (y - x * x) - 2 * (1 - x), 200 * (y - x * x)])])
        assert (1 - w[0]) ** 2 + 100 * (w[1] - w[0] ** 2) ** 2 < most


def test_float32_stays_and_the_arrays_are_changed_in_place() -> None:
    w = np.ones(3, np.float32)
    Adam(0.1).step([w], [np.ones(3)])
    assert w.dtype == np.float32
    assert np.allclose(w, 0.9)


def test_refuses_by_name() -> None:
    with pytest.raises(InputError, match="SGD: learning_rate must be a number"):
        SGD(-1)
    with pytest.raises(InputError, match=r"Adam: betas\[1\] must be a number"):
        Adam(betas=(0.9, 1.5))
    with pytest.raises(InputError, match="slopes must be one for each parameter; got 0, 1"):
        SGD().step([np.ones(2)], [])
    with pytest.raises(InputError, match="slopes must have the parameters' shapes; got 3 float64, 2 float64"):
        SGD().step([np.ones(2)], [np.ones(3)])
