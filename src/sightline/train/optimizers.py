"""Optimisers: what is decayed, what is frozen, and how the rate falls towards the input."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from sightline.core.errors import InputError, suggest
from sightline.train.muon import Muon, hidden_weights
from sightline.train.settings import Settings
from sightline.train.storage_order import OrderedAdam, OrderedAdamW, OrderedSGD

BACKBONE = "backbone"


def freeze(model: nn.Module, patterns: Iterable[str]) -> None:
    """Stop the gradients of every parameter whose name (or whose module's name) matches a pattern like ``stem*``.

    ``backbone`` stands for all but the head, where no part of the model has that name.
    """
    names = [name for name, _ in model.named_parameters()]
    for pattern in patterns:
        chosen = [name for name in names if fnmatchcase(name, pattern) or name.startswith(f"{pattern}.")]
        if pattern == BACKBONE and not chosen and any(name.startswith("head.") for name in names):
            chosen = [name for name in names if not name.startswith("head.")]
        if not chosen:
            hint = suggest(pattern.rstrip("*."), {name.partition(".")[0] for name in names} | set(names))
            raise InputError(f"train: freeze matches no parameter: '{pattern}'.{hint}")
        for name in chosen:
            model.get_parameter(name).requires_grad_(False)
    if not any(parameter.requires_grad for parameter in model.parameters()):
        raise InputError("train: freeze leaves no parameter to train.")


def thaw(model: nn.Module, learning: int, kept: frozenset[str]) -> None:
    """Let the last blocks learn and hold the others still (gradual unfreezing, Howard & Ruder 2018, section 3.3).

    Parameters
    ----------
    model
        Whose parameters are told.
    learning
        Number of blocks, counted from the end.
    kept
        Names of parameters that never learn.
    """
    blocks = list(dict.fromkeys(block_of(name) for name, _ in model.named_parameters() if name not in kept))
    open_now = set(blocks[-learning:])
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(name not in kept and block_of(name) in open_now)


def set_training_mode(model: nn.Module) -> None:
    """Put the model in training mode, but modules that are wholly frozen in evaluation mode: statistics stay, too."""
    model.train()
    for module in model.modules():
        own = list(module.parameters())
        if own and not any(parameter.requires_grad for parameter in own):
            module.eval()


def block_of(name: str) -> str:
    """Return the block that a parameter belongs to: its name up to the first number, or its first part."""
    match = re.match(r"(?:[^.]+\.)*?\d+(?=\.|$)", name)
    return match.group(0) if match else name.partition(".")[0]


def parameter_groups(model: nn.Module, settings: Settings) -> list[dict[str, Any]]:
    """Return the optimiser's groups: learning rate by depth, weight decay for matrices and filters only.

    Depth counts the blocks in the order of the model's parameters; the last block learns at the full rate.
    """
    named = [(name, parameter) for name, parameter in model.named_parameters() if parameter.requires_grad]
    blocks = list(dict.fromkeys(block_of(name) for name, _ in model.named_parameters()))
    hidden = hidden_weights(model) if settings.optimizer == "muon" else set()
    groups: dict[tuple[float, float, bool], dict[str, Any]] = {}
    for name, parameter in named:
        scale = settings.layer_decay ** (len(blocks) - 1 - blocks.index(block_of(name)))
        decay = settings.weight_decay if parameter.ndim > 1 else 0.0
        key = (settings.learning_rate * scale, decay, parameter in hidden)
        group = {"params": [], "lr": key[0], "weight_decay": decay}
        if settings.optimizer == "muon":
            group["hidden"] = key[2]
        groups.setdefault(key, group)["params"].append(parameter)
    return list(groups.values())


def make_optimizer(model: nn.Module, settings: Settings) -> Optimizer:
    """Return the optimiser that the settings ask for, over the parameters of ``model`` that are not frozen."""
    groups = parameter_groups(model, settings)
    rate = settings.learning_rate
    fused = all(p.device.type in ("cpu", "cuda") and p.is_floating_point() for group in groups for p in group["params"])
    if settings.optimizer == "adamw":
        return OrderedAdamW(groups, lr=rate, fused=fused)
    if settings.optimizer == "adam":
        return OrderedAdam(groups, lr=rate, fused=fused)
    if settings.optimizer == "muon":
        return Muon(groups, momentum=settings.momentum, short=settings.precision == "bf16", fused=fused)
    if settings.optimizer == "rmsprop":
        return torch.optim.RMSprop(groups, lr=rate, momentum=settings.momentum)
    nesterov = settings.optimizer == "nesterov"
    return OrderedSGD(groups, lr=rate, momentum=settings.momentum, nesterov=nesterov, fused=fused)
