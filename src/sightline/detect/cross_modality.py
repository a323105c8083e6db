"""The cross-modality decoder's layer: queries look at each other, at the words, and at a few places of the image.

Liu et al. 2024, "Grounding DINO", ECCV, section 3.3 and figure 3, block 3; that words take the place of classes is of
Li et al. 2022, "Grounded Language-Image Pre-training", CVPR, equation 3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from sightline.nn.attention import Attention
from sightline.nn.deformable_attention import DeformableAttention
from sightline.nn.transformer import FeedForward, SelfAttention


@dataclass(frozen=True)
class Words:
    """What is known of the texts.

    Parameters
    ----------
    values
        B×T×D, one token for each piece.
    real
        B×T bool, True for pieces of the text, False for what fills it up.
    """

    values: Tensor
    real: Tensor

    def agree(self, x: Tensor) -> Tensor:
        """Return how well B×N×D tokens of the image agree with each piece, in the place of classes: B×N×T logits.

        Where a text is filled up they are −∞.
        """
        return (x @ self.values.transpose(-1, -2)).masked_fill(~self.real[:, None], -torch.inf)


class CrossModalityLayer(nn.Module):
    """Queries attend to each other, to the words, to the image (section 3.3 and figure 3, block 3).

    Parameters
    ----------
    dim
        Length D of a query.
    hidden
        Units of the feed-forward network.
    num_heads
        Attention heads.
    levels, points
        Maps of the image, and places that are read on each.
    dropout
        Share of what is added that training sets to zero.
    """

    def __init__(self, dim: int, hidden: int, num_heads: int, levels: int, points: int, dropout: float) -> None:
        super().__init__()
        self.attention, self.text = SelfAttention(dim, num_heads), Attention(dim, num_heads)
        self.image = DeformableAttention(dim, num_heads, levels, points)
        self.feed_forward = FeedForward(dim, hidden)
        self.norm1, self.norm2, self.norm3, self.norm4 = (nn.LayerNorm(dim) for _ in range(4))
        self.drop = nn.Dropout(dropout)

    def forward(self, x: Tensor, positions: Tensor, *seen: Any, attends: Tensor | None = None) -> Tensor:
        """Return the next B×Q×D queries.

        Parameters
        ----------
        x, positions
            B×Q×D, the queries and where they look.
        seen
            What the attention to the image reads, and last the words.
        attends
            1×Q×Q bool, which query may look at which; None lets all look at all.
        """
        *image, words = seen
        x = self.norm1(x + self.drop(self.attention(x + positions, x, attends)))
        x = self.norm2(x + self.drop(self.text(x + positions, words.values, words.values, words.real[:, None])))
        x = self.norm3(x + self.drop(self.image(x + positions, *image)))
        return self.norm4(x + self.drop(self.feed_forward(x)))
