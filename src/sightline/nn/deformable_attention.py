"""Deformable attention: a query looks at a few places of every level, and says itself where they lie.

Zhu et al. 2021, "Deformable DETR: Deformable Transformers for End-to-End Object Detection", ICLR, equation 3:
Σ over heads, levels and points of A · W x(φ(p̂) + Δp), where x is read between the pixels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Shapes = Sequence[tuple[int, int]]


def sample_levels(values: Tensor, shapes: Shapes, places: Tensor, weights: Tensor) -> Tensor:
    """Return what is read at places between the pixels of several maps, weighed and summed: B×Q×(h·d).

    Parameters
    ----------
    values
        B×S×h×d: the tokens of all maps one after the other, row by row, for each of h heads.
    shapes
        Height and width of each of the L maps; S is the sum of their areas.
    places
        B×Q×h×L×P×2 (x, y) as shares of a map's width and height; outside 0–1 there are zeros.
    weights
        B×Q×h×L×P.
    """
    batch, _, heads, depth = values.shape
    maps = values.permute(0, 2, 3, 1).flatten(0, 1).split([h * w for h, w in shapes], dim=2)  # L of (B·h)×d×HW
    grids = (2 * places - 1).transpose(1, 2).flatten(0, 1).unbind(2)  # L of (B·h)×Q×P×2
    read = [
        F.grid_sample(level.unflatten(2, shape), grid, padding_mode="zeros", align_corners=False)
        for level, shape, grid in zip(maps, shapes, grids, strict=True)
    ]
    shares = weights.transpose(1, 2).flatten(3).flatten(0, 1)[:, None]  # (B·h)×1×Q×(L·P)
    mixed = (torch.cat(read, dim=-1) * shares).sum(dim=-1)  # (B·h)×d×Q
    return mixed.view(batch, heads * depth, -1).transpose(1, 2)


class DeformableAttention(nn.Module):
    """Attention of Q queries to P places on each of L maps, in h heads: B×Q×D → B×Q×D.

    Parameters
    ----------
    dim
        D.
    num_heads
        h; it divides D.
    levels
        L.
    points
        P.
    """

    def __init__(self, dim: int, num_heads: int, levels: int, points: int) -> None:
        super().__init__()
        self.num_heads, self.levels, self.points = num_heads, levels, points
        self.offsets = nn.Linear(dim, num_heads * levels * points * 2)
        self.weights = nn.Linear(dim, num_heads * levels * points)
        self.value = nn.Linear(dim, dim)
        self.out = nn.Linear(dim, dim)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw fresh weights: each head begins with its own direction, point p at p pixels, all as heavy (A.4)."""
        for layer in (self.offsets, self.weights):
            nn.init.zeros_(layer.weight)
        for layer in (self.value, self.out):
            nn.init.xavier_uniform_(layer.weight)
        for layer in (self.weights, self.value, self.out):
            nn.init.zeros_(layer.bias)
        angles = torch.arange(self.num_heads) * (2 * math.pi / self.num_heads)
        ways = torch.stack([angles.cos(), angles.sin()], dim=-1)
        ways = ways / ways.abs().amax(dim=-1, keepdim=True)  # h×2, on the edge of a square
        steps = torch.arange(1, self.points + 1)[:, None] * ways[:, None, None]  # h×1×P×2
        with torch.no_grad():
            self.offsets.bias.copy_(steps.expand(-1, self.levels, -1, -1).flatten())

    def forward(
        self, query: Tensor, memory: Tensor, reference: Tensor, shapes: Shapes, padding: Tensor | None = None
    ) -> Tensor:
        """Return what each query reads.

        Parameters
        ----------
        query
            B×Q×D, its position added.
        memory
            B×S×D, the tokens of all maps.
        reference
            B×Q×L×2 points (x, y), or B×Q×L×4 boxes (cx, cy, w, h), as shares of each map.
        shapes
            Height and width of each map.
        padding
            B×S bool, True where a token shows no image; there zeros are read.
        """
        value = self.value(memory)
        if padding is not None:
            value = value.masked_fill(padding[..., None], 0.0)
        places, weights = self.look(query, reference, shapes)
        return self.out(sample_levels(value.unflatten(2, (self.num_heads, -1)), shapes, places, weights))

    def look(self, query: Tensor, reference: Tensor, shapes: Shapes) -> tuple[Tensor, Tensor]:
        """Return where each query looks, B×Q×h×L×P×2 as shares of the maps, and how much it takes, B×Q×h×L×P.

        Offsets are in pixels of a map around a point, in halves of a box divided by P around a box.
        """
        grid = (self.num_heads, self.levels, self.points)
        offsets = self.offsets(query).unflatten(2, (*grid, 2))
        weights = self.weights(query).unflatten(2, (self.num_heads, -1)).softmax(dim=-1).unflatten(3, grid[1:])
        around = reference[:, :, None, :, None]  # B×Q×L×2 or 4 → B×Q×1×L×1×2 or 4
        if reference.shape[-1] == 2:
            unit = offsets.new_tensor([(w, h) for h, w in shapes])[:, None]  # L×1×2
            return around + offsets / unit, weights
        return around[..., :2] + offsets / self.points * around[..., 2:] * 0.5, weights
