"""MobileNetV3: inverted residuals found by search, squeeze and excitation, and an activation without an exponential.

Howard et al. 2019, "Searching for MobileNetV3", ICCV, section 5 and Tables 1 and 2.
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
from sightline.nn.convolutional import Convolutional, initialise, named, pixel_normalize
from sightline.nn.inverted_residual import Inverted, InvertedResidual, divisible
from sightline.nn.squeeze_excite import SqueezeExcite


@dataclass(frozen=True)
class Stage:
    """A run of blocks with the same number of outputs: one or more rows of the paper's tables.

    Parameters
    ----------
    size
        Side of the depthwise kernels in pixels.
    expanded
        Wide channels of each block.
    out_channels
        Narrow channels.
    squeeze
        Whether the blocks weigh their wide channels.
    hard
        Whether their activation is h-swish instead of ReLU.
    stride
        Step of the first block in pixels.
    """

    size: int
    expanded: tuple[int, ...]
    out_channels: int
    squeeze: bool
    hard: bool
    stride: int


@dataclass(frozen=True)
class MobileNetV3Config:
    """What makes one MobileNetV3 differ from another.

    Parameters
    ----------
    stages
        The blocks.
    last
        Channels of the last convolution.
    hidden
        Units of the layer before the logits.
    classes
        Number of outputs.
    in_channels
        Channels of the images.
    stem
        ``"imagenet"``: stride 2 in the first layer; ``"small"``: 1.
    eps
        Added to the variance in the batch normalisations.
    dropout
        Share of the hidden layer that training sets to zero.
    """

    stages: tuple[Stage, ...]
    last: int
    hidden: int
    classes: int = 1000
    in_channels: int = 3
    stem: str = "imagenet"
    eps: float = 1e-3
    dropout: float = 0.2


VARIANTS = {
    "large": MobileNetV3Config(  # Howard 2019, Table 1
        (
            Stage(3, (16,), 16, False, False, 1),
            Stage(3, (64, 72), 24, False, False, 2),
            Stage(5, (72, 120, 120), 40, True, False, 2),
            Stage(3, (240, 200, 184, 184), 80, False, True, 2),
            Stage(3, (480, 672), 112, True, True, 1),
            Stage(5, (672, 960, 960), 160, True, True, 2),
        ),
        960,
        1280,
    ),
    "small": MobileNetV3Config(  # Howard 2019, Table 2
        (
            Stage(3, (16,), 16, True, False, 2),
            Stage(3, (72, 88), 24, False, False, 2),
            Stage(5, (96, 240, 240), 40, True, True, 2),
            Stage(5, (120, 144), 48, True, True, 1),
            Stage(5, (288, 576, 576), 96, True, True, 2),
        ),
        576,
        1024,
    ),
}


def build(config: MobileNetV3Config) -> tuple[nn.Sequential, nn.Sequential]:
    """Return the body, B×C×H×W → B×last×H/32×W/32, and the head.

    Parameters
    ----------
    config
        Sizes of everything.
    """
    norm, channels = Norm(config.eps), 16  # statistics decay by 0.9, for short runs; the paper has 0.99
    step = 1 if config.stem == "small" else 2
    stem = ConvNorm(config.in_channels, channels, 3, step, norm=norm, activation=nn.Hardswish())
    stages = []
    for stage in config.stages:
        stages.append(_blocks(stage, channels, norm))
        channels = stage.out_channels
    last = ConvNorm(channels, config.last, 1, norm=norm, activation=nn.Hardswish())
    head = nn.Sequential(
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),  # B×last×H×W → B×last
        nn.Linear(config.last, config.hidden),
        nn.Hardswish(),
        nn.Dropout(config.dropout),
        nn.Linear(config.hidden, config.classes),
    )
    return named(stem=stem, stages=nn.Sequential(*stages), last=last), head


def _blocks(stage: Stage, channels: int, norm: Norm) -> nn.Sequential:
    blocks = []
    for place, wide in enumerate(stage.expanded):
        squeeze = SqueezeExcite(wide, divisible(wide // 4), gate=nn.Hardsigmoid()) if stage.squeeze else None
        sizes = Inverted(channels, wide, stage.out_channels, stage.size, stage.stride if place == 0 else 1)
        activation = nn.Hardswish if stage.hard else nn.ReLU
        blocks.append(InvertedResidual(sizes, activation, squeeze=squeeze, norm=norm))
        channels = stage.out_channels
    return nn.Sequential(*blocks)


@method(task="classification", paper="Howard 2019", lesson="w5d1")
def mobilenet_v3(
    classes: Annotated[int, Range(1, 10**6)] = 1000,
    *,
    variant: Annotated[str, Choice("small", "large")] = "large",
    in_channels: Annotated[int, Range(1, 4096)] = 3,
    stem: Annotated[str, Choice("imagenet", "small")] = "imagenet",
    eps: Annotated[float, Range(0, 1)] = 1e-3,
    dropout: Annotated[float, Range(0, 1)] = 0.2,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
) -> Convolutional:
    """MobileNetV3, small or large, with fresh weights.

    Parameters
    ----------
    classes
        Number of classes, ≥ 1.
    variant
        ``"small"`` (2.5 million weights) or ``"large"`` (5.5 million).
    in_channels
        Channels of the images: 3 RGB, 1 grey.
    stem
        ``"imagenet"`` halves the resolution in the first layer; ``"small"`` keeps it, for images of 8 to 64 pixels.
    eps
        Added to the variance in the batch normalisations; 1e-3 in torchvision's weights, 1e-5 in most of timm's.
    dropout
        Share of the hidden layer that training sets to zero, in 0–1.
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
    A. Howard et al., "Searching for MobileNetV3", ICCV 2019.

    Examples
    --------
    >>> sum(p.numel() for p in mobilenet_v3(variant="small").parameters())
    2542856
    """
    name = "mobilenet_v3"
    config = replace(
        VARIANTS[choice(name, "variant", variant, tuple(VARIANTS))],
        classes=integer(name, "classes", classes, 1),
        in_channels=integer(name, "in_channels", in_channels, 1),
        stem=choice(name, "stem", stem, ("imagenet", "small")),
        eps=number(name, "eps", eps, 0, 1),
        dropout=number(name, "dropout", dropout, 0, 1),
    )
    body, head = build(config)
    model = Convolutional(name, pixel_normalize(name, in_channels, mean, std), body, head)
    initialise(model)
    return model
