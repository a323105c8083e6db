"""Soft cross-entropy against torch's own loss, which the code does not use."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch.nn import functional as F

from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.nn import soft_cross_entropy


@evidence.equals("nn.soft_cross_entropy", peer="torch", tolerance="1e-6", data="random logits and targets")
@pytest.mark.parametrize("smoothing", [0.0, 0.1, 1.0])
@pytest.mark.parametrize("soft", [True, False])
def test_equals_torch(smoothing: float, soft: bool, measured: Callable[[float], None]) -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(16, 7, generator=generator, dtype=torch.float64) * 5
    targets = torch.randint(0, 7, (16,), generator=generator)
    if soft:
        targets = torch.rand(16, 7, generator=generator, dtype=torch.float64)
        targets = targets / targets.sum(dim=1, keepdim=True)
    expected = F.cross_entropy(logits, targets, label_smoothing=smoothing)
    error = (soft_cross_entropy(logits, targets, smoothing=smoothing) - expected).abs().item()
    measured(error)
    assert error <= 1e-6


def test_gradient_is_softmax_minus_target() -> None:
    logits = torch.tensor([[1.0, 2.0, 3.0]], requires_grad=True)
    targets = torch.tensor([[0.2, 0.3, 0.5]])
    soft_cross_entropy(logits, targets).backward()
    torch.testing.assert_close(logits.grad, logits.detach().softmax(dim=1) - targets)


def test_nan_propagates() -> None:
    assert soft_cross_entropy(torch.tensor([[torch.nan, 0.0]]), torch.tensor([0])).isnan()


def test_shapes_that_do_not_belong_together_are_refused() -> None:
    with pytest.raises(InputError, match=r"soft_cross_entropy: logits must be B×K.* got \(2, 3\) and \(2, 4\)"):
        soft_cross_entropy(torch.zeros(2, 3), torch.zeros(2, 4))
