"""Fast R-CNN: the network sees the image once, and says of each region that something else proposes what it holds.

Girshick 2015, "Fast R-CNN", ICCV, sections 2 and 3; on a pyramid, with fixed proposals: Lin et al. 2017, "Feature
Pyramid Networks for Object Detection", CVPR, section 4.2 and Table 2. The proposals are those of selective search.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Annotated

import numpy as np
import torch
from torch import Tensor, nn

from sightline.core.catalogue import method
from sightline.core.checks import integer
from sightline.core.types import Array, Choice, Range
from sightline.detect.backbones import RESIDUAL, Levels, residual_maps
from sightline.detect.detector import Targets
from sightline.detect.fit import Fit, Fitted, longest
from sightline.detect.framed import Found, Framed
from sightline.detect.region_head import LinearBody, RegionHead
from sightline.image import selective_search
from sightline.nn.convolutional import pixel_normalize
from sightline.nn.feature_pyramid import FeaturePyramid, Subsampled

CHANNELS = 256
Propose = Callable[[Array], Array]  # from H×W×3 uint8 to N×4 xyxy, the most promising first


class FastRCNN(Framed):
    """Fit, levels, regions; the proposals come from elsewhere.

    Parameters
    ----------
    classes
        Number of classes.
    fit
        Makes the batch.
    levels
        Backbone and pyramid; regions are read from all levels but the last.
    regions
        Says what is in a region.
    propose
        Says which regions are worth a look.
    """

    def __init__(self, classes: int, fit: Fit, levels: nn.Module, regions: RegionHead, propose: Propose) -> None:
        super().__init__("fast_rcnn", classes, fit)
        self.levels, self.regions, self.propose = levels, regions, propose

    def learn(self, fitted: Fitted, targets: Sequence[Targets]) -> dict[str, Tensor]:
        """Return the losses of a sample of the proposals."""
        return self.regions.learn(fitted, self.levels(fitted.images)[:-1], self.proposed(fitted), targets)

    def search(self, fitted: Fitted) -> list[Found]:
        """Return the boxes of each image that are surer than 0.05, after suppression."""
        return self.regions.search(fitted, self.levels(fitted.images)[:-1], self.proposed(fitted))

    @torch.no_grad()
    def proposed(self, fitted: Fitted) -> list[Tensor]:
        """Return the proposals of each image of a batch, N×4 xyxy in its pixels.

        Parameters
        ----------
        fitted
            The batch; its pixels are turned back to 0–255.
        """
        normalize = self.fit.normalize
        pixels = (fitted.images * normalize.std + normalize.mean).clamp(0, 1).nan_to_num() * 255  # pyrefly: ignore
        arrays = pixels.round().to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()
        found = [self.propose(np.ascontiguousarray(a[:h, :w])) for a, (h, w) in zip(arrays, fitted.sizes, strict=True)]
        return [torch.from_numpy(np.asarray(boxes, np.float32)).to(fitted.images) for boxes in found]


@method(task="detection", paper="Girshick 2015", lesson="w7d3")
def fast_rcnn(
    classes: Annotated[int, Range(1, 10**5)] = 20,
    *,
    backbone: Annotated[str, Choice(*RESIDUAL)] = "resnet50",
    limit: Annotated[int, Range(1, 10000)] = 1000,
    propose: Propose | None = None,
    resize: Annotated[int, Range(0, 4096)] = 800,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
) -> FastRCNN:
    """Fast R-CNN on a feature pyramid, with fresh weights.

    Parameters
    ----------
    classes
        Number of classes, ≥ 1, without the background.
    backbone
        Name of a residual network of ``sightline.classify``.
    limit
        Most proposals of an image, ≥ 1, when selective search makes them.
    propose
        Makes N×4 xyxy boxes of an H×W×3 uint8 image, the most promising first; None takes one hierarchy of
        :func:`sightline.image.selective_search`. It runs in training, too, at each step.
    resize
        What the shorter side of an image becomes in pixels, unless the longer one would exceed 5/3 of it; 0 leaves
        images as they come.
    mean, std
        Of the pixels in 0–1, one number for each channel, deviations > 0; None takes ImageNet's.

    Returns
    -------
    FastRCNN
        A :class:`~sightline.detect.detector.Detector`: losses ``classification`` and ``boxes`` in training mode (drawn
        with torch's generator), detections in evaluation mode. NaN in an image finds nothing there.

    Raises
    ------
    InputError
        When an argument is out of its range.

    References
    ----------
    R. Girshick, "Fast R-CNN", ICCV 2015.

    Examples
    --------
    >>> model = fast_rcnn(3, backbone="resnet18", resize=64, propose=lambda image: np.array([[4, 4, 40, 50]])).eval()
    >>> len(model(torch.zeros(1, 3, 64, 64)))
    1
    """
    classes = integer("fast_rcnn", "classes", classes, 1)
    resize = integer("fast_rcnn", "resize", resize, 0)
    if propose is None:
        propose = partial(selective_search, mode="single", min_size=20, limit=integer("fast_rcnn", "limit", limit, 1))
    body, channels = residual_maps("fast_rcnn", backbone, (0, 1, 2, 3))
    levels = Levels(body, FeaturePyramid(channels, CHANNELS, Subsampled()))
    fit = Fit(pixel_normalize("fast_rcnn", 3, mean, std), resize, longest(resize))
    return FastRCNN(classes, fit, levels, RegionHead(LinearBody(CHANNELS), classes), propose)
