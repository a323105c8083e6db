"""Squeeze and excitation: the whole image decides how much each channel counts.

Hu, Shen and Sun 2018, "Squeeze-and-Excitation Networks", CVPR, section 3.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class SqueezeExcite(nn.Module):
    """x · gate(W₂ δ(W₁ mean(x))): a channel's share in 0–1, from the averages of all channels (equations 2 to 4).

    Parameters
    ----------
    channels
        Channels of x.
    reduced
        Channels between the two layers.
    activation
        δ; the paper's is a ReLU.
    gate
        What brings the shares to 0–1; the paper's is a sigmoid.

    Examples
    --------
    >>> SqueezeExcite(8, 2)(torch.ones(1, 8, 3, 3)).shape
    torch.Size([1, 8, 3, 3])
    """

    def __init__(
        self, channels: int, reduced: int, activation: nn.Module | None = None, gate: nn.Module | None = None
    ) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(channels, reduced, 1)
        self.activation = nn.ReLU() if activation is None else activation
        self.expand = nn.Conv2d(reduced, channels, 1)
        self.gate = nn.Sigmoid() if gate is None else gate

    def forward(self, x: Tensor) -> Tensor:
        """Return x with its channels weighed."""
        z = x.mean(dim=(2, 3), keepdim=True)  # B×C×H×W → B×C×1×1
        s = self.gate(self.expand(self.activation(self.reduce(z))))
        return torch.mul(x, s)
