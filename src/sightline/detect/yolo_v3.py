"""YOLOv3: three anchors on each of three maps, a backbone of 53 convolutions; and its tiny sibling.

Redmon and Farhadi 2018, "YOLOv3: An Incremental Improvement", arXiv:1804.02767: Table 1 is the backbone, section 2.3
the maps. The layers stand in the order of the authors' files, so that their weights can be read.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from sightline.core.catalogue import method
from sightline.core.checks import choice, integer
from sightline.core.types import Choice, Range
from sightline.detect.darknet import Darknet
from sightline.detect.darknet_file import Section

ANCHORS = "10,13, 16,30, 33,23, 30,61, 62,45, 59,119, 116,90, 156,198, 373,326"  # section 2.3, on COCO at 416 pixels
TINY_ANCHORS = "10,14, 23,27, 37,58, 81,82, 135,169, 344,319"  # the authors' yolov3-tiny
BLOCKS = ((64, 1), (128, 2), (256, 8), (512, 8), (1024, 4))  # Table 1: channels and residual blocks of each stage


def _conv(filters: int, size: int, stride: int = 1, plain: bool = False) -> tuple[str, dict[str, str]]:
    values = {"filters": str(filters), "size": str(size), "stride": str(stride), "pad": "1"}
    norm = {"activation": "linear"} if plain else {"batch_normalize": "1", "activation": "leaky"}
    return "convolutional", {**values, **norm}


def _head(anchors: str, mask: str, classes: int) -> Iterator[tuple[str, dict[str, str]]]:
    yield _conv(3 * (5 + classes), 1, plain=True)
    yield "yolo", {"anchors": anchors, "mask": mask, "classes": str(classes)}


def _full(classes: int) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the layers of YOLOv3: Darknet-53, then three heads, from the coarsest map to the finest."""
    yield _conv(32, 3)
    for filters, count in BLOCKS:
        yield _conv(filters, 3, 2)
        for _ in range(count):
            yield _conv(filters // 2, 1)
            yield _conv(filters, 3)
            yield "shortcut", {"from": "-3", "activation": "linear"}
    # Layers 61 and 36 are the last of the stages with 512 and 256 channels.
    for level, (filters, source, mask) in enumerate(((512, "", "6,7,8"), (256, "61", "3,4,5"), (128, "36", "0,1,2"))):
        if level:
            yield "route", {"layers": "-4"}
            yield _conv(filters, 1)
            yield "upsample", {"stride": "2"}
            yield "route", {"layers": f"-1,{source}"}
        for _ in range(3):
            yield _conv(filters, 1)
            yield _conv(2 * filters, 3)
        yield from _head(ANCHORS, mask, classes)


def _tiny(classes: int) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the layers of the tiny sibling: seven convolutions with maxima between them, two heads."""
    for filters in (16, 32, 64, 128, 256, 512):
        yield _conv(filters, 3)
        yield "maxpool", {"size": "2", "stride": "1" if filters == 512 else "2"}
    yield _conv(1024, 3)
    yield _conv(256, 1)
    yield _conv(512, 3)
    yield from _head(TINY_ANCHORS, "3,4,5", classes)
    yield "route", {"layers": "-4"}
    yield _conv(128, 1)
    yield "upsample", {"stride": "2"}
    yield "route", {"layers": "-1,8"}
    yield _conv(256, 3)
    yield from _head(TINY_ANCHORS, "0,1,2", classes)


@method(task="detection", paper="Redmon 2018", lesson="w7d4")
def yolo_v3(
    classes: Annotated[int, Range(1, 10**5)] = 80, *, size: Annotated[str, Choice("full", "tiny")] = "full"
) -> Darknet:
    """YOLOv3 with fresh weights; :func:`read_darknet` reads a network with the authors' weights.

    Parameters
    ----------
    classes
        Number of classes, ≥ 1; the background is none.
    size
        ``"full"`` is the paper's, with 62 million weights for 80 classes; ``"tiny"`` has 8.9 million.

    Returns
    -------
    Darknet
        ``model(images, targets)`` gives losses in training mode, ``model.eval()(images)`` one ``Detections`` for each
        of B×3×H×W float32 images in 0–1, whose sides are multiples of 32. NaN in an image finds nothing.

    Raises
    ------
    InputError
        When an argument is out of its range, or the sides of images are no multiples of 32.

    References
    ----------
    J. Redmon, A. Farhadi, "YOLOv3: An Incremental Improvement", arXiv:1804.02767, 2018.

    Examples
    --------
    >>> sum(p.numel() for p in yolo_v3(80, size="tiny").parameters())
    8852366
    """
    classes = integer("yolo_v3", "classes", classes, 1)
    made = {"full": _full, "tiny": _tiny}[choice("yolo_v3", "size", size, ("full", "tiny"))](classes)
    rows = [("net", {"width": "416", "height": "416"}), *made]
    return Darknet([Section(kind, values, f"layer {n - 1} [{kind}]") for n, (kind, values) in enumerate(rows)])
