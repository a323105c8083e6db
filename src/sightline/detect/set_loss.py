"""The loss of a set: what is matched learns its name and its box, the rest learns that it is nothing.

Carion et al. 2020, "End-to-End Object Detection with Transformers", ECCV, equation 2 and appendix A.2; the layers
before the last learn the same way, each by its own matching ("auxiliary decoding losses", section 3.2).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from sightline.detect.detector import Targets
from sightline.detect.set_matching import USUAL, HungarianMatcher, Pairs, SetPrediction, Weights
from sightline.nn.box_code import cxcywh_to_xyxy
from sightline.nn.box_overlap import overlap
from sightline.nn.giou_loss import giou_loss


@dataclass(frozen=True)
class SetLoss:
    """Matches, then measures: λ · loss of the name + λ · |b − b̂|₁ + λ · (1 − GIoU), summed over the layers.

    Parameters
    ----------
    matcher
        Finds the pairs; its rule says what a name costs.
    weights
        The factors λ of the loss.
    """

    matcher: HungarianMatcher
    weights: Weights = USUAL

    def __call__(self, layers: Sequence[SetPrediction], targets: Sequence[Targets]) -> dict[str, Tensor]:
        """Return the weighted losses ``classification``, ``boxes`` and ``overlap``, each summed over the layers.

        Parameters
        ----------
        layers
            What each layer says of B images.
        targets
            Of each image labels and boxes (cx, cy, w, h) as shares.
        """
        count = max(1, sum(len(one["labels"]) for one in targets))
        return added([self.layer(one, targets, self.matcher(one, targets), count) for one in layers])

    def layer(
        self, prediction: SetPrediction, targets: Sequence[Targets], pairs: Sequence[Pairs], count: float
    ) -> dict[str, Tensor]:
        """Return the three weighted losses of one layer whose pairs are known.

        Parameters
        ----------
        prediction
            Of B images.
        targets
            Of each image labels and boxes as shares.
        pairs
            Of each image.
        count
            What sums are divided by: the number of things in the batch.
        """
        numbers = [torch.full_like(rows, i) for i, (rows, _) in enumerate(pairs)]
        chosen = (torch.cat(numbers), torch.cat([rows for rows, _ in pairs]))
        boxes = prediction.boxes[chosen]  # N×4, N pairs in all images
        truth = torch.cat([one["boxes"][columns] for one, (_, columns) in zip(targets, pairs, strict=True)]).to(boxes)
        corners, true_corners = cxcywh_to_xyxy(boxes), cxcywh_to_xyxy(truth)
        labels = torch.full(prediction.logits.shape[:2], -1, dtype=torch.int64, device=boxes.device)
        labels[chosen] = torch.cat([one["labels"][columns] for one, (_, columns) in zip(targets, pairs, strict=True)])
        overlaps = torch.zeros_like(prediction.boxes[..., 0])
        overlaps[chosen] = overlap(corners.detach(), true_corners)
        named = self.matcher.rule.loss(prediction.logits, labels, overlaps.detach(), count)
        return {
            "classification": self.weights.classes * named,
            "boxes": self.weights.boxes * (boxes - truth).abs().sum() / count,
            "overlap": self.weights.overlap * giou_loss(corners, true_corners).sum() / count,
        }


def added(losses: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
    """Return the sums of losses of the same names.

    Parameters
    ----------
    losses
        At least one.
    """
    return {name: torch.stack([one[name] for one in losses]).sum() for name in losses[0]}
