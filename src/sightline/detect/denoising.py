"""Contrastive denoising: queries that begin at a true box, shaken a little or too much, need no matching to learn from.

Li et al. 2022, "DN-DETR: Accelerate DETR Training by Introducing Query DeNoising", CVPR, section 4: noisy labels and
boxes are queries whose answer is known. Zhang et al. 2023, "DINO: DETR with Improved DeNoising Anchor Boxes", ICLR,
section 3.3: each comes in a pair, one near enough to be that thing, one so far that nothing is there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from sightline.detect.aligned_loss import pad
from sightline.detect.detector import Targets
from sightline.detect.set_loss import SetLoss, added
from sightline.detect.set_matching import Pairs, SetPrediction
from sightline.nn.box_code import cxcywh_to_xyxy, xyxy_to_cxcywh


@dataclass(frozen=True)
class Noised:
    """Queries with a known answer, in groups of pairs: M near ones, then M far ones, group after group.

    Parameters
    ----------
    labels
        B×N int64 class indices; the number of classes where an image has fewer than M things.
    boxes
        B×N×4 (centre x, centre y, width, height) in shares of the image, in 0–1.
    groups
        Number of groups.
    pairs
        For each image the numbers of the near queries, and the numbers of the things that they come from.
    """

    labels: Tensor
    boxes: Tensor
    groups: int
    pairs: list[Pairs]

    def attends(self, queries: int) -> Tensor:
        """Return 1×(N+Q)×(N+Q) bool, which query (row) may look at which (column).

        No query sees the noised queries of another group, and the Q queries that are matched see none: they would
        read the answer there.

        Parameters
        ----------
        queries
            Q, of those that are matched; they stand last.
        """
        count = self.labels.shape[1]
        group = torch.arange(count, device=self.labels.device) // (count // self.groups)
        group = F.pad(group, (0, queries), value=-1)
        return ((group < 0) | (group == group[:, None]))[None]

    def losses(self, layers: Sequence[SetPrediction], targets: Sequence[Targets], loss: SetLoss) -> dict[str, Tensor]:
        """Return the losses of what the noised queries say after each layer; each group counts as a whole batch.

        Parameters
        ----------
        layers
            What the N queries say.
        targets
            What they were made from.
        loss
            Measures pairs that are known.
        """
        count = self.groups * sum(len(one["labels"]) for one in targets)
        found = added([loss.layer(one, targets, self.pairs, count) for one in layers])
        return {f"denoising_{name}": value for name, value in found.items()}


def parted(prediction: SetPrediction, count: int) -> tuple[SetPrediction, SetPrediction]:
    """Return what the first ``count`` queries say, and what the others say.

    Parameters
    ----------
    prediction
        Of all queries.
    count
        A whole number.
    """
    first, rest = zip(*(x.tensor_split([count], dim=1) for x in (prediction.logits, prediction.boxes)), strict=True)
    return SetPrediction(*first), SetPrediction(*rest)


@dataclass(frozen=True)
class Denoising:
    """How much noise.

    Parameters
    ----------
    queries
        Near queries of an image, about: whole groups are made, at least one; 0 makes none.
    label_noise
        Twice the share of the labels that are drawn anew, in 0–1 (DN-DETR's λ and DINO's p).
    box_noise
        Near corners move by up to this share of half a side, far ones by one to two times as much.
    """

    queries: int = 100
    label_noise: float = 0.5
    box_noise: float = 1.0

    def __call__(self, targets: Sequence[Targets], classes: int) -> Noised | None:
        """Return noised queries, drawn with torch's generator; None where no image has a thing.

        Parameters
        ----------
        targets
            For each image its labels, and its boxes as (centre x, centre y, width, height) in shares of the image.
        classes
            Number of classes.
        """
        true = pad(targets, targets[0]["boxes"].device)
        most = true.labels.shape[1]
        if not most or not self.queries:
            return None
        groups = max(1, self.queries // most)
        labels = true.labels.masked_fill(~true.present, classes).repeat(1, 2 * groups)  # B×M → B×N, M near and M far
        boxes = true.boxes.repeat(1, 2 * groups, 1)
        far = torch.arange(labels.shape[1], device=labels.device) // most % 2
        first = torch.arange(groups, device=labels.device)[:, None] * 2 * most
        things = [torch.arange(len(one["labels"]), device=labels.device) for one in targets]
        pairs = [((first + some).flatten(), some.repeat(groups)) for some in things]
        return Noised(self._other(labels, classes), self._moved(boxes, far), groups, pairs)

    def _other(self, labels: Tensor, classes: int) -> Tensor:
        """Draw some of the labels anew."""
        drawn = torch.rand(labels.shape, device=labels.device) < self.label_noise / 2
        other = torch.randint(0, classes, labels.shape, device=labels.device)
        return torch.where(drawn & (labels < classes), other, labels)

    def _moved(self, boxes: Tensor, far: Tensor) -> Tensor:
        """Move the corners, each its own way; those of far boxes by more than half a side."""
        way = torch.randint(0, 2, boxes.shape, device=boxes.device) * 2 - 1
        part = torch.rand(boxes.shape, device=boxes.device) + far[:, None]
        by = way * part * self.box_noise * boxes[..., 2:].repeat(1, 1, 2) / 2
        corners = (cxcywh_to_xyxy(boxes) + by).clamp(0, 1)
        return xyxy_to_cxcywh(corners).clamp(min=0)  # corners that changed sides leave no width
