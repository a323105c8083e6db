"""Optimisers that take filters as they are stored: PyTorch's own numbers, and no gradient is copied."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import nn
from torch.profiler import profile

from sightline.train.storage_order import OrderedAdam, OrderedAdamW, OrderedSGD


def trained(kind: type, model: nn.Module, **options: object) -> tuple[nn.Module, torch.optim.Optimizer]:
    """Return a model after three steps on noise, and the optimiser."""
    model = copy.deepcopy(model)
    optimizer = kind(model.parameters(), lr=0.01, weight_decay=0.1, **options)
    torch.manual_seed(0)
    for _ in range(3):
        optimizer.zero_grad()
        model(torch.randn(2, 5, 9, 9).to(memory_format=torch.channels_last)).square().mean().backward()
        optimizer.step()
    return model, optimizer


@pytest.mark.parametrize(
    ("ours", "peer"), [(OrderedAdam, torch.optim.Adam), (OrderedAdamW, torch.optim.AdamW)], ids=["adam", "adamw"]
)
@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("amsgrad", [True, False])
def test_steps_and_state_are_torchs_bit_for_bit(ours: type, peer: type, fused: bool, amsgrad: bool) -> None:
    torch.manual_seed(1)
    layers = (nn.Conv2d(5, 7, 3), nn.BatchNorm2d(7), nn.Conv2d(7, 6, 1), nn.Conv2d(6, 6, 3, groups=6), nn.Flatten())
    model = nn.Sequential(*layers, nn.Linear(6 * 25, 4)).to(memory_format=torch.channels_last)  # pyrefly: ignore
    found, optimizer = trained(ours, model, fused=fused, amsgrad=amsgrad)
    expected, other = trained(peer, model, fused=fused, amsgrad=amsgrad)
    for (name, a), b in zip(found.state_dict().items(), expected.state_dict().values(), strict=True):
        assert torch.equal(a, b), name
        assert a.stride() == b.stride()
    states = optimizer.state_dict()["state"], other.state_dict()["state"]
    assert states[0].keys() == states[1].keys()
    for number, state in states[0].items():
        assert all(torch.equal(value, states[1][number][key]) for key, value in state.items())


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("options", [{}, {"momentum": 0.9}, {"momentum": 0.9, "nesterov": True}], ids=str)
def test_sgd_is_torchs_bit_for_bit(fused: bool, options: dict[str, Any]) -> None:
    torch.manual_seed(1)
    model = nn.Sequential(nn.Conv2d(5, 7, 3), nn.BatchNorm2d(7), nn.Conv2d(7, 6, 3), nn.Flatten(), nn.Linear(150, 4))
    model = model.to(memory_format=torch.channels_last)  # pyrefly: ignore
    found, optimizer = trained(OrderedSGD, model, fused=fused, **options)
    expected, other = trained(torch.optim.SGD, model, fused=fused, **options)
    for a, b in zip(found.parameters(), expected.parameters(), strict=True):
        assert torch.equal(a, b)
    states = optimizer.state_dict()["state"], other.state_dict()["state"]
    assert states[0].keys() == states[1].keys()
    for number, state in states[1].items():
        for key, value in state.items():
            assert value is None or torch.equal(states[0][number][key], value)
            assert value is None or states[0][number][key].stride() == value.stride()
    assert set(optimizer.state) <= set(found.parameters())


def test_no_gradient_is_copied() -> None:
    filters = nn.Parameter(torch.randn(8, 4, 3, 3).to(memory_format=torch.channels_last))
    optimizer = OrderedAdamW([filters], fused=True)
    filters.grad = torch.randn(8, 4, 3, 3).to(memory_format=torch.channels_last)
    optimizer.step()
    with profile() as seen:
        optimizer.step()
    assert "aten::_fused_adamw_" in {event.key for event in seen.key_averages()}
    assert "aten::clone" not in {event.key for event in seen.key_averages()}
