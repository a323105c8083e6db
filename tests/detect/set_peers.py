"""What the tests of DETR's family share: transformers' models at random weights, and their files as published."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from transformers import ResNetConfig

from classify.parity import pixels, randomise
from sightline import classify
from sightline.detect.detector import Targets
from sightline.detect.evaluate import score
from sightline.detect.set_detector import SetDetector
from sightline.detect.set_matching import as_shares
from sightline.metrics.box_set import BoxSet
from sightline.zoo.names import names

IMAGES = [pixels(1, 3, *size, seed=i)[0] for i, size in enumerate([(100, 120), (60, 90), (96, 64)])]
BOXES = torch.tensor([[10.3, 12.1, 70.7, 50.2], [5.6, 5.9, 30.4, 90.8], [40.2, 40.7, 60.1, 58.6]])
TARGETS: list[Targets] = [
    {"boxes": BOXES, "labels": torch.tensor([1, 3, 2])},
    {"boxes": torch.zeros(0, 4), "labels": torch.zeros(0, dtype=torch.int64)},
    {"boxes": torch.tensor([[4.0, 8, 60, 90]]), "labels": torch.tensor([0])},
]
BODY = "model.backbone.model."


def small_backbone(*stages: int) -> ResNetConfig:
    """Return ResNet-18 whose maps after these stages are read."""
    widths = [64, 128, 256, 512]
    out = [f"stage{stage}" for stage in stages]
    return ResNetConfig(depths=[2, 2, 2, 2], hidden_sizes=widths, layer_type="basic", out_features=out)


def published(theirs: nn.Module, backbone: str = "resnet18") -> dict[str, Tensor]:
    """Return their weights under the names of published files, whose backbone is timm's."""
    keys = getattr(classify, backbone)(1).state_dict()
    here, there = names(keys, "transformers"), names(keys, "torchvision")
    rename = {BODY + here[key][0].removeprefix("resnet."): BODY + there[key][0] for key in keys}
    return {rename.get(key, key): value for key, value in theirs.state_dict().items()}


def prepared(kind: Callable[[Any], nn.Module], config: Any) -> Any:
    """Return their model of this kind at random weights that matter, in evaluation mode.

    Such weights make attention sharp, and sharp attention multiplies what rounding differs by: deep models are compared
    in double precision.
    """
    torch.manual_seed(1)
    return randomise(kind(config)).eval()


def milder(theirs: Any) -> Any:
    """Return their model with a decoder half as sharp: parts of it compute in single precision whatever is asked."""
    with torch.no_grad():
        for value in theirs.model.decoder.parameters():
            value.mul_(0.5 if value.ndim > 1 else 1.0)
    return theirs


def images_for(model: nn.Module) -> list[Tensor]:
    """Return the images in the precision of a model."""
    return [image.to(next(model.parameters())) for image in IMAGES]


def told(ours: SetDetector, theirs: Any, **more: Any) -> tuple[Any, Any]:
    """Return our fitted batch of three images of different sizes, and what their model says of it."""
    fitted = ours.fit(images_for(ours))
    with torch.no_grad():
        return fitted, theirs(fitted.images, pixel_mask=fitted.real.long(), **more)


def labels_of(sizes: Sequence[tuple[int, int]], dtype: torch.dtype = torch.float32) -> list[dict[str, Tensor]]:
    """Return the targets as transformers wants them."""
    return [{"class_labels": one["labels"], "boxes": one["boxes"].to(dtype)} for one in as_shares(TARGETS, sizes)]


def difference_of_last(ours: Any, fitted: Any, expected: Any) -> float:
    """Return how far the last layer's logits, by the peer's largest where it is above 1, and its boxes are apart."""
    with torch.no_grad():
        last = ours.layers(fitted)[-1]
    scale = max(1.0, expected.logits.abs().max().item())
    boxes = (last.boxes - expected.pred_boxes).abs().max().item()
    return max((last.logits - expected.logits).abs().max().item() / scale, boxes)


def difference_of_found(ours: SetDetector, expected: list[dict[str, Tensor]]) -> float:
    """Return the largest difference of scores, and of boxes in shares of the image, from their post-processing."""
    worst = 0.0
    for found, other, image in zip(ours.find(images_for(ours)), expected, IMAGES, strict=True):
        height, width = image.shape[1:]
        order = other["scores"].argsort(descending=True)
        assert len(found.scores) == len(order) > 3
        assert torch.equal(found.labels, other["labels"][order])
        sides = torch.tensor([width, height, width, height])
        boxes = (other["boxes"][order] / sides).clamp(0, 1)  # ours are cut at the edges of the image
        apart = [(found.boxes / sides - boxes).abs().max(), (found.scores - other["scores"][order]).abs().max()]
        worst = max(worst, *(value.item() for value in apart))
    return worst


class ToyBody(nn.Sequential):
    """Convolutions that halve a picture's side: the maps after the last ``count`` of them."""

    def __init__(self, *widths: int, count: int = 1) -> None:
        super().__init__(
            *(
                nn.Sequential(nn.Conv2d(a, b, 3, stride=2, padding=1), nn.BatchNorm2d(b), nn.ReLU())
                for a, b in pairwise((3, *widths))
            )
        )
        self.count = count

    def forward(self, x: Tensor) -> list[Tensor]:  # type: ignore[override]
        """Return the maps, finest first."""
        maps = []
        for step in self:
            x = step(x)
            maps.append(x)
        return maps[-self.count :]


def learnt_by_heart(model: Any, steps: int) -> float:
    """Return the mean average precision (COCO's) on four pictures of two classes, each seen ``steps`` times."""
    random = np.random.default_rng(0)
    images, targets = random.uniform(0, 0.2, (4, 3, 64, 64)).astype(np.float32), []
    for image in images:
        boxes, labels = [], []
        for corner in (0, 32)[: int(random.integers(1, 3))]:  # one thing, or one in each half
            (w, h), label = random.integers(14, 30, 2), int(random.integers(0, 2))
            x, y = corner + int(random.integers(0, 32 - w)), int(random.integers(0, 64 - h))
            image[:, y : y + h, x : x + w] = 0.1
            image[label, y : y + h, x : x + w] = 0.9
            boxes.append([x, y, x + w, y + h])
            labels.append(label)
        targets.append({"boxes": torch.tensor(boxes, dtype=torch.float32), "labels": torch.tensor(labels)})
    batch = torch.from_numpy(images)
    learning = torch.optim.AdamW(model.parameters(), lr=3e-3)
    model.train()
    for _ in range(steps):
        learning.zero_grad()
        model(batch, targets)["loss"].backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        learning.step()
    found = model.eval()(batch)
    return score(found, [BoxSet(one["boxes"], one["labels"]) for one in targets]).ap
