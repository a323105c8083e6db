"""NanoDet: distances as distributions at every place of three maps, small enough for a telephone.

Lyu 2021, "NanoDet-Plus" (github.com/RangiLyu/nanodet): ShuffleNetV2 without its last convolution, a pyramid that only
adds, and depthwise towers whose last 1×1 says classes and edges at once. The edges are those of Li et al. 2020,
"Generalized Focal Loss", NeurIPS, section 3.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from functools import partial
from typing import Annotated

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sightline.core.catalogue import method
from sightline.core.checks import choice, integer
from sightline.core.types import Choice, PathLike, Range
from sightline.detect.detector import Targets
from sightline.detect.folded import fill, in_rgb, photos, read_layers, unfold
from sightline.detect.one_stage import OneStage
from sightline.detect.yolo_head import Predicted, centres
from sightline.detect.yolo_loss import yolo_loss
from sightline.nn.conv_norm import ConvNorm
from sightline.nn.convolutional import pixel_normalize
from sightline.nn.shufflenet_v2 import WIDTHS, ShuffleNetV2Maps

STRIDES = (8, 16, 32)
BINS = 8  # distances 0…7 in strides
CHANNELS = 96  # of each level
_PRIOR = 0.01  # score of every place at first: Lin 2017, "Focal Loss", section 4.1
_leaky = partial(nn.LeakyReLU, 0.1, inplace=True)


class AddedPyramid(nn.Module):
    """Levels of equal width, first coarse to fine, then fine to coarse; each is resized bilinearly and added.

    Liu et al. 2018, "Path Aggregation Network for Instance Segmentation", CVPR, without its convolutions.

    Parameters
    ----------
    in_channels
        Channels of each map, the finest first.
    channels
        Of every level.
    """

    def __init__(self, in_channels: Sequence[int], channels: int) -> None:
        super().__init__()
        self.lateral = nn.ModuleList(nn.Conv2d(width, channels, 1) for width in in_channels)

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """Return the levels, the finest first."""
        levels = [lateral(x) for lateral, x in zip(self.lateral, maps, strict=True)]
        for i in reversed(range(len(levels) - 1)):
            levels[i] = levels[i] + _resized(levels[i + 1], levels[i])
        for i in range(len(levels) - 1):
            levels[i + 1] = levels[i + 1] + _resized(levels[i], levels[i + 1])
        return levels


def _resized(x: Tensor, like: Tensor) -> Tensor:
    return F.interpolate(x, size=(like.shape[-2], like.shape[-1]), mode="bilinear", align_corners=False)


class NanoDetHead(nn.Module):
    """A depthwise tower on each level, then one 1×1 for the classes and the four edges.

    Parameters
    ----------
    channels
        Of a level.
    classes
        Number of classes K.
    """

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.classes = classes
        self.levels = nn.ModuleList(
            nn.Sequential(*_separable(channels), *_separable(channels), nn.Conv2d(channels, classes + 4 * BINS, 1))
            for _ in STRIDES
        )
        for level in self.levels:
            _begin_low(level[-1], classes)  # pyrefly: ignore

    def forward(self, maps: Sequence[Tensor]) -> Predicted:
        """Return what is said at every place, level by level, row by row."""
        said, places, strides = [], [], []
        for x, level, stride in zip(maps, self.levels, STRIDES, strict=True):
            said.append(level(x).flatten(2).transpose(1, 2))  # B×(K + 4n)×H×W → B×HW×(K + 4n)
            places.append(centres(x.shape[-2], x.shape[-1], stride, x.device))
            strides.append(torch.full_like(places[-1][:, 0], float(stride)))
        logits, edges = torch.cat(said, 1).split((self.classes, 4 * BINS), dim=2)
        return Predicted(logits, edges.unflatten(2, (4, BINS)), torch.cat(places), torch.cat(strides))


def _separable(channels: int) -> tuple[nn.Module, nn.Module]:
    return (
        ConvNorm(channels, channels, 3, groups=channels, activation=_leaky()),
        ConvNorm(channels, channels, 1, activation=_leaky()),
    )


def _begin_low(last: nn.Conv2d, classes: int) -> None:
    nn.init.normal_(last.weight, std=0.01)
    nn.init.zeros_(last.bias)  # pyrefly: ignore
    nn.init.constant_(last.bias[:classes], -math.log(1 / _PRIOR - 1))  # pyrefly: ignore


class NanoDet(OneStage):
    """Normalise, backbone, neck, head.

    Parameters
    ----------
    normalize
        Mean and deviation of the pixels.
    backbone
        From pixels to three maps of stride 8, 16 and 32.
    neck
        From these to three levels of equal width.
    head
        From those to what every place says.
    """

    name = "nanodet"

    def __init__(self, normalize: nn.Module, backbone: nn.Module, neck: nn.Module, head: NanoDetHead) -> None:
        super().__init__()
        self.normalize, self.backbone, self.neck, self.head = normalize, backbone, neck, head

    def look(self, images: Tensor) -> Predicted:
        """Return what every place of B×3×H×W images in 0–1 says; H and W are multiples of 32."""
        return self.head(self.neck(self.backbone(self.normalize(images))))

    def answer(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return boxes B×A×4 in pixels and scores B×A×K."""
        said = self.look(images)
        return said.boxes(), said.logits.sigmoid()

    def learn(self, images: Tensor, targets: Sequence[Targets]) -> dict[str, Tensor]:
        """Return the losses, those of :func:`~sightline.detect.yolo_loss.yolo_loss`."""
        return yolo_loss(self.look(images), targets)

    def begin(self, weights: PathLike, like: Sequence[int] = ()) -> None:
        """Begin with public weights in ncnn's layers (COCO's 80 classes); other classes' outputs stay fresh.

        Parameters
        ----------
        weights
            File with ``Conv_k/weight`` and ``Conv_k/bias`` in the order of ncnn's graph, for pixels in BGR.
        like
            Of each of our classes, the number of COCO's class whose outputs it begins with, −1 for none; empty for none
            at all.
        """
        pairs = in_rgb(read_layers(weights))
        whole = copy.deepcopy(self)
        whole.head = NanoDetHead(CHANNELS, len(pairs[-1][2]) - 4 * BINS)
        fill(whole, pairs, weights)
        unfold(whole, photos(320))
        self.take(whole, like)

    def divided(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Return views of the last 1×1's weights or biases: those of the classes, those of the edges."""
        return rows[None, : -4 * BINS], rows[None, -4 * BINS :]


@method(task="detection", paper="Lyu 2021", lesson="w7d4")
def nanodet(
    classes: Annotated[int, Range(1, 10**5)] = 80,
    *,
    width: Annotated[str, Choice(*WIDTHS)] = "1.0x",
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
) -> NanoDet:
    """NanoDet-m with fresh weights; ``begin`` reads the public ones.

    Parameters
    ----------
    classes
        Number of classes, ≥ 1; the background is none.
    width
        Of the backbone, as ShuffleNetV2's Table 5 has it; the public weights have ``"1.0x"``.
    mean, std
        Of the pixels in 0–1, three numbers each, deviations > 0; None takes ImageNet's.

    Returns
    -------
    NanoDet
        ``model(images, targets)`` gives losses in training mode, ``model.eval()(images)`` one ``Detections`` for each
        of B×3×H×W float32 images in 0–1, whose sides are multiples of 32. NaN in an image finds nothing.

    Raises
    ------
    InputError
        When an argument is out of its range, or the sides of images are no multiples of 32.

    References
    ----------
    R. Lyu, "NanoDet-Plus: Super fast and high accuracy lightweight anchor-free object detection model",
    https://github.com/RangiLyu/nanodet, 2021.
    N. Ma, X. Zhang, H.-T. Zheng, J. Sun, "ShuffleNet V2: Practical Guidelines for Efficient CNN Architecture Design",
    ECCV 2018.

    Examples
    --------
    >>> sum(p.numel() for p in nanodet().parameters())
    950036
    """
    channels = WIDTHS[choice("nanodet", "width", width, tuple(WIDTHS))]
    head = NanoDetHead(CHANNELS, integer("nanodet", "classes", classes, 1))
    backbone = ShuffleNetV2Maps(channels, _leaky)
    return NanoDet(pixel_normalize("nanodet", 3, mean, std), backbone, AddedPyramid(channels, CHANNELS), head)
