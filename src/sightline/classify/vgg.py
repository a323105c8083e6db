"""VGG: nothing but 3×3 convolutions, two or three or four in a row, and depth does the rest.

Simonyan and Zisserman 2015, "Very Deep Convolutional Networks for Large-Scale Image Recognition", ICLR, section 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

from torch import nn

from sightline.core.catalogue import method
from sightline.core.checks import flag, integer, number
from sightline.core.types import Range
from sightline.nn.convolutional import Convolutional, initialise, pixel_normalize

Classes = Annotated[int, Range(1, 10**6)]
Channels = Annotated[int, Range(1, 4096)]
Units = Annotated[int, Range(1, 65536)]
Share = Annotated[float, Range(0, 1)]


@dataclass(frozen=True)
class VGGConfig:
    """What makes one VGG network differ from another.

    Parameters
    ----------
    blocks
        Number of 3×3 convolutions before each of the five maxima.
    widths
        Their channels.
    classes
        Number of outputs.
    in_channels
        Channels of the images.
    batch_norm
        Whether each convolution is batch-normalised.
    hidden
        Units of each of the two hidden layers of the head.
    dropout
        Share of a hidden layer that training sets to zero.
    """

    blocks: tuple[int, ...]
    widths: tuple[int, ...] = (64, 128, 256, 512, 512)
    classes: int = 1000
    in_channels: int = 3
    batch_norm: bool = False
    hidden: int = 4096
    dropout: float = 0.5


VARIANTS = {
    "vgg11": VGGConfig((1, 1, 2, 2, 2)),  # Simonyan 2015, Table 1: A, B, D and E
    "vgg13": VGGConfig((2, 2, 2, 2, 2)),
    "vgg16": VGGConfig((2, 2, 3, 3, 3)),
    "vgg19": VGGConfig((2, 2, 4, 4, 4)),
}


def build(config: VGGConfig) -> tuple[nn.Sequential, nn.Sequential]:
    """Return the body, B×C×H×W → B×512×H/32×W/32, and the head.

    Parameters
    ----------
    config
        Sizes of everything.
    """
    layers: list[nn.Module] = []
    channels = config.in_channels
    for count, width in zip(config.blocks, config.widths, strict=True):
        for _ in range(count):
            layers.append(nn.Conv2d(channels, width, 3, padding=1))
            layers += [nn.BatchNorm2d(width), nn.ReLU()] if config.batch_norm else [nn.ReLU()]
            channels = width
        layers.append(nn.MaxPool2d(2))
    head = nn.Sequential(
        nn.AdaptiveAvgPool2d(7),
        nn.Flatten(),  # B×512×7×7 → B×25088
        nn.Linear(49 * channels, config.hidden),
        nn.ReLU(),
        nn.Dropout(config.dropout),
        nn.Linear(config.hidden, config.hidden),
        nn.ReLU(),
        nn.Dropout(config.dropout),
        nn.Linear(config.hidden, config.classes),
    )
    return nn.Sequential(*layers), head


@method(task="classification", paper="Simonyan 2015", lesson="w5d1")
def vgg11(
    classes: Classes = 1000,
    *,
    in_channels: Channels = 3,
    batch_norm: bool = False,
    hidden: Units = 4096,
    dropout: Share = 0.5,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
) -> Convolutional:
    """VGG-11 with fresh weights: eight convolutions and three layers that see everything.

    Parameters
    ----------
    classes
        Number of classes, ≥ 1.
    in_channels
        Channels of the images: 3 RGB, 1 grey.
    batch_norm
        Normalise each convolution over the batch; the paper, older than that, does not.
    hidden
        Units of each of the head's two hidden layers; most of the weights are there.
    dropout
        Share of a hidden layer that training sets to zero, in 0–1.
    mean, std
        Of the pixels in 0–1, one number for each channel, deviations > 0; None takes ImageNet's.

    Returns
    -------
    Convolutional
        A model from B×C×H×W float32 images in 0–1, at least 32×32, to B×classes logits. NaN in an image propagates to
        its logits.

    Raises
    ------
    InputError
        When an argument is out of its range, or images are too small.

    References
    ----------
    K. Simonyan, A. Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", ICLR 2015.

    Examples
    --------
    >>> sum(type(layer).__name__ == "Conv2d" for layer in vgg11(10, hidden=8).body)
    8
    """
    sizes = {"in_channels": in_channels, "batch_norm": batch_norm, "hidden": hidden, "dropout": dropout}
    return _make("vgg11", mean, std, classes=classes, **sizes)


@method(task="classification", paper="Simonyan 2015", lesson="w5d1")
def vgg13(
    classes: Classes = 1000,
    *,
    in_channels: Channels = 3,
    batch_norm: bool = False,
    hidden: Units = 4096,
    dropout: Share = 0.5,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
) -> Convolutional:
    """VGG-13 with fresh weights: ten convolutions and three layers that see everything.

    Parameters
    ----------
    classes
        Number of classes, ≥ 1.
    in_channels
        Channels of the images: 3 RGB, 1 grey.
    batch_norm
        Normalise each convolution over the batch; the paper, older than that, does not.
    hidden
        Units of each of the head's two hidden layers; most of the weights are there.
    dropout
        Share of a hidden layer that training sets to zero, in 0–1.
    mean, std
        Of the pixels in 0–1, one number for each channel, deviations > 0; None takes ImageNet's.

    Returns
    -------
    Convolutional
        A model from B×C×H×W float32 images in 0–1, at least 32×32, to B×classes logits. NaN in an image propagates to
        its logits.

    Raises
    ------
    InputError
        When an argument is out of its range, or images are too small.

    References
    ----------
    K. Simonyan, A. Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", ICLR 2015.

    Examples
    --------
    >>> sum(type(layer).__name__ == "Conv2d" for layer in vgg13(10, hidden=8).body)
    10
    """
    sizes = {"in_channels": in_channels, "batch_norm": batch_norm, "hidden": hidden, "dropout": dropout}
    return _make("vgg13", mean, std, classes=classes, **sizes)


@method(task="classification", paper="Simonyan 2015", lesson="w5d1")
def vgg16(
    classes: Classes = 1000,
    *,
    in_channels: Channels = 3,
    batch_norm: bool = False,
    hidden: Units = 4096,
    dropout: Share = 0.5,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
) -> Convolutional:
    """VGG-16 with fresh weights: thirteen convolutions and three layers that see everything.

    Parameters
    ----------
    classes
        Number of classes, ≥ 1.
    in_channels
        Channels of the images: 3 RGB, 1 grey.
    batch_norm
        Normalise each convolution over the batch; the paper, older than that, does not.
    hidden
        Units of each of the head's two hidden layers; most of the weights are there.
    dropout
        Share of a hidden layer that training sets to zero, in 0–1.
    mean, std
        Of the pixels in 0–1, one number for each channel, deviations > 0; None takes ImageNet's.

    Returns
    -------
    Convolutional
        A model from B×C×H×W float32 images in 0–1, at least 32×32, to B×classes logits. NaN in an image propagates to
        its logits.

    Raises
    ------
    InputError
        When an argument is out of its range, or images are too small.

    References
    ----------
    K. Simonyan, A. Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", ICLR 2015.

    Examples
    --------
    >>> sum(type(layer).__name__ == "Conv2d" for layer in vgg16(10, hidden=8).body)
    13
    """
    sizes = {"in_channels": in_channels, "batch_norm": batch_norm, "hidden": hidden, "dropout": dropout}
    return _make("vgg16", mean, std, classes=classes, **sizes)


@method(task="classification", paper="Simonyan 2015", lesson="w5d1")
def vgg19(
    classes: Classes = 1000,
    *,
    in_channels: Channels = 3,
    batch_norm: bool = False,
    hidden: Units = 4096,
    dropout: Share = 0.5,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
) -> Convolutional:
    """VGG-19 with fresh weights: sixteen convolutions and three layers that see everything.

    Parameters
    ----------
    classes
        Number of classes, ≥ 1.
    in_channels
        Channels of the images: 3 RGB, 1 grey.
    batch_norm
        Normalise each convolution over the batch; the paper, older than that, does not.
    hidden
        Units of each of the head's two hidden layers; most of the weights are there.
    dropout
        Share of a hidden layer that training sets to zero, in 0–1.
    mean, std
        Of the pixels in 0–1, one number for each channel, deviations > 0; None takes ImageNet's.

    Returns
    -------
    Convolutional
        A model from B×C×H×W float32 images in 0–1, at least 32×32, to B×classes logits. NaN in an image propagates to
        its logits.

    Raises
    ------
    InputError
        When an argument is out of its range, or images are too small.

    References
    ----------
    K. Simonyan, A. Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", ICLR 2015.

    Examples
    --------
    >>> sum(type(layer).__name__ == "Conv2d" for layer in vgg19(10, hidden=8).body)
    16
    """
    sizes = {"in_channels": in_channels, "batch_norm": batch_norm, "hidden": hidden, "dropout": dropout}
    return _make("vgg19", mean, std, classes=classes, **sizes)


def _make(name: str, mean: Sequence[float] | None, std: Sequence[float] | None, **sizes: Any) -> Convolutional:
    config = replace(VARIANTS[name], **sizes)
    for argument, value in (
        ("classes", config.classes),
        ("in_channels", config.in_channels),
        ("hidden", config.hidden),
    ):
        integer(name, argument, value, 1)
    number(name, "dropout", config.dropout, 0, 1)
    flag(name, "batch_norm", config.batch_norm)
    body, head = build(config)
    normalize = pixel_normalize(name, config.in_channels, mean, std)
    model = Convolutional(name, normalize, body, head, smallest=32)
    initialise(model)
    return model
