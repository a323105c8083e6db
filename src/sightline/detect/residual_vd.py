"""ResNet-D: three small convolutions in the place of a large one, and shortcuts that look at every pixel they drop.

He, Zhang, Zhang, Zhang, Xie and Li 2019, "Bag of Tricks for Image Classification with Convolutional Neural Networks",
CVPR, section 4: tweak C changes the stem, tweak D the shortcuts; what lies between stays the residual network.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

from sightline.detect.backbones import RESIDUAL, ResidualMaps, residual_maps
from sightline.nn.conv_norm import ConvNorm

_STEM = 64  # channels that go into the first stage


class DeepStem(nn.Module):
    """Three 3×3 convolutions, the first with stride 2, and a 3×3 maximum with stride 2: B×C×H×W → B×width×H/4×W/4.

    Parameters
    ----------
    in_channels
        C.
    width
        Channels that go out.
    """

    def __init__(self, in_channels: int, width: int) -> None:
        super().__init__()
        widths = (in_channels, width // 2, width // 2, width)
        self.convs = nn.Sequential(
            *(
                ConvNorm(before, after, 3, 1 if place else 2, activation=nn.ReLU(inplace=True))
                for place, (before, after) in enumerate(pairwise(widths))
            )
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return the first stage's input."""
        return F.max_pool2d(self.convs(x), 3, 2, padding=1)


class PooledShortcut(nn.Module):
    """The average of 2×2 pixels, then a 1×1 convolution: a strided one would not look at three of four pixels."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.pool = nn.AvgPool2d(2, 2, ceil_mode=True)
        self.project = ConvNorm(in_channels, out_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return B×out×⌈H/2⌉×⌈W/2⌉."""
        return self.project(self.pool(x))


def residual_vd_maps(name: str, backbone: str, taps: Sequence[int]) -> tuple[ResidualMaps, tuple[int, ...]]:
    """Return a residual backbone with both tweaks and fresh weights, and the channels of its maps.

    Parameters
    ----------
    name
        Who asks, for errors.
    backbone
        Name of the residual network whose blocks are taken.
    taps
        Which of the stages 0…3.

    Examples
    --------
    >>> import torch
    >>> body, channels = residual_vd_maps("doc", "resnet18", (2, 3))
    >>> [tuple(x.shape[1:]) for x in body.eval()(torch.zeros(1, 3, 64, 32))], channels
    ([(256, 4, 2), (512, 2, 1)], (256, 512))
    """
    body, channels = residual_maps(name, backbone, taps)
    body.stem = DeepStem(3, _STEM)
    before = _STEM
    for index, (stage, width) in enumerate(zip(body.stages, RESIDUAL[backbone], strict=True)):
        first: Any = stage[0]  # where the shape changes; in the first stage the shortcut has its convolution always
        first.shortcut = PooledShortcut(before, width) if index else ConvNorm(before, width, 1)
        before = width
    for module in body.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    return body, channels
