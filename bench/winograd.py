"""Winograd's 3×3 convolution with bias and ReLU, in maps of ResNet-18, against PyTorch's own and against oneDNN's.

PyTorch's is ``conv2d`` and ``relu`` on maps that have their channels last. oneDNN's is one fused operation with weights
that were laid out before, as PyTorch's compiler calls it: a direct convolution, near the most that a core can multiply.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from sightline.nn.winograd import WinogradConv

from .timing import THREADS, Case

MAPS = ((64, 56), (128, 28), (256, 14), (512, 7))  # channels and side
BATCHES = (1, 16)
_PLACES = [1, 1], [1, 1], [1, 1], 1  # padding, stride, dilation, groups


def cases() -> list[Case]:
    """Return the layers by one picture and by sixteen, but for the one that Winograd's way is not taken for."""
    torch.set_num_threads(THREADS)
    found = []
    for channels, side in MAPS:
        for batch in BATCHES if channels < 512 else (16,):
            given = batch, channels, side
            size = 2 * 4 * batch * channels * side**2 + 4 * 9 * channels**2
            name = f"nn.winograd {channels}ch {side}² ×{batch}"
            for peer, kind in (("torch", "eager"), ("onednn", "direct")):
                found.append(Case(name, peer, runs("winograd", *given), runs(kind, *given), size, 1e-4))
    return found


@lru_cache(maxsize=1)
def layer(batch: int, channels: int, side: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return maps, filters and biases, channels last."""
    draw = torch.Generator().manual_seed(0)
    x = torch.randn(batch, channels, side, side, generator=draw).relu()
    weight = torch.randn(channels, channels, 3, 3, generator=draw) / (3 * channels**0.5)
    bias = torch.randn(channels, generator=draw)
    return x.to(memory_format=torch.channels_last), weight.to(memory_format=torch.channels_last), bias


@lru_cache(maxsize=2)
def built(kind: str, *given: int) -> Callable[[Tensor], Tensor]:
    """Return Winograd's convolution, PyTorch's eager one or oneDNN's direct one, with filters laid out."""
    x, weight, bias = layer(*given)
    if kind == "winograd":
        return WinogradConv(weight, bias, activation="relu")
    if kind == "eager":
        return lambda x: functional.relu_(functional.conv2d(x, weight, bias, padding=1))
    packed = torch.ops.mkldnn._reorder_convolution_weight(weight, *_PLACES, list(x.shape))
    return lambda x: torch.ops.mkldnn._convolution_pointwise(x, packed, bias, *_PLACES, "relu", [], "")


def runs(kind: str, *given: int) -> Callable[[], np.ndarray]:
    """Return a call; nothing is built before its first one."""

    def call() -> np.ndarray:
        with torch.inference_mode():
            return built(kind, *given)(layer(*given)[0]).numpy()

    return call
