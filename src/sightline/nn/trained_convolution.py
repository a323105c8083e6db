"""Convolutions that learn, by Winograd's way where that is faster: 3×3 filters at stride 1, float32, on the CPU.

Lavin and Gray 2016, "Fast Algorithms for Convolutional Neural Networks", CVPR (arXiv 1509.09308). How much the answers
and both gradients err is said in :mod:`sightline.nn.winograd_gradient`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.overrides import TorchFunctionMode

from sightline.nn.matrix_panels import LANES
from sightline.nn.winograd import CHANNELS
from sightline.nn.winograd_gradient import answers, filter_gradient, input_gradient
from sightline.nn.winograd_tiles import ANSWERS

_PLAIN = (Tensor, nn.Parameter)  # subclasses may compute otherwise
_LEAST = 65536  # multiplications for one of 36 numbers, from which on the call itself costs little
_PADDINGS = {"valid": 0, "same": 1}


def pays(size: Sequence[int], filters: int, padding: int = 1) -> bool:
    """Return whether Winograd's way is faster than oneDNN's, by what was measured on a core with AVX-512.

    Parameters
    ----------
    size
        Of the input: B×C×H×W.
    filters
        How many.
    padding
        Zeros at each border: 0, 1, the default, or 2.
    """
    images, channels, *sides = size
    wanted = [side + 2 * padding - 2 for side in sides]
    if channels % CHANNELS or filters % CHANNELS or min(wanted) < 1 or LANES < 8:
        return False
    across = [-(-side // ANSWERS) for side in wanted]
    used = wanted[0] * wanted[1] / (ANSWERS * ANSWERS * across[0] * across[1])
    return used >= 0.5 and images * across[0] * across[1] * channels * filters >= _LEAST


class _Convolution(Function):
    """A convolution whose answers, and whose gradients where they pay, are found by Winograd's way."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, padding: int) -> Tensor:
        """Return the answers."""
        x, weight = (tensor.contiguous(memory_format=torch.channels_last) for tensor in (x, weight))
        ctx.save_for_backward(x, weight)
        ctx.padding, ctx.shifted = padding, bias is not None
        return answers(x, weight, None if bias is None else bias.contiguous(), padding)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:  # pyrefly: ignore
        """Return the gradients of the input, the filters and the bias."""
        x, weight = ctx.saved_tensors
        asked = list(ctx.needs_input_grad[:3])
        found: list[Tensor | None] = [None, None, None]
        if not torch.is_grad_enabled():  # else these gradients will be derived themselves, which PyTorch's know how to
            gradient = gradient.contiguous(memory_format=torch.channels_last)
            if asked[0] and pays(gradient.shape, weight.shape[1], 2 - ctx.padding):
                found[0], asked[0] = input_gradient(gradient, weight, ctx.padding), False
            if asked[1]:
                found[1], asked[1] = filter_gradient(gradient, x, ctx.padding), False
        if any(asked):
            shape = [len(weight)] if ctx.shifted else None
            sides = [1, 1], [ctx.padding] * 2, [1, 1], False, [0, 0], 1
            rest = torch.ops.aten.convolution_backward(gradient, x, weight, shape, *sides, asked)
            found = [one if one is not None else other for one, other in zip(found, rest, strict=True)]
        return *found, None


def conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """Return what ``torch.conv2d`` does, with the same arguments, but for rounding."""
    around = _padding_of(input, weight, bias, stride, padding, dilation, groups)
    if around is not None and pays(input.shape, len(weight), around):
        return _Convolution.apply(input, weight, bias, around)
    return torch.conv2d(input, weight, bias, stride, padding, dilation, groups)


def _padding_of(
    input: Tensor, weight: Tensor, bias: Tensor | None, stride: Any, padding: Any, dilation: Any, groups: int
) -> int | None:
    """Return the padding of a convolution that Winograd's way can do; None of all others."""
    for tensor in (input, weight) if bias is None else (input, weight, bias):
        if type(tensor) not in _PLAIN or tensor.dtype != torch.float32 or tensor.device.type != "cpu":
            return None
    if input.ndim != 4 or weight.ndim != 4 or weight.shape[1:] != (input.shape[1], 3, 3) or groups != 1:
        return None
    if any(side not in (1, (1, 1), [1, 1]) for side in (stride, dilation)):
        return None
    if isinstance(padding, (tuple, list)):
        padding = padding[0] if len(set(padding)) == 1 else None
    padding = _PADDINGS.get(padding, padding)
    if padding not in (0, 1) or (bias is not None and bias.shape != weight.shape[:1]):
        return None
    # Others would get answers in another memory order than from PyTorch.
    last = any(tensor.is_contiguous(memory_format=torch.channels_last) for tensor in (input, weight))
    if not last or torch.is_autocast_enabled("cpu") or torch._C._are_functorch_transforms_active():
        return None
    return padding


class FastConvolutions(TorchFunctionMode):
    """Within the block, ``torch.conv2d`` is :func:`conv2d`, whoever calls it; models stay as they are.

    Each other function of PyTorch takes 2 µs longer meanwhile.
    """

    @staticmethod
    def suit(module: nn.Module) -> bool:
        """Return whether a module is a convolution that may become faster, with maps that are large enough."""
        if not isinstance(module, nn.Conv2d) or module.groups != 1 or module.kernel_size != (3, 3):
            return False
        whole = (module.in_channels % CHANNELS, module.out_channels % CHANNELS) == (0, 0)
        return whole and module.stride == (1, 1) and module.dilation == (1, 1)

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Call a function of PyTorch, or what takes its place."""
        if func is torch.conv2d and not types:
            func = conv2d
        return func(*args, **(kwargs or {}))
