"""Multi-layer perceptron: every pixel is wired to every unit, and nothing knows which pixels are neighbours.

LeCun, Bottou, Bengio and Haffner 1998, "Gradient-Based Learning Applied to Document Recognition", section III.C.4;
trained by the back-propagation of Rumelhart, Hinton and Williams 1986.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated

from torch import Tensor, nn

from sightline.core.catalogue import method
from sightline.core.checks import integer, number, size_2d
from sightline.core.errors import InputError
from sightline.core.types import Range
from sightline.nn.normalize import Normalize

Size = int | tuple[int, int]


@dataclass(frozen=True)
class MLPConfig:
    """What makes one perceptron differ from another.

    Parameters
    ----------
    hidden
        Units of each hidden layer.
    size
        Height and width of the images in pixels.
    classes
        Number of outputs.
    in_channels
        Channels of the images.
    dropout
        Share of hidden activations that training sets to zero.
    mean, std
        Of the pixels in 0–1, one number for each channel.
    """

    hidden: tuple[int, ...]
    size: tuple[int, int] = (28, 28)
    classes: int = 10
    in_channels: int = 1
    dropout: float = 0.0
    mean: tuple[float, ...] = (0.5,)
    std: tuple[float, ...] = (0.5,)


VARIANTS = {
    "300": MLPConfig((300,)),  # LeCun 1998, Fig. 9: 28×28-300-10 and the next three
    "1000": MLPConfig((1000,)),
    "300-100": MLPConfig((300, 100)),
    "500-150": MLPConfig((500, 150)),
}


class MLP(nn.Module):
    """Flatten, hidden layers with ReLU, linear output: B×C×H×W images in 0–1 → B×classes logits.

    Parameters
    ----------
    config
        Sizes of everything.
    """

    def __init__(self, config: MLPConfig) -> None:
        super().__init__()
        self.config = config
        self.normalize = Normalize(config.mean, config.std)
        widths = [config.in_channels * math.prod(config.size), *config.hidden]
        layers: list[nn.Module] = []
        for inputs, outputs in itertools.pairwise(widths):
            layers += [nn.Linear(inputs, outputs), nn.ReLU(), nn.Dropout(config.dropout)]
        self.hidden = nn.Sequential(*layers)
        self.head = nn.Linear(widths[-1], config.classes)

    def forward(self, images: Tensor) -> Tensor:
        """Return B×classes logits."""
        return self.head(self.features(images))

    def features(self, images: Tensor) -> Tensor:
        """Return the last hidden layer, B×units."""
        if tuple(images.shape[-2:]) != self.config.size:
            height, width = self.config.size
            raise InputError(
                f"mlp: images must be {height}×{width} pixels; got {'×'.join(map(str, images.shape[-2:]))}. "
                f"Use sightline.image.resize(image, ({height}, {width})) or build mlp(size=…)."
            )
        return self.hidden(self.normalize(images).flatten(1))  # B×C×H×W → B×CHW → B×units

    @property
    def cam_layer(self) -> nn.Module:
        """There is none: no hidden unit has a place in the image."""
        raise InputError("mlp: a perceptron has no spatial layer for a class activation map. Use explain.saliency.")

    def cam_map(self, output: Tensor) -> Tensor:
        """Refuse, as :attr:`cam_layer` does."""
        raise InputError("mlp: a perceptron has no spatial layer for a class activation map. Use explain.saliency.")


@method(task="classification", paper="Rumelhart 1986", lesson="w4d1")
def mlp(
    classes: Annotated[int, Range(1, 10**6)] = 10,
    *,
    size: Size = 28,
    hidden: Sequence[int] = (300, 100),
    in_channels: Annotated[int, Range(1, 4096)] = 1,
    dropout: Annotated[float, Range(0, 1)] = 0.0,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
) -> MLP:
    """Multi-layer perceptron with fresh weights and ReLU units.

    Parameters
    ----------
    classes
        Number of classes, ≥ 1.
    size
        Side of the images in pixels, or (height, width): a perceptron takes one size only.
    hidden
        Units of each hidden layer, each ≥ 1; empty for a linear classifier.
    in_channels
        Channels of the images: 1 grey, 3 RGB.
    dropout
        Share of hidden activations that training sets to zero, in 0–1.
    mean, std
        Of the pixels in 0–1, one number for each channel, deviations > 0; None takes 0.5, that is −1 to 1.

    Returns
    -------
    MLP
        A model from B×C×H×W float32 images in 0–1 to B×classes logits. NaN in an image propagates to its logits.

    Raises
    ------
    InputError
        When an argument is out of its range.

    References
    ----------
    D. E. Rumelhart, G. E. Hinton, R. J. Williams, "Learning Representations by Back-propagating Errors", Nature 323,
    1986.
    Y. LeCun et al., "Gradient-Based Learning Applied to Document Recognition", Proceedings of the IEEE 86(11), 1998.

    Examples
    --------
    >>> import torch
    >>> model = mlp(hidden=(300,))
    >>> model(torch.zeros(2, 1, 28, 28)).shape
    torch.Size([2, 10])
    """
    in_channels = integer("mlp", "in_channels", in_channels, 1)
    config = replace(
        VARIANTS["300-100"],
        hidden=tuple(integer("mlp", f"hidden[{i}]", units, 1) for i, units in enumerate(hidden)),
        size=size_2d("mlp", "size", (size, size) if isinstance(size, int) else size),
        classes=integer("mlp", "classes", classes, 1),
        in_channels=in_channels,
        dropout=number("mlp", "dropout", dropout, 0, 1),
        mean=(0.5,) * in_channels if mean is None else tuple(mean),
        std=(0.5,) * in_channels if std is None else tuple(std),
    )
    return MLP(config)
