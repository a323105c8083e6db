"""What a network counts: its parameters and its multiply-adds, found on shapes alone."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from sightline import classify


def on_paper(name: str, options: dict[str, object]) -> Any:
    """Return a network without numbers: shapes alone, which cost no time."""
    with torch.device("meta"):
        return getattr(classify, name)(**options).eval()


def counts(model: nn.Module, size: int) -> tuple[int, float]:
    """Return the parameters of a network on paper, and its billions of multiply-adds for one RGB image of a side."""
    with FlopCounterMode(display=False) as counter:
        model(torch.zeros(1, 3, size, size, device="meta"))
    return sum(p.numel() for p in model.parameters()), counter.get_total_flops() / 2e9
