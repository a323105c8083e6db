"""Region proposals: a small network says of every anchor whether something is there, and where exactly.

Ren, He, Girshick and Sun 2015, "Faster R-CNN: Towards Real-Time Object Detection with Region Proposal Networks", NIPS,
section 3.1; one size of anchor at each level after Lin et al. 2017, "Feature Pyramid Networks", CVPR, section 4.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sightline.detect.anchor_grid import AnchorGrid
from sightline.detect.dense import clip, surviving
from sightline.detect.detector import Targets
from sightline.detect.fit import Fitted
from sightline.detect.matching import BACKGROUND, Matching, balanced
from sightline.nn.box_code import BoxCode
from sightline.nn.conv_tower import ConvTower, rows

MATCHING = Matching(0.7, 0.3, "ties")
SAMPLED, SHARE = 256, 0.5  # anchors of an image that are learnt from, and how many of them may be things
BETA = 1 / 9  # where the loss of a code turns from a square to an absolute value (Girshick 2015, equation 3)


@dataclass(frozen=True)
class Few:
    """How many proposals there are.

    Parameters
    ----------
    before, after
        Of a level before suppression, and of an image after it.
    least
        Lowest probability that something is there, in 0–1.
    near
        Overlap above which the less sure one of two proposals of a level goes.
    """

    before: int
    after: int
    least: float = 0.0
    near: float = 0.7


class ProposalHead(nn.Module):
    """A tower on each level, then two 1×1 convolutions.

    Parameters
    ----------
    channels
        Of a level.
    anchors
        At each place.
    depth
        Convolutions of the tower.
    """

    def __init__(self, channels: int, anchors: int, depth: int = 1) -> None:
        super().__init__()
        self.tower = ConvTower(channels, depth)
        self.objectness = nn.Conv2d(channels, anchors, 1)
        self.boxes = nn.Conv2d(channels, anchors * 4, 1)
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d) and layer.bias is not None:
                nn.init.normal_(layer.weight, std=0.01)
                nn.init.zeros_(layer.bias)

    def forward(self, levels: Sequence[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """Return for each level the logits B×(H·W·A) and the codes B×(H·W·A)×4."""
        seen = [self.tower(level) for level in levels]
        return [rows(self.objectness(x), 1)[..., 0] for x in seen], [rows(self.boxes(x), 4) for x in seen]


class Proposals(nn.Module):
    """A head and the anchors that it speaks of.

    Parameters
    ----------
    head
        Gives logits and codes.
    grid
        Which anchors stand at each place.
    training, using
        How many proposals are made in training mode and in evaluation mode.
    """

    def __init__(self, head: nn.Module, grid: AnchorGrid, training: Few, using: Few) -> None:
        super().__init__()
        self.head, self.grid = head, grid
        self.few = {True: training, False: using}
        self.code = BoxCode()

    def forward(self, fitted: Fitted, levels: Sequence[Tensor], targets: Sequence[Targets] | None = None) -> Proposed:
        """Return the proposals of each image, and the losses where there are targets.

        Parameters
        ----------
        fitted
            The batch.
        levels
            Its maps.
        targets
            The true boxes, in pixels of the batch; None when nothing is to be learnt.
        """
        logits, codes = self.head(levels)
        anchors = self.grid.boxes(fitted.size, levels)
        with torch.no_grad():
            boxes = [self._of_image(logits, codes, anchors, i, size) for i, size in enumerate(fitted.sizes)]
        if targets is None:
            return Proposed(boxes, {})
        losses = self._losses(torch.cat(logits, dim=1), torch.cat(codes, dim=1), torch.cat(anchors), targets)
        return Proposed(boxes, losses)

    def _of_image(
        self, logits: list[Tensor], codes: list[Tensor], anchors: list[Tensor], index: int, size: tuple[int, int]
    ) -> Tensor:
        few = self.few[self.training]
        boxes, scores, groups = [], [], []
        for level, (logit, code, anchor) in enumerate(zip(logits, codes, anchors, strict=True)):
            best, place = logit[index].topk(min(few.before, logit.shape[1]))
            boxes.append(clip(self.code.decode(code[index, place], anchor[place]), size))
            scores.append(best.sigmoid())
            groups.append(torch.full_like(place, level))
        box, score, group = torch.cat(boxes), torch.cat(scores), torch.cat(groups)
        wide = ((box[:, 2:] - box[:, :2]) >= 1e-3).all(dim=1) & (score >= few.least)
        box, score, group = box[wide], score[wide], group[wide]
        return box[surviving(box, score, group, few.near)[: few.after]]

    def _losses(self, logits: Tensor, codes: Tensor, anchors: Tensor, targets: Sequence[Targets]) -> dict[str, Tensor]:
        """Return the cross-entropy of the sampled anchors, and the smooth distance of the codes of things."""
        said, truth, far = [], [], []
        for logit, code, target in zip(logits, codes, targets, strict=True):
            match = MATCHING(target["boxes"], anchors)
            labels = torch.where(match >= 0, 1, torch.where(match == BACKGROUND, 0, -1))
            things, background = balanced(labels, SAMPLED, SHARE)
            chosen = torch.cat([things, background])
            said.append(logit[chosen])
            truth.append(labels[chosen].to(logit))
            wanted = self.code.encode(target["boxes"][match[things]], anchors[things])
            far.append(F.smooth_l1_loss(code[things], wanted, beta=BETA, reduction="sum"))
        answers = torch.cat(said)
        entropy = F.binary_cross_entropy_with_logits(answers, torch.cat(truth))
        return {"objectness": entropy, "proposals": torch.stack(far).sum() / len(answers)}


@dataclass(frozen=True)
class Proposed:
    """What the proposal network says.

    Parameters
    ----------
    boxes
        N×4 xyxy for each image, surest first, pixels of the batch; without gradients.
    losses
        By name; empty when nothing is learnt.
    """

    boxes: list[Tensor]
    losses: dict[str, Tensor]
