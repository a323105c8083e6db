"""Muon: a step of a hidden layer turns all directions alike, however strongly the gradient speaks for some of them.

Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural networks"; Liu et al. 2025, "Muon is Scalable for
LLM Training", arXiv 2502.16982, section 2.2: decoupled decay, and steps as large as AdamW's, so that one rate serves
both rules.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer

STEPS = 5  # of Newton–Schulz
# Of the quintic a·x + b·x³ + c·x⁵: steep at 0, and from anywhere in 0–1 soon between 0.7 and 1.2 (Jordan et al. 2024).
QUINTIC = (3.4445, -4.7750, 2.0315)
RMS = 0.2  # of an update's entries, as AdamW's have (Liu et al. 2025)


def orthogonalized(matrix: Tensor, steps: int = STEPS) -> Tensor:
    """Return the matrix with all its singular values near 1: about U·Vᵀ of its singular value decomposition U·S·Vᵀ.

    Parameters
    ----------
    matrix
        R×C, floating-point, finite.
    steps
        Of the iteration, ≥ 0. Five bring singular values from 0.002 times the matrix's Frobenius norm on to 0.68–1.21.
    """
    a, b, c = QUINTIC
    wide = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    x = wide / (wide.norm() + 1e-7)
    for _ in range(steps):
        gram = x @ x.T
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x if wide is matrix else x.T


def hidden_weights(model: nn.Module) -> set[Tensor]:
    """Return the weights of linear layers and convolutions, but for the last of them, which gives the answers.

    Parameters
    ----------
    model
        Whose parameters are looked through, in their order. Matrices and filters are those called ``weight`` with
        more than one row and more than one column, tables of embeddings left out.
    """
    tables = {module.weight for module in model.modules() if isinstance(module, nn.Embedding)}
    named = [p for name, p in model.named_parameters() if name.endswith("weight") and p not in tables]
    matrices = [p for p in named if p.ndim > 1 and len(p) > 1 and p[0].numel() > 1]
    return set(matrices[:-1])


class Muon(Optimizer):
    """Muon for the hidden weights, AdamW for all others.

    The momentum is ``m ← momentum · m + (1 − momentum) · gradient``, the direction looks ahead by one more such mean
    (Nesterov). As a matrix of one row an output it is orthogonalised, and given entries of root mean square 0.2.

    Parameters
    ----------
    groups
        Dicts of ``params``, ``lr``, ``weight_decay`` and ``hidden``: whether Muon moves them.
    momentum
        Of the hidden weights, in 0–1; AdamW has its own.
    short
        Whether the iteration is done in bfloat16, which it forgives: faster where the device has units for that.
    fused
        Whether AdamW takes its steps in one kernel.
    """

    def __init__(
        self, groups: list[dict[str, Any]], *, momentum: float, short: bool = False, fused: bool = False
    ) -> None:
        defaults = {"lr": 1e-3, "weight_decay": 0.0, "momentum": momentum, "short": short, "fused": fused}
        super().__init__(groups, defaults)
        self._divide()

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take over what was saved or copied."""
        super().__setstate__(state)
        self._divide()

    def _divide(self) -> None:
        # AdamW works on the very same groups and states: rates and checkpoints need to know of one optimiser only.
        others = [group for group in self.param_groups if not group["hidden"]]
        self._others = AdamW(others, fused=self.defaults["fused"]) if others else None
        if self._others:
            self._others.state = self.state

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        """Change the parameters that have a gradient."""
        for group in self.param_groups:
            for parameter in group["params"] if group["hidden"] else ():
                if parameter.grad is not None:
                    self._move(parameter, parameter.grad, group)
        if self._others:
            self._others.step()

    def _move(self, weight: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        state = self.state[weight]
        if not state:
            state["mean"] = torch.zeros_like(weight)
        mean = state["mean"].lerp_(gradient, 1 - group["momentum"])
        ahead = gradient.lerp(mean, group["momentum"]).flatten(1)
        ahead = ahead.bfloat16() if group["short"] else ahead
        size = RMS * max(ahead.shape) ** 0.5  # an orthogonal R×C has entries of 1/√max(R, C)
        weight.mul_(1 - group["lr"] * group["weight_decay"])
        weight.sub_(orthogonalized(ahead).to(weight.dtype).reshape(weight.shape), alpha=group["lr"] * size)
