"""Faster R-CNN: one network proposes where something is, another one on the same maps says what, and where exactly.

Ren, He, Girshick and Sun 2015, "Faster R-CNN: Towards Real-Time Object Detection with Region Proposal Networks", NIPS;
on a pyramid: Lin et al. 2017, "Feature Pyramid Networks for Object Detection", CVPR; the second version with the heads
of Li et al. 2021, "Benchmarking Detection Transfer Learning with Vision Transformers", section 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor, nn

from sightline.core.catalogue import method
from sightline.core.checks import choice, integer
from sightline.core.types import Choice, Range
from sightline.detect.anchor_grid import AnchorGrid
from sightline.detect.backbones import RESIDUAL, Levels, mobile_maps, residual_maps
from sightline.detect.detector import Targets
from sightline.detect.fit import Fit, Fitted, longest
from sightline.detect.framed import Found, Framed
from sightline.detect.proposals import Few, ProposalHead, Proposals
from sightline.detect.region_head import ConvBody, LinearBody, RegionHead
from sightline.nn.convolutional import pixel_normalize
from sightline.nn.feature_pyramid import FeaturePyramid, Subsampled

CHANNELS = 256
LEARNING, USING = Few(2000, 2000), Few(1000, 1000)


@dataclass(frozen=True)
class FasterRCNNConfig:
    """What makes one Faster R-CNN differ from another.

    Parameters
    ----------
    norm
        Whether pyramid and region head are batch-normalised, with four convolutions in the head.
    depth
        Convolutions of the proposal head.
    mobile
        Whether the backbone is MobileNetV3 instead of a residual network.
    using
        How many proposals are made in evaluation mode.
    """

    norm: bool = False
    depth: int = 1
    mobile: bool = False
    using: Few = USING


VARIANTS = {
    "v1": FasterRCNNConfig(),  # Lin 2017, Table 3: FPN on all feature levels
    "v2": FasterRCNNConfig(norm=True, depth=2),  # Li 2021, section 3
    "mobile": FasterRCNNConfig(mobile=True, using=Few(1000, 1000, 0.05)),  # Howard 2019 as the backbone
    "mobile_320": FasterRCNNConfig(mobile=True, using=Few(150, 150, 0.05)),
}
GRID = AnchorGrid(((32,), (64,), (128,), (256,), (512,)))  # Lin 2017, section 4.1
MOBILE_GRID = AnchorGrid(((32, 64, 128, 256, 512),) * 3)


class FasterRCNN(Framed):
    """Fit, levels, proposals, regions.

    Parameters
    ----------
    classes
        Number of classes.
    fit
        Makes the batch.
    levels
        Backbone and pyramid; regions are read from all levels but the last.
    proposals
        Say where something is.
    regions
        Says what is there.
    """

    def __init__(self, classes: int, fit: Fit, levels: nn.Module, proposals: Proposals, regions: RegionHead) -> None:
        super().__init__("faster_rcnn", classes, fit)
        self.levels, self.proposals, self.regions = levels, proposals, regions

    def learn(self, fitted: Fitted, targets: Sequence[Targets]) -> dict[str, Tensor]:
        """Return the two losses of the proposals and the two of the regions."""
        levels = self.levels(fitted.images)
        proposed = self.proposals(fitted, levels, targets)
        return {**self.regions.learn(fitted, levels[:-1], proposed.boxes, targets), **proposed.losses}

    def search(self, fitted: Fitted) -> list[Found]:
        """Return the boxes of each image that are surer than 0.05, after suppression."""
        levels = self.levels(fitted.images)
        proposed = self.proposals(fitted, levels)
        return self.regions.search(fitted, levels[:-1], proposed.boxes)

    @torch.no_grad()
    def propose(self, images: Tensor | Sequence[Tensor]) -> list[Tensor]:
        """Return the proposals of each image, surest first, N×4 xyxy in its own pixels."""
        fitted = self.fit(images)
        proposed = self.proposals(fitted, self.levels(fitted.images))
        return [fitted.outward(boxes, i) for i, boxes in enumerate(proposed.boxes)]


@method(task="detection", paper="Ren 2015", lesson="w7d3")
def faster_rcnn(
    classes: Annotated[int, Range(1, 10**5)] = 90,
    *,
    variant: Annotated[str, Choice(*VARIANTS)] = "v1",
    backbone: Annotated[str, Choice(*RESIDUAL)] = "resnet50",
    resize: Annotated[int, Range(0, 4096)] = 800,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
) -> FasterRCNN:
    """Faster R-CNN with a feature pyramid and fresh weights.

    Parameters
    ----------
    classes
        Number of classes, ≥ 1, without the background. The public COCO weights have 90: COCO's numbers less one.
    variant
        ``"v1"``: the paper's heads; ``"v2"``: normalised pyramid, deeper heads; ``"mobile"`` and ``"mobile_320"``:
        MobileNetV3 as the backbone, the second with 150 proposals only.
    backbone
        Name of a residual network of ``sightline.classify``; the mobile variants have their own.
    resize
        What the shorter side of an image becomes in pixels, unless the longer one would exceed 5/3 of it (twice, for
        ``"mobile_320"``, whose public weights want 320 here); 0 leaves images as they come.
    mean, std
        Of the pixels in 0–1, one number for each channel, deviations > 0; None takes ImageNet's.

    Returns
    -------
    FasterRCNN
        A :class:`~sightline.detect.detector.Detector`: losses ``classification``, ``boxes``, ``objectness`` and
        ``proposals`` in training mode (drawn with torch's generator), detections in evaluation mode; ``propose`` gives
        the proposals. NaN in an image finds nothing there.

    Raises
    ------
    InputError
        When an argument is out of its range.

    References
    ----------
    S. Ren, K. He, R. Girshick, J. Sun, "Faster R-CNN: Towards Real-Time Object Detection with Region Proposal
    Networks", NIPS 2015.
    T.-Y. Lin et al., "Feature Pyramid Networks for Object Detection", CVPR 2017.

    Examples
    --------
    >>> model = faster_rcnn(3, backbone="resnet18", resize=64).eval()
    >>> len(model(torch.zeros(1, 3, 64, 64)))
    1
    """
    name = "faster_rcnn"
    config = VARIANTS[choice(name, "variant", variant, tuple(VARIANTS))]
    classes = integer(name, "classes", classes, 1)
    resize = integer(name, "resize", resize, 0)
    body, channels = mobile_maps() if config.mobile else residual_maps(name, backbone, (0, 1, 2, 3))
    levels = Levels(body, FeaturePyramid(channels, CHANNELS, Subsampled(), norm=config.norm))
    grid = MOBILE_GRID if config.mobile else GRID
    proposals = Proposals(ProposalHead(CHANNELS, grid.count, config.depth), grid, LEARNING, config.using)
    regions = RegionHead(ConvBody(CHANNELS) if config.norm else LinearBody(CHANNELS), classes)
    longer = 2 * resize if variant == "mobile_320" else longest(resize)
    fit = Fit(pixel_normalize(name, 3, mean, std), resize, longer)
    return FasterRCNN(classes, fit, levels, proposals, regions)
