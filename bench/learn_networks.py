"""Layers in NumPy against PyTorch on the CPU, forward and backward: convolution, recurrent layers, attention."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from sightline.learn import GRU, LSTM, Conv2d, DotAttention

from .timing import THREADS, Case

SEQUENCES = (32, 64, 128, 256)  # sequences, moments, values in, width of the state


def cases() -> list[Case]:
    """Return the cases; float32, the peer with as many threads as we have."""
    torch.set_num_threads(THREADS)
    return [_convolution(), _recurrent(LSTM, torch.nn.LSTM), _recurrent(GRU, torch.nn.GRU), _attention()]


def _convolution() -> Case:
    random = np.random.default_rng(0)
    x, g = (random.normal(0, 1, (64, 64, 32, 32)).astype(np.float32) for _ in range(2))
    layer = Conv2d(64, 64, 3, padding=1)
    weight, bias = (torch.tensor(array, requires_grad=True) for array in layer.parameters.values())
    leaf, slope = torch.tensor(x, requires_grad=True), torch.tensor(g)

    def ours() -> np.ndarray:
        layer.forward(x, train=True)
        return layer.backward(g)

    def peers() -> np.ndarray:
        _forget(leaf, weight, bias)
        torch.nn.functional.conv2d(leaf, weight, bias, padding=1).backward(slope)
        return _slope_of(leaf)

    return _case("learn.Conv2d 3×3 64→64 of 64 32×32", ours, peers, 8 * x.nbytes)


def _recurrent(kind: Any, peer: Any) -> Case:
    count, moments, inputs, width = SEQUENCES
    random = np.random.default_rng(0)
    x = random.normal(0, 1, (count, moments, inputs)).astype(np.float32)
    g = random.normal(0, 1, (count, moments, width)).astype(np.float32)
    layer, module = kind(inputs, width), peer(inputs, width, batch_first=True)
    leaf, slope = torch.tensor(x, requires_grad=True), torch.tensor(g)

    def ours() -> np.ndarray:
        layer.forward(x, train=True)
        return layer.backward(g)

    def peers() -> np.ndarray:
        _forget(leaf, *module.parameters())
        module(leaf)[0].backward(slope)
        return _slope_of(leaf)

    # Other weights, so other numbers: the tests hold that they are the same for the same weights.
    return _case(
        f"learn.{kind.__name__} {inputs}→{width} {count}×{moments}", ours, peers, 4 * (x.nbytes + g.nbytes), None
    )


def _attention() -> Case:
    q, k, v, g = np.random.default_rng(0).normal(0, 1, (4, 32, 196, 64)).astype(np.float32)
    layer, leaves = DotAttention(), [torch.tensor(part, requires_grad=True) for part in (q, k, v)]
    slope = torch.tensor(g)

    def ours() -> np.ndarray:
        layer.forward(q, k, v)
        return layer.backward(g)[0]

    def peers() -> np.ndarray:
        _forget(*leaves)
        torch.nn.functional.scaled_dot_product_attention(*leaves).backward(slope)
        return _slope_of(leaves[0])

    return _case("learn.DotAttention 32×196×64", ours, peers, 8 * q.nbytes)


def _case(name: str, ours: Callable[[], Any], peers: Callable[[], Any], size: int, within: float | None = 1e-3) -> Case:
    return Case(f"{name}, forward and back", "torch", ours, peers, size, within)


def _forget(*leaves: torch.Tensor) -> None:
    for leaf in leaves:
        leaf.grad = None


def _slope_of(leaf: torch.Tensor) -> np.ndarray:
    if leaf.grad is None:
        raise ValueError("there was no way back")
    return leaf.grad.numpy()
