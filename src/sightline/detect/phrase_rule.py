"""Names made of words: a thing is called by a phrase, and each word of it is a question of its own.

Liu et al. 2024, "Grounding DINO: Marrying DINO with Grounded Pre-Training for Open-Set Object Detection", ECCV,
section 3.5 (the contrastive loss: queries against words, under the focal loss).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from sightline.detect.dense import Limits, surest
from sightline.detect.prompt import Prompt
from sightline.detect.set_matching import focal_cost
from sightline.nn.focal_loss import focal_loss


@dataclass(frozen=True)
class PhraseRule:
    """What a phrase costs where logits are those of the T words of a text; labels are numbers of phrases.

    Parameters
    ----------
    words
        P×T bool, the words of each phrase.
    real
        B×T bool, which pieces of the text of each image are no filling; their logits are finite.
    alpha, gamma
        As :func:`~sightline.nn.focal_loss` takes them.
    most
        Most answers of an image.
    """

    words: Tensor
    real: Tensor
    alpha: float = 0.25
    gamma: float = 2.0
    most: int = 100

    @classmethod
    def of(cls, prompt: Prompt) -> PhraseRule:
        """Return the rule for the phrases of all texts of a prompt, numbered through from the first text."""
        return cls(torch.cat([prompt.members(i) for i in range(len(prompt.ids))]), prompt.real)

    def cost(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return Q×M, what yes costs beyond no: the mean over the words of each thing's phrase."""
        return focal_cost(logits.sigmoid(), self.alpha, self.gamma) @ self._shares(logits)[labels].T

    def loss(self, logits: Tensor, labels: Tensor, overlaps: Tensor, count: float) -> Tensor:
        """Return the sum of the focal loss over queries and words by the number of things."""
        truth = self.words[labels.clamp(min=0)] & (labels >= 0)[..., None]  # B×Q×T
        asked = self.real[:, None].expand_as(logits)
        each = focal_loss(logits[asked], truth[asked].to(logits), alpha=self.alpha, gamma=self.gamma)
        return each.sum() / count

    def probabilities(self, logits: Tensor) -> Tensor:
        """Return how likely each phrase is, …×P of …×T: the mean over its words, in 0–1."""
        return logits.sigmoid() @ self._shares(logits).T

    def surest(self, logits: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the likeliest of all phrases of all predictions; a NaN is no answer."""
        return surest(self.probabilities(logits), Limits(0.0, 1.0, self.most, self.most))

    def _shares(self, logits: Tensor) -> Tensor:
        return (self.words / self.words.sum(dim=1, keepdim=True)).to(logits)


def first_numbers(prompt: Prompt) -> Sequence[int]:
    """Return the number of the first phrase of each text, where phrases are numbered through.

    Parameters
    ----------
    prompt
        B texts.
    """
    counts = torch.tensor([len(prompt.members(i)) for i in range(len(prompt.ids))])
    return (counts.cumsum(0) - counts).tolist()
