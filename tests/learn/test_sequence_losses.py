"""The loss over time, clipped slopes, and layers at each moment equal PyTorch's."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch.nn import functional
from torch.nn.utils import clip_grad_norm_

from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.learn import LSTM, Adam, Embedding, Linear, Sequential, Solver, TemporalCrossEntropy, clip_gradients

RANDOM = np.random.default_rng(0)


@evidence.equals("learn.TemporalCrossEntropy", peer="torch", tolerance="1e-12, forward and backward, float64")
def test_the_loss_over_time_equals_torch(measured: Callable[[float], None]) -> None:
    scores, targets = RANDOM.normal(0, 3, (4, 5, 7)), RANDOM.integers(-1, 7, (4, 5))
    mask, worst = RANDOM.random((4, 5)) < 0.7, 0.0
    for given in (None, mask):
        leaf = torch.tensor(scores, requires_grad=True)
        wanted = torch.tensor(targets if given is None else np.where(given, targets, -1))
        expected = functional.cross_entropy(leaf.flatten(0, 1), wanted.flatten(), ignore_index=-1)
        expected.backward()
        assert leaf.grad is not None
        loss = TemporalCrossEntropy()
        worst = max(worst, abs(loss.forward(scores, targets, mask=given) - expected.item()))
        worst = max(worst, float(np.abs(loss.backward() - leaf.grad.numpy()).max()))
    measured(worst)
    assert worst < 1e-12


@evidence.equals("learn.clip_gradients", peer="torch", tolerance="1e-6 of each slope, with torch's own 1e-6 added")
def test_clipped_slopes_equal_torch(measured: Callable[[float], None]) -> None:
    worst = 0.0
    for length in (0.5, 1e3):
        slopes = [RANDOM.normal(0, 1, shape) for shape in ((3, 4), (7,), (2, 2, 2))]
        leaves = [torch.zeros(part.shape, dtype=torch.float64, requires_grad=True) for part in slopes]
        for leaf, part in zip(leaves, slopes, strict=True):
            leaf.grad = torch.tensor(part)
        was = clip_grad_norm_(leaves, length).item()
        clipped, ours = clip_gradients(slopes, length)
        assert ours == pytest.approx(was, rel=1e-12)
        for part, leaf in zip(clipped, leaves, strict=True):
            assert leaf.grad is not None
            worst = max(worst, float(np.abs(part - leaf.grad.numpy()).max()))
    measured(worst)
    assert worst < 1e-6
    assert clip_gradients([np.zeros(3)], 1.0)[1] == 0
    assert clip_gradients([np.full(3, 9, np.float32)], 1.0)[0][0].dtype == np.float32


def test_linear_at_each_moment_equals_torch() -> None:
    layer, x = Linear(3, 2, seed=1, dtype="float64"), RANDOM.normal(0, 1, (4, 5, 3))
    w, b = (torch.tensor(array, requires_grad=True) for array in layer.parameters.values())
    leaf = torch.tensor(x, requires_grad=True)
    y = functional.linear(leaf, w, b)
    g = RANDOM.normal(0, 1, y.shape)
    y.backward(torch.tensor(g))
    pairs = ((layer.forward(x), y), (layer.backward(g), leaf.grad), (layer.gradients["weight"], w.grad))
    for ours, theirs in (*pairs, (layer.gradients["bias"], b.grad)):
        assert theirs is not None
        assert np.allclose(ours, theirs.detach().numpy(), rtol=0, atol=1e-12)


def test_a_network_of_layers_learns_to_repeat_what_was_two_moments_ago() -> None:
    x = RANDOM.integers(0, 4, (64, 12))
    targets = np.concatenate([np.full((64, 2), -1), x[:, :-2]], axis=1)
    network = Sequential(Embedding(4, 8, seed=1), LSTM(8, 16, seed=2), Linear(16, 4, seed=3))
    solver = Solver(network, TemporalCrossEntropy(), Adam(0.02), batch_size=16)
    rows = solver.fit(x, targets, epochs=25)
    assert rows[0]["loss"] > 1
    assert rows[-1]["loss"] < 0.1
    assert (solver.predict(x).argmax(axis=2)[:, 2:] == x[:, :-2]).mean() > 0.99


def test_refuses_by_name() -> None:
    loss = TemporalCrossEntropy()
    with pytest.raises(InputError, match=r"TemporalCrossEntropy: scores must be N×T×K and targets N×T whole numbers"):
        loss.forward(np.ones((2, 3, 4)), np.ones((2, 4), int))
    with pytest.raises(InputError, match="targets must count at one moment at least"):
        loss.forward(np.ones((2, 3, 4)), np.full((2, 3), -1))
    with pytest.raises(InputError, match="TemporalCrossEntropy: mask must be bool, 2×3; got 2×3 int64"):
        loss.forward(np.ones((2, 3, 4)), np.ones((2, 3), int), mask=np.ones((2, 3), int))
    with pytest.raises(InputError, match="clip_gradients: slopes must be finite; got a length of nan"):
        clip_gradients([np.array([np.nan])], 1.0)
    with pytest.raises(InputError, match="clip_gradients: slopes must be a list of arrays; got 2 float64"):
        clip_gradients(np.ones(2), 1.0)  # type: ignore[arg-type]
