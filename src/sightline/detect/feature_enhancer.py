"""The feature enhancer: the image learns from the words, the words from the image, and each from itself.

Liu et al. 2024, "Grounding DINO", ECCV, section 3.1 and figure 3, block 2; the attention in both directions is that of
Li et al. 2022, "Grounded Language-Image Pre-training", CVPR, equation 4.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from sightline.detect.prompt import Prompt
from sightline.nn.deformable_attention import DeformableAttention
from sightline.nn.sine_position import sine_code
from sightline.nn.stochastic_depth import StochasticDepth
from sightline.nn.token_levels import Tokens
from sightline.nn.transformer import EncoderLayer, FeedForward, SelfAttention

_SCALE = 1e-4  # how little each side takes from the other at first


class Fusion(nn.Module):
    """One table of likeness read in both directions: places attend to words along its rows, words along its columns.

    Parameters
    ----------
    dim
        Length D of a token.
    hidden
        Width of the common space of places and words, a multiple of ``num_heads``.
    num_heads
        Attention heads.
    drop
        Share of the images for which training leaves the exchange out.
    """

    def __init__(self, dim: int, hidden: int, num_heads: int, drop: float) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.image_norm, self.text_norm = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.image_key, self.text_key = nn.Linear(dim, hidden), nn.Linear(dim, hidden)
        self.image_value, self.text_value = nn.Linear(dim, hidden), nn.Linear(dim, hidden)
        self.image_out, self.text_out = nn.Linear(hidden, dim), nn.Linear(hidden, dim)
        self.image_scale, self.text_scale = (nn.Parameter(torch.full((dim,), _SCALE)) for _ in range(2))
        self.drop = StochasticDepth(drop)
        for layer in self.children():
            if isinstance(layer, nn.Linear):
                nn.init.xavier_uniform_(layer.weight)
                nn.init.zeros_(layer.bias)

    def forward(self, image: Tensor, text: Tensor, padding: Tensor, real: Tensor) -> tuple[Tensor, Tensor]:
        """Return the places and the words, each with what it took from the other.

        Parameters
        ----------
        image, text
            B×S×D and B×T×D.
        padding
            B×S bool, True for places that show no image.
        real
            B×T bool, True for pieces of the text.
        """
        image, text = self.image_norm(image), self.text_norm(text)
        places, words = self.look(image, text, padding, real)
        taken = (places @ self._split(self.text_value(text))).transpose(1, 2).flatten(2)  # B×h×S×d → B×S×hidden
        given = (words @ self._split(self.image_value(image))).transpose(1, 2).flatten(2)  # B×h×T×d → B×T×hidden
        image = image + self.drop(self.image_scale * self.image_out(taken))
        return image, text + self.drop(self.text_scale * self.text_out(given))

    def look(self, image: Tensor, text: Tensor, padding: Tensor, real: Tensor) -> tuple[Tensor, Tensor]:
        """Return how much each place takes from each word, B×h×S×T, and each word from each place, B×h×T×S.

        Parameters
        ----------
        image, text, padding, real
            As :meth:`forward` takes them, image and text normalised.
        """
        q, k = self._split(self.image_key(image)), self._split(self.text_key(text))
        likeness = q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5
        places = likeness.masked_fill(~real[:, None, None], -torch.inf).softmax(dim=-1)
        words = likeness.transpose(-1, -2).masked_fill(padding[:, None, None], -torch.inf).softmax(dim=-1)
        return places, words

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(2, (self.num_heads, -1)).transpose(1, 2)  # B×N×(h·d) → B×h×N×d


class EnhancerLayer(nn.Module):
    """Fusion, attention within each phrase, deformable attention within the image.

    Parameters
    ----------
    dim
        Length D of a token.
    hidden
        Units of the image's feed-forward network; fusion and the network of the words have half as many.
    num_heads
        Of the image's attention; fusion and words have half as many.
    levels, points
        Maps, and places that are read on each.
    dropout
        Share of what is added that training sets to zero, for the image.
    drop
        Share of the images for which training leaves the fusion out.
    """

    def __init__(
        self, dim: int, hidden: int, num_heads: int, levels: int, points: int, dropout: float, drop: float
    ) -> None:
        super().__init__()
        self.fusion = Fusion(dim, hidden // 2, num_heads // 2, drop)
        self.text = EncoderLayer(SelfAttention(dim, num_heads // 2), FeedForward(dim, hidden // 2), dim)
        attention = DeformableAttention(dim, num_heads, levels, points)
        self.image = EncoderLayer(attention, FeedForward(dim, hidden), dim, dropout)

    def forward(self, image: Tensor, text: Tensor, tokens: Tokens, prompt: Prompt) -> tuple[Tensor, Tensor]:
        """Return the next places B×S×D and words B×T×D.

        Parameters
        ----------
        image, text
            B×S×D and B×T×D.
        tokens
            Where the places are.
        prompt
            Where the words are, and which of them are read together.
        """
        image, text = self.fusion(image, text, tokens.padding, prompt.real)
        places = sine_code(2 * math.pi * prompt.positions.to(text), text.shape[-1])
        text = self.text(text, places, prompt.attends)
        read = (tokens.references, tokens.shapes, tokens.padding)
        return self.image(image, tokens.positions, *read), text
