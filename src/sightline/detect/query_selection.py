"""Query selection: every token of the image says what it might be and where, and the surest become the queries.

Zhu et al. 2021, "Deformable DETR", ICLR, section 4.2 (two stages); Zhang et al. 2023, "DINO", ICLR, section 3.4; Zhao
et al. 2024, "DETRs Beat YOLOs on Real-time Object Detection", CVPR, section 4.3: trained with the varifocal loss, a
high score means that class and box are both certain.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from sightline.nn.token_levels import token_boxes
from sightline.nn.transformer import perceptron


@dataclass(frozen=True)
class Memory:
    """What an encoder knows about an image, as the tokens of L maps one after the other.

    Parameters
    ----------
    tokens
        B×S×D.
    shapes
        Height and width of each map.
    ratios
        B×L×2: how much of each map's width and height is image, in 0–1.
    padding
        B×S bool, True where there is no image.
    """

    tokens: Tensor
    shapes: tuple[tuple[int, int], ...]
    ratios: Tensor
    padding: Tensor


@dataclass(frozen=True)
class Selected:
    """The queries that were selected, in falling order of their scores.

    Parameters
    ----------
    content
        B×Q×D, what the encoder knows about each.
    logits
        B×Q×K, what each might be.
    boxes
        B×Q×4 (cx, cy, w, h) in shares of the image.
    """

    content: Tensor
    logits: Tensor
    boxes: Tensor


class QuerySelection(nn.Module):
    """A name and a box for every token, and of the tokens the Q whose best name is surest.

    Parameters
    ----------
    dim
        Length D of a token.
    queries
        Q; fewer where an image has fewer tokens.
    """

    def __init__(self, dim: int, queries: int) -> None:
        super().__init__()
        self.queries = queries
        self.project = nn.Sequential(nn.Linear(dim, dim), nn.LayerNorm(dim))
        self.boxes = perceptron(dim, dim, dim, 4)

    def forward(self, memory: Memory, name: Callable[[Tensor], Tensor]) -> Selected:
        """Return the queries; a token in the padding or at the edge of the image has nothing to say.

        Parameters
        ----------
        memory
            The image.
        name
            From tokens B×S×D to their logits B×S×K.
        """
        anchors, usable = token_boxes(memory.shapes, memory.ratios, memory.padding)
        content = self.project(memory.tokens.masked_fill(~usable, 0.0))
        logits = name(content)
        boxes = (self.boxes(content) + anchors).sigmoid()
        best = logits.amax(dim=-1).topk(min(self.queries, logits.shape[1]), dim=1).indices
        return Selected(*(torch.take_along_dim(x, best[..., None], dim=1) for x in (content, logits, boxes)))
