"""The decoupled head: one branch names, the other boxes, and each edge is a distribution over distances.

Ge et al. 2021, "YOLOX: Exceeding YOLO Series in 2021", section 2.1 (decoupled, anchor-free); Li et al. 2020,
"Generalized Focal Loss", NeurIPS, section 3: an edge lies Σ i·Pᵢ strides from the place, P a softmax over i = 0…n.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from sightline.nn.csp import conv

BINS = 17  # distances 0…16 in strides: Li 2020, section 4, n = 16
_PRIOR = 0.01  # score of every place at first: Lin 2017, "Focal Loss", section 4.1
_NEAR = 4.0  # strides: how fast the first guess of a distance falls off


@dataclass(frozen=True)
class Predicted:
    """What the head says at every place of every level.

    Parameters
    ----------
    logits
        B×A×K scores before the sigmoid.
    edges
        B×A×4×:data:`BINS` logits of the distances left, up, right, down.
    places
        A×2 centres (x, y) in pixels.
    strides
        A pixels of one step.
    """

    logits: Tensor
    edges: Tensor
    places: Tensor
    strides: Tensor

    def boxes(self) -> Tensor:
        """Return B×A×4 xyxy in pixels: the place, less and plus the expected distances."""
        steps = torch.arange(self.edges.shape[-1], device=self.edges.device, dtype=self.edges.dtype)
        away = self.edges.softmax(dim=-1) @ steps * self.strides[:, None]  # B×A×4
        return torch.cat([self.places - away[..., :2], self.places + away[..., 2:]], dim=-1)


class DecoupledHead(nn.Module):
    """Two branches of 3×3 convolutions on each level, then a 1×1 each.

    Parameters
    ----------
    channels
        Channels of each level.
    classes
        Number of classes K.
    strides
        Pixels of one step on each level.
    depth
        Number of 3×3 convolutions of each branch.
    """

    def __init__(self, channels: int, classes: int, strides: Sequence[int], depth: int = 2) -> None:
        super().__init__()
        self.strides = tuple(strides)
        self.naming = nn.ModuleList(_branch(channels, depth) for _ in strides)
        self.boxing = nn.ModuleList(_branch(channels, depth) for _ in strides)
        self.logits = nn.ModuleList(
            _output(channels, torch.full((classes,), -math.log(1 / _PRIOR - 1))) for _ in strides
        )
        falling = -torch.arange(BINS, dtype=torch.float32).repeat(4) / _NEAR
        self.edges = nn.ModuleList(_output(channels, falling) for _ in strides)

    def forward(self, maps: Sequence[Tensor]) -> Predicted:
        """Return what is said at every place, level by level, row by row.

        Parameters
        ----------
        maps
            B×C×Hᵢ×Wᵢ, one for each stride.
        """
        logits, edges, places, strides = [], [], [], []
        for i, x in enumerate(maps):
            logits.append(self.logits[i](self.naming[i](x)).flatten(2).transpose(1, 2))  # B×K×H×W → B×HW×K
            bins = self.edges[i](self.boxing[i](x)).flatten(2).transpose(1, 2)  # → B×HW×4n
            edges.append(bins.reshape(*bins.shape[:2], 4, BINS))
            places.append(centres(x.shape[-2], x.shape[-1], self.strides[i], x.device))
            strides.append(torch.full_like(places[-1][:, 0], float(self.strides[i])))
        return Predicted(torch.cat(logits, 1), torch.cat(edges, 1), torch.cat(places), torch.cat(strides))


def _output(channels: int, bias: Tensor) -> nn.Conv2d:
    """Return a 1×1 that says the same everywhere at first."""
    made = nn.Conv2d(channels, len(bias), 1)
    nn.init.zeros_(made.weight)
    with torch.no_grad():
        made.bias.copy_(bias)  # pyrefly: ignore
    return made


def _branch(channels: int, depth: int) -> nn.Sequential:
    return nn.Sequential(*(conv(channels, channels, 3) for _ in range(depth)))


def centres(height: int, width: int, stride: int, device: torch.device | None = None) -> Tensor:
    """Return HW×2 centres (x, y) of a map's places in pixels of the image, row by row.

    Parameters
    ----------
    height, width
        Of the map.
    stride
        Pixels of one step.
    device
        Where they are wanted.

    Examples
    --------
    >>> centres(1, 2, 8).tolist()
    [[4.0, 4.0], [12.0, 4.0]]
    """
    y, x = torch.meshgrid(
        torch.arange(height, device=device, dtype=torch.float32),
        torch.arange(width, device=device, dtype=torch.float32),
        indexing="ij",
    )
    return (torch.stack([x, y], dim=-1).reshape(-1, 2) + 0.5) * stride
