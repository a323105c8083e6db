"""Phrases as classes: a detector that is asked the same words always learns and answers like any other.

Liu et al. 2024, "Grounding DINO", ECCV, section 3.5 (contrastive loss between what is predicted and the words, the same
matching and losses of boxes as DETR, after every layer and for the places that were selected).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from sightline.core.errors import InputError
from sightline.detect.dense import Limits, surest
from sightline.detect.fit import Fitted
from sightline.detect.grounding_dino import GroundingDINO
from sightline.detect.prompt import Prompt
from sightline.detect.set_detector import SetDetector
from sightline.detect.set_loss import SetLoss
from sightline.detect.set_matching import FocalRule, HungarianMatcher, SetPrediction, Weights
from sightline.nn.focal_loss import focal_loss

LOSS_WEIGHTS = Weights(2.0, 5.0, 2.0)  # of the matching, the name counts 1 (section 3.5 and Table 10)
_PIECES = FocalRule()


@dataclass(frozen=True, eq=False)
class PhraseRule:
    """Each piece of the text is a question of its own; a class is what its words say together.

    Parameters
    ----------
    words
        K×T bool, which pieces of the text each class is made of.
    pieces
        What a piece costs.
    """

    words: Tensor
    pieces: FocalRule = _PIECES

    def shares(self, logits: Tensor) -> Tensor:
        """Return how much each piece counts for each class, K×T, rows sum to 1; like the logits in kind and place."""
        words = self.words.to(logits)
        return words / words.sum(dim=1, keepdim=True)

    def cost(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return the mean cost of the words of the class, Q×M of Q×T."""
        every = torch.arange(logits.shape[-1], device=logits.device)
        return self.pieces.cost(logits, every) @ self.shares(logits)[labels].T

    def loss(self, logits: Tensor, labels: Tensor, overlaps: Tensor, count: float) -> Tensor:
        """Return the sum of the focal loss over all pieces by the number of things."""
        truth = self.words.to(logits)[labels.clamp(min=0)] * (labels >= 0)[..., None]  # B×Q → B×Q×T
        return focal_loss(logits, truth, alpha=self.pieces.alpha, gamma=self.pieces.gamma).sum() / count

    def probabilities(self, logits: Tensor) -> Tensor:
        """Return the mean over the words of each class, …×T → …×K."""
        return logits.sigmoid() @ self.shares(logits).T

    def surest(self, logits: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the likeliest of all classes of all predictions; a NaN is no answer."""
        return surest(self.probabilities(logits), Limits(0.0, 1.0, self.pieces.most, self.pieces.most))


class Prompted(SetDetector):
    """A :class:`~sightline.detect.detector.Detector` whose classes are phrases.

    Parameters
    ----------
    model
        It is used, not copied: what is learnt here, it knows.
    phrases
        K of them, each without a full stop inside.

    Raises
    ------
    InputError
        When a phrase has no word or is several, or the model has no vocabulary.
    """

    def __init__(self, model: GroundingDINO, phrases: Sequence[str]) -> None:
        for phrase in phrases:
            if (count := len(model.prompt([phrase]).members(0))) != 1:
                raise InputError(
                    f"grounding_dino: phrases must each be one phrase, without '.' or '?' inside; got '{phrase}', "
                    f"which is {count}."
                )
        prompt = model.prompt([list(phrases)])
        loss = SetLoss(HungarianMatcher(PhraseRule(prompt.members(0))), LOSS_WEIGHTS)
        super().__init__("grounding_dino", len(phrases), model.fit, model.backbone, loss)
        self.model, self.prompt = model, prompt

    def layers(self, fitted: Fitted) -> list[SetPrediction]:
        """Return what is said of a batch: by the places that were selected, and by the queries after each layer."""
        ids = self.prompt.ids.to(fitted.images.device).expand(len(fitted.sizes), -1)
        return self.model.layers(fitted, Prompt(self.prompt.vocabulary, ids))
