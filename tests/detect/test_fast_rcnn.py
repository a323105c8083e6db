"""Fast R-CNN: it looks where it is told to, in the pixels that came; selective search tells where."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from sightline import detect
from sightline.detect.detector import Detector, Targets

BOXES = np.array([[4.0, 4, 40, 50], [0, 0, 64, 64], [30, 2, 62, 33]], np.float32)


def test_it_shows_the_pixels_to_what_proposes_and_learns_from_the_boxes() -> None:
    seen: list[np.ndarray] = []

    def propose(image: np.ndarray) -> np.ndarray:
        seen.append(image)
        return BOXES

    torch.manual_seed(0)
    model = detect.fast_rcnn(2, backbone="resnet18", resize=0, propose=propose)
    assert isinstance(model, Detector)
    images = torch.randint(0, 256, (2, 3, 50, 64)) / 255
    target: Targets = {"boxes": torch.tensor([[5.0, 5, 42, 48]]), "labels": torch.tensor([1])}
    losses: Any = model(images, [target, target])
    losses["loss"].backward()
    assert losses["boxes"] > 0
    without = [key for key, p in model.named_parameters() if p.grad is None or not p.grad.isfinite().all()]
    assert [key for key in without if "smooth" not in key] == []  # levels that no region is read from learn nothing
    assert np.array_equal(seen[1], (images[1] * 255).round().byte().permute(1, 2, 0).numpy())
    assert len(model.eval()(images)) == 2


def test_an_image_in_which_nothing_is_proposed_has_nothing() -> None:
    empty = np.empty((0, 4), np.float32)
    model = detect.fast_rcnn(2, backbone="resnet18", resize=0, propose=lambda image: empty).eval()
    found: Any = model(torch.zeros(1, 3, 40, 40))
    assert len(found[0]) == 0


def test_selective_search_proposes_by_default() -> None:
    model = detect.fast_rcnn(2, backbone="resnet18", resize=0, limit=7).eval()
    image = torch.zeros(1, 3, 48, 64)
    image[:, :, 10:30, 20:50] = 1
    boxes = model.proposed(model.fit(image))[0]
    assert 0 < len(boxes) <= 7
    assert (boxes[:, 2:] <= torch.tensor([64.0, 48.0])).all()
