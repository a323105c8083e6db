"""EfficientNet: depth, width and resolution grow together, by one number.

Tan and Le 2019, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", ICML, section 4.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated

from torch import nn

from sightline.core.catalogue import method
from sightline.core.checks import choice, integer, number
from sightline.core.types import Choice, Range
from sightline.nn.conv_norm import ConvNorm, Norm
from sightline.nn.convolutional import Convolutional, PooledLinear, initialise, named, pixel_normalize
from sightline.nn.inverted_residual import Inverted, InvertedResidual, divisible
from sightline.nn.squeeze_excite import SqueezeExcite

# Expansion, kernel, stride, channels, repeats of the stages of B0 (Tan 2019, Table 1).
STAGES = (
    (1, 3, 1, 16, 1),
    (6, 3, 2, 24, 2),
    (6, 5, 2, 40, 2),
    (6, 3, 2, 80, 3),
    (6, 5, 1, 112, 3),
    (6, 5, 2, 192, 4),
    (6, 3, 1, 320, 1),
)


@dataclass(frozen=True)
class EfficientNetConfig:
    """What makes one EfficientNet differ from another.

    Parameters
    ----------
    width, depth
        Multipliers of the channels and of the repeats.
    size
        Side of the images that it is meant for, in pixels.
    dropout
        Share of the averages that training sets to zero.
    drop
        Share of the images for which the last block is left out in training; earlier blocks less, in proportion.
    classes
        Number of outputs.
    in_channels
        Channels of the images.
    stem
        ``"imagenet"``: stride 2 in the first layer; ``"small"``: 1.
    padding
        ``"symmetric"`` or ``"same"``.
    eps
        Added to the variance in the batch normalisations.
    """

    width: float
    depth: float
    size: int
    dropout: float
    drop: float = 0.2
    classes: int = 1000
    in_channels: int = 3
    stem: str = "imagenet"
    padding: str = "symmetric"
    eps: float = 1e-5


VARIANTS = {  # Tan 2019, section 4 and the authors' release: α = 1.2, β = 1.1, γ = 1.15, rounded
    "b0": EfficientNetConfig(1.0, 1.0, 224, 0.2),
    "b1": EfficientNetConfig(1.0, 1.1, 240, 0.2),
    "b2": EfficientNetConfig(1.1, 1.2, 260, 0.3),
    "b3": EfficientNetConfig(1.2, 1.4, 300, 0.3),
    "b4": EfficientNetConfig(1.4, 1.8, 380, 0.4),
    "b5": EfficientNetConfig(1.6, 2.2, 456, 0.4),
    "b6": EfficientNetConfig(1.8, 2.6, 528, 0.5),
    "b7": EfficientNetConfig(2.0, 3.1, 600, 0.5),
}


def build(config: EfficientNetConfig) -> tuple[nn.Sequential, nn.Module]:
    """Return the body, B×C×H×W → B×1280·width×H/32×W/32, and the head.

    Parameters
    ----------
    config
        Sizes of everything.
    """
    norm = Norm(config.eps)  # statistics decay by 0.9, for short runs; the paper has 0.99
    padding = "same" if config.padding == "same" else None
    counts = [math.ceil(config.depth * stage[-1]) for stage in STAGES]
    drops = iter(config.drop * place / sum(counts) for place in range(sum(counts)))
    channels, step = divisible(32 * config.width), 1 if config.stem == "small" else 2
    stem = ConvNorm(config.in_channels, channels, 3, step, padding=padding, norm=norm, activation=nn.SiLU())
    stages = []
    for (expansion, size, stride, width, _), count in zip(STAGES, counts, strict=True):
        out, blocks = divisible(width * config.width), []
        for place in range(count):
            wide = expansion * channels
            squeeze = SqueezeExcite(wide, max(1, channels // 4), nn.SiLU())
            sizes = Inverted(channels, wide, out, size, stride if place == 0 else 1)
            options = {"squeeze": squeeze, "norm": norm, "padding": padding, "drop": next(drops)}
            blocks.append(InvertedResidual(sizes, nn.SiLU, **options))
            channels = out
        stages.append(nn.Sequential(*blocks))
    last = ConvNorm(channels, 4 * channels, 1, norm=norm, activation=nn.SiLU())
    body = named(stem=stem, stages=nn.Sequential(*stages), last=last)
    return body, PooledLinear(4 * channels, config.classes, config.dropout)


@method(task="classification", paper="Tan 2019", lesson="w5d1")
def efficientnet(
    classes: Annotated[int, Range(1, 10**6)] = 1000,
    *,
    variant: Annotated[str, Choice("b0", "b1", "b2", "b3", "b4", "b5", "b6", "b7")] = "b0",
    in_channels: Annotated[int, Range(1, 4096)] = 3,
    stem: Annotated[str, Choice("imagenet", "small")] = "imagenet",
    padding: Annotated[str, Choice("symmetric", "same")] = "symmetric",
    eps: Annotated[float, Range(0, 1)] | None = None,
    dropout: Annotated[float, Range(0, 1)] | None = None,
    drop: Annotated[float, Range(0, 1)] = 0.2,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
) -> Convolutional:
    """EfficientNet B0 to B7 with fresh weights.

    Parameters
    ----------
    classes
        Number of classes, ≥ 1.
    variant
        ``"b0"`` (5.3 million weights, for 224×224 pixels) to ``"b7"`` (66 million, for 600×600); any size works.
    in_channels
        Channels of the images: 3 RGB, 1 grey.
    stem
        ``"imagenet"`` halves the resolution in the first layer; ``"small"`` keeps it, for images of 8 to 64 pixels.
    padding
        ``"symmetric"``, or ``"same"`` for weights that were trained with TensorFlow.
    eps
        Added to the variance in the batch normalisations; None takes torchvision's: 1e-5, and 1e-3 from B5 on. It is
        1e-3 in TensorFlow's and transformers' weights.
    dropout
        Share of the averages that training sets to zero, in 0–1; None takes the variant's, 0.2 to 0.5.
    drop
        Share of the images for which the last block is left out in training, in 0–1; earlier blocks less.
    mean, std
        Of the pixels in 0–1, one number for each channel, deviations > 0; None takes ImageNet's.

    Returns
    -------
    Convolutional
        A model from B×C×H×W float32 images in 0–1 to B×classes logits. NaN in an image propagates to its logits.

    Raises
    ------
    InputError
        When an argument is out of its range.

    References
    ----------
    M. Tan, Q. V. Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", ICML 2019.

    Examples
    --------
    >>> sum(p.numel() for p in efficientnet().parameters())
    5288548
    """
    name = "efficientnet"
    start = VARIANTS[choice(name, "variant", variant, tuple(VARIANTS))]
    eps = (1e-3 if variant in ("b5", "b6", "b7") else 1e-5) if eps is None else number(name, "eps", eps, 0, 1)
    config = replace(
        start,
        classes=integer(name, "classes", classes, 1),
        in_channels=integer(name, "in_channels", in_channels, 1),
        stem=choice(name, "stem", stem, ("imagenet", "small")),
        padding=choice(name, "padding", padding, ("symmetric", "same")),
        eps=eps,
        dropout=start.dropout if dropout is None else number(name, "dropout", dropout, 0, 1),
        drop=number(name, "drop", drop, 0, 1),
    )
    body, head = build(config)
    model = Convolutional(name, pixel_normalize(name, in_channels, mean, std), body, head)
    initialise(model)
    return model
