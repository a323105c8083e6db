"""From an answer at every place to a few boxes: the surest of each level, then of each thing one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from sightline.core.box_suppression import suppress
from sightline.detect.framed import Found


@dataclass(frozen=True)
class Limits:
    """What is kept.

    Parameters
    ----------
    least
        Score in 0–1 that a box must exceed.
    near
        Overlap above which the less sure one of two boxes of a class goes.
    candidates
        Most boxes of a level, or of a class, that are compared.
    most
        Most boxes of an image.
    """

    least: float
    near: float
    candidates: int
    most: int


def surest(scores: Tensor, limits: Limits) -> tuple[Tensor, Tensor, Tensor]:
    """Return the scores, places and classes of the highest scores of a level, in falling order.

    Parameters
    ----------
    scores
        A×K in 0–1; NaN exceeds nothing.
    limits
        How many, and from where.
    """
    flat = scores.flatten()
    above = torch.where(flat > limits.least)[0]
    best, order = flat[above].topk(min(limits.candidates, len(above)))
    chosen = above[order]
    return best, chosen // scores.shape[1], chosen % scores.shape[1]


def gather(
    scores: Sequence[Tensor],
    codes: Sequence[Tensor],
    anchors: Sequence[Tensor],
    decode: Callable[[Tensor, Tensor], Tensor],
    size: tuple[int, int],
    limits: Limits,
) -> Found:
    """Return what the levels of one image say, before overlapping boxes are suppressed.

    Parameters
    ----------
    scores, codes, anchors
        For each level A×K, A×4 and A×4.
    decode
        Makes boxes of codes and anchors.
    size
        Height and width of the image in pixels; boxes are cut there.
    limits
        What is kept.
    """
    parts = []
    for score, code, anchor in zip(scores, codes, anchors, strict=True):
        best, place, label = surest(score, limits)
        parts.append((clip(decode(code[place], anchor[place]), size), best, label))
    boxes, best, labels = (torch.cat(part) for part in zip(*parts, strict=True))
    return Found(boxes, best, labels)


def thin(found: Found, near: float, most: int) -> Found:
    """Return the surest boxes that no surer box of the same class overlaps more than ``near``, at most ``most``.

    Parameters
    ----------
    found
        Boxes in any order.
    near
        Overlap in 0–1.
    most
        A count.
    """
    kept = surviving(found.boxes, found.scores, found.labels, near)[:most]
    return Found(found.boxes[kept], found.scores[kept], found.labels[kept])


def surviving(boxes: Tensor, scores: Tensor, groups: Tensor, near: float) -> Tensor:
    """Return the numbers of the boxes that survive suppression within their group, in falling order of the scores.

    Parameters
    ----------
    boxes, scores, groups
        N×4 xyxy, N scores, N whole numbers.
    near
        Overlap in 0–1.
    """
    rows = [part.detach().cpu().numpy() for part in (boxes.double(), scores.double(), groups)]
    return torch.from_numpy(suppress(rows[0], rows[1], near, rows[2])).to(boxes.device)


def clip(boxes: Tensor, size: tuple[int, int]) -> Tensor:
    """Return …×4 boxes cut at the edges of an image.

    Parameters
    ----------
    boxes
        xyxy.
    size
        Height and width in pixels.
    """
    height, width = size
    return torch.stack([boxes[..., i].clamp(0, (width, height)[i % 2]) for i in range(4)], dim=-1)
