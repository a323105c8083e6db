"""Attention forward and back equals PyTorch's, and the differences of its own values."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.learn import AdditiveAttention, DotAttention, SelfAttention
from sightline.learn.grad_check import numeric_gradient

RANDOM = np.random.default_rng(0)
Q, K, V = RANDOM.normal(0, 1, (3, 4, 6)), RANDOM.normal(0, 1, (3, 5, 6)), RANDOM.normal(0, 1, (3, 5, 2))
MASK = RANDOM.random((3, 4, 5)) < 0.6
MASK[..., 0] = True
WIDE = {"dtype": "float64"}
BACK = "1e-8, forward and backward, float64"


def apart(a: np.ndarray, b: torch.Tensor | None) -> float:
    assert b is not None
    other = b.detach().numpy()
    assert a.shape == other.shape
    return float(np.abs(a - other).max() / max(1, np.abs(other).max()))


@evidence.equals("learn.DotAttention", peer="torch", tolerance=BACK)
def test_dot_attention_equals_torch(measured: Callable[[float], None]) -> None:
    worst = 0.0
    for mask in (None, MASK):
        leaves = [torch.tensor(part, requires_grad=True) for part in (Q, K, V)]
        allowed = None if mask is None else torch.tensor(mask)
        y = functional.scaled_dot_product_attention(*leaves, attn_mask=allowed)
        g = RANDOM.normal(0, 1, y.shape)
        y.backward(torch.tensor(g))
        ours = DotAttention()
        worst = max(worst, apart(ours.forward(Q, K, V, mask=mask), y))
        worst = max(worst, *(apart(a, leaf.grad) for a, leaf in zip(ours.backward(g), leaves, strict=True)))
    measured(worst)
    assert worst < 1e-8


@evidence.equals("learn.AdditiveAttention", peer="torch", tolerance=BACK)
def test_additive_attention_equals_torch(measured: Callable[[float], None]) -> None:
    worst = 0.0
    for mask in (None, MASK):
        keys = RANDOM.normal(0, 1, (3, 5, 7))
        ours = AdditiveAttention(6, 7, 8, seed=2, **WIDE)
        weights = {name: torch.tensor(w, requires_grad=True) for name, w in ours.parameters.items()}
        leaves = [torch.tensor(part, requires_grad=True) for part in (Q, keys, V)]
        q, k, v = leaves
        bent = torch.tanh((q @ weights["query_weight"].T)[:, :, None] + (k @ weights["key_weight"].T)[:, None])
        scores = bent @ weights["score_weight"]
        if mask is not None:
            scores = scores.masked_fill(~torch.tensor(mask), -torch.inf)
        y = torch.softmax(scores, -1) @ v
        g = RANDOM.normal(0, 1, y.shape)
        y.backward(torch.tensor(g))
        worst = max(worst, apart(ours.forward(Q, keys, V, mask=mask), y))
        worst = max(worst, *(apart(a, leaf.grad) for a, leaf in zip(ours.backward(g), leaves, strict=True)))
        worst = max(worst, *(apart(ours.gradients[name], w.grad) for name, w in weights.items()))
    measured(worst)
    assert worst < 1e-8


@evidence.equals("learn.SelfAttention", peer="torch", tolerance=BACK)
def test_self_attention_equals_torch(measured: Callable[[float], None]) -> None:
    worst = 0.0
    for heads, causal in ((1, False), (3, True)):
        ours = SelfAttention(6, num_heads=heads, causal=causal, seed=1, **WIDE)
        theirs = nn.MultiheadAttention(6, heads, bias=False, batch_first=True).double()
        theirs.in_proj_weight.data = torch.tensor(ours.parameters["weight"])
        theirs.out_proj.weight.data = torch.tensor(ours.parameters["output_weight"])
        leaf = torch.tensor(Q, requires_grad=True)
        hidden = torch.triu(torch.ones(4, 4, dtype=torch.bool), 1) if causal else None
        y, weights = theirs(leaf, leaf, leaf, attn_mask=hidden, average_attn_weights=False)
        g = RANDOM.normal(0, 1, y.shape)
        y.backward(torch.tensor(g))
        worst = max(worst, apart(ours.forward(Q, train=True), y), apart(ours.backward(g), leaf.grad))
        assert ours.weights is not None
        worst = max(worst, apart(ours.weights, weights))
        worst = max(worst, apart(ours.gradients["weight"], theirs.in_proj_weight.grad))
        worst = max(worst, apart(ours.gradients["output_weight"], theirs.out_proj.weight.grad))
    measured(worst)
    assert worst < 1e-8


def test_the_way_back_equals_differences() -> None:
    g = RANDOM.normal(0, 1, (2, 3, 2))
    arrays = [RANDOM.normal(0, 1, shape) for shape in ((2, 3, 4), (2, 5, 4), (2, 5, 2))]
    for look in (DotAttention(), AdditiveAttention(4, 4, 3, **WIDE)):
        look.forward(*arrays)
        ours = [*look.backward(g), *(look.gradients[name] for name in look.parameters)]
        run = lambda *_, look=look: float((g * look.forward(*arrays)).sum())
        tried = numeric_gradient(run, [*arrays, *look.parameters.values()])
        assert max(float(np.abs(a - b).max()) for a, b in zip(ours, tried, strict=True)) < 1e-7


def test_who_may_look_at_nothing_gets_nothing() -> None:
    look, mask = DotAttention(), np.zeros((4, 5), bool)
    mask[1, 2] = True
    y = look.forward(Q.astype(np.float32), K.astype(np.float32), V.astype(np.float32), mask=mask)
    assert y.dtype == np.float32
    assert (y[:, [0, 2, 3]] == 0).all()
    assert np.allclose(y[:, 1], V[:, 2], atol=1e-6)
    assert all(np.isfinite(part).all() for part in look.backward(np.ones_like(y)))
    huge = look.forward(1e4 * Q, 1e4 * K, V)
    assert np.isfinite(huge).all()
    assert len(look.trace(Q[:1], K[:1], V[:1])) == 3


def test_refuses_by_name() -> None:
    with pytest.raises(InputError, match=r"DotAttention: queries must be N×T×D numbers; got 4×6 float64"):
        DotAttention().forward(Q[0], K, V)
    with pytest.raises(InputError, match="each key have a value"):
        DotAttention().forward(Q, K, V[:, :2])
    with pytest.raises(InputError, match="queries and keys must be of one length; got 6 and 2"):
        DotAttention().forward(Q, V, V)
    with pytest.raises(InputError, match=r"DotAttention: mask must be bool and broadcast to 3×4×5; got 5×4 bool"):
        DotAttention().forward(Q, K, V, mask=np.ones((5, 4), bool))
    with pytest.raises(InputError, match="AdditiveAttention: queries and keys must be of lengths 2 and 6; got 6 and 6"):
        AdditiveAttention(2, 6, 3).forward(Q, K, V)
    with pytest.raises(InputError, match=r"AdditiveAttention\.backward: there must have been a forward pass"):
        AdditiveAttention(2, 6, 3).backward(V)
    with pytest.raises(InputError, match="SelfAttention: num_heads must divide width; got 4 for 6"):
        SelfAttention(6, num_heads=4)
