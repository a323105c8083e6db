"""Sine positions: a place as the hands of many clocks, each slower than the last, so that near places look alike.

Vaswani et al. 2017, "Attention Is All You Need", NIPS, section 3.5, for one number; Carion et al. 2020, "End-to-End
Object Detection with Transformers", ECCV, appendix A.4, for the places of a map: half of the channels say the row, half
say the column.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

_EPS = 1e-6


def sine_code(values: Tensor, dim: int, temperature: float = 10_000.0) -> Tensor:
    """Return sin(v / T^(2i/D)) and cos(v / T^(2i/D)) in turn: … → …×D.

    Parameters
    ----------
    values
        Numbers in radians of the fastest clock, any shape. NaN propagates.
    dim
        D, even.
    temperature
        T: how much slower the slowest clock is than the fastest.

    Examples
    --------
    >>> sine_code(torch.tensor([0.0]), 4)
    tensor([[0., 1., 0., 1.]])
    """
    periods = temperature ** (torch.arange(0, dim, 2, device=values.device, dtype=values.dtype) / dim)
    phases = values[..., None] / periods  # … → …×D/2
    return torch.stack([phases.sin(), phases.cos()], dim=-1).flatten(-2)  # …×D/2×2 → …×D


def sine_positions(real: Tensor, dim: int, temperature: float = 10_000.0, shift: float = 0.0) -> Tensor:
    """Return the code of every place of a map, B×H×W → B×H×W×D: its row, then its column.

    Rows and columns are counted over what is image, so that padding moves nothing, and run up to 2π at its last one.

    Parameters
    ----------
    real
        B×H×W bool, True where the map shows the image and not its padding.
    dim
        D, a multiple of 4.
    temperature
        As :func:`sine_code` takes it.
    shift
        Taken off each count: 0 counts from 1, as DETR does; 0.5 counts the middles, as Deformable DETR does.

    Examples
    --------
    >>> sine_positions(torch.ones(1, 2, 3, dtype=torch.bool), 8).shape
    torch.Size([1, 2, 3, 8])
    """
    rows, columns = real.cumsum(1, dtype=torch.float32), real.cumsum(2, dtype=torch.float32)
    turns = [(rows - shift) / (rows[:, -1:] + _EPS), (columns - shift) / (columns[:, :, -1:] + _EPS)]
    return torch.cat([sine_code(2 * math.pi * turn, dim // 2, temperature) for turn in turns], dim=-1)
