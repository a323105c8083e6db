"""Stochastic depth: in training a block is left out at random, so that a deep network learns as a shallow one.

Huang et al. 2016, "Deep Networks with Stochastic Depth", ECCV, section 3.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class StochasticDepth(nn.Module):
    """Set what a block adds to zero for a random share of the images, and scale the rest up to keep the mean.

    Parameters
    ----------
    rate
        Share that is left out in training, in 0–1; in eval mode nothing is.

    Examples
    --------
    >>> StochasticDepth(0.5).eval()(torch.ones(1, 2)).tolist()
    [[1.0, 1.0]]
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        """Return x, or zeros for some of the B images."""
        if not self.training or self.rate == 0:
            return x
        kept = torch.empty(x.shape[0], *[1] * (x.ndim - 1), dtype=x.dtype, device=x.device)
        kept.bernoulli_(1 - self.rate)
        return x * (kept.div_(1 - self.rate) if self.rate < 1 else kept)

    def extra_repr(self) -> str:
        """Show the rate in the printed model."""
        return f"rate={self.rate:g}"
