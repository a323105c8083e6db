"""DenseNet: every layer reads all earlier ones and adds a few maps of its own.

Huang, Liu, van der Maaten and Weinberger 2017, "Densely Connected Convolutional Networks", CVPR, section 3 and
Table 1.
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
from sightline.nn.conv_norm import ConvNorm
from sightline.nn.convolutional import Convolutional, PooledLinear, initialise, named, pixel_normalize


@dataclass(frozen=True)
class DenseNetConfig:
    """What makes one DenseNet differ from another.

    Parameters
    ----------
    blocks
        Number of layers in each dense block.
    growth
        Maps k that each layer adds.
    width
        Channels of the first convolution, 2k.
    classes
        Number of outputs.
    in_channels
        Channels of the images.
    stem
        ``"imagenet"``: 7×7 with stride 2 and a maximum; ``"small"``: 3×3 at full resolution.
    dropout
        Share of the averages before the logits that training sets to zero.
    """

    blocks: tuple[int, ...]
    growth: int = 32
    width: int = 64
    classes: int = 1000
    in_channels: int = 3
    stem: str = "imagenet"
    dropout: float = 0.0


VARIANTS = {  # Huang 2017, Table 1; 161 is from section 4.3 and the authors' release
    "121": DenseNetConfig((6, 12, 24, 16)),
    "161": DenseNetConfig((6, 12, 36, 24), growth=48, width=96),
    "169": DenseNetConfig((6, 12, 32, 32)),
    "201": DenseNetConfig((6, 12, 48, 32)),
}


class Layer(nn.Module):
    """H(x) = BN, ReLU, 1×1 to 4k channels, BN, ReLU, 3×3 to k; its maps are laid behind x (equation 2).

    Parameters
    ----------
    in_channels
        Channels of x.
    growth
        k.
    """

    def __init__(self, in_channels: int, growth: int) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(in_channels)
        self.conv1 = nn.Conv2d(in_channels, 4 * growth, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(4 * growth)
        self.conv2 = nn.Conv2d(4 * growth, growth, 3, padding=1, bias=False)
        self.activation = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Return [x, H(x)], B×(C+k)×H×W."""
        y = self.conv1(self.activation(self.norm1(x)))
        y = self.conv2(self.activation(self.norm2(y)))
        return torch.cat([x, y], dim=1)


class Transition(nn.Module):
    """Between two blocks: half the channels, half the resolution.

    Parameters
    ----------
    in_channels
        Channels that come in.
    """

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(in_channels)
        self.activation = nn.ReLU()
        self.conv = nn.Conv2d(in_channels, in_channels // 2, 1, bias=False)
        self.pool = nn.AvgPool2d(2)

    def forward(self, x: Tensor) -> Tensor:
        """Return B×C/2×H/2×W/2."""
        return self.pool(self.conv(self.activation(self.norm(x))))


def build(config: DenseNetConfig) -> tuple[nn.Sequential, nn.Module]:
    """Return the body, B×C×H×W → B×C'×H/32×W/32, and the head.

    Parameters
    ----------
    config
        Sizes of everything.
    """
    small = config.stem == "small"
    channels = config.width
    layers: dict[str, nn.Module] = {
        "stem": ConvNorm(config.in_channels, channels, 3 if small else 7, 1 if small else 2, activation=nn.ReLU()),
        "pool": nn.Identity() if small else nn.MaxPool2d(3, 2, 1),
    }
    for place, count in enumerate(config.blocks, start=1):
        dense = [Layer(channels + index * config.growth, config.growth) for index in range(count)]
        layers[f"block{place}"] = nn.Sequential(*dense)
        channels += count * config.growth
        if place < len(config.blocks):
            layers[f"transition{place}"] = Transition(channels)
            channels //= 2
    layers["norm"] = nn.BatchNorm2d(channels)
    layers["activation"] = nn.ReLU()
    return named(**layers), PooledLinear(channels, config.classes, config.dropout)


@method(task="classification", paper="Huang 2017", lesson="w5d1")
def densenet(
    classes: Annotated[int, Range(1, 10**6)] = 1000,
    *,
    variant: Annotated[str, Choice("121", "161", "169", "201")] = "121",
    in_channels: Annotated[int, Range(1, 4096)] = 3,
    stem: Annotated[str, Choice("imagenet", "small")] = "imagenet",
    dropout: Annotated[float, Range(0, 1)] = 0.0,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
) -> Convolutional:
    """DenseNet of 121 to 201 layers with fresh weights.

    Parameters
    ----------
    classes
        Number of classes, ≥ 1.
    variant
        Number of layers: ``"121"`` (8.0 million weights), ``"161"`` (28.7), ``"169"`` (14.1) or ``"201"`` (20.0).
    in_channels
        Channels of the images: 3 RGB, 1 grey.
    stem
        ``"imagenet"`` starts with a quarter of the resolution, for images from 29 pixels; ``"small"`` keeps it, for
        images of 8 to 64.
    dropout
        Share of the averages before the logits that training sets to zero, in 0–1.
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
    G. Huang, Z. Liu, L. van der Maaten, K. Q. Weinberger, "Densely Connected Convolutional Networks", CVPR 2017.

    Examples
    --------
    >>> sum(p.numel() for p in densenet().parameters())
    7978856
    """
    name = "densenet"
    config = replace(
        VARIANTS[choice(name, "variant", variant, tuple(VARIANTS))],
        classes=integer(name, "classes", classes, 1),
        in_channels=integer(name, "in_channels", in_channels, 1),
        stem=choice(name, "stem", stem, ("imagenet", "small")),
        dropout=number(name, "dropout", dropout, 0, 1),
    )
    body, head = build(config)
    normalize = pixel_normalize(name, in_channels, mean, std)
    model = Convolutional(name, normalize, body, head, smallest=8 if config.stem == "small" else 29)
    initialise(model)
    return model
