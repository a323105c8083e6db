"""Soft binarization: each value through a steep sigmoid, so that small changes far from the threshold die.

Liao, Wan, Yao, Chen, Bai 2020, "Real-time Scene Text Detection with Differentiable Binarization", AAAI, equation 2.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

SLOPE = 20.0  # 0 and 1 become 0.00005 and 0.99995 at a threshold of one half; a change of 0.3 moves them by 0.02


class SoftBinarize(nn.Module):
    """σ(k (x − t)), channel by channel, with learnt thresholds t and slopes k: B×C×H×W → B×C×H×W in 0–1.

    Parameters
    ----------
    channels
        C, ≥ 1.
    threshold
        Where t begins, in units of the values.
    slope
        Where k begins, > 0.

    Notes
    -----
    The gradient becomes small far from the threshold, yet never changes its sign. NaN propagates.

    Examples
    --------
    >>> SoftBinarize(1, 0.5)(torch.tensor([[[[0.0, 0.3, 0.5, 1.0]]]])).detach().round(decimals=3)
    tensor([[[[0.0000, 0.0180, 0.5000, 1.0000]]]])
    """

    def __init__(self, channels: int, threshold: float, slope: float = SLOPE) -> None:
        super().__init__()
        self.threshold = nn.Parameter(torch.full((channels, 1, 1), threshold))
        self.slope = nn.Parameter(torch.full((channels, 1, 1), slope))

    def forward(self, x: Tensor) -> Tensor:
        """Return σ(k (x − t))."""
        return torch.sigmoid(self.slope * (x - self.threshold))
