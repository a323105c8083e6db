"""The moving average of the weights (EMA): smoother, and mostly better, than the weights of any one step."""

from __future__ import annotations

import copy

import torch
from torch import nn


class Average:
    """A copy of a model whose weights follow it: ``average ← decay · average + (1 − decay) · weights``.

    Parameters
    ----------
    model
        The model to follow.
    decay
        In 0–1; it rises from 0.1 in the first steps, ``min(decay, (1 + t) / (10 + t))``: the start is forgotten.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.model = copy.deepcopy(model).requires_grad_(False).eval()
        self.decay = decay

    @torch.no_grad()
    def update(self, model: nn.Module, step: int) -> None:
        """Follow ``model`` after its step number ``step`` (the first is 0)."""
        weight = 1 - min(self.decay, (1 + step) / (10 + step))
        sources = model.state_dict()
        for name, mean in self.model.state_dict().items():
            if mean.is_floating_point():
                mean.lerp_(sources[name], weight)
            else:
                mean.copy_(sources[name])
