"""Which anchor learns which thing: the one that it overlaps most, when that is enough.

Ren et al. 2015, "Faster R-CNN", NIPS, section 3.1.2: above a high overlap an anchor is a thing, below a low one it is
background, between them it is neither; and the best anchors of a thing are taken however little they overlap.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from sightline.detect.match import match

BACKGROUND, NEITHER = -1, -2


@dataclass(frozen=True)
class Matching:
    """The rule.

    Parameters
    ----------
    high
        Least overlap of a match, in 0–1.
    low
        Overlap below which an anchor is background, ≤ ``high``.
    best
        What is done for a thing that no anchor overlaps enough: ``"none"``; ``"ties"`` gives all its best anchors to
        whatever they overlap most; ``"one"`` gives its single best anchor to it (Liu 2016, "SSD", section 2.2).
    """

    high: float
    low: float
    best: str = "none"

    def __call__(self, boxes: Tensor, anchors: Tensor) -> Tensor:
        """Return for each of N anchors the number of its box among M, or BACKGROUND, or NEITHER; N int64.

        Parameters
        ----------
        boxes
            M×4 xyxy; M may be 0.
        anchors
            N×4 xyxy.
        """
        rows, truth = anchors.detach().cpu().numpy(), boxes.detach().cpu().numpy()
        return torch.from_numpy(match(rows, truth, self.high, self.low, self.best)).to(anchors.device)


def balanced(labels: Tensor, count: int, share: float) -> tuple[Tensor, Tensor]:
    """Return the numbers of a random part of the things and of the background, so that things are not drowned.

    Parameters
    ----------
    labels
        N numbers: ≥ 1 a thing, 0 background, below it neither.
    count
        How many are drawn together, where there are so many.
    share
        Largest share of things among them, in 0–1.

    Returns
    -------
    tuple of Tensor
        Numbers of the things and of the background, in rising order. Drawn with torch's generator.
    """
    things, background = torch.where(labels >= 1)[0], torch.where(labels == 0)[0]
    some = min(len(things), int(count * share))
    others = min(len(background), count - some)
    drawn = torch.randperm(len(things), device=labels.device)[:some]
    rest = torch.randperm(len(background), device=labels.device)[:others]
    return things[drawn].sort().values, background[rest].sort().values
