"""The fastest way known to a small picture's class: a computed first layer, six convolutions, a few passes.

Jordan 2024, "94% on CIFAR-10 in 3.29 Seconds on a Single GPU", arXiv 2404.00498, section 3 and listing 4.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated

from torch import Tensor, nn

from sightline.core.catalogue import method
from sightline.core.checks import choice, integer, number
from sightline.core.types import Choice, Range
from sightline.nn.convolutional import pixel_normalize
from sightline.nn.whitened import Whitened, WhiteningConv

SMALLEST = 9  # pixels: one place is left after the first layer and three maxima
SCALE = 1 / 9  # of the logits (listing 4)


@dataclass(frozen=True)
class AirbenchConfig:
    """Sizes of one network.

    Parameters
    ----------
    widths
        Channels of the three groups.
    """

    widths: tuple[int, int, int]


VARIANTS = {
    "94": AirbenchConfig((64, 256, 256)),  # section 3.1: 1.97 million weights
    "95": AirbenchConfig((128, 384, 384)),  # section 4
}


def norm(channels: int) -> nn.BatchNorm2d:
    """Return a batch normalisation whose scale stays 1 and whose statistics follow quickly.

    Parameters
    ----------
    channels
        Of its input.
    """
    layer = nn.BatchNorm2d(channels, eps=1e-12, momentum=0.4)
    layer.weight.requires_grad_(False)
    return layer


class Group(nn.Sequential):
    """Two convolutions, with the maximum over 2×2 places after the first: B×C×H×W → B×width×⌊H/2⌋×⌊W/2⌋.

    Parameters
    ----------
    channels
        C.
    width
        Of both convolutions.
    """

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, padding=1, bias=False)
        self.pool = nn.MaxPool2d(2)
        self.norm1 = norm(width)
        self.act1 = nn.GELU()
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm2 = norm(width)
        self.act2 = nn.GELU()
        for conv in (self.conv1, self.conv2):  # section 3.3: the first filters hand their channel on as it is
            nn.init.dirac_(conv.weight[: conv.in_channels])


class Head(nn.Sequential):
    """The maximum over 3×3 places, one linear layer, the logits scaled: B×C×H×W → B×classes.

    Parameters
    ----------
    channels
        C.
    classes
        Number of outputs.
    """

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.pool = nn.AdaptiveMaxPool2d(1)
        self.flatten = nn.Flatten()
        self.linear = nn.Linear(channels, classes, bias=False)

    def forward(self, input: Tensor) -> Tensor:
        """Return the logits."""
        return super().forward(input) * SCALE


@method(task="classification", paper="Jordan 2024", lesson="w5d1")
def airbench(
    classes: Annotated[int, Range(1, 10**6)] = 10,
    *,
    variant: Annotated[str, Choice(*VARIANTS)] = "94",
    width: Annotated[float, Range(0.125, 4)] = 1.0,
    in_channels: Annotated[int, Range(1, 4096)] = 3,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
) -> Whitened:
    """Airbench with fresh weights: small pictures learnt in a few passes.

    Parameters
    ----------
    classes
        Number of classes, ≥ 1.
    variant
        ``"94"`` or ``"95"``, after the percentage of CIFAR-10 that each one is for.
    width
        Factor of all channels, 0.125–4, rounded to multiples of 8; 0.5 costs a quarter.
    in_channels
        Channels of the images: 3 RGB, 1 grey.
    mean, std
        Of the pixels in 0–1, one number for each channel, deviations > 0; None takes ImageNet's.

    Returns
    -------
    Whitened
        A model from B×C×H×W float32 images in 0–1, at least 9×9, to B×classes logits. Its first layer begins with
        random directions; ``model.whiten(images)`` computes it from images, as training does by itself. NaN in an image
        propagates to its logits.

    Raises
    ------
    InputError
        When an argument is out of its range, or images are too small.

    Notes
    -----
    The maximum before the last layer is over all places of the map: 3×3 for pictures of 32×32, as in the paper.

    References
    ----------
    K. Jordan, "94% on CIFAR-10 in 3.29 Seconds on a Single GPU", arXiv 2404.00498, 2024.

    Examples
    --------
    >>> import torch
    >>> airbench(10, width=0.25).features(torch.zeros(1, 3, 32, 32)).shape
    torch.Size([1, 64, 3, 3])
    """
    classes = integer("airbench", "classes", classes, 1)
    in_channels = integer("airbench", "in_channels", in_channels, 1)
    factor = number("airbench", "width", width, 0.125, 4)
    config = VARIANTS[choice("airbench", "variant", variant, tuple(VARIANTS))]
    widths = [max(8, round(factor * count / 8) * 8) for count in config.widths]
    white = WhiteningConv(in_channels)
    groups = [Group(before, after) for before, after in pairwise((white.out_channels, *widths))]
    body = nn.Sequential(white, nn.GELU(), *groups)
    normalize = pixel_normalize("airbench", in_channels, mean, std)
    return Whitened("airbench", normalize, body, Head(widths[-1], classes), smallest=SMALLEST)
