"""What a layer computes, whoever computes it: weights, places, the sum with a shortcut, the activation."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.fx import Node

_aten = torch.ops.aten


@dataclass(frozen=True)
class Activation:
    """A function of one number that oneDNN applies to results in registers.

    Parameters
    ----------
    name
        oneDNN's word for it; ``none`` for none.
    numbers
        Its parameters.
    form
        Of GELU: ``none`` for the exact one, ``tanh`` for the approximation.
    """

    name: str = "none"
    numbers: tuple[float, ...] = ()
    form: str = ""

    @property
    def arguments(self) -> tuple[str, list[float], str]:
        """What the operations take."""
        return self.name, list(self.numbers), self.form


NONE = Activation()
_PLAIN = {
    _aten.relu.default: "relu",
    _aten.sigmoid.default: "sigmoid",
    _aten.tanh.default: "tanh",
    _aten.hardswish.default: "hardswish",
    _aten.hardsigmoid.default: "hardsigmoid",
    _aten.silu.default: "swish",
}


def activation_of(node: Node | None) -> Activation | None:
    """Return the activation that a node is; None where it is another operation."""
    if node is None or node.op != "call_function":
        return None
    if node.target in _PLAIN:
        return Activation(_PLAIN[node.target])
    if node.target in (_aten.hardtanh.default, _aten.relu6.default):
        low, high = (0.0, 6.0) if node.target is _aten.relu6.default else (*node.args[1:], -1.0, 1.0)[:2]
        return Activation("hardtanh", (float(low), float(high)))  # type: ignore[arg-type]
    if node.target == _aten.leaky_relu.default:
        return Activation("leaky_relu", (float((*node.args[1:], 0.01)[0]),))  # type: ignore[arg-type]
    if node.target == _aten.gelu.default:
        return Activation("gelu", form=str(node.kwargs.get("approximate", "none")))
    return None


@dataclass(frozen=True)
class Layer:
    """What a convolution or a linear layer computes, and what is done to its results.

    Parameters
    ----------
    weight, bias
        Out×in÷groups×h×w, or out×in; out. Float64.
    activation
        Applied last.
    adds
        Whether a tensor of the result's shape is added before that.
    stride, padding, dilation, groups
        Of a convolution.
    size
        B×C×H×W, or …×in, of the usual input: the weights are laid out for it, others are right, too.
    """

    weight: Tensor
    bias: Tensor
    size: tuple[int, ...]
    activation: Activation = NONE
    adds: bool = False
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1
