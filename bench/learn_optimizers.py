"""Optimisers in NumPy: steps against PyTorch's on a million weights, minima against SciPy's; each on one thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from scipy import optimize

from sightline.learn import SGD, Adam, bfgs, lbfgs

from .timing import Case

WEIGHTS = 1_000_000
PICTURES, COLUMNS = 2000, 100


def cases() -> list[Case]:
    """Return the cases."""
    torch.set_num_threads(1)
    return [*_steps(), *_minima()]


def _steps() -> list[Case]:
    random = np.random.default_rng(0)
    start, slope = (random.normal(0, 1, WEIGHTS).astype(np.float32) for _ in range(2))
    found = []
    for name, ours, peer in (
        ("SGD momentum 0.9", SGD(1e-3, momentum=0.9), lambda p: torch.optim.SGD(p, 1e-3, 0.9)),
        ("Adam", Adam(1e-3), lambda p: torch.optim.Adam(p, 1e-3)),
    ):
        w, leaf = start.copy(), torch.tensor(start, requires_grad=True)
        leaf.grad = torch.tensor(slope)
        theirs = peer([leaf])
        found.append(
            Case(
                f"learn.{name} step of {WEIGHTS:,} weights",
                "torch",
                _stepped(ours, w, slope),
                lambda theirs=theirs, leaf=leaf: (theirs.step(), leaf.detach().numpy())[1],
                3 * w.nbytes,
                1e-5,
            )
        )
    return found


def _stepped(optimizer: Any, w: np.ndarray, slope: np.ndarray) -> Callable[[], np.ndarray]:
    def step() -> np.ndarray:
        optimizer.step([w], [slope])
        return w

    return step


def _minima() -> list[Case]:
    random = np.random.default_rng(1)
    x = random.normal(0, 1, (PICTURES, COLUMNS))
    y = np.where(x @ random.normal(0, 1, COLUMNS) + random.normal(0, 4, PICTURES) > 0, 1.0, -1.0)

    def loss(w: np.ndarray) -> tuple[float, np.ndarray]:
        margin = y * (x @ w)
        p = 0.5 * (1 - np.tanh(0.5 * margin))
        return float(np.logaddexp(0, -margin).sum() + 0.5 * w @ w), w - x.T @ (y * p)

    start, size = np.zeros(COLUMNS), f"logistic loss {PICTURES}×{COLUMNS}"
    return [
        Case(
            f"learn.{run.__name__} {size}",
            "scipy",
            lambda run=run: run(loss, start, tolerance=1e-5).point,
            lambda peer=peer: optimize.minimize(loss, start, jac=True, method=peer, options={"gtol": 1e-5}).x,
            x.nbytes,
            1e-3,
        )
        for run, peer in ((bfgs, "BFGS"), (lbfgs, "L-BFGS-B"))
    ]
