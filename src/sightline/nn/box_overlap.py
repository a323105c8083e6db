"""How well two boxes overlap, with gradients: what the losses of boxes are made of.

Rezatofighi et al. 2019, "Generalized Intersection over Union", CVPR; Zheng et al. 2020, "Distance-IoU Loss", AAAI,
equations 10 and 11 for the complete one: overlap, distance of the centres, likeness of the sides.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

_EPS = 1e-7


def intersection_and_union(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Return the areas of what boxes share and of what they cover together.

    Parameters
    ----------
    a, b
        …×4 xyxy; they are broadcast, so that ``a[:, None], b[None]`` compares each with each.
    """
    low, high = torch.maximum(a[..., :2], b[..., :2]), torch.minimum(a[..., 2:], b[..., 2:])
    shared = (high - low).clamp(min=0).prod(dim=-1)
    areas = [(box[..., 2:] - box[..., :2]).clamp(min=0).prod(dim=-1) for box in (a, b)]
    return shared, areas[0] + areas[1] - shared


def overlap(a: Tensor, b: Tensor) -> Tensor:
    """Return the intersection over the union in 0–1, without the last axis.

    Parameters
    ----------
    a, b
        …×4 xyxy, broadcast against one another.

    Examples
    --------
    >>> overlap(torch.tensor([[0.0, 0, 2, 2]]), torch.tensor([[1.0, 1, 3, 3]]))
    tensor([0.1429])
    """
    shared, union = intersection_and_union(a, b)
    return shared / union.clamp(min=_EPS)


def generalized_overlap(a: Tensor, b: Tensor) -> Tensor:
    """Return the overlap less the share of the smallest box around both that neither covers, in −1…1.

    Parameters
    ----------
    a, b
        …×4 xyxy, broadcast against one another. NaN propagates.
    """
    shared, union = intersection_and_union(a, b)
    sides = torch.maximum(a[..., 2:], b[..., 2:]) - torch.minimum(a[..., :2], b[..., :2])
    around = sides.prod(dim=-1)
    return shared / union.clamp(min=_EPS) - (around - union) / around.clamp(min=_EPS)


def complete_overlap(a: Tensor, b: Tensor) -> Tensor:
    """Return IoU − ρ²/c² − αv in −2…1: the overlap, less the centres' distance, less the sides' unlikeness.

    Parameters
    ----------
    a, b
        …×4 xyxy; gradients flow to both, but not through the weight α.
    """
    iou = overlap(a, b)
    sides_a, sides_b = a[..., 2:] - a[..., :2], b[..., 2:] - b[..., :2]
    outer = torch.maximum(a[..., 2:], b[..., 2:]) - torch.minimum(a[..., :2], b[..., :2])
    diagonal = outer.square().sum(dim=-1)  # c²
    apart = (a[..., :2] + a[..., 2:] - b[..., :2] - b[..., 2:]).square().sum(dim=-1) / 4  # ρ²
    angles = [torch.atan2(sides[..., 0], sides[..., 1].clamp(min=_EPS)) for sides in (sides_a, sides_b)]
    v = 4 / math.pi**2 * (angles[0] - angles[1]).square()
    with torch.no_grad():
        alpha = v / (1 - iou + v).clamp(min=_EPS)
    return iou - apart / diagonal.clamp(min=_EPS) - alpha * v
