"""Filters with channels last, and Adam, AdamW and SGD that go through them in the order in which they are stored.

PyTorch's fused kernel on CPUs copies every gradient that is not stored row by row, filters with channels last among
them, before it begins: four times the work. To each element the same is done in any order, so it is given views whose
rows are as they are stored.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam, AdamW


def convolves(model: nn.Module) -> bool:
    """Return whether a model has convolutions of images: they run faster with the channels last."""
    return any(isinstance(module, nn.Conv2d) for module in model.modules())


def with_channels_last(model: nn.Module) -> nn.Module:
    """Return the model itself, its filters stored with the channels last where it :func:`convolves`."""
    return model.to(memory_format=torch.channels_last) if convolves(model) else model  # pyrefly: ignore


class _InStorageOrder:
    """Hands the kernel views of all that belongs to a filter; the state is kept under the parameter as before."""

    def _init_group(self, group: dict[str, Any], params: list[Tensor], *others: Any) -> Any:
        found = super()._init_group(group, params, *others)  # pyrefly: ignore
        lists = [values for values in (params, *others) if isinstance(values, list)]  # PyTorch 2.6 gives a flag, too
        for number, parameter in enumerate(params if group["fused"] else ()):
            of_it = [values for values in lists if len(values) == len(params)]
            alike = [values for values in of_it if values[number].shape == parameter.shape]
            if parameter.ndim == 4 and all(_is_channels_last(values[number]) for values in alike):
                for values in alike:
                    values[number] = _as_stored(values[number])
        return found


class OrderedAdam(_InStorageOrder, Adam):  # pyrefly: ignore
    """:class:`torch.optim.Adam`, bit for bit."""


class OrderedAdamW(_InStorageOrder, AdamW):  # pyrefly: ignore
    """:class:`torch.optim.AdamW`, bit for bit."""


class OrderedSGD(SGD):
    """:class:`torch.optim.SGD`, bit for bit."""

    def _init_group(self, group: dict[str, Any], params: Any, grads: Any, momentum_buffer_list: Any) -> Any:
        found = super()._init_group(group, params, grads, momentum_buffer_list)
        for number, parameter in enumerate(params if group["fused"] else ()):
            buffer = momentum_buffer_list[number] if momentum_buffer_list else None
            alike = [parameter, grads[number], *([] if buffer is None else [buffer])]
            if parameter.ndim == 4 and all(map(_is_channels_last, alike)):
                params[number], grads[number] = _as_stored(parameter), _as_stored(grads[number])
                self._seen.append((parameter, params[number]))
                if buffer is not None:
                    momentum_buffer_list[number] = _as_stored(buffer)
        return found

    def step(self, closure: Any = None) -> Any:
        """Take one step; PyTorch files the momentum under the view, from where it goes to the parameter."""
        self._seen: list[tuple[Tensor, Tensor]] = []
        loss = super().step(closure)
        for parameter, view in self._seen:
            if (state := self.state.pop(view, None)) is not None:
                buffer = state["momentum_buffer"]
                self.state[parameter]["momentum_buffer"] = None if buffer is None else buffer.permute(0, 3, 1, 2)
        self._seen = []
        return loss


def _as_stored(value: Tensor) -> Tensor:
    return value.permute(0, 2, 3, 1)


def _is_channels_last(value: Tensor) -> bool:
    return not value.is_contiguous() and value.is_contiguous(memory_format=torch.channels_last)
