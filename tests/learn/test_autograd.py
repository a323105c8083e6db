"""Derivatives equal PyTorch's, first and second, and differences of the function; the graph can be drawn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
import torch

from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.learn import Tensor, draw_graph, grad_check, gradients
from sightline.learn.autograd import concatenate, maximum, where

RANDOM = np.random.default_rng(0)
A, B, V = RANDOM.normal(0, 1, (3, 4)), RANDOM.normal(0, 1, (4, 2)), RANDOM.normal(0, 1, (1, 4))
P = RANDOM.uniform(0.5, 2, (3, 4))
CHOSEN = A > 0

# The same program in both: arrays, ours, theirs.
PROGRAMS: dict[str, tuple[list[np.ndarray], Callable[..., Any], Callable[..., Any]]] = {
    "arithmetic": ([A, V, P], lambda a, v, p: (a + v) * (a - v) / p - 2 / p + (3 - a) * -v, None),
    "powers": ([P], lambda p: p**3 + p**-0.5 + p**0 + p**1, None),
    "matrices": ([A, B], lambda a, b: (a @ b) ** 2, None),
    "batches": ([RANDOM.normal(0, 1, (5, 3, 4)), B], lambda a, b: (a @ b) ** 3, None),
    "exp and log": ([P, V], lambda p, v: (p * v).exp() + (p + 0.1).log() * v, None),
    "waves": ([A, V], lambda a, v: a.sin() * v.cos() + (a * v).tanh() * v.sigmoid(), None),
    "kinks": ([A, V], lambda a, v: (a * v).relu() * a + a.abs() * v, None),
    "root": ([P], lambda p: p.sqrt() * p, None),
    "sums": (
        [A],
        lambda a: a.sum(0) ** 2 * a.sum(1, keepdims=True) + a.mean(1, keepdims=True) ** 2 + a.sum() ** 2,
        None,
    ),
    "shapes": (
        [A],
        lambda a: (a.reshape(2, 6) ** 2).transpose(1, 0) @ a.reshape(2, 6),
        lambda a: (a.reshape(2, 6) ** 2).permute(1, 0) @ a.reshape(2, 6),
    ),
    "places": ([A], lambda a: a[1:, ::2] ** 2 + a[[0, 0], 1:3] * a[0, 0], None),
    "max": ([A], lambda a: a.max(1) ** 2, lambda a: a.amax(1) ** 2),
    "greater": ([A, V], lambda a, v: maximum(a, v) ** 2, lambda a, v: torch.maximum(a, v.expand(3, 4)) ** 2),
    "where": (
        [A, V],
        lambda a, v: where(CHOSEN, a * a, v) * a,
        lambda a, v: torch.where(torch.from_numpy(CHOSEN), a * a, v) * a,
    ),
    "join": (
        [A, V],
        lambda a, v: concatenate([a, v, a], 0) ** 3,
        lambda a, v: torch.cat([a, v, a], 0) ** 3,
    ),
    "softmax": (
        [A],
        lambda a: (a.exp() / a.exp().sum(1, keepdims=True)).log()[:, 1],
        lambda a: torch.log_softmax(a, 1)[:, 1],
    ),
}


@evidence.equals("learn.gradients", peer="torch", tolerance="1e-10, first and second derivatives, float64")
def test_derivatives_equal_torch(measured: Callable[[float], None]) -> None:
    worst = 0.0
    for name, (arrays, ours, theirs) in PROGRAMS.items():
        inputs = [Tensor(array) for array in arrays]
        leaves = [torch.tensor(array, requires_grad=True) for array in arrays]
        output, expected = ours(*inputs), (theirs or ours)(*leaves)
        first = gradients(output.sum(), inputs)
        peer_first = torch.autograd.grad(expected.sum(), leaves, create_graph=True)
        # The second: of a number made of the first ones, so that all of them take part.
        second = gradients(sum((slope * slope).sum() for slope in first), inputs)
        number = sum((slope * slope).sum() for slope in peer_first)
        peer_second = torch.autograd.grad(number, leaves, allow_unused=True)
        slopes, peer_slopes = (*first, *second), (*peer_first, *peer_second)
        pairs = [(output.value, expected), *zip((slope.value for slope in slopes), peer_slopes, strict=True)]
        for mine, other in pairs:
            reference = np.zeros_like(mine) if other is None else other.detach().numpy()
            error = float(np.abs(mine - reference).max() / max(1, np.abs(reference).max()))
            assert error < 1e-10, name
            worst = max(worst, error)
    measured(worst)


@evidence.equals("learn.grad_check", peer="numpy", tolerance="right ones below 1e-7, wrong ones above 1e-3")
def test_right_and_wrong_derivatives_are_told_apart(measured: Callable[[float], None]) -> None:
    right = max(grad_check(ours, arrays) for arrays, ours, _ in PROGRAMS.values())
    measured(right)
    assert right < 1e-7

    def wrong(x: Tensor) -> Tensor:
        broken = Tensor(x.value**2)
        broken.parents, broken._backs = (x,), (lambda g: g * x,)  # without the 2
        return broken

    assert grad_check(wrong, [A]) > 1e-3


def test_third_and_fourth_derivatives() -> None:
    x = Tensor(0.7)
    slope = x.sin()
    for expected in (np.cos(0.7), -np.sin(0.7), -np.cos(0.7), np.sin(0.7)):
        (slope,) = gradients(slope, [x])
        assert float(slope.value) == pytest.approx(expected, abs=1e-14)


def test_a_value_used_twice_adds_up_and_backward_leaves_slopes() -> None:
    x, unused = Tensor([1.0, 2.0], "x"), Tensor(5.0)
    y = (x * x + x).sum()
    y.backward()
    assert x.grad is not None
    assert x.grad.tolist() == [3, 5]
    assert gradients(y, [unused])[0].value == 0
    assert gradients(x * 2.0, [x], seed=[1.0, 10.0])[0].value.tolist() == [2, 20]


def test_a_long_chain_needs_no_recursion() -> None:
    x = y = Tensor(np.float32(1.0))
    for _ in range(5000):
        y = y * 1.0
    assert gradients(y, [x])[0].value == 1


def test_float32_stays() -> None:
    x = Tensor(np.float32([1, 2]))
    assert gradients((x * x).sum(), [x])[0].value.dtype == np.float32


def test_the_graph_is_drawn() -> None:
    x, y = Tensor(2.0, "x"), Tensor([1.0, 2.0], "a < b")
    z = (x * y).sum()
    z.backward()
    picture = ElementTree.fromstring(draw_graph(z))
    texts = [element.text for element in picture.iter("{http://www.w3.org/2000/svg}text")]
    assert {"x", "a < b", "×", "Σ", "∂ 3"} <= set(texts)
    assert len(list(picture.iter("{http://www.w3.org/2000/svg}rect"))) == 4
    assert draw_graph(z, most=2).count("<rect") == 2


def test_refuses_by_name() -> None:
    x = Tensor([1.0, 2.0])
    with pytest.raises(InputError, match=r"output must have one value; got 2 float64\. Use \.sum\(\)"):
        gradients(x, [x])
    with pytest.raises(InputError, match="inputs must be Tensors; got int 3"):
        gradients(x.sum(), [3])  # type: ignore[list-item]
    with pytest.raises(InputError, match="output must be a Tensor"):
        gradients(3, [x])  # type: ignore[arg-type]
    with pytest.raises(InputError, match="seed must have output's shape"):
        gradients(x, [x], seed=[1.0])
    with pytest.raises(InputError, match="value must be real numbers"):
        Tensor("text")
    with pytest.raises(InputError, match="@ must join matrices"):
        x @ x
    with pytest.raises(InputError, match="a power must be one number"):
        x ** np.ones(2)  # type: ignore[operator]
    with pytest.raises(InputError, match="function must return a Tensor"):
        grad_check(lambda t: t.value, [x.value])
