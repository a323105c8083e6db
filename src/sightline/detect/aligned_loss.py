"""What places learn once they are chosen: to name their box as well as they box it, and to overlap it.

Feng et al. 2021, "TOOD", section 3.2, equations 5 to 7: |t̂ − s|^γ·BCE(s, t̂) over all places, overlap losses weighted
by t̂. Zheng et al. 2020 for the overlap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from sightline.detect.detector import Targets
from sightline.detect.task_aligned import task_aligned
from sightline.nn.box_overlap import complete_overlap

GAMMA = 2.0  # Feng 2021, section 4.1
NAME, BOX = 1.0, 2.0  # weights of the parts: Feng 2021


@dataclass(frozen=True)
class Padded:
    """The true boxes of a batch in one tensor each.

    Parameters
    ----------
    boxes
        B×N×4 xyxy pixels, N the largest number of boxes of an image; zeros where there is none.
    labels
        B×N int64.
    present
        B×N bool: what is real.
    """

    boxes: Tensor
    labels: Tensor
    present: Tensor


def pad(targets: Sequence[Targets], device: torch.device) -> Padded:
    """Return the true boxes of a batch, padded to the largest number of boxes.

    Parameters
    ----------
    targets
        One for each image.
    device
        Where they are wanted.
    """
    most = max((len(target["labels"]) for target in targets), default=0)
    boxes = torch.zeros(len(targets), most, 4)
    labels = torch.zeros(len(targets), most, dtype=torch.int64)
    present = torch.zeros(len(targets), most, dtype=torch.bool)
    for i, target in enumerate(targets):
        count = len(target["labels"])
        boxes[i, :count], labels[i, :count], present[i, :count] = target["boxes"], target["labels"], True
    return Padded(boxes.to(device), labels.to(device), present.to(device))


@dataclass(frozen=True)
class Aligned:
    """Who learns what.

    Parameters
    ----------
    wanted
        B×A×K: the score t̂ that each place is to give each class.
    total
        Scalar ≥ 1: the sum of t̂, by which the losses are divided.
    image, place
        M: the places that learn a box.
    truth
        M×4: their boxes, xyxy pixels.
    weight
        M: their t̂.
    """

    wanted: Tensor
    total: Tensor
    image: Tensor
    place: Tensor
    truth: Tensor
    weight: Tensor

    def naming(self, scores: Tensor, entropy: Tensor) -> Tensor:
        """Return |t̂ − s|^γ·BCE over all places.

        Parameters
        ----------
        scores
            B×A×K in 0–1.
        entropy
            B×A×K: the cross-entropy of each with ``wanted``.
        """
        focus = (self.wanted - scores).abs().detach().pow(GAMMA)
        return (entropy * focus).sum() / self.total

    def boxing(self, boxes: Tensor) -> Tensor:
        """Return the weighted overlap loss of B×A×4 boxes; 0 with a gradient where no place learns one."""
        if not len(self.image):
            return boxes.sum() * 0.0
        found = boxes[self.image, self.place]
        return ((1 - complete_overlap(found, self.truth)) * self.weight).sum() / self.total


def align(boxes: Tensor, scores: Tensor, places: Tensor, finest: float, targets: Sequence[Targets]) -> Aligned:
    """Choose who learns which box, and how well it is to name it.

    Parameters
    ----------
    boxes, scores
        B×A×4 xyxy pixels and B×A×K in 0–1, as predicted.
    places
        A×2 centres (x, y), pixels.
    finest
        The smallest stride, pixels.
    targets
        The true boxes of the B images.
    """
    true = pad(targets, scores.device)
    given = task_aligned(scores.detach(), boxes.detach(), places, true.boxes, true.labels, true.present, finest)
    wanted = torch.zeros_like(scores)
    if true.labels.shape[1]:
        own = true.labels.gather(1, given.truth)
        wanted.scatter_(2, own[..., None], given.target[..., None].to(scores.dtype))
    image, place = given.chosen.nonzero(as_tuple=True)
    truth = true.boxes[image, given.truth[image, place]]
    return Aligned(wanted, given.target.sum().clamp(min=1.0), image, place, truth, given.target[image, place])


def aligned_loss(
    boxes: Tensor, scores: Tensor, places: Tensor, finest: float, targets: Sequence[Targets]
) -> dict[str, Tensor]:
    """Return ``loss`` and its parts ``name_loss`` and ``box_loss``, scalars.

    Parameters
    ----------
    boxes, scores, places, finest, targets
        As :func:`align` takes them.
    """
    boxes, scores = boxes.float(), scores.float().clamp(1e-7, 1 - 1e-7)
    given = align(boxes, scores, places, finest, targets)
    naming = given.naming(scores, F.binary_cross_entropy(scores, given.wanted, reduction="none"))
    boxing = given.boxing(boxes)
    return {"loss": NAME * naming + BOX * boxing, "name_loss": naming, "box_loss": boxing}
