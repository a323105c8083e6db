"""Multi-head attention: each token asks, and gets the mean of what the others hold, weighed by how well they answer.

Vaswani et al. 2017, "Attention Is All You Need", NIPS, section 3.2.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F


class Attention(nn.Module):
    """softmax(q kᵀ/√d) v for each head, and a linear layer over the heads (section 3.2.2).

    Parameters
    ----------
    dim
        Length D of a token.
    num_heads
        Attention heads h; they divide ``dim``, d = D/h.
    dropout
        Share of the weights that training sets to zero.
    """

    def __init__(self, dim: int, num_heads: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.num_heads, self.dropout = num_heads, dropout
        self.query, self.key, self.value = (nn.Linear(dim, dim) for _ in range(3))
        self.out = nn.Linear(dim, dim)
        nn.init.zeros_(self.out.bias)
        self.draw()

    def draw(self) -> None:
        """Draw fresh weights for queries, keys and values, in place, as if the three were one matrix from D to 3·D."""
        for part in (self.query, self.key, self.value):
            nn.init.xavier_uniform_(part.weight, gain=0.5**0.5)
            nn.init.zeros_(part.bias)

    def forward(self, queries: Tensor, keys: Tensor, values: Tensor, attends: Tensor | None = None) -> Tensor:
        """Return B×N×D.

        Parameters
        ----------
        queries
            B×N×D, what asks.
        keys, values
            B×M×D, what is asked, and what it answers with.
        attends
            B×N×M or B×1×M bool, which query may look at which key; None lets all look at all.
        """
        q, k, v = self._split(self.query(queries)), self._split(self.key(keys)), self._split(self.value(values))
        mask = None if attends is None else attends[:, None]  # → B×1×N×M, the same for all heads
        y = F.scaled_dot_product_attention(q, k, v, mask, self.dropout if self.training else 0.0)
        return self.out(y.transpose(1, 2).flatten(2))  # B×h×N×d → B×N×D

    def weights(self, queries: Tensor, keys: Tensor, attends: Tensor | None = None) -> Tensor:
        """Return how much each query looks at each key, B×h×N×M; the sum over the keys is 1."""
        q, k = self._split(self.query(queries)), self._split(self.key(keys))
        scores = q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5
        if attends is not None:
            scores = scores.masked_fill(~attends[:, None], float("-inf"))
        return scores.softmax(dim=-1)

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(2, (self.num_heads, -1)).transpose(1, 2)  # B×N×D → B×h×N×d
