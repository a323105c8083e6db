"""The hybrid encoder: attention only where a place means something, convolutions to carry it to the finer maps.

Zhao et al. 2024, "DETRs Beat YOLOs on Real-time Object Detection", CVPR, section 4.2: intra-scale interaction (AIFI)
is self-attention on the coarsest map alone; cross-scale fusion (CCFM) goes down to the finest map and up again, with
blocks of RepVGG (Ding et al. 2021, "RepVGG: Making VGG-style ConvNets Great Again", CVPR) on one of two roads.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sightline.nn.conv_norm import ConvNorm
from sightline.nn.csp import conv

_BLOCKS = 3  # RepVGG blocks of each fusion


class RepBlock(nn.Module):
    """A 3×3 and a 1×1 convolution of the same map, added, then x·σ(x): B×C×H×W → B×C×H×W."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.around = ConvNorm(channels, channels, 3)
        self.point = ConvNorm(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return B×C×H×W."""
        return F.silu(self.around(x) + self.point(x))


class Fusion(nn.Module):
    """Two maps side by side become one: a road with three blocks and a road with none, added (Fig. 4).

    Parameters
    ----------
    channels
        Of each of the two maps, and of what comes out.
    expansion
        Width of both roads in shares of ``channels``.
    """

    def __init__(self, channels: int, expansion: float) -> None:
        super().__init__()
        width = int(channels * expansion)
        self.through = conv(2 * channels, width, 1)
        self.around = conv(2 * channels, width, 1)
        self.blocks = nn.Sequential(*(RepBlock(width) for _ in range(_BLOCKS)))
        self.join = nn.Identity() if width == channels else conv(width, channels, 1)

    def forward(self, one: Tensor, other: Tensor) -> Tensor:
        """Return B×C×H×W for two maps of that shape."""
        x = torch.cat([one, other], dim=1)
        return self.join(self.blocks(self.through(x)) + self.around(x))


class HybridEncoder(nn.Module):
    """From maps of a backbone, fine to coarse, to as many levels of equal width that have all seen one another.

    Parameters
    ----------
    in_channels
        Channels of the maps; each has half the side of the one before.
    channels
        C, of the levels.
    intra
        Self-attention among the places of the coarsest map: B×N×C tokens and 1×N×C positions → B×N×C.
    expansion
        Width of the fusions' roads in shares of C.
    """

    def __init__(self, in_channels: Sequence[int], channels: int, intra: nn.Module, *, expansion: float = 1.0) -> None:
        super().__init__()
        steps = range(len(in_channels) - 1)
        self.project = nn.ModuleList(ConvNorm(width, channels, 1) for width in in_channels)
        self.intra = intra
        self.lateral = nn.ModuleList(conv(channels, channels, 1) for _ in steps)
        self.down = nn.ModuleList(Fusion(channels, expansion) for _ in steps)
        self.shrink = nn.ModuleList(conv(channels, channels, 3, 2) for _ in steps)
        self.up = nn.ModuleList(Fusion(channels, expansion) for _ in steps)

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """Return the levels B×C×Hᵢ×Wᵢ, fine to coarse.

        Parameters
        ----------
        maps
            B×Cᵢ×Hᵢ×Wᵢ.
        """
        *finer, top = [project(x) for project, x in zip(self.project, maps, strict=True)]
        top = self._interact(top)
        kept: list[Tensor] = []
        for lateral, fuse in zip(self.lateral, self.down, strict=True):  # the coarse map tells what things are
            kept.insert(0, lateral(top))
            own = finer.pop()
            top = fuse(F.interpolate(kept[0], size=own.shape[-2:], mode="nearest"), own)
        levels = [top]
        for shrink, fuse, own in zip(self.shrink, self.up, kept, strict=True):  # the fine map tells where edges are
            levels.append(fuse(shrink(levels[-1]), own))
        return levels

    def _interact(self, x: Tensor) -> Tensor:
        tokens = x.flatten(2).transpose(1, 2)  # B×C×H×W → B×N×C
        places = grid_positions((x.shape[2], x.shape[3]), x.shape[1], x)
        return self.intra(tokens, places).transpose(1, 2).unflatten(2, x.shape[2:])


def grid_positions(size: tuple[int, int], channels: int, like: Tensor) -> Tensor:
    """Return 1×(H·W)×C: sines and cosines of the row, then of the column, at C/4 falling frequencies.

    Parameters
    ----------
    size
        H and W.
    channels
        C, a multiple of 4.
    like
        Gives the dtype and the device.

    Examples
    --------
    >>> grid_positions((2, 1), 4, torch.zeros(1))[0, 1]
    tensor([0.8415, 0.5403, 0.0000, 1.0000])
    """
    quarter = channels // 4
    rates = 10000.0 ** -(torch.arange(quarter, dtype=torch.float64) / quarter)
    rows, columns = (torch.arange(length, dtype=torch.float64)[:, None] * rates for length in size)
    down = torch.cat([rows.sin(), rows.cos()], dim=1)[:, None].expand(-1, size[1], -1)
    across = torch.cat([columns.sin(), columns.cos()], dim=1)[None].expand(size[0], -1, -1)
    return torch.cat([down, across], dim=2).flatten(0, 1)[None].to(like)
