"""YOLO without anchors: one look at the image, and every place of three maps says what is there and where it ends.

Redmon et al. 2016, "You Only Look Once", CVPR, for the idea; the parts follow Wang 2020 (cross-stage backbone), Liu
2018 (path aggregation), Ge 2021 (decoupled, anchor-free head), Li 2020 (edges as distributions) and Feng 2021
(task-aligned assignment), each in its own file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from torch import Tensor, nn

from sightline.core.catalogue import method
from sightline.core.checks import choice, integer
from sightline.core.types import Choice, Range
from sightline.detect.detector import Targets
from sightline.detect.one_stage import OneStage
from sightline.detect.squeezed import begin, squeezed
from sightline.detect.yolo_head import DecoupledHead, Predicted
from sightline.detect.yolo_loss import yolo_loss
from sightline.nn.convolutional import pixel_normalize
from sightline.nn.csp import CspBackbone
from sightline.nn.path_aggregation import PathAggregation

STRIDES = (8, 16, 32)


@dataclass(frozen=True)
class YoloConfig:
    """What makes one size differ from another.

    Parameters
    ----------
    widths
        Channels of the stem and of the four stages.
    depths
        Residual blocks of the four stages.
    channels
        Of each level of the neck and the head.
    mixing
        Residual blocks of each block of the neck.
    head
        3×3 convolutions of each branch of the head.
    """

    widths: tuple[int, ...]
    depths: tuple[int, ...]
    channels: int
    mixing: int
    head: int


VARIANTS = {  # ours: each about three to four times the computations of the one before it
    "small": YoloConfig((16, 32, 64, 128, 256), (1, 2, 2, 1), 64, 1, 1),
    "medium": YoloConfig((32, 64, 128, 256, 384), (1, 2, 2, 1), 96, 1, 2),
    "large": YoloConfig((48, 96, 192, 384, 576), (2, 4, 4, 2), 160, 2, 2),
}


class Yolo(OneStage):
    """Normalise, backbone, neck, head: a :class:`~sightline.detect.detector.Detector`.

    Parameters
    ----------
    normalize
        Mean and deviation of the pixels.
    backbone
        From pixels to three maps of stride 8, 16 and 32, the finest first; says their ``channels``.
    neck
        From these to three maps of equal width.
    head
        From those to what every place says.
    """

    name = "yolo"

    def __init__(self, normalize: nn.Module, backbone: nn.Module, neck: nn.Module, head: DecoupledHead) -> None:
        super().__init__()
        self.normalize = normalize
        self.backbone = backbone
        self.neck = neck
        self.head = head

    def begin(self, weights: str) -> None:
        """Begin the backbone with public weights: a file, or a name of the zoo."""
        begin(self.backbone, weights)

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


@method(task="detection", paper="Redmon 2016; Feng 2021", lesson="w7d4")
def yolo(
    classes: Annotated[int, Range(1, 10**5)] = 80,
    *,
    size: Annotated[str, Choice("small", "medium", "large")] = "small",
    backbone: Annotated[str, Choice("csp", "squeezenet")] = "csp",
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
) -> Yolo:
    """YOLO without anchors, with fresh weights: ours, to be trained on your own boxes.

    Parameters
    ----------
    classes
        Number of classes, ≥ 1; the background is none.
    size
        ``"small"``, ``"medium"`` or ``"large"``: 1.4, 4.4 or 12.6 million weights.
    backbone
        ``"csp"`` is ours, to be trained from nothing; ``"squeezenet"`` can begin with public weights of ImageNet.
    mean, std
        Of the pixels in 0–1, three numbers each, deviations > 0; None takes ImageNet's.

    Returns
    -------
    Yolo
        ``model(images, targets)`` gives losses in training mode, ``model.eval()(images)`` one ``Detections`` for each
        of B×3×H×W float32 images in 0–1, whose sides are multiples of 32. NaN in an image finds nothing.

    Raises
    ------
    InputError
        When an argument is out of its range, or the sides of images are no multiples of 32.

    References
    ----------
    J. Redmon, S. Divvala, R. Girshick, A. Farhadi, "You Only Look Once: Unified, Real-Time Object Detection", CVPR
    2016.
    C. Feng, Y. Zhong, Y. Gao, M. R. Scott, W. Huang, "TOOD: Task-aligned One-stage Object Detection", ICCV 2021.

    Examples
    --------
    >>> sum(p.numel() for p in yolo(2).parameters())
    1434146
    """
    config = VARIANTS[choice("yolo", "size", size, tuple(VARIANTS))]
    normalize = pixel_normalize("yolo", 3, mean, std)
    kind = choice("yolo", "backbone", backbone, ("csp", "squeezenet"))
    maps = squeezed() if kind == "squeezenet" else CspBackbone(config.widths, config.depths)
    return assemble(normalize, maps, integer("yolo", "classes", classes, 1), config)


def assemble(normalize: nn.Module, backbone: nn.Module, classes: int, config: YoloConfig) -> Yolo:
    """Return the detector around a backbone.

    Parameters
    ----------
    normalize, backbone
        As :class:`Yolo` takes them.
    classes
        Number of classes.
    config
        Of the neck and the head.
    """
    neck = PathAggregation(backbone.channels, config.channels, config.mixing)  # pyrefly: ignore
    return Yolo(normalize, backbone, neck, DecoupledHead(config.channels, classes, STRIDES, config.head))
