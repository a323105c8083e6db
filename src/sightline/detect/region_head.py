"""What is in a proposed region: its features in a grid of one size, two layers, a class and a better box.

Girshick 2015, "Fast R-CNN", ICCV, section 2; the level that a region is read from after Lin et al. 2017, "Feature
Pyramid Networks", CVPR, equation 1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sightline.detect.dense import Limits, clip, thin
from sightline.detect.detector import Targets
from sightline.detect.fit import Fitted
from sightline.detect.framed import Found
from sightline.detect.matching import BACKGROUND, Matching, balanced
from sightline.nn.aligned_regions import aligned_regions
from sightline.nn.box_code import BoxCode
from sightline.nn.conv_norm import ConvNorm

CELLS = 7  # a region becomes 7×7 cells
HIDDEN = 1024
BETA = 1 / 9
HALF, KEPT = Matching(0.5, 0.5), Limits(0.05, 0.5, 0, 100)
SMALLEST = 0.01  # pixels: a box that is thinner is none


@dataclass(frozen=True)
class RegionRule:
    """What a region learns, and what is kept of what it says.

    Parameters
    ----------
    matching
        Which true box a region learns.
    sampled
        Regions of an image that are learnt from.
    share
        Largest share of things among them.
    limits
        What is kept of what is said.
    """

    matching: Matching = HALF
    sampled: int = 512
    share: float = 0.25
    limits: Limits = KEPT


RULE = RegionRule()


def read_regions(size: tuple[int, int], levels: Sequence[Tensor], boxes: Sequence[Tensor]) -> Tensor:
    """Return N×C×7×7: every region of every image, read from the level that suits its size.

    Parameters
    ----------
    size
        Height and width of the batch in pixels.
    levels
        B×C×H×W maps, fine to coarse.
    boxes
        For each image N×4 xyxy in pixels.
    """
    every = torch.cat(list(boxes))
    owners = torch.cat([torch.full((len(one),), i, device=one.device) for i, one in enumerate(boxes)])
    steps = [
        round(math.log2(size[0] / level.shape[-2])) for level in levels
    ]  # a level's stride is 2 to the power of it
    sides = (every[:, 2:] - every[:, :2]).prod(dim=1).sqrt()
    # Equation 1: 224 pixels belong to level 4, twice as much to the next one.
    wanted = (4 + (sides / 224).log2() + 1e-6).floor().clamp(steps[0], steps[-1]).long() - steps[0]
    found = every.new_zeros(len(every), levels[0].shape[1], CELLS, CELLS)
    for index, (level, step) in enumerate(zip(levels, steps, strict=True)):
        rows = torch.where(wanted == index)[0]
        if len(rows):
            regions = _legacy(every[rows], 2.0**step)
            read = aligned_regions(level, regions, owners[rows], (CELLS, CELLS), 2.0**-step)
            found = found.index_copy(0, rows, read.to(found))
    return found


def _legacy(boxes: Tensor, stride: float) -> Tensor:
    """Return boxes as the public checkpoints read them: half a cell further, and never below a cell wide or high."""
    low = boxes[:, :2]
    return torch.cat([low, torch.maximum(boxes[:, 2:], low + stride)], dim=1) + stride / 2


class LinearBody(nn.Sequential):
    """Two layers of 1024 units: N×C×7×7 → N×1024.

    Parameters
    ----------
    channels
        C.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.flatten = nn.Flatten()
        self.six = nn.Sequential(nn.Linear(channels * CELLS**2, HIDDEN), nn.ReLU())
        self.seven = nn.Sequential(nn.Linear(HIDDEN, HIDDEN), nn.ReLU())


class ConvBody(nn.Sequential):
    """Four normalised convolutions and one layer of 1024 units: N×C×7×7 → N×1024.

    Parameters
    ----------
    channels
        C.
    """

    def __init__(self, channels: int) -> None:
        layers = [ConvNorm(channels, channels, 3, activation=nn.ReLU()) for _ in range(4)]
        super().__init__(*layers, nn.Flatten(), nn.Linear(channels * CELLS**2, HIDDEN), nn.ReLU())
        for layer in layers:
            nn.init.kaiming_normal_(layer.conv.weight, mode="fan_out", nonlinearity="relu")


class RegionHead(nn.Module):
    """A body, a class and a box for each class; class 0 is the background in here.

    Parameters
    ----------
    body
        N×C×7×7 → N×1024.
    classes
        Without the background.
    rule
        What is learnt and kept.
    """

    def __init__(self, body: nn.Module, classes: int, rule: RegionRule = RULE) -> None:
        super().__init__()
        self.body, self.rule = body, rule
        self.classes = nn.Linear(HIDDEN, classes + 1)
        self.boxes = nn.Linear(HIDDEN, 4 * (classes + 1))
        self.code = BoxCode((10.0, 5.0))

    def forward(self, regions: Tensor) -> tuple[Tensor, Tensor]:
        """Return the logits N×(K+1) and the codes N×(K+1)×4 of N×C×7×7 regions."""
        seen = self.body(regions)
        return self.classes(seen), self.boxes(seen).view(len(seen), self.classes.out_features, 4)

    def learn(
        self, fitted: Fitted, levels: Sequence[Tensor], proposals: Sequence[Tensor], targets: Sequence[Targets]
    ) -> dict[str, Tensor]:
        """Return the losses of a sample of the proposals; the true boxes are proposals, too.

        Parameters
        ----------
        fitted, levels
            The batch and its maps.
        proposals, targets
            For each image, in pixels of the batch.
        """
        boxes, labels, codes = zip(*map(self._sample, proposals, targets), strict=True)
        logits, found = self(read_regions(fitted.size, levels, boxes))
        label = torch.cat(labels)
        things = torch.where(label > 0)[0]
        far = F.smooth_l1_loss(found[things, label[things]], torch.cat(codes)[things], beta=BETA, reduction="sum")
        return {"classification": F.cross_entropy(logits, label), "boxes": far / max(1, len(label))}

    def _sample(self, proposals: Tensor, target: Targets) -> tuple[Tensor, Tensor, Tensor]:
        """Return boxes, classes with 0 for the background, and the codes of the true boxes."""
        boxes = torch.cat([proposals, target["boxes"]])
        match = self.rule.matching(target["boxes"], boxes)
        labels = torch.where(match == BACKGROUND, 0, -1)
        labels[match >= 0] = target["labels"][match[match >= 0]] + 1
        chosen = torch.cat(balanced(labels, self.rule.sampled, self.rule.share)).sort().values
        boxes, labels, match = boxes[chosen], labels[chosen], match[chosen]
        truth = boxes.clone()
        truth[labels > 0] = target["boxes"][match[labels > 0]]
        return boxes, labels, self.code.encode(truth, boxes)

    def search(self, fitted: Fitted, levels: Sequence[Tensor], proposals: Sequence[Tensor]) -> list[Found]:
        """Return what is found in each image, best first.

        Parameters
        ----------
        fitted, levels
            The batch and its maps.
        proposals
            For each image, in pixels of the batch.
        """
        logits, codes = self(read_regions(fitted.size, levels, proposals))
        boxes = self.code.decode(codes, torch.cat(list(proposals))[:, None])
        counts = [len(one) for one in proposals]
        parts = zip(boxes.split(counts), logits.softmax(dim=1).split(counts), fitted.sizes, strict=True)
        return [self._kept(clip(box, size), score) for box, score, size in parts]

    def _kept(self, boxes: Tensor, scores: Tensor) -> Found:
        limits = self.rule.limits
        wide = ((boxes[..., 2:] - boxes[..., :2]) >= SMALLEST).all(dim=2)
        place, label = torch.where((scores > limits.least)[:, 1:] & wide[:, 1:])
        raw = Found(boxes[place, label + 1], scores[place, label + 1], label)
        return thin(raw, limits.near, limits.most)
