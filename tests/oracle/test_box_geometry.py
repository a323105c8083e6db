"""Boxes, their overlaps, suppression, anchors, matches and regions against torchvision."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from box_cases import random_boxes
from sightline import detect
from sightline.core import evidence
from sightline.nn.aligned_regions import aligned_regions

REASON = "lives in the oracle environment: make oracle"
torchvision = pytest.importorskip("torchvision", reason=REASON)

pytestmark = pytest.mark.oracle

OVERLAPS = {
    "iou": torchvision.ops.box_iou,
    "giou": torchvision.ops.generalized_box_iou,
    "diou": torchvision.ops.distance_box_iou,
    "ciou": torchvision.ops.complete_box_iou,
}


@evidence.equals("detect.iou", peer="torchvision", tolerance="1e-6", data="random boxes")
@evidence.equals("detect.giou", peer="torchvision", tolerance="1e-6", data="random boxes")
@evidence.equals("detect.diou", peer="torchvision", tolerance="1e-6", data="random boxes")
@evidence.equals("detect.ciou", peer="torchvision", tolerance="1e-6", data="random boxes")
def test_overlaps(measured: Callable[[float], None]) -> None:
    boxes, others = random_boxes(200, 1), random_boxes(150, 2)
    worst = 0.0
    for name, peer in OVERLAPS.items():
        theirs = peer(torch.from_numpy(boxes).double(), torch.from_numpy(others).double()).numpy()
        worst = max(worst, float(np.abs(getattr(detect, name)(boxes, others) - theirs).max()))
    measured(worst)
    assert worst < 1e-6


@evidence.equals("detect.nms", peer="torchvision", tolerance="identical", data="random boxes")
@evidence.equals("detect.batched_nms", peer="torchvision", tolerance="identical", data="random boxes of 7 classes")
def test_suppression(measured: Callable[[float], None]) -> None:
    wrong = 0
    for seed, threshold in enumerate((0.3, 0.5, 0.7)):
        random = np.random.default_rng(seed)
        boxes, scores, labels = (
            random_boxes(2000, seed),
            random.random(2000).astype(np.float32),
            random.integers(0, 7, 2000),
        )
        given = [torch.from_numpy(part) for part in (boxes, scores, labels)]
        ours = detect.nms(boxes, scores, threshold), detect.batched_nms(boxes, scores, labels, threshold)
        theirs = torchvision.ops.nms(*given[:2], threshold), torchvision.ops.batched_nms(*given, threshold)
        wrong += sum(not np.array_equal(a, b.numpy()) for a, b in zip(ours, theirs, strict=True))
    measured(wrong)
    assert wrong == 0


@evidence.equals("detect.anchors", peer="torchvision", tolerance="identical", data="a five-level pyramid")
def test_anchors(measured: Callable[[float], None]) -> None:
    from torchvision.models.detection.anchor_utils import AnchorGenerator
    from torchvision.models.detection.image_list import ImageList

    strides, sizes, ratios = (
        (4, 8, 16, 32, 64),
        ((32, 40), (64, 80), (128, 160), (256, 320), (512, 640)),
        (0.5, 1.0, 2.0),
    )
    maps = [torch.zeros(1, 1, 128 // stride, 192 // stride) for stride in strides]
    made = AnchorGenerator(sizes, (ratios,) * 5)(ImageList(torch.zeros(1, 3, 128, 192), [(128, 192)]), maps)[0].numpy()
    ours = np.concatenate(detect.anchors((128, 192), strides, sizes, ratios, offset=0, whole=True))
    measured(float(np.abs(ours - made).max()))
    np.testing.assert_array_equal(ours, made)


@evidence.equals("detect.match", peer="torchvision", tolerance="identical", data="anchors and random boxes")
def test_matches(measured: Callable[[float], None]) -> None:
    from torchvision.models.detection._utils import Matcher

    boxes = np.concatenate(detect.anchors((400, 400), (16, 32), ((32.0, 48.0), (64.0, 96.0))))
    truth = random_boxes(30, 4)
    table = torch.from_numpy(detect.iou(truth, boxes))
    wrong = 0
    for best in (True, False):
        theirs = Matcher(0.7, 0.3, allow_low_quality_matches=best)(table).numpy()
        wrong += int((detect.match(boxes, truth, best="ties" if best else "none") != theirs).sum())
    measured(wrong)
    assert wrong == 0


@evidence.equals(
    "detect.roi_align", peer="torchvision", tolerance="1e-6", data="random maps, boxes beyond the border too"
)
@evidence.equals(
    "detect.roi_pool", peer="torchvision", tolerance="identical", data="random maps, boxes beyond the border too"
)
def test_regions(measured: Callable[[float], None]) -> None:
    features = torch.rand(2, 8, 25, 38, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    boxes = torch.from_numpy(random_boxes(60, 5, 640.0)).double() - 30
    images = torch.arange(60) % 2
    regions = torch.cat([images[:, None], boxes], dim=1)
    worst = 0.0
    for size, samples in (((7, 7), 2), ((5, 3), 0), ((1, 4), 3)):
        theirs = torchvision.ops.roi_align(features, regions, size, 1 / 16, samples or -1, aligned=True)
        if samples:
            worst = max(
                worst, (aligned_regions(features, boxes, images, size, 1 / 16, samples) - theirs).abs().max().item()
            )
        for image in (0, 1):
            layers, mine = features[image].permute(1, 2, 0).numpy(), boxes[images == image].numpy()
            ours = detect.roi_align(layers, mine, size, 1 / 16, samples).transpose(0, 3, 1, 2)
            worst = max(worst, float(np.abs(ours - theirs[images == image].numpy()).max()))
    for image in (0, 1):
        chosen = regions[images == image].float()
        theirs = torchvision.ops.roi_pool(features.float(), chosen, (7, 5), 1 / 16).numpy()
        layers = features[image].float().permute(1, 2, 0).numpy()
        ours = detect.roi_pool(layers, chosen[:, 1:].numpy(), (7, 5), 1 / 16).transpose(0, 3, 1, 2)
        np.testing.assert_array_equal(ours, theirs)
    measured(worst)
    assert worst < 1e-6
