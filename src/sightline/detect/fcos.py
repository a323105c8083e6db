"""FCOS: no anchors; a place inside a box says how far the four edges are, and how near it is to the middle.

Tian, Shen, Chen and He 2019, "FCOS: Fully Convolutional One-Stage Object Detection", ICCV, section 3; sampling near the
centre and the geometric mean of the two scores after their 2020 version, "FCOS: A Simple and Strong Anchor-free Object
Detector", PAMI, sections 3 and 4.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sightline.core.catalogue import method
from sightline.core.checks import integer
from sightline.core.types import Choice, Range
from sightline.detect.anchor_grid import AnchorGrid
from sightline.detect.backbones import RESIDUAL, Levels, residual_maps
from sightline.detect.dense import Limits, gather, thin
from sightline.detect.detector import Targets
from sightline.detect.fit import Fit, Fitted, longest
from sightline.detect.framed import Found, Framed
from sightline.detect.matching import BACKGROUND
from sightline.detect.retinanet import CHANNELS, initialise
from sightline.nn.box_code import EdgeCode
from sightline.nn.conv_tower import ConvTower, rows
from sightline.nn.convolutional import pixel_normalize
from sightline.nn.feature_pyramid import FeaturePyramid, StridedLevels
from sightline.nn.focal_loss import focal_loss
from sightline.nn.giou_loss import giou_loss

# A place is a box as large as its level's stride: its centre is the place, its side the unit of the distances.
PLACES = AnchorGrid(((8,), (16,), (32,), (64,), (128,)), (1.0,))
RADIUS = 1.5  # strides from the centre of a box within which a place may learn it (Tian 2020, section 3.2)
LIMITS = Limits(0.2, 0.6, 1000, 100)


class FCOSHead(nn.Module):
    """Two towers on each level: one names, one tells the distances and the centre-ness.

    Parameters
    ----------
    channels
        Of a level.
    classes
        Without a background.
    """

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.class_tower = ConvTower(channels, 4, norm=True)
        self.box_tower = ConvTower(channels, 4, norm=True)
        self.classes = nn.Conv2d(channels, classes, 3, padding=1)
        self.boxes = nn.Conv2d(channels, 4, 3, padding=1)
        self.centres = nn.Conv2d(channels, 1, 3, padding=1)
        self.count = classes
        initialise(self, self.classes)

    def forward(self, levels: Sequence[Tensor]) -> tuple[list[Tensor], list[Tensor], list[Tensor]]:
        """Return for each level logits B×(H·W)×K, distances B×(H·W)×4 ≥ 0 and centre-ness logits B×(H·W)×1."""
        logits, distances, centres = [], [], []
        for level in levels:
            logits.append(rows(self.classes(self.class_tower(level)), self.count))
            seen = self.box_tower(level)
            distances.append(rows(self.boxes(seen).relu(), 4))
            centres.append(rows(self.centres(seen), 1))
        return logits, distances, centres


class FCOS(Framed):
    """Fit, levels, head.

    Parameters
    ----------
    classes
        Number of classes.
    fit
        Makes the batch.
    levels
        Backbone and pyramid of five levels.
    head
        Answers at every place.
    """

    limits = LIMITS

    def __init__(self, classes: int, fit: Fit, levels: nn.Module, head: nn.Module) -> None:
        super().__init__("fcos", classes, fit)
        self.levels, self.head = levels, head
        self.code = EdgeCode()

    def learn(self, fitted: Fitted, targets: Sequence[Targets]) -> dict[str, Tensor]:
        """Return the losses of classes, boxes and centre-ness, each by the matched places of the whole batch."""
        levels = self.levels(fitted.images)
        logits, distances, centres = (torch.cat(part, dim=1) for part in self.head(levels))
        by_level = PLACES.boxes(fitted.size, levels)
        places = torch.cat(by_level)
        spans = _spans(by_level)
        truth, sums, matched = torch.zeros_like(logits), [], 0
        for i, target in enumerate(targets):
            match = match_places(target["boxes"], places, spans)
            things = match >= 0
            matched += int(things.sum())
            truth[i, things, target["labels"][match[things]]] = 1
            boxes = target["boxes"][match[things]]
            found = self.code.decode(distances[i, things], places[things])
            near = centreness(self.code.encode(boxes, places[things]))
            middle = F.binary_cross_entropy_with_logits(centres[i, things, 0], near, reduction="sum")
            sums.append(torch.stack([giou_loss(found, boxes).sum(), middle]))
        count = max(1, matched)
        box, middle = torch.stack(sums).sum(dim=0) / count
        return {"classification": focal_loss(logits, truth).sum() / count, "boxes": box, "centreness": middle}

    def search(self, fitted: Fitted) -> list[Found]:
        """Return the boxes of each image that are surer than 0.2, after suppression."""
        levels = self.levels(fitted.images)
        logits, distances, centres = self.head(levels)
        places = PLACES.boxes(fitted.size, levels)
        found = []
        for i, size in enumerate(fitted.sizes):
            pairs = zip(logits, centres, strict=True)
            scores = [(logit[i].sigmoid() * centre[i].sigmoid()).sqrt() for logit, centre in pairs]
            raw = gather(scores, [level[i] for level in distances], places, self.code.decode, size, LIMITS)
            found.append(thin(raw, LIMITS.near, LIMITS.most))
        return found

    def answer(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return what every place says of B×3×H×W images: boxes B×A×4, not cut at the edges, and scores B×A×K."""
        levels = self.levels(self.normalized(images))
        logits, distances, centres = (torch.cat(part, dim=1) for part in self.head(levels))
        places = torch.cat(PLACES.boxes((images.shape[-2], images.shape[-1]), levels))
        return self.code.decode(distances, places), (logits.sigmoid() * centres.sigmoid()).sqrt()


def centreness(distances: Tensor) -> Tensor:
    """Return how near a place is to the middle of its box, 0 at an edge and 1 in the middle (equation 3).

    Parameters
    ----------
    distances
        N×4 distances to the left, top, right and bottom edge, all > 0.

    Examples
    --------
    >>> centreness(torch.tensor([[1.0, 2.0, 4.0, 2.0]])).tolist()
    [0.5]
    """
    across, down = distances[:, [0, 2]], distances[:, [1, 3]]
    return (across.amin(1) / across.amax(1) * (down.amin(1) / down.amax(1))).sqrt()


def match_places(boxes: Tensor, places: Tensor, spans: Tensor) -> Tensor:
    """Return for each place the number of the box that it learns, or BACKGROUND; N int64.

    A place learns the smallest of the boxes that it lies in, near their centre, whose farthest edge is in its span.

    Parameters
    ----------
    boxes
        M×4 xyxy; M may be 0.
    places
        N×4 boxes about the places, as large as their stride.
    spans
        N×2: the farthest edge must lie between these distances in pixels.
    """
    if not len(boxes):
        return places.new_full((len(places),), BACKGROUND, dtype=torch.int64)
    centres = (places[:, :2] + places[:, 2:]) / 2
    strides = places[:, 2] - places[:, 0]
    middles = (boxes[:, :2] + boxes[:, 2:]) / 2
    near = (centres[:, None] - middles[None]).abs().amax(dim=2) < RADIUS * strides[:, None]  # N×M
    edges = torch.cat([centres[:, None] - boxes[None, :, :2], boxes[None, :, 2:] - centres[:, None]], dim=2)
    farthest = edges.amax(dim=2)
    suits = near & (edges.amin(dim=2) > 0) & (farthest > spans[:, :1]) & (farthest < spans[:, 1:])
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    smallest, match = torch.where(suits, areas[None], torch.inf).min(dim=1)
    return torch.where(smallest < torch.inf, match, BACKGROUND)


def _spans(by_level: Sequence[Tensor]) -> Tensor:
    """Return from where to where the farthest edge may lie: 4 to 8 strides, open at both ends of the pyramid."""
    spans = [torch.stack([4 * sides, 8 * sides], dim=1) for sides in (part[:, 2] - part[:, 0] for part in by_level)]
    spans[0][:, 0] = 0
    spans[-1][:, 1] = torch.inf
    return torch.cat(spans)


@method(task="detection", paper="Tian 2019", lesson="w7d4")
def fcos(
    classes: Annotated[int, Range(1, 10**5)] = 91,
    *,
    backbone: Annotated[str, Choice(*RESIDUAL)] = "resnet50",
    resize: Annotated[int, Range(0, 4096)] = 800,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
) -> FCOS:
    """FCOS with fresh weights.

    Parameters
    ----------
    classes
        Number of classes, ≥ 1; the public COCO weights have 91, numbered as COCO does, of which 0 is never used.
    backbone
        Name of a residual network of ``sightline.classify``.
    resize
        What the shorter side of an image becomes in pixels, unless the longer one would exceed 5/3 of it; 0 leaves
        images as they come.
    mean, std
        Of the pixels in 0–1, one number for each channel, deviations > 0; None takes ImageNet's.

    Returns
    -------
    FCOS
        A :class:`~sightline.detect.detector.Detector`: losses ``classification``, ``boxes`` and ``centreness`` in
        training mode, detections in evaluation mode. NaN in an image finds nothing there.

    Raises
    ------
    InputError
        When an argument is out of its range.

    References
    ----------
    Z. Tian, C. Shen, H. Chen, T. He, "FCOS: Fully Convolutional One-Stage Object Detection", ICCV 2019.

    Examples
    --------
    >>> model = fcos(3, backbone="resnet18", resize=64).eval()
    >>> len(model(torch.zeros(1, 3, 64, 64)))
    1
    """
    classes = integer("fcos", "classes", classes, 1)
    resize = integer("fcos", "resize", resize, 0)
    body, channels = residual_maps("fcos", backbone, (1, 2, 3))
    levels = Levels(body, FeaturePyramid(channels, CHANNELS, StridedLevels(CHANNELS, CHANNELS)))
    fit = Fit(pixel_normalize("fcos", 3, mean, std), resize, longest(resize))
    return FCOS(classes, fit, levels, FCOSHead(CHANNELS, classes))
