"""YOLO, the first: a grid of 7×7 cells over the image, each of which says two boxes and one set of classes.

Redmon, Divvala, Girshick and Farhadi 2016, "You Only Look Once: Unified, Real-Time Object Detection", CVPR: section 2
for the grid, Fig. 3 for the network, equation 3 for the loss. The two fully connected layers fix the image at 448×448.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import torch
from torch import Tensor, nn

from sightline.core.catalogue import method
from sightline.core.checks import choice, integer, number
from sightline.core.errors import InputError
from sightline.core.types import Choice, Range
from sightline.detect.detector import Targets
from sightline.detect.one_stage import OneStage
from sightline.nn.box_overlap import overlap

COORD, NO_OBJECT = 5.0, 0.5  # λ_coord and λ_noobj: section 2.2

# Fig. 3: (filters, size) of each convolution; a number alone is a stride for the next one, "max" a 2×2 maximum.
FULL = (
    (64, 7, 2), "max", (192, 3, 1), "max", (128, 1, 1), (256, 3, 1), (256, 1, 1), (512, 3, 1), "max",
    *((256, 1, 1), (512, 3, 1)) * 4, (512, 1, 1), (1024, 3, 1), "max",
    *((512, 1, 1), (1024, 3, 1)) * 2, (1024, 3, 1), (1024, 3, 2), (1024, 3, 1), (1024, 3, 1),
)  # fmt: skip
# "Fast YOLO": "9 instead of 24 convolutional layers and fewer filters" (section 2.1); the authors' tiny-yolo of 2016.
FAST = (
    (16, 3, 1), "max", (32, 3, 1), "max", (64, 3, 1), "max", (128, 3, 1), "max", (256, 3, 1), "max", (512, 3, 1), "max",
    (1024, 3, 1), (256, 3, 1), (128, 1, 1),
)  # fmt: skip


class YoloV1(OneStage):
    """Convolutions, two fully connected layers, a grid: a :class:`~sightline.detect.detector.Detector`.

    Parameters
    ----------
    body
        From B×3×H×W to a map of 1/64 of the side.
    reader
        From the map, as a vector, to S·S·(5·B + K) numbers.
    cells
        S, cells of a side.
    boxes
        B, boxes of a cell.
    classes
        K.
    """

    name = "yolo_v1"
    square = True

    def __init__(self, body: nn.Module, reader: nn.Module, cells: int, boxes: int, classes: int) -> None:
        super().__init__()
        self.body, self.reader = body, reader
        self.cells, self.boxes, self.classes = cells, boxes, classes
        self.side = 64 * cells

    def look(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return N×S×S×B×5 (x, y, √w, √h, confidence) and N×S×S×K class scores of N×3×448×448 images in 0–1."""
        numbers = self.reader(self.body(images)).unflatten(1, (self.cells, self.cells, -1))
        said, classes = numbers.split((5 * self.boxes, self.classes), dim=-1)
        return said.unflatten(-1, (self.boxes, 5)), classes

    def answer(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return boxes N×SSB×4 in pixels and scores N×SSB×K."""
        said, classes = self.look(images)
        scores = (classes[..., None, :] * said[..., 4:5]).flatten(1, 3)  # equation 1: Pr(class | object) · confidence
        return decode(said, self.side).flatten(1, 3), scores

    def learn(self, images: Tensor, targets: Sequence[Targets]) -> dict[str, Tensor]:
        """Return the losses, those of :func:`yolo_v1_loss`."""
        return yolo_v1_loss(*self.look(images), targets, self.side)

    def check(self, images: Tensor) -> None:
        """Refuse all but the one size that the network reads."""
        if images.ndim != 4 or images.shape[-2:] != (self.side, self.side):
            shape = "×".join(map(str, images.shape))
            raise InputError(f"yolo_v1: images must be B×3×{self.side}×{self.side}; got {shape}. Use data.letterbox.")


def decode(said: Tensor, side: int) -> Tensor:
    """Return …×4 xyxy in pixels: centres within their cells, sides as shares of the image.

    Parameters
    ----------
    said
        N×S×S×B×5.
    side
        Of the image, pixels.
    """
    cells = said.shape[1]
    steps = torch.arange(cells, device=said.device)
    y, x = torch.meshgrid(steps, steps, indexing="ij")
    corner = torch.stack([x, y], dim=-1)[:, :, None]  # S×S×1×2
    middle = (said[..., :2] + corner) / cells * side
    half = said[..., 2:4].square() / 2 * side  # the network says the roots of the sides
    return torch.cat([middle - half, middle + half], dim=-1)


def yolo_v1_loss(said: Tensor, classes: Tensor, targets: Sequence[Targets], side: int) -> dict[str, Tensor]:
    """Return the five sums of equation 3 as ``loss``, ``box_loss``, ``object_loss`` and ``class_loss``, means over N.

    Parameters
    ----------
    said
        N×S×S×B×5.
    classes
        N×S×S×K.
    targets
        The true boxes of the N images.
    side
        Of the images, pixels.
    """
    said, classes = said.float(), classes.float()
    boxes = decode(said, side)
    confidence = torch.zeros_like(said[..., 4])
    responsible = torch.zeros_like(confidence, dtype=torch.bool)
    boxing, naming = said.sum() * 0.0, classes.sum() * 0.0
    for n, target in enumerate(targets):
        for box, label in zip(target["boxes"].to(said), target["labels"].tolist(), strict=True):
            middle, sides = (box[:2] + box[2:]) / 2 / side * said.shape[1], (box[2:] - box[:2]) / side
            column, row = (int(v) for v in middle.long().clamp(0, said.shape[1] - 1))
            overlaps = overlap(boxes[n, row, column].detach(), box)
            j = int(overlaps.argmax())  # "the predictor with the highest current IOU"
            if responsible[n, row, column, j]:
                continue  # a cell's predictor has one box: of two in it, the first
            responsible[n, row, column, j], confidence[n, row, column, j] = True, overlaps[j]
            inside = middle - middle.new_tensor([column, row])
            wanted = torch.cat([inside, sides.sqrt()])
            boxing = boxing + (said[n, row, column, j, :4] - wanted).square().sum()
            one = torch.zeros_like(classes[n, row, column])
            one[label] = 1.0
            naming = naming + (classes[n, row, column] - one).square().sum()
    off = (said[..., 4] - confidence).square()
    seeing = off[responsible].sum() + NO_OBJECT * off[~responsible].sum()
    parts = {"box_loss": COORD * boxing, "object_loss": seeing, "class_loss": naming}
    parts = {name: value / len(targets) for name, value in parts.items()}
    return {"loss": parts["box_loss"] + parts["object_loss"] + parts["class_loss"], **parts}


def _body(layers: Sequence[tuple[int, int, int] | str], batch_norm: bool) -> tuple[nn.Sequential, int]:
    made: list[nn.Module] = []
    channels = 3
    for layer in layers:
        if isinstance(layer, str):
            made.append(nn.MaxPool2d(2))
            continue
        filters, size, stride = layer
        made.append(nn.Conv2d(channels, filters, size, stride, size // 2, bias=not batch_norm))
        made += [nn.BatchNorm2d(filters)] if batch_norm else []
        made.append(nn.LeakyReLU(0.1))  # equation 2
        channels = filters
    return nn.Sequential(*made), channels


@method(task="detection", paper="Redmon 2016", lesson="w7d4")
def yolo_v1(
    classes: Annotated[int, Range(1, 10**5)] = 20,
    *,
    size: Annotated[str, Choice("full", "fast")] = "full",
    cells: Annotated[int, Range(1, 64)] = 7,
    dropout: Annotated[float, Range(0, 1)] = 0.5,
) -> YoloV1:
    """YOLO as it was first, with fresh weights: 7×7 cells, two boxes each.

    Parameters
    ----------
    classes
        Number of classes, ≥ 1.
    size
        ``"full"``: the paper's 24 convolutions and 272 million weights; ``"fast"``: nine convolutions with batch
        normalisation and one fully connected layer, 18 million, which learns from nothing.
    cells
        Cells of a side; the image has 64 pixels for each: 448 for the paper's seven.
    dropout
        Share of the first fully connected layer's answers that training sets to zero; of ``"full"`` only.

    Returns
    -------
    YoloV1
        ``model(images, targets)`` gives losses in training mode, ``model.eval()(images)`` one ``Detections`` for each
        of B×3×448×448 float32 images in 0–1. NaN in an image finds nothing.

    Raises
    ------
    InputError
        When an argument is out of its range, or images are of another size.

    References
    ----------
    J. Redmon, S. Divvala, R. Girshick, A. Farhadi, "You Only Look Once: Unified, Real-Time Object Detection", CVPR
    2016.

    Examples
    --------
    >>> model = yolo_v1(2, size="fast", cells=1).eval()
    >>> len(model(torch.zeros(1, 3, 64, 64)))
    1
    """
    classes, cells = integer("yolo_v1", "classes", classes, 1), integer("yolo_v1", "cells", cells, 1, 64)
    dropout = number("yolo_v1", "dropout", dropout, 0, 1)
    fast = choice("yolo_v1", "size", size, ("full", "fast")) == "fast"
    body, channels = _body(FAST if fast else FULL, batch_norm=fast)
    outputs = cells * cells * (2 * 5 + classes)
    places = channels * cells * cells
    if fast:
        reader = nn.Sequential(nn.Flatten(), nn.Linear(places, outputs))
        return YoloV1(body, reader, cells, 2, classes)
    middle = (nn.Linear(places, 4096), nn.LeakyReLU(0.1), nn.Dropout(dropout))
    return YoloV1(body, nn.Sequential(nn.Flatten(), *middle, nn.Linear(4096, outputs)), cells, 2, classes)
