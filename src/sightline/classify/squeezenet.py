"""SqueezeNet: squeeze the channels before every 3×3, and AlexNet's accuracy fits into a fiftieth of its weights.

Iandola et al. 2016, "SqueezeNet: AlexNet-level accuracy with 50x fewer parameters and <0.5MB model size",
arXiv:1602.07360, sections 3.1 to 3.3; version 1.1 is the authors' later one with 2.4 times fewer computations.
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
from sightline.nn.convolutional import Convolutional, initialise, pixel_normalize


@dataclass(frozen=True)
class SqueezeNetConfig:
    """What makes one SqueezeNet differ from another.

    Parameters
    ----------
    width
        Channels of the first convolution.
    size
        Side of its kernel in pixels.
    pools
        Number of fire modules before each maximum after the first.
    classes
        Number of outputs.
    in_channels
        Channels of the images.
    stem
        ``"imagenet"``: a stride of 2 and a maximum first; ``"small"``: neither.
    dropout
        Share of the last map that training sets to zero.
    """

    width: int
    size: int
    pools: tuple[int, ...]
    classes: int = 1000
    in_channels: int = 3
    stem: str = "imagenet"
    dropout: float = 0.5


VARIANTS = {
    "1.0": SqueezeNetConfig(96, 7, (3, 4, 1)),  # Iandola 2016, Table 1
    "1.1": SqueezeNetConfig(64, 3, (2, 2, 4)),  # the authors' release of 2016
}
FIRES = ((16, 64), (16, 64), (32, 128), (32, 128), (48, 192), (48, 192), (64, 256), (64, 256))  # Table 1: s1×1, e1×1


class Fire(nn.Module):
    """A 1×1 that squeezes, then a 1×1 and a 3×3 side by side that expand (Fig. 1).

    Parameters
    ----------
    in_channels
        Channels that come in.
    squeezed
        s₁ₓ₁, the channels in between.
    expanded
        e₁ₓ₁ = e₃ₓ₃; twice as many go out.
    """

    def __init__(self, in_channels: int, squeezed: int, expanded: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(in_channels, squeezed, 1)
        self.expand1 = nn.Conv2d(squeezed, expanded, 1)
        self.expand3 = nn.Conv2d(squeezed, expanded, 3, padding=1)
        self.activation = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Return B×2e×H×W."""
        s = self.activation(self.squeeze(x))
        return torch.cat([self.activation(self.expand1(s)), self.activation(self.expand3(s))], dim=1)


def build(config: SqueezeNetConfig) -> tuple[nn.Sequential, nn.Sequential]:
    """Return the body and the head that a configuration describes.

    Parameters
    ----------
    config
        Sizes of everything.
    """
    small = config.stem == "small"
    first = nn.Conv2d(config.in_channels, config.width, config.size, 1 if small else 2, config.size // 2 * small)
    layers: list[nn.Module] = [first, nn.ReLU(), nn.Identity() if small else _pool()]
    channels, fires = config.width, iter(FIRES)
    for place, count in enumerate(config.pools):
        layers += [_pool()] if place else []
        for squeezed, expanded in (next(fires) for _ in range(count)):
            layers.append(Fire(channels, squeezed, expanded))
            channels = 2 * expanded
    head = nn.Sequential(
        nn.Dropout(config.dropout),
        nn.Conv2d(channels, config.classes, 1),  # B×512×H×W → B×classes×H×W
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),  # → B×classes
    )
    return nn.Sequential(*layers), head


def _pool() -> nn.MaxPool2d:
    return nn.MaxPool2d(3, 2, ceil_mode=True)


@method(task="classification", paper="Iandola 2016", lesson="w5d1")
def squeezenet(
    classes: Annotated[int, Range(1, 10**6)] = 1000,
    *,
    version: Annotated[str, Choice("1.0", "1.1")] = "1.1",
    in_channels: Annotated[int, Range(1, 4096)] = 3,
    stem: Annotated[str, Choice("imagenet", "small")] = "imagenet",
    dropout: Annotated[float, Range(0, 1)] = 0.5,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
) -> Convolutional:
    """SqueezeNet with fresh weights: eight fire modules, no fully connected layer, 1.2 million weights.

    Parameters
    ----------
    classes
        Number of classes, ≥ 1.
    version
        ``"1.0"`` is the paper's; ``"1.1"`` has a smaller first layer and earlier maxima.
    in_channels
        Channels of the images: 3 RGB, 1 grey.
    stem
        ``"imagenet"`` starts with a quarter of the resolution, for images from 17 pixels (21 in version 1.0);
        ``"small"`` keeps it, for images of 4 to 64.
    dropout
        Share of the last map that training sets to zero, in 0–1.
    mean, std
        Of the pixels in 0–1, one number for each channel, deviations > 0; None takes ImageNet's.

    Returns
    -------
    Convolutional
        A model from B×C×H×W float32 images in 0–1 to B×classes logits ≥ 0 (the network ends in a ReLU). NaN in an
        image propagates to its logits.

    Raises
    ------
    InputError
        When an argument is out of its range, or images are too small to leave a place on the map.

    References
    ----------
    F. N. Iandola, S. Han, M. W. Moskewicz, K. Ashraf, W. J. Dally, K. Keutzer, "SqueezeNet: AlexNet-level accuracy
    with 50x fewer parameters and <0.5MB model size", arXiv:1602.07360, 2016.

    Examples
    --------
    >>> sum(p.numel() for p in squeezenet(version="1.0").parameters())
    1248424
    >>> squeezenet(10, stem="small")(torch.zeros(2, 3, 16, 16)).shape
    torch.Size([2, 10])
    """
    config = replace(
        VARIANTS[choice("squeezenet", "version", version, tuple(VARIANTS))],
        classes=integer("squeezenet", "classes", classes, 1),
        in_channels=integer("squeezenet", "in_channels", in_channels, 1),
        stem=choice("squeezenet", "stem", stem, ("imagenet", "small")),
        dropout=number("squeezenet", "dropout", dropout, 0, 1),
    )
    body, head = build(config)
    least = 4 if config.stem == "small" else 17 if version == "1.1" else 21
    normalize = pixel_normalize("squeezenet", in_channels, mean, std)
    model = Convolutional("squeezenet", normalize, body, head, smallest=least)
    initialise(model)
    return model
