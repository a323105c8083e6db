"""ZFNet: AlexNet after somebody had looked inside it; a finer first layer that wastes no filters.

Zeiler and Fergus 2014, "Visualizing and Understanding Convolutional Networks", ECCV, Fig. 3 and section 4.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from torch import nn

from sightline.classify.alexnet import dropout_head, response_norm
from sightline.core.catalogue import method
from sightline.core.checks import integer, number
from sightline.core.types import Range
from sightline.nn.convolutional import Convolutional, initialise, pixel_normalize


@dataclass(frozen=True)
class ZFNetConfig:
    """Sizes of ZFNet.

    Parameters
    ----------
    widths
        Channels of the five convolutions.
    """

    widths: tuple[int, int, int, int, int] = (96, 256, 384, 384, 256)


VARIANTS = {"zfnet": ZFNetConfig()}  # Zeiler 2014, Fig. 3


def build(config: ZFNetConfig, in_channels: int) -> nn.Sequential:
    """Return the five convolutions with what stands between them: B×C×224×224 → B×256×6×6.

    Parameters
    ----------
    config
        Channels.
    in_channels
        C.
    """
    first, second, third, fourth, fifth = config.widths
    return nn.Sequential(
        nn.Conv2d(in_channels, first, 7, 2, 1),  # 224×224 → 110×110; AlexNet's has 11×11 and stride 4
        nn.ReLU(),
        nn.MaxPool2d(3, 2, 1),  # → 55×55
        response_norm(),
        nn.Conv2d(first, second, 5, 2),  # → 26×26
        nn.ReLU(),
        nn.MaxPool2d(3, 2, 1),  # → 13×13
        response_norm(),
        nn.Conv2d(second, third, 3, 1, 1),
        nn.ReLU(),
        nn.Conv2d(third, fourth, 3, 1, 1),
        nn.ReLU(),
        nn.Conv2d(fourth, fifth, 3, 1, 1),
        nn.ReLU(),
        nn.MaxPool2d(3, 2),  # → 6×6
    )


@method(task="classification", paper="Zeiler 2014", lesson="w5d1")
def zfnet(
    classes: Annotated[int, Range(1, 10**6)] = 1000,
    *,
    in_channels: Annotated[int, Range(1, 4096)] = 3,
    hidden: Annotated[int, Range(1, 65536)] = 4096,
    dropout: Annotated[float, Range(0, 1)] = 0.5,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
) -> Convolutional:
    """ZFNet with fresh weights: AlexNet with a 7×7 first layer of stride 2 and dense connections.

    Parameters
    ----------
    classes
        Number of classes, ≥ 1.
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
        A model from B×C×H×W float32 images in 0–1, at least 53×53, to B×classes logits. NaN in an image propagates to
        its logits.

    Raises
    ------
    InputError
        When an argument is out of its range, or images are too small.

    Notes
    -----
    The paper normalises contrast after the first two maxima and does not say how; it is AlexNet's local response
    normalisation here.

    References
    ----------
    M. D. Zeiler, R. Fergus, "Visualizing and Understanding Convolutional Networks", ECCV 2014.

    Examples
    --------
    >>> import torch
    >>> zfnet(10, hidden=8).features(torch.zeros(1, 3, 224, 224)).shape
    torch.Size([1, 256, 6, 6])
    """
    classes = integer("zfnet", "classes", classes, 1)
    in_channels = integer("zfnet", "in_channels", in_channels, 1)
    hidden = integer("zfnet", "hidden", hidden, 1)
    config = VARIANTS["zfnet"]
    head = dropout_head(config.widths[-1], hidden, classes, number("zfnet", "dropout", dropout, 0, 1))
    normalize = pixel_normalize("zfnet", in_channels, mean, std)
    model = Convolutional("zfnet", normalize, build(config, in_channels), head, smallest=53)
    initialise(model)
    return model
