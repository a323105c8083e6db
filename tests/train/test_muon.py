"""Muon on torch: the iteration against the decomposition, the steps against torch's own and against those on arrays."""

from __future__ import annotations

import copy
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn

from sightline import learn
from sightline.classify import airbench
from sightline.train.muon import QUINTIC, Muon, hidden_weights, orthogonalized
from sightline.train.optimizers import make_optimizer
from sightline.train.settings import Settings


def _random(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape)), dtype=torch.float64)


@pytest.mark.parametrize("shape", [(5, 5), (4, 12), (12, 4), (1, 7)])
def test_the_iteration_keeps_directions_and_moves_singular_values(shape: tuple[int, int]) -> None:
    matrix = _random(*shape)
    u, s, v = torch.linalg.svd(matrix, full_matrices=False)
    a, b, c = QUINTIC
    expected = s / s.norm()
    for _ in range(5):
        expected = a * expected + b * expected**3 + c * expected**5
    found = u.T @ orthogonalized(matrix) @ v.T
    torch.testing.assert_close(found, torch.diag(expected), rtol=1e-6, atol=1e-6)
    assert (torch.diag(found) > 0.68).all()
    assert (torch.diag(found) < 1.21).all()


def test_nothing_to_follow_is_no_step() -> None:
    assert orthogonalized(torch.zeros(3, 4)).eq(0).all()


def _steps(optimizer: torch.optim.Optimizer, weights: list[nn.Parameter], count: int) -> None:
    for step in range(count):
        for weight in weights:
            weight.grad = torch.sin(3 * weight.detach() + step)
        optimizer.step()


@pytest.mark.parametrize("short", [False, True])
@pytest.mark.parametrize("shape", [(16, 16), (8, 40), (40, 8)])
def test_steps_are_torchs_to_the_digits_of_bfloat16(shape: tuple[int, int], short: bool) -> None:
    theirs_class = pytest.importorskip("torch", minversion="2.9").optim.Muon
    ours, theirs = (nn.Parameter(_random(*shape).float()) for _ in range(2))
    start = ours.detach().clone()
    groups = [{"params": [ours], "lr": 0.02, "weight_decay": 0.1, "hidden": True}]
    peer = theirs_class([theirs], 0.02, 0.1, 0.9, adjust_lr_fn="match_rms_adamw")
    _steps(Muon(groups, momentum=0.9, short=short), [ours], 10)
    _steps(peer, [theirs], 10)
    moved = (theirs - start).norm()
    assert (ours - theirs).norm() < 0.02 * moved  # theirs always iterates in bfloat16


def test_steps_are_those_on_arrays_and_adamws(measured: Callable[[float], None]) -> None:
    """Filters as matrices beside ``learn.Muon``, all else beside torch's AdamW."""
    filters, bias = nn.Parameter(_random(6, 4, 3, 3)), nn.Parameter(_random(6))
    array, other = filters.detach().numpy().copy(), nn.Parameter(bias.detach().clone())
    groups = [
        {"params": [filters], "lr": 0.02, "weight_decay": 0.1, "hidden": True},
        {"params": [bias], "lr": 0.03, "weight_decay": 0.0, "hidden": False},
    ]
    ours, adamw = Muon(groups, momentum=0.9), torch.optim.AdamW([other], 0.03, weight_decay=0.0)
    written = learn.Muon(0.02, momentum=0.9, weight_decay=0.1)
    for step in range(10):
        written.step([array], [np.sin(3 * array + step)])
        filters.grad, bias.grad = torch.sin(3 * filters.detach() + step), torch.cos(bias.detach() + step)
        other.grad = torch.cos(other.detach() + step)
        ours.step()
        adamw.step()
    measured(float(np.abs(filters.detach().numpy() - array).max()))
    np.testing.assert_allclose(filters.detach().numpy(), array, rtol=0, atol=1e-11)
    assert torch.equal(bias, other)


def test_hidden_are_filters_and_matrices_but_tables_and_the_last() -> None:
    model = airbench(10, width=0.125)
    names = {name for name, parameter in model.named_parameters() if parameter in hidden_weights(model)}
    assert names == {"body.0.weight"} | {f"body.{i}.conv{j}.weight" for i in (2, 3, 4) for j in (1, 2)}
    words = nn.Sequential(nn.Embedding(9, 4), nn.Linear(4, 4), nn.LayerNorm(4), nn.Linear(4, 9))
    assert hidden_weights(words) == {words[1].weight}
    assert hidden_weights(nn.Linear(4, 2)) == set()


def test_layer_decay_and_decay_reach_both_rules() -> None:
    model = nn.Sequential(nn.Linear(4, 5), nn.Linear(5, 6), nn.Linear(6, 2))
    settings = Settings(optimizer="muon", learning_rate=1.0, layer_decay=0.5, weight_decay=0.3)
    groups = make_optimizer(model, settings).param_groups
    of = {id(p): (g["lr"], g["weight_decay"], g["hidden"]) for g in groups for p in g["params"]}
    assert [of[id(p)] for p in model.parameters()] == [
        (0.25, 0.3, True),
        (0.25, 0.0, False),
        (0.5, 0.3, True),
        (0.5, 0.0, False),
        (1.0, 0.3, False),
        (1.0, 0.0, False),
    ]


def test_a_state_taken_over_goes_on_the_same() -> None:
    one = nn.Sequential(nn.Linear(4, 5), nn.Linear(5, 2))
    settings = Settings(optimizer="muon", learning_rate=0.01)
    first = make_optimizer(one, settings)
    _steps(first, list(one.parameters()), 3)
    other = copy.deepcopy(one)
    second = make_optimizer(other, settings)
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    _steps(first, list(one.parameters()), 3)
    _steps(second, list(other.parameters()), 3)
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))
