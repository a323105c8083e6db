"""The arithmetic of receptive fields, followed through the operations that really run.

Araujo, Norris, Sim 2019, "Computing Receptive Fields of Convolutional Neural Networks", Distill: an output at place i
sees the pixels from low + i·stride to high + i·stride, and each operation moves low, high and stride.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from sightline.explain.layers import Layer, watching

aten = torch.ops.aten


@dataclass(frozen=True)
class Span:
    """The pixels that outputs see along one axis: those of output i from ``low + i·stride`` to ``high + i·stride``."""

    low: float = 0
    high: float = 0
    stride: int = 1

    def window(self, kernel: int, stride: int, padding: int, dilation: int = 1) -> Span:
        """Return the span behind a window that slides over these outputs."""
        return Span(
            self.low - padding * self.stride,
            self.high + (dilation * (kernel - 1) - padding) * self.stride,
            self.stride * stride,
        )

    def join(self, other: Span) -> Span:
        """Return what two branches see together."""
        if self.stride != other.stride:
            return EVERYTHING
        return Span(min(self.low, other.low), max(self.high, other.high), self.stride)


EVERYTHING = Span(-math.inf, math.inf, 0)


@dataclass(frozen=True)
class Field:
    """The pixels that the outputs of a layer see, down and across."""

    rows: Span = Span()
    columns: Span = Span()

    @property
    def whole(self) -> bool:
        """Whether every output sees the whole image."""
        return math.isinf(self.rows.high) or math.isinf(self.columns.high)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of a field in pixels."""
        return int(self.rows.high - self.rows.low) + 1, int(self.columns.high - self.columns.low) + 1

    @property
    def stride(self) -> tuple[int, int]:
        """Pixels from one field to the next, down and across."""
        return self.rows.stride, self.columns.stride

    @property
    def centre(self) -> tuple[float, float]:
        """Centre of the first output's field, down and across."""
        return (self.rows.low + self.rows.high) / 2, (self.columns.low + self.columns.high) / 2

    def join(self, other: Field) -> Field:
        """Return what two branches see together."""
        return Field(self.rows.join(other.rows), self.columns.join(other.columns))


WHOLE = Field(EVERYTHING, EVERYTHING)


def fields_of(model: nn.Module, batch: Tensor, layers: tuple[Layer, ...]) -> dict[str, Field]:
    """Return the field of each layer by its name.

    Parameters
    ----------
    model
        In evaluation mode.
    batch
        1×C×H×W that is run through it.
    layers
        What to tell the fields of.
    """
    names = {model.get_submodule(layer.name): layer.name for layer in layers}
    found: dict[str, Field] = {}
    follow = _Follow(batch)
    with torch.no_grad(), follow, watching(names, lambda m, out: found.update({names[m]: follow.field(out)})):
        model(batch)
    return found


class _Follow(TorchDispatchMode):
    """Keeps the field of every tensor that an operation makes while this mode is on.

    Parameters
    ----------
    image
        The tensor whose pixels are looked for.
    """

    def __init__(self, image: Tensor) -> None:
        super().__init__()
        self._kept: dict[int, tuple[Tensor, Field]] = {}  # the tensor is held, so that its id is not used again
        self._keep(image, Field())

    def field(self, tensor: Tensor) -> Field:
        """Return the field of a tensor that was made while the mode was on."""
        kept = self._kept.get(id(tensor))
        return kept[1] if kept else WHOLE

    def _keep(self, tensor: Tensor, field: Field) -> None:
        self._kept[id(tensor)] = (tensor, field)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run an operation and note what its outputs see."""
        result = func(*args, **(kwargs or {}))
        inputs = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor) and id(leaf) in self._kept]
        if inputs:
            outputs = [leaf for leaf in tree_leaves(result) if isinstance(leaf, Tensor)]
            for output in outputs:
                self._keep(output, self._after(func.overloadpacket, args, inputs, output))
        return result

    def _after(self, operation: Any, args: Any, inputs: list[Tensor], output: Tensor) -> Field:
        before = self.field(inputs[0])
        if output.ndim < 4 or before.whole or operation in _MIXERS:
            return WHOLE
        rule = _RULES.get(operation)
        if rule is not None:
            return rule(before, args, inputs[0])
        for other in inputs:  # element by element, channel by channel, or one map beside another
            if other.shape[-2:] != output.shape[-2:]:
                return WHOLE
            before = before.join(self.field(other))
        return before


def _given(args: Any, *defaults: Any) -> list[Any]:
    """Return the positional arguments after the first, filled up with their defaults."""
    return [*args[1 : 1 + len(defaults)], *defaults[len(args) - 1 :]]


def _pair(value: Any) -> tuple[int, int]:
    values = [value] * 2 if isinstance(value, int) else list(value) * (2 if len(value) == 1 else 1)
    return int(values[0]), int(values[1])


def _slide(before: Field, kernel: Any, stride: Any, padding: Any, dilation: Any = 1) -> Field:
    steps = [_pair(value) for value in (kernel, stride or kernel, padding, dilation)]
    rows, columns = zip(*steps, strict=True)
    return Field(before.rows.window(*rows), before.columns.window(*columns))


def _convolution(before: Field, args: Any, image: Tensor) -> Field:
    weight, stride, padding, dilation, transposed = args[1], args[3], args[4], args[5], args[6]
    return WHOLE if transposed else _slide(before, weight.shape[2:], stride, padding, dilation)


def _max_pool(before: Field, args: Any, image: Tensor) -> Field:
    return _slide(before, *_given(args, 1, [], 0, 1))


def _mean_pool(before: Field, args: Any, image: Tensor) -> Field:
    return _slide(before, *_given(args, 1, [], 0))


def _adaptive(before: Field, args: Any, image: Tensor) -> Field:
    wanted = _pair(args[1])
    steps = [side // out for side, out in zip(image.shape[2:], wanted, strict=True)]
    even = all(side == out * step for side, out, step in zip(image.shape[2:], wanted, steps, strict=True))
    return _slide(before, steps, steps, 0) if even and wanted != (1, 1) else WHOLE


def _slice(before: Field, args: Any, image: Tensor) -> Field:
    axis, start, _, step = _given(args, 0, None, None, 1)
    axis %= image.ndim
    start = start or 0
    start += image.shape[axis] if start < 0 else 0
    rows, columns = before.rows, before.columns
    if axis == image.ndim - 2:
        rows = rows.window(1, step, -start)
    elif axis == image.ndim - 1:
        columns = columns.window(1, step, -start)
    return Field(rows, columns)


def _pad(before: Field, args: Any, image: Tensor) -> Field:
    left, _, top, _ = [*args[1], 0, 0, 0, 0][:4]  # the last axis first; a negative number cuts
    return Field(before.rows.window(1, 1, top), before.columns.window(1, 1, left))


_RULES: dict[Any, Callable[[Field, Any, Tensor], Field]] = {
    aten.convolution: _convolution,
    aten.max_pool2d_with_indices: _max_pool,
    aten.avg_pool2d: _mean_pool,
    aten._adaptive_avg_pool2d: _adaptive,
    aten.slice: _slice,
    aten.constant_pad_nd: _pad,
}
# What joins places that lie apart although the shape stays.
_MIXERS = {aten.mean, aten._softmax, aten.native_group_norm, aten.flip, aten.roll, aten.cumsum, aten.sort}
