"""Rectifiers that also rectify what comes down: the one change that makes a gradient a deconvnet, or a guided one."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

_RECTIFIERS = {F.relu, torch.relu, Tensor.relu}
_IN_PLACE = {torch.relu_, Tensor.relu_, F.relu_}


class Rectifying(TorchFunctionMode):
    """Makes every ReLU a rectifier of both directions while it is on, modules and functions alike.

    Parameters
    ----------
    guided
        Whether what comes down must also have gone up: the signal passes where both are positive. Without it the
        signal's own sign decides alone.
    """

    def __init__(self, guided: bool = False) -> None:
        super().__init__()
        self.guided = guided
        self.count = 0

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run a function, or the rectifier in its place."""
        in_place = func in _IN_PLACE
        if not in_place and func not in _RECTIFIERS:
            return func(*args, **(kwargs or {}))
        self.count += 1
        x = args[0] if args else (kwargs or {})["input"]
        made = _Rectified.apply(x.clone() if in_place else x, self.guided)
        return x.copy_(made) if in_place else made


class _Rectified(torch.autograd.Function):
    """Rectify on the way up, and rectify what comes down."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, guided: bool) -> Tensor:
        """Return max(x, 0)."""
        ctx.guided = guided
        if guided:
            ctx.save_for_backward(x > 0)
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx: Any, *signals: Tensor) -> tuple[Tensor, None]:
        """Return the positive part of the signal; guided, only of what had gone up."""
        signal = signals[0].clamp(min=0)
        return (signal * ctx.saved_tensors[0] if ctx.guided else signal), None
