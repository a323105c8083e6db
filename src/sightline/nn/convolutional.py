"""A classifier in three parts: pixels are normalised, layers make a map of what is where, a head reads the map."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from torch import Tensor, nn

from sightline.core.checks import integer
from sightline.core.errors import InputError
from sightline.nn.normalize import Normalize, pixel_statistics


class Convolutional(nn.Module):
    """Normalise, body, head: B×C×H×W images in 0–1 → B×classes logits.

    Parameters
    ----------
    name
        What errors call the network.
    normalize
        Mean and deviation of the pixels.
    body
        Layers in order; the last one's output is the map that the head reads and that a class activation map weighs.
    head
        From the map to logits.
    smallest
        Least side of an image in pixels that leaves a place on the map.
    """

    def __init__(
        self, name: str, normalize: nn.Module, body: nn.Sequential, head: nn.Module, *, smallest: int = 1
    ) -> None:
        super().__init__()
        self.name, self.smallest = name, smallest
        self.normalize = normalize
        self.body = body
        self.head = head

    def forward(self, images: Tensor) -> Tensor:
        """Return B×classes logits."""
        return self.head(self.features(images))

    def features(self, images: Tensor) -> Tensor:
        """Return the body's map, B×C×H'×W'."""
        self.check(images, self.smallest)
        return self.body(self.normalize(images))

    def check(self, images: Tensor, least: int) -> None:
        """Refuse images with a side below ``least`` pixels."""
        if images.ndim == 4 and min(images.shape[-2:]) < least:
            height, width = images.shape[-2:]
            raise InputError(
                f"{self.name}: images must be at least {least}×{least} pixels; got {height}×{width}. "
                f"Use sightline.image.resize(image, ({least}, {least})) or a larger size first."
            )

    @property
    def cam_layer(self) -> nn.Module:
        """The last layer of the body."""
        return self.body[-1]

    def cam_map(self, output: Tensor) -> Tensor:
        """Return the map as it is."""
        return output


class PooledLinear(nn.Sequential):
    """Average over the places, dropout, one linear layer: B×C×H×W → B×classes.

    Parameters
    ----------
    channels
        C.
    classes
        Number of outputs.
    dropout
        Share of the averages that training sets to zero.
    """

    def __init__(self, channels: int, classes: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)  # B×C×H×W → B×C×1×1
        self.flatten = nn.Flatten()  # → B×C
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(channels, classes)


def named(**layers: nn.Module) -> nn.Sequential:
    """Return layers in order, each under its name.

    Parameters
    ----------
    layers
        By name.
    """
    return nn.Sequential(OrderedDict(layers))


def pixel_normalize(
    name: str, in_channels: int, mean: Sequence[float] | None, std: Sequence[float] | None
) -> Normalize:
    """Return the first part of a network: given pixel statistics, or ImageNet's.

    Parameters
    ----------
    name
        Who asks, for errors.
    in_channels
        Channels of the images, ≥ 1.
    mean, std
        One number for each channel, or None.
    """
    return Normalize(*pixel_statistics(integer(name, "in_channels", in_channels, 1), mean, std))


def initialise(model: nn.Module) -> None:
    """Draw fresh weights, in place: N(0, 2/fan out) for convolutions, N(0, 0.01²) for linear layers, biases zero.

    He 2015, "Delving Deep into Rectifiers", equation 14: the variance of the gradients stays the same from layer to
    layer.

    Parameters
    ----------
    model
        Its normalisations keep their ones and zeros.
    """
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        elif isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, 0, 0.01)
        if isinstance(module, (nn.Conv2d, nn.Linear)) and module.bias is not None:
            nn.init.zeros_(module.bias)
