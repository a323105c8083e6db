"""A decoder that refines boxes: each layer looks about where the boxes are, and moves them a little.

Zhu et al. 2021, "Deformable DETR", ICLR, section 4.2 (iterative refinement); Zhang et al. 2023, "DINO", ICLR, section
3.5 (look forward twice: what a layer proposes is also learnt through the layer after it).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import cycle
from typing import NamedTuple

import torch
from torch import Tensor, nn

from sightline.detect.query_selection import Memory
from sightline.nn.deformable_attention import DeformableAttention
from sightline.nn.sine_position import sine_code
from sightline.nn.transformer import DecoderLayer, FeedForward, SelfAttention

_EPS = 1e-5  # boxes are kept from 0 and 1 by it before the logarithm of the odds is taken


class Refined(NamedTuple):
    """The queries after one layer: what they know, B×Q×D, and their boxes, B×Q×4 (cx, cy, w, h) in shares."""

    content: Tensor
    boxes: Tensor


class BoxDecoder(nn.Module):
    """Layers, and after each of them a box of every query.

    Parameters
    ----------
    layers
        :class:`~sightline.nn.transformer.DecoderLayer` with deformable attention to the image.
    positions
        From boxes B×Q×4 to the positions B×Q×D of their queries.
    boxes
        What moves the boxes, …×D → …×4: one for each layer, or one for all.
    norm
        What the queries are read through.
    """

    def __init__(
        self, layers: Sequence[nn.Module], positions: nn.Module, boxes: Sequence[nn.Module], norm: nn.Module
    ) -> None:
        super().__init__()
        self.layers, self.positions, self.norm = nn.ModuleList(layers), positions, norm
        self.boxes = nn.ModuleList(boxes)

    def forward(
        self, x: Tensor, boxes: Tensor, memory: Memory, attends: Tensor | None = None, *besides: object
    ) -> list[Refined]:
        """Return the queries after each layer.

        Parameters
        ----------
        x
            B×Q×D, what the queries know at first.
        boxes
            B×Q×4 (cx, cy, w, h) in shares of the image, about which they look at first.
        memory
            The image.
        attends
            1×Q×Q bool, which query may look at which; None lets all look at all.
        besides
            What the layers read besides the image.
        """
        found = []
        within = memory.ratios.repeat(1, 1, 2)[:, None]  # B×1×L×4: from shares of the image to shares of the maps
        proposed = boxes = boxes.detach()
        for layer, move in zip(self.layers, cycle(self.boxes), strict=False):
            about = boxes[:, :, None] * within  # B×Q×L×4
            seen = (memory.tokens, about, memory.shapes, memory.padding, *besides)
            x = layer(x, self.positions(about[:, :, 0]), *seen, attends=attends)
            read = self.norm(x)
            found.append(Refined(read, moved(proposed, move(read))))  # learnt by this layer and by the one before
            proposed = moved(boxes, move(x))
            boxes = proposed.detach()
        return found


def deformable_layer(dim: int, num_heads: int, levels: int, hidden: int, points: int = 4) -> DecoderLayer:
    """Return a layer whose queries look at each other, at a few places of every map, and think.

    Parameters
    ----------
    dim
        D.
    num_heads
        Of both attentions; they divide D.
    levels
        Maps of the image.
    hidden
        Width of the network.
    points
        Places on each map.
    """
    cross = DeformableAttention(dim, num_heads, levels, points)
    return DecoderLayer(SelfAttention(dim, num_heads), cross, FeedForward(dim, hidden), dim)


def moved(boxes: Tensor, by: Tensor) -> Tensor:
    """Return …×4 boxes in 0–1 whose log-odds are changed: near the edges of the range they move less."""
    return (torch.logit(boxes, _EPS) + by).sigmoid()


class SinePositions(nn.Module):
    """The four numbers of a box as clocks, then a small network: B×Q×4 → B×Q×D.

    Liu et al. 2022, "DAB-DETR: Dynamic Anchor Boxes are Better Queries for DETR", ICLR, section 4.1.

    Parameters
    ----------
    mlp
        From 2·D to D.
    dim
        D, a multiple of 4.
    """

    def __init__(self, mlp: nn.Module, dim: int) -> None:
        super().__init__()
        self.mlp, self.dim = mlp, dim

    def forward(self, boxes: Tensor) -> Tensor:
        """Return the positions of boxes (cx, cy, w, h) in shares of the image."""
        x, y, width, height = (sine_code(2 * math.pi * value, self.dim // 2) for value in boxes.unbind(-1))
        return self.mlp(torch.cat([y, x, width, height], dim=-1))
