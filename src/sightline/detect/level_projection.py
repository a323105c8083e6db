"""The maps of a backbone brought to one width, and coarser ones added: what a transformer of several levels reads.

Zhu et al. 2021, "Deformable DETR", ICLR, appendix A.4 and figure 4.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

_GROUPS = 32


class LevelProjection(nn.ModuleList):
    """A list of B×C×H×W → L of B×D×H×W: a 1×1 convolution for each map, then 3×3 ones that halve the last.

    Parameters
    ----------
    channels
        C of each map, finest first.
    dim
        D, a multiple of 32.
    levels
        L, at least the number of maps; the first map that is added is made from the backbone's last one.

    Examples
    --------
    >>> import torch
    >>> maps = [torch.zeros(1, 8, 8, 8), torch.zeros(1, 16, 4, 4)]
    >>> [tuple(level.shape) for level in LevelProjection((8, 16), 32, 3)(maps)]
    [(1, 32, 8, 8), (1, 32, 4, 4), (1, 32, 2, 2)]
    """

    def __init__(self, channels: Sequence[int], dim: int, levels: int) -> None:
        beyond = [channels[-1], *([dim] * levels)][: levels - len(channels)]
        convolutions = [nn.Conv2d(width, dim, 1) for width in channels]
        convolutions += [nn.Conv2d(width, dim, 3, stride=2, padding=1) for width in beyond]
        super().__init__(nn.Sequential(one, nn.GroupNorm(_GROUPS, dim)) for one in convolutions)
        for one in convolutions:
            nn.init.xavier_uniform_(one.weight)
            if one.bias is not None:
                nn.init.zeros_(one.bias)

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """Return the levels, finest first."""
        levels, last = [], maps[-1]
        for index, project in enumerate(self):
            level = project(maps[index] if index < len(maps) else last)
            if index >= len(maps):
                last = level
            levels.append(level)
        return levels
