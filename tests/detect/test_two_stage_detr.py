"""What DINO and RT-DETR share: they learn a few pictures by heart."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from sightline import detect
from sightline.detect.denoising import Denoising
from sightline.detect.detector import Targets
from sightline.detect.two_stage_detr import TwoStageDETR
from sightline.nn.box_overlap import overlap

BUILDERS: dict[str, Callable[[], TwoStageDETR]] = {
    "rt_detr": lambda: detect.rt_detr(2, variant="r18", dim=64, queries=12, resize=0),
    "dino_detr": lambda: detect.dino_detr(2, variant="small", backbone="resnet18", resize=0),
}


def coloured_squares() -> tuple[Tensor, list[Targets]]:
    """Return two pictures of 64×64: a red square on the first, a red and a green one on the second."""
    images = torch.full((2, 3, 64, 64), 0.2)
    boxes = [torch.tensor([[6.0, 20, 32, 46]]), torch.tensor([[4.0, 4, 26, 26], [34, 30, 60, 56]])]
    for image, some in zip(images, boxes, strict=True):
        for channel, (x1, y1, x2, y2) in enumerate(some.long().tolist()):
            image[channel, y1:y2, x1:x2] = 0.9
    return images, [{"boxes": some, "labels": torch.arange(len(some))} for some in boxes]


def all_found(model: TwoStageDETR, images: Tensor, targets: list[Targets]) -> bool:
    """Tell whether in evaluation mode the surest answer of each class lies on the thing of that class."""
    for part in model.modules():
        if isinstance(part, nn.BatchNorm2d):  # weights change too quickly for the running statistics to keep up
            part.momentum = None
            part.reset_running_stats()
    with torch.no_grad():
        model(images, targets)
    answers = model.eval().find(images)
    model.train()
    return all(
        float(overlap(found.boxes[int((found.labels == label).int().argmax())], box)) > 0.5
        for found, target in zip(answers, targets, strict=True)
        for box, label in zip(target["boxes"], target["labels"], strict=True)
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", BUILDERS)
def test_it_learns_two_pictures_by_heart(name: str) -> None:
    torch.manual_seed(0)
    model, (images, targets) = BUILDERS[name]().train(), coloured_squares()
    model.denoising = Denoising(6)
    optimiser = torch.optim.AdamW(model.parameters(), 1e-3 if name == "rt_detr" else 5e-4)
    for step in range(1, 161):
        losses = model(images, targets)
        optimiser.zero_grad()
        losses["loss"].backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 0.1)
        optimiser.step()
        if step % 10 == 0 and all_found(model, images, targets):
            return
    pytest.fail("after 160 steps a thing is not found")
