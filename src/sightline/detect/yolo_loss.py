"""The loss of the anchor-free detector: how well each place names, boxes, and places its edges.

Feng et al. 2021, "TOOD", for the first two, which are in :mod:`sightline.detect.aligned_loss`; Li et al. 2020,
"Generalized Focal Loss", equation 6, for the distribution of the edges.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from sightline.detect.aligned_loss import BOX, NAME, align
from sightline.detect.detector import Targets
from sightline.detect.yolo_head import Predicted

EDGES = 0.25  # weight of the distribution: Li 2020


def yolo_loss(said: Predicted, targets: Sequence[Targets]) -> dict[str, Tensor]:
    """Return ``loss`` and its parts ``name_loss``, ``box_loss`` and ``edge_loss``, scalars.

    Parameters
    ----------
    said
        What the head says, B×A.
    targets
        The true boxes of the B images.
    """
    logits, edges = said.logits.float(), said.edges.float()
    said = Predicted(logits, edges, said.places, said.strides)
    boxes, scores = said.boxes(), logits.sigmoid()
    given = align(boxes, scores, said.places, float(said.strides.min()), targets)
    naming = given.naming(scores, F.binary_cross_entropy_with_logits(logits, given.wanted, reduction="none"))
    boxing = given.boxing(boxes)
    if not len(given.image):
        spreading = edges.sum() * 0.0  # no box in the batch: the branch still has a gradient
    else:
        away = _distances(said.places[given.place], given.truth) / said.strides[given.place, None]
        apart = distribution_focal(edges[given.image, given.place], away).mean(dim=1)
        spreading = (apart * given.weight).sum() / given.total
    loss = NAME * naming + BOX * boxing + EDGES * spreading
    return {"loss": loss, "name_loss": naming, "box_loss": boxing, "edge_loss": spreading}


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
