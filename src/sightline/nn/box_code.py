"""How a network says where a box is: relative to a box that stands there already, so that size drops out.

Girshick et al. 2014, "Rich Feature Hierarchies", CVPR, appendix C (shift of the centre in units of the size, logarithm
of the growth); Tian et al. 2019, "FCOS", ICCV, section 3.1 (distances from a place to the four edges).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

_MOST = math.log(1000 / 16)  # a box grows by no more than from 16 to 1000 pixels, so that exp stays finite


class BoxCode:
    """Four numbers (tx, ty, tw, th) for a box beside an anchor.

    Parameters
    ----------
    weights
        What the shifts and the logarithms of the growth are multiplied by, so that they have a spread near 1.

    Examples
    --------
    >>> code = BoxCode()
    >>> anchors = torch.tensor([[0.0, 0.0, 4.0, 4.0]])
    >>> [round(value, 3) for value in code.encode(torch.tensor([[1.0, 0.0, 5.0, 8.0]]), anchors)[0].tolist()]
    [0.25, 0.5, 0.0, 0.693]
    """

    def __init__(self, weights: tuple[float, float] = (1.0, 1.0)) -> None:
        self.shift, self.growth = weights

    def encode(self, boxes: Tensor, anchors: Tensor) -> Tensor:
        """Return N×4 codes of N×4 xyxy boxes, each beside its own anchor."""
        (centre, size), (place, unit) = _centred(boxes), _centred(anchors)
        return torch.cat([self.shift * (centre - place) / unit, self.growth * torch.log(size / unit)], dim=-1)

    def decode(self, codes: Tensor, anchors: Tensor) -> Tensor:
        """Return the boxes that …×4 codes say beside …×4 anchors."""
        place, unit = _centred(anchors)
        centre = codes[..., :2] / self.shift * unit + place
        size = torch.exp((codes[..., 2:] / self.growth).clamp(max=_MOST)) * unit
        return cxcywh_to_xyxy(torch.cat([centre, size], dim=-1))


class EdgeCode:
    """Four distances (left, top, right, bottom) from the centre of an anchor to the edges, in units of its size.

    Examples
    --------
    >>> anchors = torch.tensor([[0.0, 0.0, 4.0, 4.0]])
    >>> EdgeCode().decode(torch.tensor([[0.5, 0.5, 1.0, 1.0]]), anchors).tolist()
    [[0.0, 0.0, 6.0, 6.0]]
    """

    def encode(self, boxes: Tensor, anchors: Tensor) -> Tensor:
        """Return the distances to the edges of …×4 boxes; negative where an edge lies on the wrong side."""
        place, unit = _centred(anchors)
        return torch.cat([place - boxes[..., :2], boxes[..., 2:] - place], dim=-1) / torch.cat([unit, unit], dim=-1)

    def decode(self, codes: Tensor, anchors: Tensor) -> Tensor:
        """Return the boxes that …×4 distances say around …×4 anchors."""
        place, unit = _centred(anchors)
        return torch.cat([place - codes[..., :2] * unit, place + codes[..., 2:] * unit], dim=-1)


def xyxy_to_cxcywh(boxes: Tensor) -> Tensor:
    """Return …×4 (centre x, centre y, width, height) of …×4 xyxy boxes, in the same unit."""
    return torch.cat(_centred(boxes), dim=-1)


def cxcywh_to_xyxy(boxes: Tensor) -> Tensor:
    """Return …×4 xyxy of …×4 (centre x, centre y, width, height), in the same unit."""
    centre, half = boxes[..., :2], boxes[..., 2:] / 2
    return torch.cat([centre - half, centre + half], dim=-1)


def _centred(boxes: Tensor) -> tuple[Tensor, Tensor]:
    """Return the centres and the sizes of …×4 xyxy boxes, each …×2."""
    size = boxes[..., 2:] - boxes[..., :2]
    return boxes[..., :2] + size / 2, size
