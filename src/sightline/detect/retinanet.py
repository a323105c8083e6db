"""RetinaNet: an anchor at every place of every level answers for itself; the focal loss makes that learnable.

Lin et al. 2017, "Focal Loss for Dense Object Detection", ICCV, sections 3 and 4; the second version with the group
normalisation and the overlap loss of Zhang et al. 2020, "Bridging the Gap Between Anchor-based and Anchor-free
Detection", CVPR, Table 1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor, nn

from sightline.core.catalogue import method
from sightline.core.checks import choice, integer
from sightline.core.types import Choice, Range
from sightline.detect.anchor_grid import AnchorGrid
from sightline.detect.backbones import RESIDUAL, Levels, residual_maps
from sightline.detect.dense import Limits, gather, thin
from sightline.detect.detector import Targets
from sightline.detect.fit import Fit, Fitted, longest
from sightline.detect.framed import Found, Framed
from sightline.detect.matching import NEITHER, Matching
from sightline.nn.box_code import BoxCode
from sightline.nn.conv_tower import ConvTower, rows
from sightline.nn.convolutional import pixel_normalize
from sightline.nn.feature_pyramid import FeaturePyramid, StridedLevels
from sightline.nn.focal_loss import focal_loss
from sightline.nn.giou_loss import giou_loss

PRIOR = 0.01  # π: what an untrained network answers, so that the first steps are not all about background (section 3.3)
CHANNELS = 256


@dataclass(frozen=True)
class RetinaNetConfig:
    """What makes one RetinaNet differ from another.

    Parameters
    ----------
    norm
        Whether the towers normalise groups of channels.
    deepest
        Whether levels 6 and 7 are made from the backbone's last map instead of level 5.
    by_overlap
        Whether boxes are learnt by their generalised overlap instead of by the sum of the codes' differences.
    """

    norm: bool = False
    deepest: bool = False
    by_overlap: bool = False


VARIANTS = {
    "v1": RetinaNetConfig(),  # Lin 2017, Table 2: ResNet-50-FPN
    "v2": RetinaNetConfig(norm=True, deepest=True, by_overlap=True),  # Zhang 2020, Table 1
}
# Section 4: three octave scales and three ratios at levels 3 to 7.
ANCHORS = AnchorGrid(
    tuple(tuple(int(side * 2 ** (octave / 3)) for octave in range(3)) for side in (32, 64, 128, 256, 512))
)
MATCHING = Matching(0.5, 0.4, "ties")
LIMITS = Limits(0.05, 0.5, 1000, 300)


class DenseHead(nn.Module):
    """Two towers on each level: one names, one boxes.

    Parameters
    ----------
    channels
        Of a level.
    anchors
        At each place.
    classes
        Without a background.
    norm
        Whether the towers normalise.
    """

    def __init__(self, channels: int, anchors: int, classes: int, *, norm: bool) -> None:
        super().__init__()
        self.class_tower = ConvTower(channels, 4, norm=norm, bias=not norm)
        self.box_tower = ConvTower(channels, 4, norm=norm, bias=not norm)
        self.classes = nn.Conv2d(channels, anchors * classes, 3, padding=1)
        self.boxes = nn.Conv2d(channels, anchors * 4, 3, padding=1)
        self.count = classes
        initialise(self, self.classes)

    def forward(self, levels: Sequence[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """Return for each level the logits B×(H·W·A)×K and the codes B×(H·W·A)×4."""
        logits = [rows(self.classes(self.class_tower(level)), self.count) for level in levels]
        return logits, [rows(self.boxes(self.box_tower(level)), 4) for level in levels]


class RetinaNet(Framed):
    """Fit, levels, head; anchors, matching and code say what the head's answers mean.

    Parameters
    ----------
    classes
        Number of classes.
    fit
        Makes the batch.
    levels
        Backbone and pyramid.
    head
        Answers at every place.
    by_overlap
        Which of the two losses of boxes.
    """

    limits = LIMITS

    def __init__(self, classes: int, fit: Fit, levels: nn.Module, head: nn.Module, *, by_overlap: bool) -> None:
        super().__init__("retinanet", classes, fit)
        self.levels, self.head, self.by_overlap = levels, head, by_overlap
        self.code = BoxCode()

    def learn(self, fitted: Fitted, targets: Sequence[Targets]) -> dict[str, Tensor]:
        """Return the focal loss of the classes and the loss of the boxes, each by the matched anchors of its image."""
        levels = self.levels(fitted.images)
        logits, codes = (torch.cat(part, dim=1) for part in self.head(levels))
        anchors = torch.cat(ANCHORS.boxes(fitted.size, levels))
        named, boxed = [], []
        for logit, code, target in zip(logits, codes, targets, strict=True):
            match = MATCHING(target["boxes"], anchors)
            things = match >= 0
            truth = torch.zeros_like(logit)
            truth[things, target["labels"][match[things]]] = 1
            counts, matched = match != NEITHER, max(1, int(things.sum()))
            named.append(focal_loss(logit[counts], truth[counts]).sum() / matched)
            loss = self._box_loss(code[things], anchors[things], target["boxes"][match[things]])
            boxed.append(loss / matched)
        return {"classification": torch.stack(named).mean(), "boxes": torch.stack(boxed).mean()}

    def _box_loss(self, codes: Tensor, anchors: Tensor, boxes: Tensor) -> Tensor:
        if self.by_overlap:
            return giou_loss(self.code.decode(codes, anchors), boxes).sum()
        return (codes - self.code.encode(boxes, anchors)).abs().sum()

    def search(self, fitted: Fitted) -> list[Found]:
        """Return the boxes of each image that are surer than 0.05, after suppression."""
        levels = self.levels(fitted.images)
        logits, codes = self.head(levels)
        anchors = ANCHORS.boxes(fitted.size, levels)
        found = []
        for i, size in enumerate(fitted.sizes):
            scores = [level[i].sigmoid() for level in logits]
            raw = gather(scores, [level[i] for level in codes], anchors, self.code.decode, size, LIMITS)
            found.append(thin(raw, LIMITS.near, LIMITS.most))
        return found

    def answer(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return what every anchor says of B×3×H×W images: boxes B×A×4, not cut at the edges, and scores B×A×K."""
        levels = self.levels(self.normalized(images))
        logits, codes = (torch.cat(part, dim=1) for part in self.head(levels))
        anchors = torch.cat(ANCHORS.boxes((images.shape[-2], images.shape[-1]), levels))
        return self.code.decode(codes, anchors), logits.sigmoid()


def initialise(head: nn.Module, classes: nn.Conv2d) -> None:
    """Draw fresh weights of a head, N(0, 0.01²), in place; the classes begin at the prior 0.01.

    Parameters
    ----------
    head
        Towers and answers.
    classes
        The answer that names.
    """
    for layer in head.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.normal_(layer.weight, std=0.01)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    if classes.bias is not None:
        nn.init.constant_(classes.bias, -math.log((1 - PRIOR) / PRIOR))


@method(task="detection", paper="Lin 2017", lesson="w7d4")
def retinanet(
    classes: Annotated[int, Range(1, 10**5)] = 91,
    *,
    variant: Annotated[str, Choice("v1", "v2")] = "v1",
    backbone: Annotated[str, Choice(*RESIDUAL)] = "resnet50",
    resize: Annotated[int, Range(0, 4096)] = 800,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
) -> RetinaNet:
    """RetinaNet with fresh weights.

    Parameters
    ----------
    classes
        Number of classes, ≥ 1; the public COCO weights have 91, numbered as COCO does, of which 0 is never used.
    variant
        ``"v1"``: the paper's; ``"v2"``: group normalisation, levels 6 and 7 from the last map, overlap loss.
    backbone
        Name of a residual network of ``sightline.classify``.
    resize
        What the shorter side of an image becomes in pixels, unless the longer one would exceed 5/3 of it; 0 leaves
        images as they come.
    mean, std
        Of the pixels in 0–1, one number for each channel, deviations > 0; None takes ImageNet's.

    Returns
    -------
    RetinaNet
        A :class:`~sightline.detect.detector.Detector`: losses ``classification`` and ``boxes`` in training mode,
        detections in evaluation mode. NaN in an image finds nothing there.

    Raises
    ------
    InputError
        When an argument is out of its range.

    References
    ----------
    T.-Y. Lin, P. Goyal, R. Girshick, K. He, P. Dollár, "Focal Loss for Dense Object Detection", ICCV 2017.
    S. Zhang et al., "Bridging the Gap Between Anchor-based and Anchor-free Detection via Adaptive Training Sample
    Selection", CVPR 2020.

    Examples
    --------
    >>> model = retinanet(3, backbone="resnet18", resize=64).eval()
    >>> len(model(torch.zeros(1, 3, 64, 64)))
    1
    """
    config = VARIANTS[choice("retinanet", "variant", variant, tuple(VARIANTS))]
    classes = integer("retinanet", "classes", classes, 1)
    resize = integer("retinanet", "resize", resize, 0)
    body, channels = residual_maps("retinanet", backbone, (1, 2, 3))
    beyond = StridedLevels(channels[-1] if config.deepest else CHANNELS, CHANNELS)
    levels = Levels(body, FeaturePyramid(channels, CHANNELS, beyond))
    head = DenseHead(CHANNELS, ANCHORS.count, classes, norm=config.norm)
    fit = Fit(pixel_normalize("retinanet", 3, mean, std), resize, longest(resize))
    return RetinaNet(classes, fit, levels, head, by_overlap=config.by_overlap)
