"""Feature pyramid: what a deep map knows is carried down to the fine maps, so that each level sees and understands.

Lin et al. 2017, "Feature Pyramid Networks for Object Detection", CVPR, section 3: a 1×1 convolution brings each map to
the same number of channels, the coarser level is enlarged and added, a 3×3 convolution smooths the sum.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional as F

from sightline.nn.conv_norm import ConvNorm


class FeaturePyramid(nn.Module):
    """From maps of a backbone, fine to coarse, to levels of equal width, fine to coarse.

    Parameters
    ----------
    in_channels
        Channels of each map.
    out_channels
        Channels of every level.
    beyond
        Makes the coarser levels beyond: called with the coarsest level and the coarsest map, returns a list.
    norm
        Whether the convolutions are batch-normalised, instead of having biases.

    Examples
    --------
    >>> import torch
    >>> pyramid = FeaturePyramid((8, 16), 4, Subsampled())
    >>> levels = pyramid([torch.zeros(1, 8, 12, 10), torch.zeros(1, 16, 6, 5)])
    >>> [tuple(level.shape[1:]) for level in levels]
    [(4, 12, 10), (4, 6, 5), (4, 3, 3)]
    """

    def __init__(self, in_channels: Sequence[int], out_channels: int, beyond: nn.Module, *, norm: bool = False) -> None:
        super().__init__()
        self.lateral = nn.ModuleList(_convolution(channels, out_channels, 1, norm) for channels in in_channels)
        self.smooth = nn.ModuleList(_convolution(out_channels, out_channels, 3, norm) for _ in in_channels)
        self.beyond = beyond
        _initialise(self)

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """Return a level for each map, and those beyond."""
        top = self.lateral[-1](maps[-1])
        levels = [self.smooth[-1](top)]
        for index in reversed(range(len(maps) - 1)):
            own = self.lateral[index](maps[index])
            top = own + F.interpolate(top, size=own.shape[-2:], mode="nearest")
            levels.insert(0, self.smooth[index](top))
        return [*levels, *self.beyond(levels[-1], maps[-1])]


class Subsampled(nn.Module):
    """One coarser level: every second place of the coarsest one (Lin 2017, section 4.1)."""

    def forward(self, level: Tensor, deepest: Tensor) -> list[Tensor]:
        """Return B×C×⌈H/2⌉×⌈W/2⌉, in a list."""
        return [level[..., ::2, ::2]]


class StridedLevels(nn.Module):
    """Two coarser levels by 3×3 convolutions with stride 2 (Lin 2017, "Focal Loss", section 4, note on P6 and P7).

    Parameters
    ----------
    in_channels
        Channels of what they are made from: the coarsest level where they are ``out_channels``, else the deepest map.
    out_channels
        Channels of the levels.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.from_level = in_channels == out_channels
        self.six = nn.Conv2d(in_channels, out_channels, 3, 2, 1)
        self.seven = nn.Conv2d(out_channels, out_channels, 3, 2, 1)
        _initialise(self)

    def forward(self, level: Tensor, deepest: Tensor) -> list[Tensor]:
        """Return the two levels, an eighth and a sixteenth of the side of the finest of three maps."""
        six = self.six(level if self.from_level else deepest)
        return [six, self.seven(F.relu(six))]


def _convolution(in_channels: int, out_channels: int, size: int, norm: bool) -> nn.Module:
    if norm:
        return ConvNorm(in_channels, out_channels, size)
    return nn.Conv2d(in_channels, out_channels, size, padding=size // 2)


def _initialise(module: nn.Module) -> None:
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_uniform_(layer.weight, a=1)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
