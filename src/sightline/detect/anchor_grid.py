"""Anchors of a pyramid: the same few shapes at every place of every level.

Ren et al. 2015, "Faster R-CNN", NIPS, section 3.1.1; sizes by level after Lin et al. 2017, "Feature Pyramid Networks",
CVPR, section 4.1. As in the public checkpoints, sides are rounded to even pixels about a centre, and the first centre
is the corner of the image.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class AnchorGrid:
    """Which anchors stand at each place.

    Parameters
    ----------
    sizes
        For each level, the square roots of the anchors' areas in pixels.
    ratios
        Their heights divided by their widths, the same at each level.

    Examples
    --------
    >>> AnchorGrid(((8,),), (1.0,)).boxes((16, 16), [torch.zeros(1, 4, 2, 1)])[0].tolist()
    [[-4.0, -4.0, 4.0, 4.0], [-4.0, 4.0, 4.0, 12.0]]
    """

    sizes: tuple[tuple[int, ...], ...]
    ratios: tuple[float, ...] = (0.5, 1.0, 2.0)

    @property
    def count(self) -> int:
        """Anchors at a place."""
        return len(self.sizes[0]) * len(self.ratios)

    def boxes(self, size: tuple[int, int], levels: Sequence[Tensor]) -> list[Tensor]:
        """Return the (H·W·A)×4 xyxy anchors of each level, row by row, anchors of a place together.

        Parameters
        ----------
        size
            Height and width of the batch in pixels.
        levels
            B×C×H×W maps; their sizes, device and dtype count.
        """
        return [self._level(size, level, sides) for level, sides in zip(levels, self.sizes, strict=True)]

    def _level(self, size: tuple[int, int], level: Tensor, sides: tuple[int, ...]) -> Tensor:
        height, width = level.shape[-2:]
        root = torch.tensor(self.ratios).sqrt()[:, None]
        scales = torch.tensor(sides, dtype=torch.float32)
        half = torch.stack([(scales / root).flatten(), (scales * root).flatten()], dim=1) / 2  # A×2
        shapes = torch.cat([-half, half], dim=1).round().to(level)
        y = torch.arange(height, device=level.device) * (size[0] // height)
        x = torch.arange(width, device=level.device) * (size[1] // width)
        y, x = (part.flatten() for part in torch.meshgrid(y, x, indexing="ij"))
        centres = torch.stack([x, y, x, y], dim=1).to(level)
        return (centres[:, None] + shapes).reshape(-1, 4)
