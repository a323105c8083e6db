"""FastestDet: one map, one answer at each place, and a quarter of a million weights.

Ma 2022, "FastestDet: it has higher accuracy and faster speed than Yolo-fastest" (github.com/dog-qiuqiu/FastestDet):
half a ShuffleNetV2, its three maps brought to 1/16 of the side, a pyramid of receptive fields, three small branches.
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
from sightline.core.types import Choice, PathLike, Range
from sightline.detect.aligned_loss import aligned_loss
from sightline.detect.detector import Targets
from sightline.detect.folded import fill, in_rgb, photos, read_graph, unfold
from sightline.detect.one_stage import OneStage
from sightline.detect.select import LIMITS
from sightline.detect.yolo_head import centres
from sightline.nn.conv_norm import ConvNorm
from sightline.nn.shufflenet_v2 import WIDTHS, ShuffleNetV2Maps

CHANNELS = 96
STRIDE = 16  # pixels from place to place


class Said(NamedTuple):
    """What every place says.

    Parameters
    ----------
    objects
        B×1×H×W in 0–1: is there a thing?
    edges
        B×4×H×W: shifts of the middle before tanh, sides before σ.
    classes
        B×K×H×W in 0–1, sum 1.
    """

    objects: Tensor
    edges: Tensor
    classes: Tensor


class ReceptivePyramid(nn.Module):
    """Depthwise 5×5 once, twice and three times, side by side; a 1×1 joins them and adds what came in.

    Parameters
    ----------
    in_channels, channels
        Channels that come, and of everything behind.
    """

    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__()
        self.reduce = _point(in_channels, channels)
        self.roads = nn.ModuleList(nn.Sequential(*(_depth(channels) for _ in range(n))) for n in (1, 2, 3))
        self.join = ConvNorm(3 * channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return B×channels×H×W."""
        x = self.reduce(x)
        return (x + self.join(torch.cat([road(x) for road in self.roads], dim=1))).relu()


class FastestDetHead(nn.Module):
    """A 1×1, then for objects, edges and classes a depthwise 5×5 and a 1×1 each.

    Parameters
    ----------
    channels
        That come in.
    classes
        Number of classes K.
    """

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.mix = _point(channels, channels)
        self.objects, self.edges, self.classes = (
            nn.Sequential(_depth(channels), nn.Conv2d(channels, outputs, 1)) for outputs in (1, 4, classes)
        )

    def forward(self, x: Tensor) -> Said:
        """Return what every place says."""
        x = self.mix(x)
        return Said(self.objects(x).sigmoid(), self.edges(x), self.classes(x).softmax(dim=1))


def _point(in_channels: int, channels: int) -> ConvNorm:
    return ConvNorm(in_channels, channels, 1, activation=nn.ReLU(inplace=True))


def _depth(channels: int) -> ConvNorm:
    return ConvNorm(channels, channels, 5, groups=channels, activation=nn.ReLU(inplace=True))


class FastestDet(OneStage):
    """Backbone, one map of all three, head; the pixels are taken as they are, in 0–1.

    Parameters
    ----------
    backbone
        From pixels to three maps of stride 8, 16 and 32.
    neck
        From their channels at stride 16 to what the head reads.
    head
        From that to what every place says.
    """

    name = "fastestdet"
    square = True  # sides of boxes are learnt as shares of the frame
    limits = replace(LIMITS, near=0.45)  # the author's

    def __init__(self, backbone: nn.Module, neck: nn.Module, head: FastestDetHead) -> None:
        super().__init__()
        self.backbone, self.neck, self.head = backbone, neck, head

    def look(self, images: Tensor) -> Said:
        """Return what every place of B×3×H×W images in 0–1 says; H and W are multiples of 32."""
        fine, middle, coarse = self.backbone(images)
        size = middle.shape[-2:]
        maps = (F.avg_pool2d(fine, 3, 2, padding=1), middle, F.interpolate(coarse, size=size, mode="nearest"))
        return self.head(self.neck(torch.cat(maps, dim=1)))

    def answer(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return boxes B×HW×4 in pixels and scores B×HW×K: object times class."""
        said = self.look(images)
        height, width = said.objects.shape[-2:]
        shifts, sides = said.edges.flatten(2).transpose(1, 2).split(2, dim=2)  # each B×HW×2
        middle = centres(height, width, STRIDE, images.device) + (shifts.tanh() - 0.5) * STRIDE  # about the corner
        half = sides.sigmoid() * sides.new_tensor([width * STRIDE, height * STRIDE]) / 2
        scores = (said.objects * said.classes).flatten(2).transpose(1, 2)
        return torch.cat([middle - half, middle + half], dim=2), scores

    def learn(self, images: Tensor, targets: Sequence[Targets]) -> dict[str, Tensor]:
        """Return the losses, those of :func:`~sightline.detect.aligned_loss.aligned_loss`."""
        boxes, scores = self.answer(images)
        places = centres(images.shape[-2] // STRIDE, images.shape[-1] // STRIDE, STRIDE, images.device)
        return aligned_loss(boxes, scores, places, STRIDE, targets)

    def begin(self, weights: PathLike, like: Sequence[int] = ()) -> None:
        """Begin with the author's weights (COCO's 80 classes); other classes' outputs stay fresh.

        Parameters
        ----------
        weights
            The author's ``.onnx`` file, for pixels in BGR.
        like
            Of each of our classes, the number of COCO's class whose outputs it begins with, −1 for none; empty for none
            at all.
        """
        pairs = in_rgb(read_graph(weights))
        whole = copy.deepcopy(self)
        whole.head = FastestDetHead(CHANNELS, len(pairs[-1][2]))
        fill(whole, pairs, weights)
        unfold(whole, photos(352))
        self.take(whole, like)


@method(task="detection", paper="Ma 2022", lesson="w7d4")
def fastestdet(
    classes: Annotated[int, Range(1, 10**5)] = 80, *, width: Annotated[str, Choice(*WIDTHS)] = "0.5x"
) -> FastestDet:
    """FastestDet with fresh weights; ``begin`` reads the author's.

    Parameters
    ----------
    classes
        Number of classes, ≥ 1; the background is none.
    width
        Of the backbone, as ShuffleNetV2's Table 5 has it; the author's weights have ``"0.5x"``.

    Returns
    -------
    FastestDet
        ``model(images, targets)`` gives losses in training mode, ``model.eval()(images)`` one ``Detections`` for each
        of B×3×H×W float32 images in 0–1, whose sides are multiples of 32; the author's have 352. NaN in an image finds
        nothing.

    Raises
    ------
    InputError
        When an argument is out of its range, or the sides of images are no multiples of 32.

    References
    ----------
    X. Ma, "FastestDet: it has higher accuracy and faster speed than Yolo-fastest",
    https://github.com/dog-qiuqiu/FastestDet, 2022.

    Examples
    --------
    >>> sum(p.numel() for p in fastestdet().parameters())
    244405
    """
    channels = WIDTHS[choice("fastestdet", "width", width, tuple(WIDTHS))]
    head = FastestDetHead(CHANNELS, integer("fastestdet", "classes", classes, 1))
    backbone = ShuffleNetV2Maps(channels, alternate=True)
    return FastestDet(backbone, ReceptivePyramid(sum(channels), CHANNELS), head)
