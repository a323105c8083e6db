"""DeiT: a vision transformer with one more token, which learns from a teacher what the class token learns from labels.

Touvron, Cord, Douze, Massa, Sablayrolles and Jégou 2021, "Training data-efficient image transformers & distillation
through attention", ICML, section 4. Without that token it is :func:`~sightline.classify.vit`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

import torch
from torch import Tensor, nn

from sightline.classify.vit import Size, ViT, ViTConfig, suited_patch
from sightline.core.catalogue import method
from sightline.core.checks import choice, integer, number, size_2d
from sightline.core.errors import InputError
from sightline.core.types import Choice, Range
from sightline.nn.normalize import pixel_statistics

VARIANTS = {  # Touvron 2021, table 1
    "tiny": ViTConfig(192, 12, 3),
    "small": ViTConfig(384, 12, 6),
    "base": ViTConfig(768, 12, 12),
}


class DistilledHead(nn.Module):
    """The mean of two linear layers, one for each token: B×2×D → B×classes (section 4, "Classification")."""

    def __init__(self, dim: int, classes: int) -> None:
        super().__init__()
        self.label = nn.Linear(dim, classes)
        self.teacher = nn.Linear(dim, classes)

    def both(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Return what the distillation token says, and what the class token says: B×classes each."""
        return self.teacher(tokens[:, 1]), self.label(tokens[:, 0])

    def forward(self, tokens: Tensor) -> Tensor:
        """Return B×classes."""
        teacher, label = self.both(tokens)
        return (teacher + label) / 2


class DeiT(ViT):
    """Patches, class and distillation token, positions, blocks, two heads: B×C×H×W images in 0–1 → B×classes logits.

    Parameters
    ----------
    config
        Sizes of everything.
    """

    first = 2

    def __init__(self, config: ViTConfig) -> None:
        super().__init__(config)
        self.teacher_token = nn.Parameter(torch.zeros(1, 1, config.dim))
        self.positions = nn.Parameter(torch.zeros(1, 2 + math.prod(config.grid), config.dim))
        self.head = DistilledHead(config.dim, config.classes)
        nn.init.trunc_normal_(self.teacher_token, std=0.02)
        self._initialise()

    def tokens(self) -> Tensor:
        """Return the tokens that stand before those of the patches, 1×2×D."""
        return torch.cat([self.class_token, self.teacher_token], dim=1)

    def features(self, images: Tensor) -> Tensor:
        """Return both tokens after the last block, normalised, B×2×D."""
        z = self.embed(images)
        for block in self.blocks:
            z = block(z)
        return self.norm(z)[:, :2]  # B×(2+N)×D → B×2×D

    def all_logits(self, images: Tensor) -> list[Tensor]:
        """Return the logits of the teacher's head and of the labels' head, B×classes each, for training."""
        return list(self.head.both(self.features(images)))  # pyrefly: ignore


@method(task="classification", paper="Touvron 2021", lesson="w6d3")
def deit(
    classes: Annotated[int, Range(1, 10**6)] = 1000,
    *,
    variant: Annotated[str, Choice("tiny", "small", "base")] = "tiny",
    size: Size = 224,
    patch: Annotated[int, Range(1, 1024)] | None = None,
    in_channels: Annotated[int, Range(1, 4096)] = 3,
    dropout: Annotated[float, Range(0, 1)] = 0.0,
    drop: Annotated[float, Range(0, 1)] = 0.1,
    eps: Annotated[float, Range(0, 1)] = 1e-6,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
) -> DeiT:
    """DeiT with a distillation token and fresh weights.

    Parameters
    ----------
    classes
        Number of classes, ≥ 1.
    variant
        ``"tiny"`` (5.9 million weights), ``"small"`` (22.4) or ``"base"`` (87.3).
    size
        Side of the images in pixels, or (height, width); others work too, in whole patches.
    patch
        Side of a patch in pixels, a divisor of the size. None takes 16, or less where the image would have fewer than
        7 patches a side.
    in_channels
        Channels of the images: 3 RGB, 1 grey.
    dropout
        Share of activations that training sets to zero, in 0–1.
    drop
        Share of the images for which the last block is left out in training, in 0–1; earlier blocks less.
    eps
        Added to the variance in the layer normalisations; 1e-12 in transformers' checkpoints.
    mean, std
        Of the pixels in 0–1, one number for each channel, deviations > 0; None takes ImageNet's.

    Returns
    -------
    DeiT
        A model from B×C×H×W float32 images in 0–1 to B×classes logits. NaN in an image propagates to its logits.

    Raises
    ------
    InputError
        When an argument is out of its range, or patches do not divide.

    References
    ----------
    H. Touvron et al., "Training data-efficient image transformers & distillation through attention", ICML 2021.

    Examples
    --------
    >>> sum(p.numel() for p in deit().parameters())
    5910800
    """
    name = "deit"
    height, width = size_2d(name, "size", (size, size) if isinstance(size, int) else size)
    in_channels = integer(name, "in_channels", in_channels, 1)
    mean, std = pixel_statistics(in_channels, mean, std)
    config = replace(
        VARIANTS[choice(name, "variant", variant, tuple(VARIANTS))],
        size=(height, width),
        patch=suited_patch(height, width) if patch is None else integer(name, "patch", patch, 1),
        classes=integer(name, "classes", classes, 1),
        in_channels=in_channels,
        dropout=number(name, "dropout", dropout, 0, 1),
        drop=number(name, "drop", drop, 0, 1),
        eps=number(name, "eps", eps, 0, 1),
        mean=tuple(mean),
        std=tuple(std),
    )
    if height % config.patch or width % config.patch:
        raise InputError(f"deit: patch must divide the size {height}×{width}; got {config.patch}.")
    return DeiT(config)
