"""The loss of the anchor-free detector: how well each place names, boxes, and places its edges.

Feng et al. 2021, "TOOD", section 3.2, equations 5 to 7: |t̂ − s|^γ·BCE(s, t̂) over all places, overlap losses weighted
by t̂. Zheng et al. 2020 for the overlap, Li et al. 2020, "Generalized Focal Loss", equation 6, for the distribution.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from sightline.detect.detector import Targets
from sightline.detect.task_aligned import task_aligned
from sightline.detect.yolo_head import Predicted
from sightline.nn.box_overlap import complete_overlap

GAMMA = 2.0  # Feng 2021, section 4.1
NAME, BOX, EDGES = 1.0, 2.0, 0.25  # weights of the parts: Feng 2021 for the first two, Li 2020 for the third


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


def yolo_loss(said: Predicted, targets: Sequence[Targets]) -> dict[str, Tensor]:
    """Return ``loss`` and its parts ``name_loss``, ``box_loss`` and ``edge_loss``, scalars.

    Parameters
    ----------
    said
        What the head says, B×A.
    targets
        The true boxes of the B images.
    """
    true = pad(targets, said.logits.device)
    logits, edges = said.logits.float(), said.edges.float()
    said = Predicted(logits, edges, said.places, said.strides)
    boxes, scores = said.boxes(), logits.sigmoid()
    finest = float(said.strides.min())
    given = task_aligned(scores.detach(), boxes.detach(), said.places, true.boxes, true.labels, true.present, finest)
    wanted = _wanted_scores(given.target, given.truth, true.labels, logits)
    focus = (wanted - scores).abs().detach().pow(GAMMA)
    total = given.target.sum().clamp(min=1.0)
    naming = (F.binary_cross_entropy_with_logits(logits, wanted, reduction="none") * focus).sum() / total
    image, place = given.chosen.nonzero(as_tuple=True)  # the M places that learn a box
    if not len(image):
        nothing = edges.sum() * 0.0  # no box in the batch: the branch still has a gradient
        return {"loss": NAME * naming + nothing, "name_loss": naming, "box_loss": nothing, "edge_loss": nothing}
    weight, truth = given.target[image, place], true.boxes[image, given.truth[image, place]]
    boxing = ((1 - complete_overlap(boxes[image, place], truth)) * weight).sum() / total
    away = _distances(said.places[place], truth) / said.strides[place, None]
    spreading = (distribution_focal(edges[image, place], away).mean(dim=1) * weight).sum() / total
    loss = NAME * naming + BOX * boxing + EDGES * spreading
    return {"loss": loss, "name_loss": naming, "box_loss": boxing, "edge_loss": spreading}


def _wanted_scores(target: Tensor, truth: Tensor, labels: Tensor, logits: Tensor) -> Tensor:
    """Return B×A×K: the target score at the class of the place's box, zero elsewhere."""
    wanted = torch.zeros_like(logits)
    if labels.shape[1]:
        wanted.scatter_(2, labels.gather(1, truth)[..., None], target[..., None].to(logits.dtype))
    return wanted


def _distances(places: Tensor, boxes: Tensor) -> Tensor:
    """Return M×4 pixels from the places to the edges: left, up, right, down."""
    return torch.cat([places - boxes[:, :2], boxes[:, 2:] - places], dim=1)


def distribution_focal(logits: Tensor, distances: Tensor) -> Tensor:
    """Return −((i+1 − y)·log Pᵢ + (y − i)·log Pᵢ₊₁) for the bins i and i + 1 on both sides of a distance y.

    Parameters
    ----------
    logits
        …×n of the distribution P.
    distances
        … true distances in strides; cut to 0…n − 1.

    Examples
    --------
    >>> even = torch.zeros(1, 5)
    >>> round(distribution_focal(even, torch.tensor([1.5])).item(), 4)  # log 5, whatever the distance
    1.6094
    """
    bins = logits.shape[-1]
    y = distances.clamp(0, bins - 1 - 1e-3)
    low = y.long()
    share = y - low
    log_p = logits.log_softmax(dim=-1)
    left, right = log_p.gather(-1, low[..., None])[..., 0], log_p.gather(-1, low[..., None] + 1)[..., 0]
    return -((1 - share) * left + share * right)
