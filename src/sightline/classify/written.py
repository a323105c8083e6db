"""Networks of ``sightline.learn`` at the engine's table: torch carries the arrays, every sum is NumPy's.

A layer that is written out in NumPy becomes a module whose forward and backward passes are the layer's own; a loss and
an optimiser likewise. Torch's part is to call them in order, to hand the arrays over, and to keep them in checkpoints.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from sightline.core.errors import InputError
from sightline.core.types import Array
from sightline.learn import muon, optimizers
from sightline.learn.layers.layer import Layer
from sightline.learn.layers.linear import Flatten
from sightline.learn.layers.losses import Loss
from sightline.learn.sequential import Sequential
from sightline.train.muon import Muon


class _LayerPass(torch.autograd.Function):
    """A layer's own way forward and its own way back."""

    @staticmethod
    def forward(ctx: Any, module: WrittenLayer, x: Tensor, *parameters: Tensor) -> Tensor:
        ctx.module, ctx.turn, ctx.device = module, module.turn, x.device
        return torch.from_numpy(np.ascontiguousarray(module.run(_array(x)))).to(x.device)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grad_outputs: Any) -> Any:  # pyrefly: ignore
        module: WrittenLayer = ctx.module
        if ctx.turn != module.turn - 1:
            raise InputError("backward: a layer of sightline.learn goes back through its last forward pass only.")
        dx = module.layer.backward(_array(grad_outputs[0]))
        slopes = (module.layer.gradients[name] for name in module.layer.parameters)
        return None, *(torch.from_numpy(np.ascontiguousarray(a)).to(ctx.device) for a in (dx, *slopes))


class WrittenLayer(nn.Module):
    """A layer of ``sightline.learn`` as a module of torch; it computes on the CPU, wherever its weights are.

    Parameters
    ----------
    layer
        Its parameters and buffers become the module's, under their names.
    """

    def __init__(self, layer: Layer) -> None:
        super().__init__()
        self.layer, self.turn = layer, 0
        for name, array in layer.parameters.items():
            self.register_parameter(name, nn.Parameter(torch.from_numpy(array)))
        for name, array in layer.buffers.items():
            self.register_buffer(name, torch.from_numpy(array))

    def forward(self, x: Tensor) -> Tensor:
        """Return what the layer makes of x."""
        return cast(Tensor, _LayerPass.apply(self, x, *self._parameters.values()))

    def run(self, x: Array) -> Array:
        """Return what the layer makes of x; its weights are the module's, which may have been loaded or copied."""
        layer = self.layer
        for name, parameter in self._parameters.items():
            layer.parameters[name] = _array(cast(Tensor, parameter))
        held = {name: _array(cast(Tensor, buffer)) for name, buffer in self._buffers.items()}
        layer.buffers.update(held)
        self.turn += 1
        y = layer.forward(x, train=self.training)
        for name in held:
            cast(Tensor, self._buffers[name]).copy_(torch.from_numpy(layer.buffers[name]))
        return y

    def extra_repr(self) -> str:
        """Name the layer."""
        return type(self.layer).__name__


class WrittenNetwork(nn.Module):
    """A :class:`Sequential` of ``sightline.learn`` as a classifier: B×C×H×W images in 0–1 → B×classes logits.

    Parameters
    ----------
    network
        Ends in a linear layer.
    mean, std
        Of the pixels in 0–1, one number for each channel, deviations > 0.
    """

    def __init__(self, network: Sequential, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        modules = [WrittenLayer(_Standardise(mean, std)), *map(WrittenLayer, network.layers)]
        flat = next(i for i, module in enumerate(modules) if isinstance(module.layer, Flatten))
        self.places, self.vector = nn.Sequential(*modules[:flat]), nn.Sequential(*modules[flat:-1])
        self.head = modules[-1]

    def forward(self, images: Tensor) -> Tensor:
        """Return B×classes logits."""
        return self.head(self.features(images))

    def features(self, images: Tensor) -> Tensor:
        """Return B×units: what the last layer sees."""
        return self.vector(self.places(images))

    @property
    def cam_layer(self) -> nn.Module:
        """The last layer whose values have places; InputError where there is none."""
        if len(self.places) == 1:
            raise InputError("two-layer: no hidden unit has a place in the image. Use explain.saliency.")
        return self.places[-1]

    def cam_map(self, output: Tensor) -> Tensor:
        """Return the output, which is B×C×H×W already."""
        return output


class _Standardise(Layer):
    """y = (x - mean) / std, channel by channel; ∂L/∂x = g / std."""

    def __init__(self, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        self._mean, self._std = (np.array(values, np.float32).reshape(1, -1, 1, 1) for values in (mean, std))

    def forward(self, x: Any, train: bool = False) -> Array:
        return (x - self._mean) / self._std

    def backward(self, g: Any) -> Array:
        return g / self._std


class _LossPass(torch.autograd.Function):
    """A loss's own number and its own slope."""

    @staticmethod
    def forward(ctx: Any, scores: Tensor, targets: Array, loss: Loss) -> Tensor:
        value = loss.forward(_array(scores), targets)
        ctx.slope = torch.from_numpy(loss.backward()).to(scores.device)
        return scores.new_tensor(value)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grad_outputs: Any) -> Any:  # pyrefly: ignore
        return grad_outputs[0] * ctx.slope, None, None


def written_loss(loss: Loss, scores: Tensor, targets: Array) -> Tensor:
    """Return a loss of ``sightline.learn`` as a scalar that torch can go back from.

    Parameters
    ----------
    loss
        Of scores and targets.
    scores
        B×classes.
    targets
        What the loss compares with.
    """
    return cast(Tensor, _LossPass.apply(scores, targets, loss))


# The engine's word has become an optimiser of torch; this is the same rule of ours, with its settings.
_RULES: dict[type, Callable[[dict[str, Any]], optimizers.Optimizer]] = {
    torch.optim.SGD: lambda s: optimizers.SGD(momentum=s["momentum"], nesterov=s["nesterov"]),
    torch.optim.RMSprop: lambda s: optimizers.RMSProp(rho=s["alpha"], eps=s["eps"], momentum=s["momentum"]),
    torch.optim.Adam: lambda s: optimizers.Adam(betas=s["betas"], eps=s["eps"]),
    torch.optim.AdamW: lambda s: optimizers.AdamW(betas=s["betas"], eps=s["eps"]),
    Muon: lambda s: (
        muon.Muon(momentum=s["momentum"]) if s["hidden"] else optimizers.AdamW(betas=s["betas"], eps=s["eps"])
    ),
}


class WrittenOptimizer(torch.optim.Optimizer):
    """The rule of one of torch's optimisers, taken by ours in ``sightline.learn``, one for each group of parameters.

    Parameters
    ----------
    theirs
        Says which rule, over which parameters, with which settings.
    """

    def __init__(self, theirs: torch.optim.Optimizer) -> None:
        super().__init__(theirs.param_groups, {})
        rule = next(_RULES[kind] for kind in type(theirs).__mro__ if kind in _RULES)
        self._ours = [rule(group) for group in self.param_groups]

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        """Change the parameters that have a gradient."""
        for group, ours in zip(self.param_groups, self._ours, strict=True):
            parameters = [p for p in group["params"] if p.grad is not None]
            if any(p.device.type != "cpu" for p in parameters):
                raise InputError("train: networks of sightline.learn are trained on the CPU. Use device=cpu.")
            if not ours.count and self.state:
                ours.restore(_remembered([self.state[p] for p in parameters]))
            ours.learning_rate, ours.weight_decay = group["lr"], group["weight_decay"]
            ours.step([p.numpy() for p in parameters], [p.grad.numpy() for p in parameters])

    def state_dict(self) -> dict[str, Any]:
        """Return what torch's would: by the parameter's number, what is remembered of it, and the steps so far."""
        for group, ours in zip(self.param_groups, self._ours, strict=True):
            parameters = [p for p in group["params"] if p.grad is not None or p in self.state]
            for key, value in ours.state().items() if ours.count else ():
                place, _, name = key.partition(".")
                if name:
                    self.state[parameters[int(place)]][name] = torch.from_numpy(value)
            for parameter in parameters if ours.count else ():
                self.state[parameter]["count"] = ours.count
        return super().state_dict()


def _remembered(states: Sequence[dict[str, Any]]) -> dict[str, Array]:
    """Return the states of parameters in the form that our optimisers restore."""
    found = {f"{i}.{name}": _array(v) for i, state in enumerate(states) for name, v in state.items() if name != "count"}
    return {"count": np.array(states[0]["count"]), "parameters": np.array(len(states)), **found}


def _array(tensor: Tensor) -> Array:
    """Return a tensor's numbers, the same memory on the CPU."""
    return tensor.detach().cpu().numpy()
