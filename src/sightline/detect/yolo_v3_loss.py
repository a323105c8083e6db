"""The loss of YOLOv3: each true box has one anchor in one cell, which learns where, how large, whether, and what.

Redmon and Farhadi 2018, "YOLOv3: An Incremental Improvement", arXiv:1804.02767, sections 2.1 to 2.3: squared error on
the sides, cross-entropy on the rest; an anchor that overlaps a true box by more than half, and is not its own, is left
alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional as F

from sightline.detect.detector import Targets
from sightline.nn.box_overlap import overlap

if TYPE_CHECKING:
    from sightline.detect.darknet import Grid

IGNORE = 0.5  # section 2.1


def yolo_v3_loss(grids: Sequence[Grid], targets: Sequence[Targets]) -> dict[str, Tensor]:
    """Return ``loss`` and its parts ``box_loss``, ``object_loss`` and ``class_loss``: sums, of B images the mean.

    Parameters
    ----------
    grids
        What each layer says.
    targets
        The true boxes of the B images.
    """
    parts = {name: grids[0].raw.sum() * 0.0 for name in ("box_loss", "object_loss", "class_loss")}
    for grid in grids:
        for index, target in enumerate(targets):
            for name, value in _one(grid, index, target).items():
                parts[name] = parts[name] + value / len(targets)
    return {"loss": sum(parts.values(), torch.zeros((), device=grids[0].raw.device)), **parts}


def _one(grid: Grid, index: int, target: Targets) -> dict[str, Tensor]:
    """Return the sums over one image of one layer."""
    raw = grid.raw[index].float()  # a×H×W×(5 + K)
    boxes, labels = target["boxes"].to(raw.device), target["labels"].to(raw.device)
    free = _left_alone(grid, index, boxes)
    wanted = torch.zeros_like(raw[..., 4])
    places = mine(grid, boxes)
    losses = {"box_loss": raw.sum() * 0.0, "class_loss": raw.sum() * 0.0}
    if len(places[0]):
        which, anchor, row, column = places
        wanted[anchor, row, column], free[anchor, row, column] = 1.0, False
        said, true = raw[anchor, row, column], boxes[which]
        sides = true[:, 2:] - true[:, :2]
        inside = (true[:, :2] + true[:, 2:]) / 2 / raw.new_tensor(grid.stride) - torch.stack([column, row], dim=1)
        small = 2 - sides.prod(dim=1) / (raw.shape[1] * raw.shape[2] * grid.stride[0] * grid.stride[1])
        log_sides = (sides / grid.anchors[anchor]).clamp(min=1e-6).log()
        off = F.binary_cross_entropy_with_logits(said[:, :2], inside.clamp(0, 1), reduction="none")
        off = off + (said[:, 2:4] - log_sides).square() / 2
        losses["box_loss"] = (off.sum(dim=1) * small).sum()  # darknet's weight: small boxes count up to twice
        classes = F.one_hot(labels[which], raw.shape[-1] - 5).to(raw.dtype)
        losses["class_loss"] = F.binary_cross_entropy_with_logits(said[:, 5:], classes, reduction="sum")
    seen = F.binary_cross_entropy_with_logits(raw[..., 4], wanted, reduction="none")
    losses["object_loss"] = seen[~free].sum()
    return losses


@torch.no_grad()
def _left_alone(grid: Grid, index: int, boxes: Tensor) -> Tensor:
    """Return a×H×W: whether a prediction overlaps some true box by more than half."""
    said = grid.boxes()[index].float()
    if not len(boxes):
        return torch.zeros(said.shape[:3], dtype=torch.bool, device=said.device)
    return (overlap(said[..., None, :], boxes) > IGNORE).any(dim=-1)


@torch.no_grad()
def mine(grid: Grid, boxes: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return the true boxes that belong to a layer: their number, its anchor, row and column.

    A box belongs to the one anchor of the whole network that is most like it, wherever both are put.

    Parameters
    ----------
    grid
        The layer.
    boxes
        N×4 xyxy, pixels.
    """
    sides = boxes[:, 2:] - boxes[:, :2]
    shared = torch.minimum(sides[:, None], grid.every[None]).prod(dim=-1)  # N×n
    like = shared / (sides.prod(dim=-1)[:, None] + grid.every.prod(dim=-1)[None] - shared).clamp(min=1e-9)
    best = like.argmax(dim=1) if len(boxes) else boxes.new_zeros(0, dtype=torch.int64)
    numbers = torch.tensor(grid.numbers, device=boxes.device)
    which, anchor = (best[:, None] == numbers[None]).nonzero(as_tuple=True)
    middle = (boxes[which, :2] + boxes[which, 2:]) / 2 / boxes.new_tensor(grid.stride)
    height, width = grid.raw.shape[2:4]
    column, row = middle[:, 0].long().clamp(0, width - 1), middle[:, 1].long().clamp(0, height - 1)
    return which, anchor, row, column
