"""AlexNet: five convolutions, three layers that see everything, ReLU, dropout, and two graphics cards.

Krizhevsky, Sutskever and Hinton 2012, "ImageNet Classification with Deep Convolutional Neural Networks", NIPS,
sections 3.1 to 3.5 and 4.2; and its single-tower form, Krizhevsky 2014, "One weird trick for parallelizing
convolutional neural networks", arXiv:1404.5997, which public checkpoints have.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated

from torch import nn

from sightline.core.catalogue import method
from sightline.core.checks import choice, integer, number
from sightline.core.types import Choice, Range
from sightline.nn.convolutional import Convolutional, initialise, pixel_normalize


@dataclass(frozen=True)
class AlexNetConfig:
    """What makes the two forms of AlexNet differ.

    Parameters
    ----------
    widths
        Channels of the five convolutions.
    groups
        Parts of the channels that do not see each other, for each convolution: what each card kept to itself.
    responses
        Whether local response normalisation follows the first two convolutions.
    classes
        Number of outputs.
    in_channels
        Channels of the images.
    hidden
        Units of each of the two hidden layers of the head.
    dropout
        Share of a layer's input that training sets to zero.
    """

    widths: tuple[int, int, int, int, int]
    groups: tuple[int, int, int, int, int] = (1, 1, 1, 1, 1)
    responses: bool = False
    classes: int = 1000
    in_channels: int = 3
    hidden: int = 4096
    dropout: float = 0.5


VARIANTS = {
    "single": AlexNetConfig((64, 192, 384, 256, 256)),  # Krizhevsky 2014, section 5
    "paper": AlexNetConfig((96, 256, 384, 384, 256), (1, 2, 1, 2, 2), responses=True),  # Krizhevsky 2012, Fig. 2
}


def response_norm() -> nn.LocalResponseNorm:
    """Return b = a / (k + α Σ a²)^β over 5 neighbouring channels, k = 2, α = 1e-4, β = 0.75 (section 3.3).

    torch takes the mean of the squares where the paper takes their sum: its α is 5 times the paper's.
    """
    return nn.LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2.0)


def build(config: AlexNetConfig) -> nn.Sequential:
    """Return the five convolutions with what stands between them: B×C×224×224 → B×256×6×6.

    Parameters
    ----------
    config
        Sizes of everything.
    """
    shapes = ((11, 4, 2), (5, 1, 2), (3, 1, 1), (3, 1, 1), (3, 1, 1))  # size, stride, padding of each
    layers: list[nn.Module] = []
    channels = config.in_channels
    for place, (size, stride, padding) in enumerate(shapes):
        width = config.widths[place]
        layers += [nn.Conv2d(channels, width, size, stride, padding, groups=config.groups[place]), nn.ReLU()]
        if config.responses and place < 2:
            layers.append(response_norm())
        if place in (0, 1, 4):
            layers.append(nn.MaxPool2d(3, 2))  # overlapping, section 3.4
        channels = width
    return nn.Sequential(*layers)


def dropout_head(channels: int, hidden: int, classes: int, dropout: float) -> nn.Sequential:
    """Return three layers that see everything, dropout before the first two: B×C×H×W → B×classes.

    Parameters
    ----------
    channels
        C; the map is averaged to 6×6 places where it has another size.
    hidden
        Units of the two hidden layers.
    classes
        Number of outputs.
    dropout
        Share that training sets to zero.
    """
    return nn.Sequential(
        nn.AdaptiveAvgPool2d(6),
        nn.Flatten(),  # B×C×6×6 → B×36C
        nn.Dropout(dropout),
        nn.Linear(36 * channels, hidden),
        nn.ReLU(),
        nn.Dropout(dropout),
        nn.Linear(hidden, hidden),
        nn.ReLU(),
        nn.Linear(hidden, classes),
    )


@method(task="classification", paper="Krizhevsky 2012", lesson="w5d1")
def alexnet(
    classes: Annotated[int, Range(1, 10**6)] = 1000,
    *,
    variant: Annotated[str, Choice("single", "paper")] = "single",
    in_channels: Annotated[int, Range(1, 4096)] = 3,
    hidden: Annotated[int, Range(1, 65536)] = 4096,
    dropout: Annotated[float, Range(0, 1)] = 0.5,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
) -> Convolutional:
    """AlexNet with fresh weights: as it was on two cards, or in the single tower that public checkpoints have.

    Parameters
    ----------
    classes
        Number of classes, ≥ 1.
    variant
        ``"paper"``: grouped convolutions and local response normalisation; ``"single"``: neither, and fewer channels.
    in_channels
        Channels of the images: 3 RGB, 1 grey.
    hidden
        Units of each of the head's two hidden layers; most of the weights are there.
    dropout
        Share of a hidden layer's input that training sets to zero, in 0–1.
    mean, std
        Of the pixels in 0–1, one number for each channel, deviations > 0; None takes ImageNet's.

    Returns
    -------
    Convolutional
        A model from B×C×H×W float32 images in 0–1, at least 63×63, to B×classes logits. NaN in an image propagates to
        its logits.

    Raises
    ------
    InputError
        When an argument is out of its range, or images are too small.

    References
    ----------
    A. Krizhevsky, I. Sutskever, G. E. Hinton, "ImageNet Classification with Deep Convolutional Neural Networks",
    NIPS 2012.

    Examples
    --------
    >>> import torch
    >>> model = alexnet(10, variant="paper", hidden=8)
    >>> model.features(torch.zeros(1, 3, 224, 224)).shape
    torch.Size([1, 256, 6, 6])
    """
    config = replace(
        VARIANTS[choice("alexnet", "variant", variant, tuple(VARIANTS))],
        classes=integer("alexnet", "classes", classes, 1),
        in_channels=integer("alexnet", "in_channels", in_channels, 1),
        hidden=integer("alexnet", "hidden", hidden, 1),
        dropout=number("alexnet", "dropout", dropout, 0, 1),
    )
    head = dropout_head(config.widths[-1], config.hidden, config.classes, config.dropout)
    normalize = pixel_normalize("alexnet", in_channels, mean, std)
    model = Convolutional("alexnet", normalize, build(config), head, smallest=63)
    initialise(model)
    return model
