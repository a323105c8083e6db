"""Yolo-FastestV2: three anchors at each place of two maps, which share what they say of the class.

Ma 2021, "Yolo-FastestV2" (github.com/dog-qiuqiu/Yolo-FastestV2): half a ShuffleNetV2, a pyramid of two levels with
depthwise 5×5 towers for classes and for boxes, anchors as in the later YOLOs: x = 2σ(tₓ) − ½ + cₓ, w = pᵥ·(2σ(tᵥ))².
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sightline.core.catalogue import method
from sightline.core.checks import choice, integer
from sightline.core.errors import WeightsError
from sightline.core.types import Choice, PathLike, Range
from sightline.detect.aligned_loss import aligned_loss
from sightline.detect.detector import Targets
from sightline.detect.one_stage import OneStage
from sightline.detect.select import LIMITS
from sightline.detect.yolo_head import centres
from sightline.nn.conv_norm import ConvNorm
from sightline.nn.shufflenet_v2 import WIDTHS, ShuffleNetV2Maps
from sightline.zoo import load_weights, read_weights
from sightline.zoo.families import Naming

STRIDES = (16, 32)
CHANNELS = 72
# Widths and heights in pixels at 352×352, three for each level: the author's data/coco.data.
ANCHORS = (
    ((12.64, 19.39), (37.88, 51.48), (55.71, 138.31)),
    ((126.91, 78.23), (131.57, 214.55), (279.92, 258.87)),
)
# What the author's files call our tensors.
NAMES = Naming(
    (
        (r"^backbone\.stem\.conv", "backbone.first_conv.0"),
        (r"^backbone\.stem\.norm", "backbone.first_conv.1"),
        (r"^backbone\.stages\.(\d)\.(\d)\.through\.0\.conv", r"backbone.stage{1+2}.\2.branch_main.0"),
        (r"^backbone\.stages\.(\d)\.(\d)\.through\.0\.norm", r"backbone.stage{1+2}.\2.branch_main.1"),
        (r"^backbone\.stages\.(\d)\.(\d)\.through\.1\.conv", r"backbone.stage{1+2}.\2.branch_main.3"),
        (r"^backbone\.stages\.(\d)\.(\d)\.through\.1\.norm", r"backbone.stage{1+2}.\2.branch_main.4"),
        (r"^backbone\.stages\.(\d)\.(\d)\.through\.2\.conv", r"backbone.stage{1+2}.\2.branch_main.5"),
        (r"^backbone\.stages\.(\d)\.(\d)\.through\.2\.norm", r"backbone.stage{1+2}.\2.branch_main.6"),
        (r"^backbone\.stages\.(\d)\.(\d)\.aside\.0\.conv", r"backbone.stage{1+2}.\2.branch_proj.0"),
        (r"^backbone\.stages\.(\d)\.(\d)\.aside\.0\.norm", r"backbone.stage{1+2}.\2.branch_proj.1"),
        (r"^backbone\.stages\.(\d)\.(\d)\.aside\.1\.conv", r"backbone.stage{1+2}.\2.branch_proj.2"),
        (r"^backbone\.stages\.(\d)\.(\d)\.aside\.1\.norm", r"backbone.stage{1+2}.\2.branch_proj.3"),
        (r"^neck\.reduce\.(\d)\.conv", r"fpn.conv1x1_{1+2}.0"),
        (r"^neck\.reduce\.(\d)\.norm", r"fpn.conv1x1_{1+2}.1"),
        (r"^neck\.naming\.(\d)\.", r"fpn.cls_head_{1+2}.block."),
        (r"^neck\.boxing\.(\d)\.", r"fpn.reg_head_{1+2}.block."),
        (r"block\.0\.conv", "block.0"),
        (r"block\.0\.norm", "block.1"),
        (r"block\.1\.conv", "block.3"),
        (r"block\.1\.norm", "block.4"),
        (r"block\.2\.conv", "block.5"),
        (r"block\.2\.norm", "block.6"),
        (r"block\.3\.conv", "block.8"),
        (r"block\.3\.norm", "block.9"),
        (r"^head\.edges", "output_reg_layers"),
        (r"^head\.objects", "output_obj_layers"),
        (r"^head\.classes", "output_cls_layers"),
    )
)
FIRST = "backbone.stem.conv.weight"


class Said(NamedTuple):
    """What every place of one level says.

    Parameters
    ----------
    edges
        B×3×4×H×W before σ: middle and sides of the box of each anchor.
    objects
        B×3×H×W before σ.
    classes
        B×K×H×W before the softmax, the same for all anchors of a place.
    """

    edges: Tensor
    objects: Tensor
    classes: Tensor


class LightPyramid(nn.Module):
    """Two levels, and on each a tower for the classes and one for the boxes.

    Parameters
    ----------
    in_channels
        Of the maps at 1/16 and 1/32.
    channels
        Of each level.
    """

    def __init__(self, in_channels: Sequence[int], channels: int) -> None:
        super().__init__()
        fine, coarse = in_channels
        self.reduce = nn.ModuleList(
            ConvNorm(width, channels, 1, activation=nn.ReLU(inplace=True)) for width in (fine + coarse, coarse)
        )
        self.naming = nn.ModuleList(_tower(channels) for _ in STRIDES)
        self.boxing = nn.ModuleList(_tower(channels) for _ in STRIDES)

    def forward(self, fine: Tensor, coarse: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Return what the class tower and the box tower of each level give, B×channels×H×W each."""
        above = F.interpolate(coarse, size=fine.shape[-2:], mode="nearest")
        levels = self.reduce[0](torch.cat([above, fine], dim=1)), self.reduce[1](coarse)
        towers = zip(levels, self.naming, self.boxing, strict=True)
        return [(naming(level), boxing(level)) for level, naming, boxing in towers]


def _tower(channels: int) -> nn.Sequential:
    def pair() -> tuple[nn.Module, nn.Module]:
        depth = ConvNorm(channels, channels, 5, groups=channels, activation=nn.ReLU(inplace=True))
        return depth, ConvNorm(channels, channels, 1)

    return nn.Sequential(*pair(), *pair())


class SharedHead(nn.Module):
    """Three 1×1 that both levels share.

    Parameters
    ----------
    channels
        Of a level.
    classes
        Number of classes K.
    """

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        anchors = len(ANCHORS[0])
        self.edges = nn.Conv2d(channels, 4 * anchors, 1)
        self.objects = nn.Conv2d(channels, anchors, 1)
        self.classes = nn.Conv2d(channels, classes, 1)

    def forward(self, named: Tensor, boxed: Tensor) -> Said:
        """Return what the places of one level say."""
        return Said(self.edges(boxed).unflatten(1, (-1, 4)), self.objects(named), self.classes(named))


class YoloFastestV2(OneStage):
    """Backbone, two levels, head; the pixels are taken as they are, in 0–1.

    Parameters
    ----------
    backbone
        From pixels to three maps, of which the last two are read.
    neck
        From these to what the head reads.
    head
        From that to what every place says.
    """

    name = "yolo_fastest_v2"
    limits = replace(LIMITS, near=0.4)  # the author's

    def __init__(self, backbone: nn.Module, neck: LightPyramid, head: SharedHead) -> None:
        super().__init__()
        self.backbone, self.neck, self.head = backbone, neck, head

    def look(self, images: Tensor) -> list[Said]:
        """Return what every place of B×3×H×W images in 0–1 says, level by level; H and W are multiples of 32."""
        return [self.head(*pair) for pair in self.neck(*self.backbone(images)[1:])]

    def answer(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return boxes B×A×4 in pixels and scores B×A×K: object times class; anchor by anchor within a level."""
        boxes, scores = [], []
        for said, anchors, stride in zip(self.look(images), ANCHORS, STRIDES, strict=True):
            t = 2 * said.edges.sigmoid().flatten(3).transpose(2, 3)  # B×3×HW×4
            height, width = said.objects.shape[-2:]
            middle = centres(height, width, stride, images.device) + (t[..., :2] - 1) * stride
            half = t[..., 2:].square() * t.new_tensor(anchors)[:, None] / 2
            boxes.append(torch.cat([middle - half, middle + half], dim=-1).flatten(1, 2))
            named = said.objects.sigmoid()[:, :, None] * said.classes.softmax(dim=1)[:, None]  # B×3×K×H×W
            scores.append(named.flatten(3).transpose(2, 3).flatten(1, 2))
        return torch.cat(boxes, dim=1), torch.cat(scores, dim=1)

    def learn(self, images: Tensor, targets: Sequence[Targets]) -> dict[str, Tensor]:
        """Return the losses, those of :func:`~sightline.detect.aligned_loss.aligned_loss`."""
        boxes, scores = self.answer(images)
        height, width = images.shape[-2:]
        levels = zip(ANCHORS, STRIDES, strict=True)
        places = [centres(height // s, width // s, s, images.device).repeat(len(anchors), 1) for anchors, s in levels]
        return aligned_loss(boxes, scores, torch.cat(places), STRIDES[0], targets)

    def begin(self, weights: PathLike, like: Sequence[int] = ()) -> None:
        """Begin with the author's weights (COCO's 80 classes); other classes' outputs stay fresh.

        Parameters
        ----------
        weights
            File of a state dict with the author's names, for pixels in BGR.
        like
            Of each of our classes, the number of COCO's class whose outputs it begins with, −1 for none; empty for none
            at all.
        """
        given = read_weights(weights)
        if "output_cls_layers.bias" not in given:
            raise WeightsError(f"begin: '{weights}' has no 'output_cls_layers.bias': it is no Yolo-FastestV2.")
        whole = copy.deepcopy(self)
        whole.head = SharedHead(CHANNELS, len(given["output_cls_layers.bias"]))
        ours = {theirs: key for key, theirs in NAMES.spell(whole.state_dict()).items()}
        tensors = {ours.get(key, key): tensor for key, tensor in given.items()}
        tensors[FIRST] = tensors[FIRST].flip(1)  # the author's pixels are blue, green, red
        load_weights(whole, tensors)
        self.take(whole, like)


@method(task="detection", paper="Ma 2021", lesson="w7d4")
def yolo_fastest_v2(
    classes: Annotated[int, Range(1, 10**5)] = 80, *, width: Annotated[str, Choice(*WIDTHS)] = "0.5x"
) -> YoloFastestV2:
    """Yolo-FastestV2 with fresh weights; ``begin`` reads the author's.

    Parameters
    ----------
    classes
        Number of classes, ≥ 1; the background is none.
    width
        Of the backbone, as ShuffleNetV2's Table 5 has it; the author's weights have ``"0.5x"``.

    Returns
    -------
    YoloFastestV2
        ``model(images, targets)`` gives losses in training mode, ``model.eval()(images)`` one ``Detections`` for each
        of B×3×H×W float32 images in 0–1, whose sides are multiples of 32; the author's have 352. NaN in an image finds
        nothing.

    Raises
    ------
    InputError
        When an argument is out of its range, or the sides of images are no multiples of 32.

    References
    ----------
    X. Ma, "Yolo-FastestV2: Fast, lightweight object detection based on YOLO",
    https://github.com/dog-qiuqiu/Yolo-FastestV2, 2021.

    Examples
    --------
    >>> sum(p.numel() for p in yolo_fastest_v2().parameters())
    243095
    """
    channels = WIDTHS[choice("yolo_fastest_v2", "width", width, tuple(WIDTHS))]
    head = SharedHead(CHANNELS, integer("yolo_fastest_v2", "classes", classes, 1))
    return YoloFastestV2(ShuffleNetV2Maps(channels, alternate=True), LightPyramid(channels[1:], CHANNELS), head)
