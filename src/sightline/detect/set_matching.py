"""Matching of two sets: every thing gets the one prediction that fits it best, so that all together fit best.

Carion et al. 2020, "End-to-End Object Detection with Transformers", ECCV, section 3.1 and appendix A.2: the pairs of
least cost, found by the Hungarian algorithm (Kuhn 1955, "The Hungarian Method for the Assignment Problem").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor
from torch.nn import functional as F

from sightline.detect.dense import Limits, surest
from sightline.detect.detector import Targets
from sightline.nn.box_code import cxcywh_to_xyxy, xyxy_to_cxcywh
from sightline.nn.box_overlap import generalized_overlap
from sightline.nn.focal_loss import focal_loss

Pairs = tuple[Tensor, Tensor]  # numbers of predictions in rising order, numbers of their things
_TINY = 1e-8  # a probability below it is none


@dataclass(frozen=True)
class SetPrediction:
    """What one layer says of every image: Q things that may be there.

    Parameters
    ----------
    logits
        B×Q×K, one for each class; with a last one for "nothing" where the rule is :class:`SoftmaxRule`.
    boxes
        B×Q×4 (cx, cy, w, h) as shares of the image's sides, in 0–1.
    """

    logits: Tensor
    boxes: Tensor


class ClassRule(Protocol):
    """What a name costs in the matching, what it costs in the learning, and which answers are the surest."""

    def cost(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return Q×M, the cost of calling each of Q predictions (logits Q×K) by the name of each of M things."""
        ...

    def loss(self, logits: Tensor, labels: Tensor, overlaps: Tensor, count: float) -> Tensor:
        """Return a scalar.

        Parameters
        ----------
        logits
            B×Q×K.
        labels
            B×Q int64, the class that each prediction is matched with; −1 for nothing.
        overlaps
            B×Q in 0–1, the overlap of each prediction with its thing; 0 for nothing.
        count
            How many things there are in the batch.
        """
        ...

    def probabilities(self, logits: Tensor) -> Tensor:
        """Return how likely each class is, in 0–1, without "nothing", of …×K."""
        ...

    def surest(self, logits: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return scores in falling order, the predictions that they belong to and their classes, of one image's Q×K."""
        ...


@dataclass(frozen=True)
class SoftmaxRule:
    """One class of K − 1, or nothing, which is the last logit (Carion 2020, equations 1 and 2).

    Parameters
    ----------
    nothing
        Weight of the predictions that are matched with nothing, against the crowd of them.
    """

    nothing: float = 0.1

    def cost(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return −p of the class."""
        return -self.probabilities(logits)[:, labels]

    def loss(self, logits: Tensor, labels: Tensor, overlaps: Tensor, count: float) -> Tensor:
        """Return the weighted mean of the cross-entropy over all predictions."""
        last = logits.shape[-1] - 1
        weight = torch.ones_like(logits[0, 0])
        weight[last] = self.nothing
        return F.cross_entropy(logits.transpose(1, 2), labels.where(labels >= 0, last), weight)

    def probabilities(self, logits: Tensor) -> Tensor:
        """Return the softmax without its last one."""
        return logits.softmax(dim=-1)[..., :-1]

    def surest(self, logits: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the likeliest class of every prediction; a NaN is no answer."""
        scores, labels = self.probabilities(logits).max(dim=-1)
        best, place, _ = surest(scores[:, None], Limits(0.0, 1.0, len(scores), len(scores)))
        return best, place, labels[place]


@dataclass(frozen=True)
class FocalRule:
    """Each class is a question of its own, answered under the focal loss (Zhu 2021, "Deformable DETR", A.4).

    Parameters
    ----------
    alpha, gamma
        As :func:`~sightline.nn.focal_loss` takes them.
    most
        Most answers of an image.
    """

    alpha: float = 0.25
    gamma: float = 2.0
    most: int = 100

    def cost(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return what yes costs beyond no."""
        return focal_cost(self.probabilities(logits)[:, labels], self.alpha, self.gamma)

    def loss(self, logits: Tensor, labels: Tensor, overlaps: Tensor, count: float) -> Tensor:
        """Return the sum of the focal loss by the number of things."""
        return focal_loss(logits, one_hot(logits, labels), alpha=self.alpha, gamma=self.gamma).sum() / count

    def probabilities(self, logits: Tensor) -> Tensor:
        """Return the sigmoid."""
        return logits.sigmoid()

    def surest(self, logits: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the likeliest of all names of all predictions; a NaN is no answer."""
        return surest(self.probabilities(logits), Limits(0.0, 1.0, self.most, self.most))


def focal_cost(p: Tensor, alpha: float, gamma: float) -> Tensor:
    """Return what yes costs beyond no under the focal loss, of the shape of the probabilities.

    Parameters
    ----------
    p
        In 0–1.
    alpha, gamma
        As :func:`~sightline.nn.focal_loss` takes them.
    """
    yes = -alpha * (1 - p) ** gamma * (p + _TINY).log()
    no = -(1 - alpha) * p**gamma * (1 - p + _TINY).log()
    return yes - no


@dataclass(frozen=True)
class Weights:
    """How much the name, the difference of the boxes and their overlap count.

    Parameters
    ----------
    classes, boxes, overlap
        Factors ≥ 0.
    """

    classes: float = 1.0
    boxes: float = 5.0
    overlap: float = 2.0


USUAL = Weights()  # Carion 2020, appendix A.4


@dataclass(frozen=True)
class HungarianMatcher:
    """Finds the pairs of least cost: λ · cost of the name + λ · |b − b̂|₁ − λ · GIoU.

    Parameters
    ----------
    rule
        What a name costs.
    weights
        The factors λ.
    """

    rule: ClassRule
    weights: Weights = USUAL

    def cost(self, logits: Tensor, boxes: Tensor, target: Targets) -> Tensor:
        """Return Q×M, what it costs to match each prediction of an image with each of its things.

        Parameters
        ----------
        logits, boxes
            Q×K and Q×4 of one image.
        target
            M labels and boxes (cx, cy, w, h) as shares.
        """
        truth = target["boxes"].to(boxes)
        apart = torch.cdist(boxes, truth, p=1)
        near = generalized_overlap(cxcywh_to_xyxy(boxes)[:, None], cxcywh_to_xyxy(truth)[None])
        named = self.rule.cost(logits, target["labels"])
        return self.weights.boxes * apart + self.weights.classes * named - self.weights.overlap * near

    @torch.no_grad()
    def __call__(self, prediction: SetPrediction, targets: Sequence[Targets]) -> list[Pairs]:
        """Return the pairs of each image, min(Q, M) of them. A cost that is not finite is chosen last.

        Parameters
        ----------
        prediction
            Of B images.
        targets
            Of each image labels and boxes (cx, cy, w, h) as shares; may be none.
        """
        found = []
        for logits, boxes, target in zip(prediction.logits, prediction.boxes, targets, strict=True):
            cost = self.cost(logits.float(), boxes.float(), target)
            worst = torch.finfo(cost.dtype).max
            table = cost.nan_to_num(worst, worst, worst).cpu().numpy()
            rows, columns = (torch.from_numpy(side).to(boxes.device) for side in linear_sum_assignment(table))
            found.append((rows, columns))
        return found


def as_shares(targets: Sequence[Targets], sizes: Sequence[tuple[int, int]]) -> list[Targets]:
    """Return targets whose boxes are (cx, cy, w, h) as shares of their image's sides.

    Parameters
    ----------
    targets
        Boxes xyxy in pixels.
    sizes
        Height and width in pixels of each image.
    """
    return [
        {"boxes": xyxy_to_cxcywh(one["boxes"]) / one["boxes"].new_tensor([w, h, w, h]), "labels": one["labels"]}
        for one, (h, w) in zip(targets, sizes, strict=True)
    ]


def in_pixels(boxes: Tensor, size: tuple[int, int]) -> Tensor:
    """Return …×4 xyxy in pixels of …×4 (cx, cy, w, h) as shares of an image's sides.

    Parameters
    ----------
    boxes
        In 0–1.
    size
        Height and width of the image in pixels.
    """
    height, width = size
    return cxcywh_to_xyxy(boxes) * boxes.new_tensor([width, height, width, height])


def one_hot(logits: Tensor, labels: Tensor) -> Tensor:
    """Return …×K zeros, with a one at each label ≥ 0, of the type of the logits.

    Parameters
    ----------
    logits
        …×K.
    labels
        … int64; −1 for none.
    """
    classes = torch.arange(logits.shape[-1], device=logits.device)
    return (labels[..., None] == classes).to(logits)
