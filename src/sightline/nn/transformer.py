"""The layers of a transformer that looks at an image: attention, then a small network, each added to what came in.

Vaswani et al. 2017, "Attention Is All You Need", NIPS, section 3; with positions that are added to queries and keys in
every layer, Carion et al. 2020, "End-to-End Object Detection with Transformers", ECCV, appendix A.3.
"""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn

from sightline.nn.attention import Attention


class SelfAttention(Attention):
    """Attention of tokens to one another: positions are added to what asks and to what is asked, not to what is taken.

    Parameters
    ----------
    dim, num_heads, dropout
        As :class:`~sightline.nn.attention.Attention` takes them.
    """

    def forward(  # type: ignore[override]
        self, placed: Tensor, tokens: Tensor, attends: Tensor | None = None
    ) -> Tensor:
        """Return B×N×D.

        Parameters
        ----------
        placed
            B×N×D, the tokens with their positions.
        tokens
            B×N×D, the tokens.
        attends
            B×N×N, B×1×N or 1×N×N bool, which token may look at which; None lets all look at all.
        """
        return super().forward(placed, placed, tokens, attends)


class CrossAttention(Attention):
    """Attention of queries to the tokens of an image.

    Parameters
    ----------
    dim, num_heads, dropout
        As :class:`~sightline.nn.attention.Attention` takes them.
    """

    def forward(  # type: ignore[override]
        self, query: Tensor, memory: Tensor, positions: Tensor, attends: Tensor | None = None
    ) -> Tensor:
        """Return B×Q×D.

        Parameters
        ----------
        query
            B×Q×D, its position added.
        memory, positions
            B×N×D, the tokens and where they are.
        attends
            B×1×N bool, the tokens that show a part of the image; None: all.
        """
        return super().forward(query, memory + positions, memory, attends)

    def look(self, query: Tensor, memory: Tensor, positions: Tensor, attends: Tensor | None = None) -> Tensor:
        """Return how much each query takes from each token, B×h×Q×N; rows sum to 1."""
        return self.weights(query, memory + positions, attends)


class FeedForward(nn.Sequential):
    """Two linear layers with an activation between them: …×D → …×D.

    Parameters
    ----------
    dim, hidden
        D, and the width between.
    dropout
        Share of the activations that training sets to zero.
    activation
        Between the layers; None takes a ReLU.
    """

    def __init__(self, dim: int, hidden: int, dropout: float = 0.0, activation: nn.Module | None = None) -> None:
        super().__init__(nn.Linear(dim, hidden), activation or nn.ReLU(), nn.Dropout(dropout), nn.Linear(hidden, dim))


class EncoderLayer(nn.Module):
    """LN(x + attention), then LN(x + network): B×N×D → B×N×D.

    Parameters
    ----------
    attention
        Called with the tokens and their positions, the tokens, and whatever else it reads.
    mlp
        The network.
    dim
        D.
    dropout
        Share of what is added that training sets to zero.
    """

    def __init__(self, attention: nn.Module, mlp: nn.Module, dim: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.attention, self.mlp = attention, mlp
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.drop = nn.Dropout(dropout)

    def forward(self, x: Tensor, positions: Tensor, *seen: object) -> Tensor:
        """Return the tokens after the layer.

        Parameters
        ----------
        x, positions
            B×N×D, the tokens and where they are.
        seen
            What the attention takes besides.
        """
        x = self.norm1(x + self.drop(self.attention(x + positions, x, *seen)))
        return self.norm2(x + self.drop(self.mlp(x)))


class DecoderLayer(nn.Module):
    """Queries look at each other, then at the image, then think: B×Q×D → B×Q×D.

    Parameters
    ----------
    attention
        Among the queries.
    cross
        To the image: called with the queries and their positions, and whatever it reads.
    mlp
        The network.
    dim
        D.
    dropout
        Share of what is added that training sets to zero.
    """

    def __init__(
        self, attention: SelfAttention, cross: nn.Module, mlp: nn.Module, dim: int, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.attention, self.cross, self.mlp = attention, cross, mlp
        self.norm1, self.norm2, self.norm3 = nn.LayerNorm(dim), nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.drop = nn.Dropout(dropout)

    def forward(self, x: Tensor, positions: Tensor, *seen: object, attends: Tensor | None = None) -> Tensor:
        """Return the queries after the layer.

        Parameters
        ----------
        x, positions
            B×Q×D, the queries and their positions.
        seen
            What the cross-attention reads.
        attends
            1×Q×Q bool, which query may look at which; None lets all look at all.
        """
        x = self.norm1(x + self.drop(self.attention(x + positions, x, attends)))
        x = self.norm2(x + self.drop(self.cross(x + positions, *seen)))
        return self.norm3(x + self.drop(self.mlp(x)))


def perceptron(*widths: int) -> nn.Sequential:
    """Return linear layers with a ReLU between each two: …×first → …×last.

    Parameters
    ----------
    widths
        Of what comes in, of what stands between, of what goes out.

    Examples
    --------
    >>> len(perceptron(8, 8, 8, 4))
    5
    """
    layers: list[nn.Module] = []
    for wide, next_wide in pairwise(widths):
        layers += [nn.Linear(wide, next_wide), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def xavier(*parts: nn.Module) -> None:
    """Draw fresh weights of all matrices, in place, so that the spread of what goes through stays the same.

    Glorot and Bengio 2010, "Understanding the Difficulty of Training Deep Feedforward Neural Networks", AISTATS.

    Parameters
    ----------
    parts
        Whose matrices are drawn; vectors stay as they are.
    """
    for part in parts:
        for value in part.parameters():
            if value.ndim > 1:
                nn.init.xavier_uniform_(value)
        for layer in part.modules():
            if isinstance(layer, Attention):
                layer.draw()
