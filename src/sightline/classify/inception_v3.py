"""Inception v3: large kernels taken apart: a 5×5 becomes two 3×3, an n×n becomes 1×n and n×1.

Szegedy, Vanhoucke, Ioffe, Shlens and Wojna 2016, "Rethinking the Inception Architecture for Computer Vision", CVPR,
sections 3 to 6 and Table 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated

from torch import nn

from sightline.core.catalogue import method
from sightline.core.checks import flag, integer, number
from sightline.core.types import Range
from sightline.nn.branches import Branches, Supervised
from sightline.nn.conv_norm import ConvNorm, Norm, Size
from sightline.nn.convolutional import PooledLinear, initialise, named, pixel_normalize


@dataclass(frozen=True)
class InceptionV3Config:
    """Sizes of Inception v3.

    Parameters
    ----------
    pooled
        Channels behind the average in the three modules of 35×35.
    factored
        Channels inside the four modules of 17×17.
    classes
        Number of outputs.
    in_channels
        Channels of the images.
    auxiliary
        Whether there is another classifier on the way.
    dropout
        Share of the averages that training sets to zero.
    """

    pooled: tuple[int, int, int] = (32, 64, 64)
    factored: tuple[int, int, int, int] = (128, 160, 160, 192)
    classes: int = 1000
    in_channels: int = 3
    auxiliary: bool = False
    dropout: float = 0.5


VARIANTS = {"inception_v3": InceptionV3Config()}  # Szegedy 2016, Table 1 and the authors' release


def conv(in_channels: int, out_channels: int, size: Size, stride: int = 1, *, pad: bool = True) -> ConvNorm:
    """Return convolution, normalisation and ReLU.

    Parameters
    ----------
    in_channels, out_channels, size, stride
        As :class:`~sightline.nn.conv_norm.ConvNorm` takes them.
    pad
        Whether the border is padded.
    """
    padding = None if pad else 0
    return ConvNorm(in_channels, out_channels, size, stride, padding=padding, norm=Norm(1e-3), activation=nn.ReLU())


def chain(in_channels: int, *steps: tuple[int, Size]) -> nn.Sequential:
    """Return convolutions one after the other.

    Parameters
    ----------
    in_channels
        Channels that come in.
    steps
        Channels and kernel of each.
    """
    layers = []
    for width, size in steps:
        layers.append(conv(in_channels, width, size))
        in_channels = width
    return nn.Sequential(*layers)


def pooled(in_channels: int, width: int) -> nn.Sequential:
    """Return an average of 3×3 and a 1×1.

    Parameters
    ----------
    in_channels, width
        Channels in and out.
    """
    return nn.Sequential(nn.AvgPool2d(3, 1, 1), conv(in_channels, width, 1))


def module_a(in_channels: int, width: int) -> Branches:
    """Return a module of the 35×35 map: the 5×5 also as two 3×3 (Fig. 5).

    Parameters
    ----------
    in_channels
        Channels that come in.
    width
        Channels behind the average; 224 more go out.
    """
    return Branches(
        {
            "one": conv(in_channels, 64, 1),
            "five": chain(in_channels, (48, 1), (64, 5)),
            "twice": chain(in_channels, (64, 1), (96, 3), (96, 3)),
            "pool": pooled(in_channels, width),
        }
    )


def module_c(in_channels: int, width: int) -> Branches:
    """Return a module of the 17×17 map: 7×7 as 1×7 and 7×1, once and twice (Fig. 6).

    Parameters
    ----------
    in_channels
        Channels that come in.
    width
        Channels inside; 768 go out.
    """
    row, column = (1, 7), (7, 1)
    return Branches(
        {
            "one": conv(in_channels, 192, 1),
            "seven": chain(in_channels, (width, 1), (width, row), (192, column)),
            "twice": chain(in_channels, (width, 1), (width, column), (width, row), (width, column), (192, row)),
            "pool": pooled(in_channels, 192),
        }
    )


def module_e(in_channels: int) -> Branches:
    """Return a module of the 8×8 map: 1×3 and 3×1 side by side (Fig. 7); 2048 channels go out.

    Parameters
    ----------
    in_channels
        Channels that come in.
    """
    return Branches(
        {
            "one": conv(in_channels, 320, 1),
            "three": nn.Sequential(conv(in_channels, 384, 1), _fork(384)),
            "twice": nn.Sequential(conv(in_channels, 448, 1), conv(448, 384, 3), _fork(384)),
            "pool": pooled(in_channels, 192),
        }
    )


def _fork(channels: int) -> Branches:
    return Branches({"a": conv(channels, channels, (1, 3)), "b": conv(channels, channels, (3, 1))})


def halving(branches: dict[str, nn.Sequential]) -> Branches:
    """Return a module that halves the resolution: convolutions with stride 2 beside a maximum (Fig. 10).

    Parameters
    ----------
    branches
        All but the maximum.
    """
    return Branches({**branches, "pool": nn.MaxPool2d(3, 2)})


def _strided(in_channels: int, steps: Sequence[tuple[int, Size]], width: int) -> nn.Sequential:
    """Return a chain that ends in a 3×3 of stride 2 without padding."""
    before = steps[-1][0] if steps else in_channels
    return nn.Sequential(*chain(in_channels, *steps), conv(before, width, 3, 2, pad=False))


def build(config: InceptionV3Config) -> tuple[nn.Sequential, nn.Module, dict[str, nn.Module]]:
    """Return the body, B×C×299×299 → B×2048×8×8, the head, and the classifier on the way.

    Parameters
    ----------
    config
        Sizes of everything.
    """
    layers: dict[str, nn.Module] = {
        "conv1a": conv(config.in_channels, 32, 3, 2, pad=False),  # 299×299 → 149×149
        "conv2a": conv(32, 32, 3, pad=False),
        "conv2b": conv(32, 64, 3),
        "pool1": nn.MaxPool2d(3, 2),  # 147×147 → 73×73
        "conv3b": conv(64, 80, 1),
        "conv4a": conv(80, 192, 3, pad=False),
        "pool2": nn.MaxPool2d(3, 2),  # 71×71 → 35×35
    }
    channels = 192
    for letter, width in zip("bcd", config.pooled, strict=True):
        layers[f"mixed5{letter}"] = module_a(channels, width)
        channels = 224 + width
    twice = _strided(channels, ((64, 1), (96, 3)), 96)
    layers["mixed6a"] = halving({"three": _strided(channels, (), 384), "twice": twice})  # → 17×17
    channels += 384 + 96
    for letter, width in zip("bcde", config.factored, strict=True):
        layers[f"mixed6{letter}"] = module_c(channels, width)
    seven = _strided(channels, ((192, 1), (192, (1, 7)), (192, (7, 1))), 192)
    layers["mixed7a"] = halving({"three": _strided(channels, ((192, 1),), 320), "seven": seven})  # → 8×8
    layers["mixed7b"] = module_e(channels + 320 + 192)
    layers["mixed7c"] = module_e(2048)
    on_the_way: dict[str, nn.Module] = {}
    if config.auxiliary:
        on_the_way["mixed6e"] = auxiliary_head(channels, config.classes)
    return named(**layers), PooledLinear(2048, config.classes, config.dropout), on_the_way


def auxiliary_head(channels: int, classes: int) -> nn.Sequential:
    """Return the classifier on the way: averages, 1×1, 5×5, linear (section 4).

    Parameters
    ----------
    channels
        Of the 17×17 map that it sees.
    classes
        Number of outputs.
    """
    return named(
        pool=nn.AvgPool2d(5, 3),  # 17×17 → 5×5
        conv0=conv(channels, 128, 1),
        conv1=conv(128, 768, 5, pad=False),  # → 1×1
        average=nn.AdaptiveAvgPool2d(1),
        flatten=nn.Flatten(),
        linear=nn.Linear(768, classes),
    )


@method(task="classification", paper="Szegedy 2016", lesson="w5d1")
def inception_v3(
    classes: Annotated[int, Range(1, 10**6)] = 1000,
    *,
    in_channels: Annotated[int, Range(1, 4096)] = 3,
    auxiliary: bool = False,
    dropout: Annotated[float, Range(0, 1)] = 0.5,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
) -> Supervised:
    """Inception v3 with fresh weights, made for images of 299×299 pixels.

    Parameters
    ----------
    classes
        Number of classes, ≥ 1.
    in_channels
        Channels of the images: 3 RGB, 1 grey.
    auxiliary
        Add the classifier on the way, which counts 0.3 in training and wants images from 259 pixels; the public
        checkpoints have it.
    dropout
        Share of the averages that training sets to zero, in 0–1.
    mean, std
        Of the pixels in 0–1, one number for each channel, deviations > 0; None takes ImageNet's. The public
        checkpoints want 0.5.

    Returns
    -------
    Supervised
        A model from B×C×H×W float32 images in 0–1, at least 75×75, to B×classes logits. NaN in an image propagates to
        its logits.

    Raises
    ------
    InputError
        When an argument is out of its range, or images are too small.

    References
    ----------
    C. Szegedy, V. Vanhoucke, S. Ioffe, J. Shlens, Z. Wojna, "Rethinking the Inception Architecture for Computer
    Vision", CVPR 2016.

    Examples
    --------
    >>> sum(p.numel() for p in inception_v3().parameters())
    23834568
    """
    name = "inception_v3"
    config = replace(
        VARIANTS[name],
        classes=integer(name, "classes", classes, 1),
        in_channels=integer(name, "in_channels", in_channels, 1),
        auxiliary=flag(name, "auxiliary", auxiliary),
        dropout=number(name, "dropout", dropout, 0, 1),
    )
    body, head, on_the_way = build(config)
    normalize = pixel_normalize(name, in_channels, mean, std)
    model = Supervised(name, normalize, body, head, on_the_way, smallest=75, least=259)
    initialise(model)
    return model
