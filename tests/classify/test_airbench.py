"""Airbench: the network of the paper's listing, and a first layer that takes apart what pixels have in common."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

import sightline as sl
from sightline.classify import airbench
from sightline.core import evidence
from sightline.core.errors import InputError


def plainly(images: Tensor, weights: dict[str, Tensor]) -> Tensor:
    """Return the logits by the functions of torch, in the order of the paper's listing 4."""
    x = F.conv2d(images, weights["body.0.weight"], weights["body.0.bias"])
    x = F.gelu(x)
    for group in (2, 3, 4):
        for step in (1, 2):
            x = F.conv2d(x, weights[f"body.{group}.conv{step}.weight"], padding=1)
            x = F.max_pool2d(x, 2) if step == 1 else x
            mean, variance = x.mean((0, 2, 3), keepdim=True), x.var((0, 2, 3), correction=0, keepdim=True)
            x = F.gelu(
                (x - mean) / (variance + 1e-12).sqrt() + weights[f"body.{group}.norm{step}.bias"].view(1, -1, 1, 1)
            )
    return F.max_pool2d(x, 3).flatten(1) @ weights["head.linear.weight"].T / 9


@evidence.equals(
    "classify.airbench",
    peer="torch's functions in the paper's order",
    tolerance="1e-5 of the largest logit",
    data="random pictures of 32×32, training mode",
)
def test_airbench_is_the_listing(measured: Callable[[float], None]) -> None:
    torch.manual_seed(0)
    model = airbench(10, mean=(0, 0, 0), std=(1, 1, 1))
    images = torch.rand(8, 3, 32, 32)
    model.whiten(images)
    expected = plainly(images, model.state_dict())
    error = ((model(images) - expected).abs().max() / expected.abs().max()).item()
    measured(error)
    assert error <= 1e-5


def test_it_has_as_many_weights_as_the_paper_says() -> None:
    count = sum(parameter.numel() for parameter in airbench(10).parameters() if parameter.ndim > 1)
    assert round(count / 1e6, 2) == 1.97  # section 3.1


def test_the_first_layer_leaves_nothing_in_common() -> None:
    photo = sl.image.resize(sl.data.sample("coffee"), (96, 96))
    images = torch.from_numpy(np.ascontiguousarray(photo)).permute(2, 0, 1)[None].float() / 255
    model = airbench(2)
    before = model.body[0].weight.clone()
    model.whiten(images)
    maps = F.conv2d(model.normalize(images), model.body[0].weight)[0].flatten(1)  # 24×places
    assert not torch.equal(before, model.body[0].weight)
    assert torch.equal(maps[:12], -maps[12:])
    varied = maps[:12].var(dim=1) > 0.9  # directions with a variance well above what is added to it
    assert varied.sum() >= 3
    np.testing.assert_allclose(maps[:12][varied].cov().numpy(), np.eye(int(varied.sum())), atol=0.1)


def test_what_is_computed_does_not_learn() -> None:
    model = airbench(2, width=0.125, in_channels=1)
    model(torch.rand(2, 1, 28, 28)).sum().backward()
    held = {name for name, parameter in model.named_parameters() if parameter.grad is None}
    assert held == {"body.0.weight", *(f"body.{group}.norm{step}.weight" for group in (2, 3, 4) for step in (1, 2))}


def test_too_small_a_picture_is_refused() -> None:
    assert airbench(2, width=0.125)(torch.rand(2, 3, 9, 9)).shape == (2, 2)
    with pytest.raises(InputError, match="airbench: images must be at least 9×9"):
        airbench(2, width=0.125)(torch.rand(1, 3, 8, 8))
