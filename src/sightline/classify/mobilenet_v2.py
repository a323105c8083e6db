"""MobileNetV2: inverted residuals with linear bottlenecks; a network for a telephone.

Sandler, Howard, Zhu, Zhmoginov and Chen 2018, "MobileNetV2: Inverted Residuals and Linear Bottlenecks", CVPR,
sections 3.1 to 4.
"""

from __future__ import annotations

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


@dataclass(frozen=True)
class MobileNetV2Config:
    """What makes one MobileNetV2 differ from another.

    Parameters
    ----------
    stages
        Expansion t, channels c, repeats n and stride s of each stage.
    width
        Multiplier of all channels.
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
    dropout
        Share of the averages that training sets to zero.
    """

    stages: tuple[tuple[int, int, int, int], ...]
    width: float = 1.0
    classes: int = 1000
    in_channels: int = 3
    stem: str = "imagenet"
    padding: str = "symmetric"
    eps: float = 1e-5
    dropout: float = 0.2


VARIANTS = {
    "mobilenet_v2": MobileNetV2Config(  # Sandler 2018, Table 2
        (
            (1, 16, 1, 1),
            (6, 24, 2, 2),
            (6, 32, 3, 2),
            (6, 64, 4, 2),
            (6, 96, 3, 1),
            (6, 160, 3, 2),
            (6, 320, 1, 1),
        )
    )
}


def build(config: MobileNetV2Config) -> tuple[nn.Sequential, nn.Module]:
    """Return the body, B×C×H×W → B×1280×H/32×W/32, and the head.

    Parameters
    ----------
    config
        Sizes of everything.
    """
    norm, padding = Norm(config.eps), "same" if config.padding == "same" else None
    channels, last = divisible(32 * config.width), divisible(1280 * max(1.0, config.width))
    step = 1 if config.stem == "small" else 2
    stem = ConvNorm(config.in_channels, channels, 3, step, padding=padding, norm=norm, activation=nn.ReLU6())
    stages = []
    for expansion, width, count, stride in config.stages:
        out, blocks = divisible(width * config.width), []
        for place in range(count):
            sizes = Inverted(channels, expansion * channels, out, 3, stride if place == 0 else 1)
            blocks.append(InvertedResidual(sizes, nn.ReLU6, norm=norm, padding=padding))
            channels = out
        stages.append(nn.Sequential(*blocks))
    end = ConvNorm(channels, last, 1, norm=norm, activation=nn.ReLU6())
    body = named(stem=stem, stages=nn.Sequential(*stages), last=end)
    return body, PooledLinear(last, config.classes, config.dropout)


@method(task="classification", paper="Sandler 2018", lesson="w5d1")
def mobilenet_v2(
    classes: Annotated[int, Range(1, 10**6)] = 1000,
    *,
    width: Annotated[float, Range(0.05, 4)] = 1.0,
    in_channels: Annotated[int, Range(1, 4096)] = 3,
    stem: Annotated[str, Choice("imagenet", "small")] = "imagenet",
    padding: Annotated[str, Choice("symmetric", "same")] = "symmetric",
    eps: Annotated[float, Range(0, 1)] = 1e-5,
    dropout: Annotated[float, Range(0, 1)] = 0.2,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
) -> Convolutional:
    """MobileNetV2 of any width with fresh weights: seventeen inverted residuals.

    Parameters
    ----------
    classes
        Number of classes, ≥ 1.
    width
        Multiplier of all channels, in 0.05–4; the paper has 0.35 to 1.4.
    in_channels
        Channels of the images: 3 RGB, 1 grey.
    stem
        ``"imagenet"`` halves the resolution in the first layer; ``"small"`` keeps it, for images of 8 to 64 pixels.
    padding
        ``"symmetric"``, or ``"same"`` for weights that were trained with TensorFlow.
    eps
        Added to the variance in the batch normalisations; 1e-3 in TensorFlow's weights.
    dropout
        Share of the averages that training sets to zero, in 0–1.
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
    M. Sandler, A. Howard, M. Zhu, A. Zhmoginov, L.-C. Chen, "MobileNetV2: Inverted Residuals and Linear Bottlenecks",
    CVPR 2018.

    Examples
    --------
    >>> sum(p.numel() for p in mobilenet_v2().parameters())
    3504872
    """
    name = "mobilenet_v2"
    config = replace(
        VARIANTS[name],
        width=number(name, "width", width, 0.05, 4),
        classes=integer(name, "classes", classes, 1),
        in_channels=integer(name, "in_channels", in_channels, 1),
        stem=choice(name, "stem", stem, ("imagenet", "small")),
        padding=choice(name, "padding", padding, ("symmetric", "same")),
        eps=number(name, "eps", eps, 0, 1),
        dropout=number(name, "dropout", dropout, 0, 1),
    )
    body, head = build(config)
    model = Convolutional(name, pixel_normalize(name, in_channels, mean, std), body, head)
    initialise(model)
    return model
