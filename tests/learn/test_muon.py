"""Muon on arrays: steps near torch's own, and one that the decomposition gives."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.learn import Muon


@evidence.equals("learn.Muon", peer="torch", tolerance="2 % of the way of 10 steps; torch iterates in bfloat16")
def test_steps_are_torchs(measured: Callable[[float], None]) -> None:
    theirs_class = pytest.importorskip("torch", minversion="2.9").optim.Muon
    apart = []
    for shape in ((16, 16), (8, 40), (40, 8)):
        w = np.random.default_rng(0).normal(0, 1, shape).astype(np.float32)
        start, leaf = w.copy(), torch.tensor(w, requires_grad=True)
        ours = Muon(0.02, momentum=0.9, weight_decay=0.1)
        theirs = theirs_class([leaf], 0.02, 0.1, 0.9, adjust_lr_fn="match_rms_adamw")
        for step in range(10):
            ours.step([w], [np.sin(3 * w + step)])
            leaf.grad = torch.sin(3 * leaf.detach() + step)
            theirs.step()
        apart.append(np.linalg.norm(w - leaf.detach().numpy()) / np.linalg.norm(w - start))
    measured(max(apart))
    assert max(apart) < 0.02


def test_the_first_step_has_all_directions_alike() -> None:
    random = np.random.default_rng(1)
    g = random.normal(0, 1, (4, 3, 3))
    w = np.zeros_like(g)
    Muon(1.0, momentum=0.9, weight_decay=0.0, steps=5).step([w], [g])
    u, _, v = np.linalg.svd(g.reshape(4, 9), full_matrices=False)
    turned = u.T @ (-w.reshape(4, 9) / (0.2 * 3)) @ v.T
    np.testing.assert_allclose(turned, np.diag(np.diag(turned)), atol=1e-9)
    assert (np.diag(turned) > 0.68).all()
    assert (np.diag(turned) < 1.21).all()


def test_float32_stays_and_a_state_goes_on() -> None:
    w, g = np.ones((2, 3), np.float32), np.arange(6, dtype=np.float32).reshape(2, 3)
    first = Muon(0.1)
    first.step([w], [g])
    second, copy = Muon(0.1), w.copy()
    second.restore(first.state())
    first.step([w], [g])
    second.step([copy], [g])
    assert w.dtype == np.float32
    assert np.array_equal(w, copy)


def test_vectors_are_refused() -> None:
    with pytest.raises(InputError, match=r"Muon: parameters must have two axes or more; got 1\. Give vectors to AdamW"):
        Muon().step([np.ones(3)], [np.ones(3)])
