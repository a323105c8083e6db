"""Path aggregation: what is far away in depth comes near, from the coarse maps down and from the fine ones up again.

Lin et al. 2017, "Feature Pyramid Networks for Object Detection", CVPR (top-down); Liu et al. 2018, "Path Aggregation
Network for Instance Segmentation", CVPR, Fig. 1 (bottom-up). Maps are joined side by side and mixed by a cross-stage
block, all levels with the same number of channels.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sightline.nn.csp import CrossStage, conv


class PathAggregation(nn.Module):
    """From maps of falling resolution to as many maps of equal width, each of which has seen all.

    Parameters
    ----------
    in_channels
        Channels of the maps, the finest first.
    channels
        Channels of every map that goes out.
    depth
        Residual blocks of each mixing block.
    """

    def __init__(self, in_channels: Sequence[int], channels: int, depth: int = 1) -> None:
        super().__init__()
        steps = range(len(in_channels) - 1)
        self.lateral = nn.ModuleList(conv(width, channels, 1) for width in in_channels)
        self.down = nn.ModuleList(CrossStage(2 * channels, channels, depth, shortcut=False) for _ in steps)
        self.shrink = nn.ModuleList(conv(channels, channels, 3, 2) for _ in steps)
        self.up = nn.ModuleList(CrossStage(2 * channels, channels, depth, shortcut=False) for _ in steps)

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """Return the mixed maps, the finest first.

        Parameters
        ----------
        maps
            B×Cᵢ×Hᵢ×Wᵢ, the finest first.
        """
        found = [lateral(x) for lateral, x in zip(self.lateral, maps, strict=True)]
        for i in reversed(range(len(found) - 1)):  # the coarse map tells the finer one what it is a part of
            above = F.interpolate(found[i + 1], size=found[i].shape[-2:], mode="nearest")
            found[i] = self.down[i](torch.cat([found[i], above], dim=1))
        for i in range(len(found) - 1):  # the fine map tells the coarser one where the edges are
            below = self.shrink[i](found[i])
            found[i + 1] = self.up[i](torch.cat([found[i + 1], below], dim=1))
        return found
