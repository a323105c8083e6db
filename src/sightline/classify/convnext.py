"""ConvNeXt: a ResNet taught by a transformer: patches, 7×7 depthwise, one wide MLP a block, layer norm.

Liu, Mao, Wu, Feichtenhofer, Darrell and Xie 2022, "A ConvNet for the 2020s", CVPR, section 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated

import torch
from torch import Tensor, nn

from sightline.core.catalogue import method
from sightline.core.checks import choice, integer, number
from sightline.core.types import Choice, Range
from sightline.nn.convolutional import Convolutional, named, pixel_normalize
from sightline.nn.stochastic_depth import StochasticDepth


@dataclass(frozen=True)
class ConvNeXtConfig:
    """What makes one ConvNeXt differ from another.

    Parameters
    ----------
    blocks
        Number of blocks in each stage.
    widths
        Channels of each stage.
    drop
        Share of the images for which the last block is left out in training; earlier blocks less, in proportion.
    classes
        Number of outputs.
    in_channels
        Channels of the images.
    stem
        ``"imagenet"``: patches of 4×4 pixels; ``"small"``: 2×2.
    eps
        Added to the variance in the layer normalisations.
    """

    blocks: tuple[int, int, int, int]
    widths: tuple[int, int, int, int]
    drop: float
    classes: int = 1000
    in_channels: int = 3
    stem: str = "imagenet"
    eps: float = 1e-6


VARIANTS = {  # Liu 2022, section 2.7 and Table 5
    "tiny": ConvNeXtConfig((3, 3, 9, 3), (96, 192, 384, 768), 0.1),
    "small": ConvNeXtConfig((3, 3, 27, 3), (96, 192, 384, 768), 0.4),
    "base": ConvNeXtConfig((3, 3, 27, 3), (128, 256, 512, 1024), 0.5),
    "large": ConvNeXtConfig((3, 3, 27, 3), (192, 384, 768, 1536), 0.5),
}


class ChannelNorm(nn.LayerNorm):
    """Layer normalisation over the channels of a map, place by place: B×C×H×W → B×C×H×W."""

    def forward(self, input: Tensor) -> Tensor:
        """Return the map with mean 0 and variance 1 at every place, scaled and shifted."""
        return super().forward(input.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class Block(nn.Module):
    """x + γ · W₂ gelu(W₁ LN(7×7 depthwise(x))) (Fig. 4).

    Parameters
    ----------
    dim
        Channels.
    drop
        Share of the images for which it is left out in training.
    eps
        Of the normalisation.
    """

    def __init__(self, dim: int, drop: float, eps: float) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(dim, dim, 7, padding=3, groups=dim)
        self.norm = nn.LayerNorm(dim, eps)
        self.widen = nn.Linear(dim, 4 * dim)
        self.activation = nn.GELU()
        self.narrow = nn.Linear(4 * dim, dim)
        self.gamma = nn.Parameter(torch.full((dim,), 1e-6))
        self.drop = StochasticDepth(drop)

    def forward(self, x: Tensor) -> Tensor:
        """Return the next B×C×H×W map."""
        y = self.depthwise(x).permute(0, 2, 3, 1)  # B×C×H×W → B×H×W×C
        y = self.narrow(self.activation(self.widen(self.norm(y))))
        return x + self.drop((self.gamma * y).permute(0, 3, 1, 2))  # B×H×W×C → B×C×H×W


class Head(nn.Sequential):
    """Average over the places, layer normalisation, one linear layer: B×C×H×W → B×classes."""

    def __init__(self, channels: int, classes: int, eps: float) -> None:
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)  # B×C×H×W → B×C×1×1
        self.flatten = nn.Flatten()  # → B×C
        self.norm = nn.LayerNorm(channels, eps)
        self.linear = nn.Linear(channels, classes)


def build(config: ConvNeXtConfig) -> tuple[nn.Sequential, nn.Module]:
    """Return the body, B×C×H×W → B×C'×H/32×W/32, and the head.

    Parameters
    ----------
    config
        Sizes of everything.
    """
    patch = 2 if config.stem == "small" else 4
    channels, total = config.widths[0], sum(config.blocks)
    drops = iter(config.drop * place / max(1, total - 1) for place in range(total))
    layers: dict[str, nn.Module] = {
        "patches": nn.Conv2d(config.in_channels, channels, patch, patch),
        "norm": ChannelNorm(channels, config.eps),
    }
    for place, (count, width) in enumerate(zip(config.blocks, config.widths, strict=True), start=1):
        if place > 1:
            halve = nn.Conv2d(channels, width, 2, 2)
            layers[f"down{place}"] = nn.Sequential(ChannelNorm(channels, config.eps), halve)
        layers[f"stage{place}"] = nn.Sequential(*(Block(width, next(drops), config.eps) for _ in range(count)))
        channels = width
    return named(**layers), Head(channels, config.classes, config.eps)


@method(task="classification", paper="Liu 2022", lesson="w5d1")
def convnext(
    classes: Annotated[int, Range(1, 10**6)] = 1000,
    *,
    variant: Annotated[str, Choice("tiny", "small", "base", "large")] = "tiny",
    in_channels: Annotated[int, Range(1, 4096)] = 3,
    stem: Annotated[str, Choice("imagenet", "small")] = "imagenet",
    drop: Annotated[float, Range(0, 1)] | None = None,
    eps: Annotated[float, Range(0, 1)] = 1e-6,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
) -> Convolutional:
    """ConvNeXt with fresh weights.

    Parameters
    ----------
    classes
        Number of classes, ≥ 1.
    variant
        ``"tiny"`` (28.6 million weights), ``"small"`` (50.2), ``"base"`` (88.6) or ``"large"`` (197.8).
    in_channels
        Channels of the images: 3 RGB, 1 grey.
    stem
        ``"imagenet"`` cuts patches of 4×4 pixels, for images from 32 pixels; ``"small"`` of 2×2, for 16 to 64.
    drop
        Share of the images for which the last block is left out in training, in 0–1; earlier blocks less. None takes
        the variant's, 0.1 to 0.5.
    eps
        Added to the variance in the layer normalisations; all but the last are 1e-6 in public checkpoints, and the
        last one is 1e-12 in transformers'.
    mean, std
        Of the pixels in 0–1, one number for each channel, deviations > 0; None takes ImageNet's.

    Returns
    -------
    Convolutional
        A model from B×C×H×W float32 images in 0–1 to B×classes logits. NaN in an image propagates to its logits.

    Raises
    ------
    InputError
        When an argument is out of its range, or images are too small.

    References
    ----------
    Z. Liu, H. Mao, C.-Y. Wu, C. Feichtenhofer, T. Darrell, S. Xie, "A ConvNet for the 2020s", CVPR 2022.

    Examples
    --------
    >>> sum(p.numel() for p in convnext().parameters())
    28589128
    """
    name = "convnext"
    start = VARIANTS[choice(name, "variant", variant, tuple(VARIANTS))]
    config = replace(
        start,
        classes=integer(name, "classes", classes, 1),
        in_channels=integer(name, "in_channels", in_channels, 1),
        stem=choice(name, "stem", stem, ("imagenet", "small")),
        drop=start.drop if drop is None else number(name, "drop", drop, 0, 1),
        eps=number(name, "eps", eps, 0, 1),
    )
    body, head = build(config)
    normalize = pixel_normalize(name, in_channels, mean, std)
    model = Convolutional(name, normalize, body, head, smallest=16 if config.stem == "small" else 32)
    for module in model.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            nn.init.trunc_normal_(module.weight, std=0.02)
            nn.init.zeros_(module.bias)  # type: ignore[arg-type]
    return model
