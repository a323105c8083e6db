"""BERT: words read in both directions at once, by attention in every layer.

Devlin, Chang, Lee and Toutanova 2019, "BERT: Pre-training of Deep Bidirectional Transformers for Language
Understanding", NAACL, section 3; the layers are those of Vaswani et al. 2017, "Attention Is All You Need", NIPS,
section 3.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from sightline.nn.attention import Attention


@dataclass(frozen=True)
class BertConfig:
    """What makes one BERT differ from another.

    Parameters
    ----------
    pieces
        Size of the vocabulary.
    dim
        Length H of a token.
    depth
        Number L of layers.
    num_heads
        Attention heads; they divide ``dim``.
    hidden
        Units of the feed-forward networks.
    longest
        Number of positions that are learnt.
    dropout
        Share of activations that training sets to zero.
    eps
        Added to the variance in the layer normalisations.
    """

    pieces: int = 30522
    dim: int = 768
    depth: int = 12
    num_heads: int = 12
    hidden: int = 3072
    longest: int = 512
    dropout: float = 0.1
    eps: float = 1e-12


VARIANTS = {
    "base": BertConfig(),  # Devlin 2019, section 3
    "large": BertConfig(dim=1024, depth=24, num_heads=16, hidden=4096),
}


class Embeddings(nn.Module):
    """The sum of what a piece, its place and its sentence stand for (Devlin 2019, figure 2)."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.pieces = nn.Embedding(config.pieces, config.dim)
        self.positions = nn.Embedding(config.longest, config.dim)
        self.sentences = nn.Embedding(2, config.dim)
        self.norm = nn.LayerNorm(config.dim, config.eps)
        self.drop = nn.Dropout(config.dropout)

    def forward(self, ids: Tensor, positions: Tensor) -> Tensor:
        """Return B×N×H for B×N piece numbers and their B×N positions, all of the first sentence."""
        return self.drop(self.norm(self.pieces(ids) + self.sentences.weight[0] + self.positions(positions)))


class Layer(nn.Module):
    """LN(x + attention(x)), then LN(y + FFN(y)) (Vaswani 2017, section 3.1)."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.attention = Attention(config.dim, config.num_heads, config.dropout)
        self.attention_norm = nn.LayerNorm(config.dim, config.eps)
        self.feed_forward = nn.Sequential(
            nn.Linear(config.dim, config.hidden), nn.GELU(), nn.Linear(config.hidden, config.dim)
        )
        self.norm = nn.LayerNorm(config.dim, config.eps)
        self.drop = nn.Dropout(config.dropout)

    def forward(self, x: Tensor, attends: Tensor | None) -> Tensor:
        """Return the next B×N×H tokens."""
        x = self.attention_norm(x + self.drop(self.attention(x, x, x, attends)))
        return self.norm(x + self.drop(self.feed_forward(x)))


class Bert(nn.Module):
    """Embeddings and layers: B×N piece numbers → B×N×H.

    Parameters
    ----------
    config
        Sizes of everything.
    """

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.config = config
        self.embeddings = Embeddings(config)
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.depth))
        for module in self.modules():
            if isinstance(module, (nn.Linear, nn.Embedding)):
                nn.init.normal_(module.weight, std=0.02)
            if isinstance(module, nn.Linear):
                nn.init.zeros_(module.bias)

    def forward(self, ids: Tensor, attends: Tensor | None = None, positions: Tensor | None = None) -> Tensor:
        """Return the last layer's tokens.

        Parameters
        ----------
        ids
            B×N int64 numbers of pieces.
        attends
            B×N×N bool, which token (second axis) looks at which one (third axis); None lets all look at all.
        positions
            B×N int64 places of the tokens; None counts from 0.
        """
        if positions is None:
            positions = torch.arange(ids.shape[1], device=ids.device).expand_as(ids)
        x = self.embeddings(ids, positions)
        for layer in self.layers:
            x = layer(x, attends)
        return x
