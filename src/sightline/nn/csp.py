"""Cross-stage partial blocks: half of the channels take the residual road, the other half goes round it.

Wang et al. 2020, "CSPNet: A New Backbone that can Enhance Learning Capability of CNN", CVPR Workshops, Fig. 3 (fusion
last); He et al. 2015, "Spatial Pyramid Pooling in Deep Convolutional Networks", PAMI, for the pyramid at the end;
Elfwing et al. 2018, "Sigmoid-Weighted Linear Units", for the activation.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from sightline.nn.conv_norm import ConvNorm


def conv(in_channels: int, out_channels: int, size: int, stride: int = 1, groups: int = 1) -> ConvNorm:
    """Return a convolution with normalisation and x·σ(x).

    Parameters
    ----------
    in_channels, out_channels
        Channels.
    size, stride, groups
        Side of the kernel, step in pixels, parts of the channels that do not see each other.
    """
    return ConvNorm(in_channels, out_channels, size, stride, groups=groups, activation=nn.SiLU(inplace=True))


class Residual(nn.Module):
    """1×1 and 3×3, added to what came in where ``shortcut`` says so."""

    def __init__(self, channels: int, shortcut: bool) -> None:
        super().__init__()
        self.reduce = conv(channels, channels, 1)
        self.expand = conv(channels, channels, 3)
        self.shortcut = shortcut

    def forward(self, x: Tensor) -> Tensor:
        """Return B×C×H×W."""
        y = self.expand(self.reduce(x))
        return x + y if self.shortcut else y


class CrossStage(nn.Module):
    """Two 1×1 part the channels; one half passes ``depth`` residual blocks, the other none; a 1×1 joins them.

    Parameters
    ----------
    in_channels, out_channels
        Channels.
    depth
        Number of residual blocks.
    shortcut
        Whether the blocks add what came in.
    """

    def __init__(self, in_channels: int, out_channels: int, depth: int, shortcut: bool = True) -> None:
        super().__init__()
        half = out_channels // 2
        self.through = conv(in_channels, half, 1)
        self.around = conv(in_channels, half, 1)
        self.blocks = nn.Sequential(*(Residual(half, shortcut) for _ in range(depth)))
        self.join = conv(2 * half, out_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return B×out×H×W."""
        return self.join(torch.cat([self.blocks(self.through(x)), self.around(x)], dim=1))


class PyramidPool(nn.Module):
    """Maxima over 1, 5, 9 and 13 pixels side by side; three maxima over 5 in a row see 5, 9 and 13.

    Parameters
    ----------
    channels
        That come in and go out.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.reduce = conv(channels, channels // 2, 1)
        self.pool = nn.MaxPool2d(5, 1, padding=2)
        self.join = conv(4 * (channels // 2), channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return B×C×H×W."""
        seen = [self.reduce(x)]
        for _ in range(3):
            seen.append(self.pool(seen[-1]))
        return self.join(torch.cat(seen, dim=1))


class CspBackbone(nn.Module):
    """A stem and four stages, each of half the resolution: maps of stride 8, 16 and 32.

    Parameters
    ----------
    widths
        Channels of the stem and of the four stages.
    depths
        Residual blocks of the four stages.
    in_channels
        Channels of the images.
    """

    def __init__(self, widths: Sequence[int], depths: Sequence[int], in_channels: int = 3) -> None:
        super().__init__()
        self.stem = conv(in_channels, widths[0], 3, 2)
        stages = []
        for before, width, depth in zip(widths, widths[1:], depths, strict=False):
            stages.append(nn.Sequential(conv(before, width, 3, 2), CrossStage(width, width, depth)))
        stages[-1].append(PyramidPool(widths[-1]))
        self.stages = nn.ModuleList(stages)
        self.channels = tuple(widths[-3:])

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return three maps, the finest first."""
        maps, x = [], self.stem(x)
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return maps[-3:]
