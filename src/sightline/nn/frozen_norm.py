"""Frozen batch normalisation: the statistics stay those of the classifier that the backbone comes from.

He, Girshick and Dollár 2019, "Rethinking ImageNet Pre-training", ICCV, section 3: a detector sees two images at a
time, too few to measure a mean and a variance; so the layers of a trained backbone become fixed scales and shifts.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

_KEPT = ("weight", "bias", "running_mean", "running_var")


class FrozenNorm(nn.Module):
    """y = γ (x − μ) / √(σ² + ε) + β with all four numbers fixed: B×C×H×W → B×C×H×W.

    Parameters
    ----------
    channels
        C.
    eps
        ε, added to the variance.

    Examples
    --------
    >>> FrozenNorm(2, eps=0.0)(torch.ones(1, 2, 1, 1)).flatten().tolist()
    [1.0, 1.0]
    """

    weight: Tensor
    bias: Tensor
    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.eps = eps
        for name in _KEPT:
            self.register_buffer(name, torch.full((channels,), float(name in ("weight", "running_var"))))

    def forward(self, x: Tensor) -> Tensor:
        """Return x scaled and shifted channel by channel."""
        scale = self.weight * (self.running_var + self.eps).rsqrt()
        shift = self.bias - self.running_mean * scale
        return x * scale.view(1, -1, 1, 1) + shift.view(1, -1, 1, 1)

    def extra_repr(self) -> str:
        """Show the numbers in the printed model."""
        return f"{len(self.weight)}, eps={self.eps:g}"


def freeze_norms(module: nn.Module, *, eps: float | None = None) -> nn.Module:
    """Replace every batch normalisation inside a module by a frozen one with the same numbers, in place.

    Parameters
    ----------
    module
        What is changed; the keys of its state dict stay, but for the counters of batches.
    eps
        Added to the variance; None keeps that of each layer.

    Examples
    --------
    >>> freeze_norms(nn.Sequential(nn.BatchNorm2d(3)))
    Sequential(
      (0): FrozenNorm(3, eps=1e-05)
    )
    """
    for name, child in module.named_children():
        if isinstance(child, nn.BatchNorm2d):
            frozen = FrozenNorm(child.num_features, child.eps if eps is None else eps)
            frozen.load_state_dict({key: value for key, value in child.state_dict().items() if key in _KEPT})
            setattr(module, name, frozen.to(child.weight.device))
        else:
            freeze_norms(child, eps=eps)
    return module
