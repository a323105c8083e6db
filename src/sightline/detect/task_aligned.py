"""Task-aligned assignment: a place learns a thing when it is good at naming it and at boxing it, both at once.

Feng et al. 2021, "TOOD: Task-aligned One-stage Object Detection", ICCV, section 3.2: t = sᵅ·uᵝ (equation 3) with the
score s of the true class and the overlap u; of the places within a box, the m of largest t are taken; a place that
several boxes want goes to the one that it overlaps most; the target of its score is t, scaled so that each box's
largest is its largest overlap.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from sightline.nn.box_overlap import overlap

ALPHA, BETA, TOP = 1.0, 6.0, 13  # section 4.1: α, β and m


@dataclass(frozen=True)
class Assignment:
    """What each place of each image is to learn.

    Parameters
    ----------
    chosen
        B×A bool: the place learns a box.
    truth
        B×A int64: number of that box within the image; 0 where it learns none.
    target
        B×A: the score that the place is to give the box's class, in 0–1; 0 where it learns none.
    """

    chosen: Tensor
    truth: Tensor
    target: Tensor


@torch.no_grad()
def task_aligned(
    scores: Tensor, boxes: Tensor, places: Tensor, truths: Tensor, labels: Tensor, present: Tensor, least: float = 8.0
) -> Assignment:
    """Choose the places that learn each true box.

    Parameters
    ----------
    scores
        B×A×K predicted probabilities.
    boxes
        B×A×4 predicted xyxy, pixels.
    places
        A×2 centres (x, y) of the places, pixels.
    truths
        B×N×4 true xyxy, padded to the largest number of boxes.
    labels
        B×N int64 classes of the true boxes.
    present
        B×N bool: which of them are real.
    least
        Sides in pixels that a box is widened to when it is asked which places lie in it: the finest stride, so that
        even a box of one pixel has a place.
    """
    count = truths.shape[1]
    if count == 0:
        return _nothing(scores)
    s = scores.gather(2, labels[:, None].expand(-1, scores.shape[1], -1)).transpose(1, 2)  # B×N×A
    u = overlap(boxes[:, None], truths[:, :, None])  # B×N×A
    t = s.pow(ALPHA) * u.pow(BETA)
    inside = _inside(places, truths, least) & present[..., None]
    # Where nothing overlaps yet, the nearest centres win: the distance breaks the tie between equal measures.
    away = (places - (truths[..., :2] + truths[..., 2:])[:, :, None] / 2).square().sum(dim=-1)  # B×N×A
    rank = torch.where(inside, t - 1e-9 * away / away.amax(dim=-1, keepdim=True).clamp(min=1), -torch.inf)
    best = rank.topk(min(TOP, rank.shape[-1]), dim=-1)
    wanted = torch.zeros_like(inside).scatter_(2, best.indices, best.values > -torch.inf)
    truth = torch.where(wanted, u, -1.0).argmax(dim=1)  # B×A: of several, the one of largest overlap
    taken = wanted & (torch.arange(count, device=truth.device)[:, None] == truth[:, None])
    t, u = torch.where(taken, t, 0.0), torch.where(taken, u, 0.0)
    scale = u.amax(dim=-1, keepdim=True) / t.amax(dim=-1, keepdim=True).clamp(min=1e-12)
    chosen = taken.any(dim=1)
    return Assignment(chosen, torch.where(chosen, truth, 0), (t * scale).sum(dim=1).clamp(max=1.0))


def _inside(places: Tensor, truths: Tensor, least: float) -> Tensor:
    """Return B×N×A: whether a place's centre lies in a box, which is widened to ``least`` pixels."""
    middle, half = (truths[..., :2] + truths[..., 2:]) / 2, (truths[..., 2:] - truths[..., :2]).clamp(min=least) / 2
    return ((places - middle[:, :, None]).abs() <= half[:, :, None]).all(dim=-1)


def _nothing(scores: Tensor) -> Assignment:
    shape = scores.shape[:2]
    zeros = torch.zeros(shape, device=scores.device, dtype=scores.dtype)
    return Assignment(zeros.bool(), zeros.long(), zeros)
