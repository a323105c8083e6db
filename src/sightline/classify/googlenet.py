"""GoogLeNet: four ways to look at every place, side by side; 1×1 convolutions keep it affordable.

Szegedy et al. 2015, "Going Deeper with Convolutions", CVPR, sections 4 and 5 and Table 1; with batch normalisation
(Ioffe and Szegedy 2015) instead of local response normalisation, as the public checkpoints have it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated

from torch import nn

from sightline.classify.inception_v3 import conv
from sightline.core.catalogue import method
from sightline.core.checks import flag, integer, number
from sightline.core.types import Range
from sightline.nn.branches import Branches, Supervised
from sightline.nn.convolutional import PooledLinear, initialise, named, pixel_normalize

Row = tuple[int, int, int, int, int, int]


@dataclass(frozen=True)
class GoogLeNetConfig:
    """Sizes of GoogLeNet.

    Parameters
    ----------
    stages
        The modules between two maxima. Of each: channels of the 1×1; of the 1×1 before the 3×3 and of the 3×3; of the
        1×1 before the larger one and of that; of the 1×1 behind the maximum.
    classes
        Number of outputs.
    in_channels
        Channels of the images.
    auxiliary
        Whether there are two more classifiers on the way.
    dropout
        Share of the averages that training sets to zero.
    """

    stages: tuple[tuple[Row, ...], ...]
    classes: int = 1000
    in_channels: int = 3
    auxiliary: bool = False
    dropout: float = 0.2


VARIANTS = {
    "googlenet": GoogLeNetConfig(  # Szegedy 2015, Table 1
        (
            ((64, 96, 128, 16, 32, 32), (128, 128, 192, 32, 96, 64)),
            (
                (192, 96, 208, 16, 48, 64),
                (160, 112, 224, 24, 64, 64),
                (128, 128, 256, 24, 64, 64),
                (112, 144, 288, 32, 64, 64),
                (256, 160, 320, 32, 128, 128),
            ),
            ((256, 160, 320, 32, 128, 128), (384, 192, 384, 48, 128, 128)),
        )
    )
}


def inception(in_channels: int, row: Row) -> Branches:
    """Return one module (Fig. 2b): 1×1; 1×1 and 3×3; 1×1 and another 3×3; maximum and 1×1.

    The paper's third branch has a 5×5. Every public checkpoint has a 3×3 there, an old slip that became the standard.

    Parameters
    ----------
    in_channels
        Channels that come in.
    row
        A row of Table 1.
    """
    one, reduce3, three, reduce5, five, pool = row
    return Branches(
        {
            "one": conv(in_channels, one, 1),
            "three": nn.Sequential(conv(in_channels, reduce3, 1), conv(reduce3, three, 3)),
            "five": nn.Sequential(conv(in_channels, reduce5, 1), conv(reduce5, five, 3)),
            "pool": nn.Sequential(nn.MaxPool2d(3, 1, 1, ceil_mode=True), conv(in_channels, pool, 1)),
        }
    )


def auxiliary_head(channels: int, classes: int) -> nn.Sequential:
    """Return a classifier on the way: averages of 4×4 places, 1×1, two linear layers (section 5).

    Parameters
    ----------
    channels
        Of the map that it sees.
    classes
        Number of outputs.
    """
    return named(
        pool=nn.AdaptiveAvgPool2d(4),
        conv=conv(channels, 128, 1),
        flatten=nn.Flatten(),  # B×128×4×4 → B×2048
        fc1=nn.Linear(2048, 1024),
        activation=nn.ReLU(),
        dropout=nn.Dropout(0.7),
        fc2=nn.Linear(1024, classes),
    )


def build(config: GoogLeNetConfig) -> tuple[nn.Sequential, nn.Module, dict[str, nn.Module]]:
    """Return the body, B×C×H×W → B×1024×H/32×W/32, the head, and the classifiers on the way.

    Parameters
    ----------
    config
        Sizes of everything.
    """
    layers: dict[str, nn.Module] = {
        "conv1": conv(config.in_channels, 64, 7, 2),
        "pool1": nn.MaxPool2d(3, 2, ceil_mode=True),
        "conv2": conv(64, 64, 1),
        "conv3": conv(64, 192, 3),
        "pool2": nn.MaxPool2d(3, 2, ceil_mode=True),
    }
    channels = 192
    on_the_way: dict[str, nn.Module] = {}
    for stage, rows in enumerate(config.stages, start=3):
        for letter, row in zip("abcde", rows, strict=False):
            layers[f"inception{stage}{letter}"] = inception(channels, row)
            channels = row[0] + row[2] + row[4] + row[5]
            if f"{stage}{letter}" in ("4a", "4d") and config.auxiliary:
                on_the_way[f"inception{stage}{letter}"] = auxiliary_head(channels, config.classes)
        if stage < 5:
            size = 3 if stage == 3 else 2
            layers[f"pool{stage}"] = nn.MaxPool2d(size, 2, ceil_mode=True)
    return named(**layers), PooledLinear(channels, config.classes, config.dropout), on_the_way


@method(task="classification", paper="Szegedy 2015", lesson="w5d1")
def googlenet(
    classes: Annotated[int, Range(1, 10**6)] = 1000,
    *,
    in_channels: Annotated[int, Range(1, 4096)] = 3,
    auxiliary: bool = False,
    dropout: Annotated[float, Range(0, 1)] = 0.2,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
) -> Supervised:
    """GoogLeNet with fresh weights: nine inception modules, batch-normalised.

    Parameters
    ----------
    classes
        Number of classes, ≥ 1.
    in_channels
        Channels of the images: 3 RGB, 1 grey.
    auxiliary
        Add the two classifiers on the way, which count 0.3 in training; the public checkpoints have them.
    dropout
        Share of the averages that training sets to zero, in 0–1.
    mean, std
        Of the pixels in 0–1, one number for each channel, deviations > 0; None takes ImageNet's. The public
        checkpoints want 0.5.

    Returns
    -------
    Supervised
        A model from B×C×H×W float32 images in 0–1, at least 15×15, to B×classes logits. NaN in an image propagates to
        its logits.

    Raises
    ------
    InputError
        When an argument is out of its range, or images are too small.

    References
    ----------
    C. Szegedy et al., "Going Deeper with Convolutions", CVPR 2015.

    Examples
    --------
    >>> sum(p.numel() for p in googlenet().parameters())
    6624904
    """
    name = "googlenet"
    config = replace(
        VARIANTS[name],
        classes=integer(name, "classes", classes, 1),
        in_channels=integer(name, "in_channels", in_channels, 1),
        auxiliary=flag(name, "auxiliary", auxiliary),
        dropout=number(name, "dropout", dropout, 0, 1),
    )
    body, head, on_the_way = build(config)
    model = Supervised(name, pixel_normalize(name, in_channels, mean, std), body, head, on_the_way, smallest=15)
    initialise(model)
    return model
