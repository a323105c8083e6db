"""Losses and their slopes equal PyTorch's, and differences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.learn import ContrastiveLoss, SoftmaxCrossEntropy, TripletLoss
from sightline.learn.grad_check import numeric_gradient

RANDOM = np.random.default_rng(0)
learn: Any = sl.learn
S, CLASSES = RANDOM.normal(0, 2, (7, 5)), RANDOM.integers(0, 5, 7)
T, YES = RANDOM.normal(0, 2, (7, 5)), RANDOM.integers(0, 2, (7, 5)).astype(float)
SHARES = RANDOM.dirichlet(np.ones(5), 7) * (RANDOM.random((7, 5)) > 0.2)
SAME = np.array([1, 0, 1, 0, 0, 1, 0], bool)
NEAR = S + RANDOM.normal(0, 1.5, S.shape)


def contrast(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    d, same = functional.pairwise_distance(a, b), torch.from_numpy(SAME)
    return torch.where(same, d**2 / 2, (3 - d).clamp(min=0) ** 2 / 2).mean()


# Ours, what is differentiated, what is not, theirs.
CASES: list[tuple[Any, list[np.ndarray], list[np.ndarray], Callable[..., torch.Tensor]]] = [
    (SoftmaxCrossEntropy(), [S], [CLASSES], functional.cross_entropy),
    (learn.MulticlassSVM(), [S], [CLASSES], lambda s, t: functional.multi_margin_loss(s, t) * 5),
    (learn.MulticlassSVM(2.5), [S], [CLASSES], lambda s, t: functional.multi_margin_loss(s, t, margin=2.5) * 5),
    (learn.LogisticLoss(), [S], [YES], functional.binary_cross_entropy_with_logits),
    (learn.SquaredError(), [S], [T], functional.mse_loss),
    (learn.HuberLoss(), [S], [T], functional.huber_loss),
    (learn.HuberLoss(0.4), [S], [T], lambda s, t: functional.huber_loss(s, t, delta=0.4)),
    (
        learn.KLDivergence(),
        [S],
        [SHARES],
        lambda s, t: functional.kl_div(s.log_softmax(1), t, reduction="batchmean"),
    ),
    (TripletLoss(), [S, NEAR, T], [], functional.triplet_margin_loss),
    (TripletLoss(5), [S, NEAR, T], [], lambda *v: functional.triplet_margin_loss(*v, margin=5)),
    (ContrastiveLoss(3), [S, NEAR], [SAME], lambda a, b, _: contrast(a, b)),
]


@evidence.equals("learn.SoftmaxCrossEntropy", peer="torch", tolerance="1e-10, forward and backward, float64")
@evidence.equals("learn.MulticlassSVM", peer="torch", tolerance="1e-10, forward and backward, float64")
@evidence.equals("learn.LogisticLoss", peer="torch", tolerance="1e-10, forward and backward, float64")
@evidence.equals("learn.SquaredError", peer="torch", tolerance="1e-10, forward and backward, float64")
@evidence.equals("learn.HuberLoss", peer="torch", tolerance="1e-10, forward and backward, float64")
@evidence.equals("learn.KLDivergence", peer="torch", tolerance="1e-10, forward and backward, float64")
@evidence.equals("learn.TripletLoss", peer="torch", tolerance="1e-10, forward and backward, float64")
@evidence.equals("learn.ContrastiveLoss", peer="torch", tolerance="1e-10, forward and backward, float64")
def test_losses_equal_torch_and_differences(measured: Callable[[float], None]) -> None:
    worst = 0.0
    for ours, moving, fixed, theirs in CASES:
        leaves = [torch.tensor(array, requires_grad=True) for array in moving]
        expected = theirs(*leaves, *(torch.from_numpy(array) for array in fixed))
        expected.backward()
        value, name = ours.forward(*moving, *fixed), type(ours).__name__
        assert value != 0, name
        slopes = ours.backward() if isinstance(ours.backward(), tuple) else (ours.backward(),)
        peer = [leaf.grad.numpy() for leaf in leaves]
        tried = numeric_gradient(lambda *v: ours.forward(*v, *fixed), [array.copy() for array in moving])  # noqa: B023
        errors = [abs(value - expected.item()), *(np.abs(a - b).max() for a, b in zip(slopes, peer, strict=True))]
        assert max(errors) < 1e-10, name
        assert max(np.abs(a - b).max() for a, b in zip(slopes, tried, strict=True)) < 1e-7, name
        worst = max(worst, *(float(error) for error in errors))
    measured(worst)


def test_float32_stays_and_large_scores_do_not_overflow() -> None:
    for ours, moving, fixed, _ in CASES:
        ours.forward(*(array.astype(np.float32) for array in moving), *fixed)
        slopes = ours.backward() if isinstance(ours.backward(), tuple) else (ours.backward(),)
        assert {slope.dtype for slope in slopes} == {np.dtype(np.float32)}, ours
    with np.errstate(over="raise", invalid="raise"):
        for name, target in (("SoftmaxCrossEntropy", [1]), ("LogisticLoss", [[0.0, 1.0]]), ("KLDivergence", [[0, 1]])):
            assert np.isfinite(getattr(learn, name)().forward([[1e4, -1e4]], target)), name


def test_equal_vectors_have_a_slope() -> None:
    loss = ContrastiveLoss()
    assert loss.forward(S, S, ~SAME) > 0
    assert np.isfinite(loss.backward()[0]).all()


def test_refuses_by_name() -> None:
    with pytest.raises(InputError, match="SoftmaxCrossEntropy: targets must be 7 ≥ 1 whole numbers in 0–4"):
        SoftmaxCrossEntropy().forward(S, CLASSES + 1 + CLASSES.max())
    with pytest.raises(InputError, match="SquaredError: targets must have the shape of scores"):
        learn.SquaredError().forward(S, T[:3])
    with pytest.raises(InputError, match=r"MulticlassSVM\.backward: there must have been a forward pass"):
        learn.MulticlassSVM().backward()
    with pytest.raises(InputError, match=r"TripletLoss\.backward: there must have been a forward pass"):
        TripletLoss().backward()
    with pytest.raises(InputError, match="TripletLoss: all vectors must be N×D alike"):
        TripletLoss().forward(S, S, S[:2])
    with pytest.raises(InputError, match="ContrastiveLoss: same must be 7 bools"):
        ContrastiveLoss().forward(S, S, SAME[:2])
    with pytest.raises(InputError, match="KLDivergence: scores and targets must be N×K"):
        learn.KLDivergence().forward(S, T)
