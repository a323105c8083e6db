"""Two networks to begin with: two layers that see a picture as a row, and three convolutions that see its neighbours.

Rumelhart, Hinton & Williams 1986, "Learning Representations by Back-Propagating Errors", Nature 323 (``two_layer``);
LeCun et al. 1998, "Gradient-Based Learning Applied to Document Recognition", Proceedings of the IEEE 86(11), with the
batch norm of Ioffe & Szegedy 2015 (``conv_net``).
"""

from __future__ import annotations

import itertools
from typing import Annotated

from sightline.core.catalogue import method
from sightline.core.checks import integer, number, size_2d
from sightline.core.errors import InputError
from sightline.core.types import Range
from sightline.learn.layers.activations import ReLU
from sightline.learn.layers.convolution import Conv2d
from sightline.learn.layers.dropout import Dropout
from sightline.learn.layers.layer import Layer
from sightline.learn.layers.linear import Flatten, Linear
from sightline.learn.layers.normalization import BatchNorm
from sightline.learn.layers.pooling import MaxPool2d
from sightline.learn.sequential import Sequential

Size = int | tuple[int, int]
TRAINED = {"two-layer": "two_layer", "conv-net": "conv_net"}  # what `sightline train learn/…` knows, and its builder


@method(task="networks", paper="Rumelhart, Hinton & Williams 1986", lesson="w5d7")
def two_layer(
    classes: Annotated[int, Range(1, 10**6)] = 10,
    *,
    size: Size = 28,
    in_channels: Annotated[int, Range(1, 4096)] = 1,
    hidden: Annotated[int, Range(1, 10**6)] = 512,
    dropout: Annotated[float, Range(0, 0.99)] = 0.5,
    seed: int = 0,
) -> Sequential:
    """Return a network of two layers: every pixel to every hidden unit, ReLU, every unit to every class.

    NaN in a picture goes to its scores.

    Parameters
    ----------
    classes
        Scores that come out, ≥ 1.
    size
        Side of the pictures in pixels, or (height, width).
    in_channels
        Channels of the pictures: 1 grey, 3 RGB.
    hidden
        Hidden units, ≥ 1.
    dropout
        Share of hidden units that a step of training leaves out, 0–0.99.
    seed
        Whole number: of the first weights and of what is left out.

    Returns
    -------
    network
        Takes N×C×H×W float32 pictures of about mean 0 and deviation 1; gives N×classes scores.

    Raises
    ------
    InputError
        When an argument is out of its range.

    References
    ----------
    D. E. Rumelhart, G. E. Hinton, R. J. Williams, "Learning Representations by Back-Propagating Errors", Nature 323,
    1986.

    Examples
    --------
    >>> network = two_layer(10, size=8, hidden=32)
    >>> {name: array.shape for name, array in network.parameters.items() if "weight" in name}
    {'1.weight': (32, 64), '4.weight': (10, 32)}
    """
    height, width = _sides("two_layer", size)
    seed = integer("two_layer", "seed", seed, 0)
    inputs = integer("two_layer", "in_channels", in_channels, 1) * height * width
    hidden = integer("two_layer", "hidden", hidden, 1)
    layers: list[Layer] = [Flatten(), Linear(inputs, hidden, seed=seed), ReLU()]
    layers.append(Dropout(number("two_layer", "dropout", dropout, 0, 0.99), seed=seed))
    return Sequential(*layers, Linear(hidden, integer("two_layer", "classes", classes, 1), seed=seed + 1))


@method(task="networks", paper="LeCun et al. 1998", lesson="w5d7")
def conv_net(
    classes: Annotated[int, Range(1, 10**6)] = 10,
    *,
    size: Size = 28,
    in_channels: Annotated[int, Range(1, 4096)] = 1,
    width: Annotated[int, Range(1, 1024)] = 16,
    dropout: Annotated[float, Range(0, 0.99)] = 0.5,
    seed: int = 0,
) -> Sequential:
    """Return a small convolutional network: three times windows of 3×3, batch norm, ReLU; twice the half size; classes.

    NaN in a picture goes to its scores.

    Parameters
    ----------
    classes
        Scores that come out, ≥ 1.
    size
        Side of the pictures in pixels, or (height, width), each ≥ 4.
    in_channels
        Channels of the pictures: 1 grey, 3 RGB.
    width
        Channels after the first convolution, ≥ 1; after the second and the third there are twice as many.
    dropout
        Share of the last layer's inputs that a step of training leaves out, 0–0.99.
    seed
        Whole number: of the first weights and of what is left out.

    Returns
    -------
    network
        Takes N×C×H×W float32 pictures of about mean 0 and deviation 1; gives N×classes scores.

    Raises
    ------
    InputError
        When an argument is out of its range.

    References
    ----------
    Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-Based Learning Applied to Document Recognition", Proceedings
    of the IEEE 86(11), 1998.
    S. Ioffe, C. Szegedy, "Batch Normalization: Accelerating Deep Network Training", ICML 2015.

    Examples
    --------
    >>> network = conv_net(10, size=16, width=8)
    >>> sum(array.size for array in network.parameters.values())
    6178
    """
    height, breadth = _sides("conv_net", size, least=4)
    seed = integer("conv_net", "seed", seed, 0)
    first = integer("conv_net", "width", width, 1)
    channels = [integer("conv_net", "in_channels", in_channels, 1), first, 2 * first, 2 * first]
    layers: list[Layer] = []
    for place, (before, after) in enumerate(itertools.pairwise(channels)):
        layers.append(Conv2d(before, after, 3, padding=1, bias=False, seed=seed + place))
        if place < 2:  # ReLU of the greatest is the greatest of ReLU, and a quarter of the work
            layers.append(MaxPool2d(2))
        layers += [BatchNorm(after), ReLU()]
    inputs = channels[-1] * (height // 4) * (breadth // 4)
    layers += [Flatten(), Dropout(number("conv_net", "dropout", dropout, 0, 0.99), seed=seed)]
    return Sequential(*layers, Linear(inputs, integer("conv_net", "classes", classes, 1), seed=seed + 3))


def _sides(function: str, size: Size, least: int = 1) -> tuple[int, int]:
    height, width = size_2d(function, "size", (size, size) if isinstance(size, int) else size)
    if min(height, width) < least:
        raise InputError(f"{function}: size must be {least} pixels or more a side; got {height}×{width}.")
    return height, width
