"""The attention weights of a network, taken while it runs: where attention is computed, nothing else is known of it."""

from __future__ import annotations

import math
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from sightline.core.errors import InputError
from sightline.explain.layers import layers_of
from sightline.nn.probe import numbers_of

_SOFTMAX = {torch.softmax, Tensor.softmax, F.softmax}


class _Attending(TorchFunctionMode):
    """Keeps the weights of every attention that is computed while this mode is on: B×heads×N×N each.

    Fused attention gives its queries and keys, from which the weights follow; attention that is written out gives its
    softmax over a square. Attention inside windows is kept where one window holds all there is.

    Parameters
    ----------
    batch
        Number of images B.
    """

    def __init__(self, batch: int) -> None:
        super().__init__()
        self.batch = batch
        self.weights: list[Tensor] = []
        self.windows = 0  # the most that one attention has been divided into

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run a function, and note what it attends to."""
        kwargs = kwargs or {}
        if func is F.scaled_dot_product_attention:
            self._note(_weights(*args, **kwargs))
            return func(*args, **kwargs)
        if func is F.multi_head_attention_forward:  # torch's own module, which says its weights when it is asked
            told: Any = {**kwargs, "need_weights": True, "average_attn_weights": False}
            result, weights = cast(Any, func)(*args, **told)
            self._note(weights)
            if not kwargs.get("need_weights", True):
                return result, None
            return result, weights.mean(dim=1) if kwargs.get("average_attn_weights", True) else weights
        result = func(*args, **kwargs)
        if func in _SOFTMAX:
            self._note(result)
        return result

    def _note(self, weights: Tensor) -> None:
        if weights.ndim not in (4, 5) or not weights.shape[-2] == weights.shape[-1] > 1:
            return
        windows = weights.shape[:-3].numel() // self.batch  # B×windows×heads×N×N, or both in one axis
        self.windows = max(self.windows, windows)
        if windows == 1:
            self.weights.append(weights.detach().reshape(self.batch, *weights.shape[-3:]))


def attention_of(function: str, model: nn.Module, batch: Tensor) -> list[Tensor]:
    """Return the attention weights B×heads×N×N of every layer, in the order in which they are computed.

    Parameters
    ----------
    function
        Name for the error's sentence.
    model
        A transformer in evaluation mode.
    batch
        B×C×H×W that it takes.
    """
    # With a gradient wanted, torch's own layers take the path that can be followed, not one fused whole.
    with _Attending(len(batch)) as seen:
        model(batch.requires_grad_())
    if not seen.weights and seen.windows:
        raise InputError(
            f"{function}: model must attend to the whole image somewhere: its attention stays inside windows, up to "
            f"{seen.windows} of them. Use grad_cam, or images so small that one window holds the last map."
        )
    if not seen.weights:
        raise InputError(f"{function}: model must attend: it has no self-attention. Use grad_cam or feature_maps.")
    for weights in seen.weights:
        numbers_of(function, model, weights, "weights of attention")
    return seen.weights


def patches_of(model: nn.Module, batch: Tensor, tokens: int) -> tuple[tuple[int, int], int]:
    """Return rows and columns of the patches, and how many tokens stand before them.

    Parameters
    ----------
    model
        A transformer in evaluation mode.
    batch
        B×C×H×W that it takes.
    tokens
        Number N of tokens that attend to each other.
    """
    for layer in layers_of(model, batch):
        if len(layer.shape) == 2 and layer.shape[0] == tokens:
            return layer.grid, layer.skipped
        if layer.channels_last and math.prod(layer.grid) == tokens:
            return layer.grid, 0
    return (1, tokens), 0


def _weights(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """Return softmax(q kᵀ · scale), what scaled_dot_product_attention weighs its values with."""
    if enable_gqa:
        key = key.repeat_interleave(query.shape[-3] // key.shape[-3], dim=-3)
    logits = query @ key.transpose(-2, -1) * (1 / math.sqrt(query.shape[-1]) if scale is None else scale)
    if is_causal:
        attn_mask = torch.ones(logits.shape[-2:], dtype=torch.bool, device=logits.device).tril()
    if attn_mask is not None:
        logits = logits.masked_fill(~attn_mask, -math.inf) if attn_mask.dtype == torch.bool else logits + attn_mask
    return torch.softmax(logits, dim=-1)
