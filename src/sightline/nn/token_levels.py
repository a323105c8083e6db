"""Several maps as one row of tokens, each of which knows where it is, on which map, and whether it shows the image.

Zhu et al. 2021, "Deformable DETR", ICLR, section 4.1 (levels and their embedding), appendix A.2 (reference points) and
A.4 (every token as a box that could be one).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from sightline.nn.sine_position import sine_positions

_UNIT = 0.05  # side of the box of a token on the finest map, as a share of the image (A.4)
_EDGE = 0.01  # tokens nearer to the image's edge than that are no boxes


@dataclass(frozen=True)
class Tokens:
    """The tokens of L maps, finest first, row by row.

    Parameters
    ----------
    values
        B×S×D.
    positions
        B×S×D, added to queries and keys.
    padding
        B×S bool, True where there is no image.
    shapes
        Height and width of each map.
    ratios
        B×L×2: how much of each map's width and height is image, in 0–1.
    """

    values: Tensor
    positions: Tensor
    padding: Tensor
    shapes: tuple[tuple[int, int], ...]
    ratios: Tensor

    @property
    def centres(self) -> Tensor:
        """Where the tokens lie, B×S×2 (x, y) as shares of the image, more than 1 in the padding."""
        return token_centres(self.shapes, self.ratios)

    @property
    def references(self) -> Tensor:
        """Where the tokens lie on every map, B×S×L×2 as shares of the map."""
        return self.centres[:, :, None] * self.ratios[:, None]


def lay_out(
    maps: Sequence[Tensor], real: Tensor, embedding: Tensor, temperature: float = 10_000.0, shift: float = 0.0
) -> Tokens:
    """Return maps as tokens.

    Parameters
    ----------
    maps
        L of B×D×H×W.
    real
        B×H×W bool of the batch's pixels, True where there is image.
    embedding
        L×D, added to the positions of each map.
    temperature, shift
        Of the sine positions.
    """
    seen = [shrunk(real, level.shape[-2:]) for level in maps]
    places = [sine_positions(one, maps[0].shape[1], temperature, shift) for one in seen]
    return Tokens(
        torch.cat([level.flatten(2).transpose(1, 2) for level in maps], dim=1),
        torch.cat([place.flatten(1, 2) + embedding[i] for i, place in enumerate(places)], dim=1),
        torch.cat([~one.flatten(1) for one in seen], dim=1),
        tuple((int(level.shape[-2]), int(level.shape[-1])) for level in maps),
        torch.stack([torch.stack([one[:, 0].float().mean(1), one[:, :, 0].float().mean(1)], -1) for one in seen], 1),
    )


def shrunk(real: Tensor, size: Sequence[int]) -> Tensor:
    """Return which places of a smaller map show the image, B×H×W bool → B×h×w bool: the nearest pixel says it.

    Parameters
    ----------
    real
        True where there is image.
    size
        h, w.
    """
    return F.interpolate(real[None].float(), size=tuple(size)).bool()[0]


def token_centres(shapes: Sequence[tuple[int, int]], ratios: Tensor) -> Tensor:
    """Return where the tokens of L maps lie, B×S×2 (x, y) as shares of the image within the maps.

    Parameters
    ----------
    shapes
        Height and width of each map.
    ratios
        B×L×2: how much of each map's width and height is image.
    """
    found = []
    for level, (height, width) in enumerate(shapes):
        y, x = (torch.arange(side, device=ratios.device, dtype=ratios.dtype) + 0.5 for side in (height, width))
        grid = torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1).flatten(0, 1)  # HW×2
        found.append(grid / (ratios[:, level, None] * ratios.new_tensor([width, height])))
    return torch.cat(found, dim=1)


def token_boxes(shapes: Sequence[tuple[int, int]], ratios: Tensor, padding: Tensor) -> tuple[Tensor, Tensor]:
    """Return a box around every token, larger on coarser maps, before the sigmoid, B×S×4; and which of them can be one.

    Parameters
    ----------
    shapes, ratios
        As :func:`token_centres` takes them.
    padding
        B×S bool.

    Returns
    -------
    tuple of Tensor
        Logits of (cx, cy, w, h), infinite where a token lies in the padding or at the edge of the image; B×S×1 bool.
    """
    centres = token_centres(shapes, ratios)
    sides = torch.cat([centres.new_full((h * w, 2), _UNIT * 2.0**level) for level, (h, w) in enumerate(shapes)])
    boxes = torch.cat([centres, sides.expand_as(centres)], dim=-1)
    usable = ((boxes > _EDGE) & (boxes < 1 - _EDGE)).all(dim=-1, keepdim=True) & ~padding[..., None]
    return torch.logit(boxes).masked_fill(~usable, torch.inf), usable
