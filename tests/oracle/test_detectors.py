"""Detectors against torchvision's at random weights: boxes, scores, classes, and every loss.

They live in the oracle environment (`make oracle`), as the classifiers that torchvision is compared with.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from classify.parity import pixels, randomise
from sightline import detect
from sightline import nn as ours_nn
from sightline.core import evidence
from sightline.detect.anchor_grid import AnchorGrid
from sightline.detect.matching import Matching, balanced
from sightline.detect.region_head import read_regions
from sightline.nn.box_code import BoxCode, EdgeCode
from sightline.zoo import export_weights, load_weights

torchvision = pytest.importorskip("torchvision", reason="lives in the oracle environment: make oracle")
from torchvision.models import detection  # noqa: E402
from torchvision.models.detection import _utils as their_parts  # noqa: E402

pytestmark = pytest.mark.oracle

TOLERANCE = "1e-4 of each loss, and of the side of the image for the boxes"
DATA = "random weights, two random images of different sizes, one without a box"
FRESH: dict[str, Any] = {"weights": None, "weights_backbone": None}
IMAGES = [pixels(1, 3, 100, 120)[0], pixels(1, 3, 60, 90, seed=2)[0]]
BOXES = torch.tensor([[10.3, 12.1, 70.7, 50.2], [5.6, 5.9, 30.4, 90.8], [40.2, 40.7, 60.1, 58.6]])


@pytest.fixture(autouse=True)
def same_numbers() -> None:
    torch.manual_seed(11)


def targets(first_label: int = 0) -> list[dict[str, Tensor]]:
    """Return three boxes for the first image and none for the second."""
    none = {"boxes": torch.zeros(0, 4), "labels": torch.zeros(0, dtype=torch.int64)}
    return [{"boxes": BOXES, "labels": torch.tensor([1, 3, 2]) + first_label}, none]


def same_weights(ours: nn.Module, theirs: nn.Module, spread: float = 1.0, without: str = "-") -> None:
    """Give both the same random weights, answers of the given spread; ours has no part ``without``."""
    randomise(theirs)
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for name, value in theirs.named_parameters():
            if not name.startswith("backbone") and value.ndim > 1:
                value.normal_(0, spread / value[0].numel() ** 0.5, generator=generator)
    expected = {key: value for key, value in theirs.state_dict().items() if not key.startswith(without)}
    load_weights(ours, expected, naming="torchvision")
    given = export_weights(ours, naming="torchvision")
    assert all(torch.equal(value, given[key]) for key, value in expected.items())


def difference_of_boxes(ours: Any, theirs: nn.Module, background: int = 0) -> float:
    """Return the largest difference of boxes (of the image's side) and scores; as many boxes."""
    ours.eval()
    theirs.eval()
    worst = 0.0
    with torch.no_grad():
        pairs = list(zip(ours.find(IMAGES), theirs(IMAGES), strict=True))
    for found, expected in pairs:
        assert len(found.boxes) == len(expected["boxes"]) > 3
        assert found.scores[0] - found.scores[-1] > 1e-4
        ours_rows = torch.cat([found.boxes / 120, found.scores[:, None], found.labels[:, None] + background], dim=1)
        their_rows = torch.cat(
            [expected["boxes"] / 120, expected["scores"][:, None], expected["labels"][:, None]], dim=1
        )
        apart = (ours_rows[:, None] - their_rows[None]).abs().amax(dim=2)  # equal scores may stand in either order
        sure = found.scores > found.scores[-1] + 1e-5  # of equal scores at the cut, either may stay
        worst = max(worst, apart.amin(dim=0)[sure].max().item(), apart.amin(dim=1)[sure].max().item())
    return worst


def difference_of_losses(ours: Any, theirs: nn.Module, names: Sequence[str], background: int = 0) -> float:
    """Return the largest relative difference of the losses, in training mode, drawn from the same random numbers."""
    ours.train()
    theirs.train()
    torch.manual_seed(3)
    for _ in IMAGES:
        torch.rand(1)  # theirs draws the size of each image, from a list of one
    found = ours(IMAGES, targets())
    torch.manual_seed(3)
    expected = theirs(IMAGES, targets(background))
    assert len(expected) == len(names) == len(found) - 1
    pairs = [
        (found[name].item(), expected[other].item())
        for name, other in zip(found, ("", *names), strict=True)
        if name != "loss"
    ]
    assert min(abs(value) for _, value in pairs) > 1e-4
    return max(abs(a - b) / abs(b) for a, b in pairs)


DENSE = ("classification", "bbox_regression")


@evidence.equals("detect.retinanet", peer="torchvision", tolerance=TOLERANCE, data=DATA)
@pytest.mark.parametrize(
    ("variant", "builder"), [("v1", "retinanet_resnet50_fpn"), ("v2", "retinanet_resnet50_fpn_v2")]
)
def test_retinanet_equals_torchvision(variant: str, builder: str, measured: Callable[[float], None]) -> None:
    theirs = getattr(detection, builder)(num_classes=5, min_size=96, max_size=159, **FRESH)
    ours = detect.retinanet(5, variant=variant, resize=96)
    same_weights(ours, theirs, 0.3 if variant == "v1" else 1)
    error = max(difference_of_boxes(ours, theirs), difference_of_losses(ours, theirs, DENSE))
    measured(error)
    assert error <= 1e-4


@evidence.equals("detect.fcos", peer="torchvision", tolerance=TOLERANCE, data=DATA)
def test_fcos_equals_torchvision(measured: Callable[[float], None]) -> None:
    theirs = detection.fcos_resnet50_fpn(num_classes=5, min_size=96, max_size=159, **FRESH)
    ours = detect.fcos(5, resize=96)
    same_weights(ours, theirs)
    losses = difference_of_losses(ours, theirs, (*DENSE, "bbox_ctrness"))
    error = max(difference_of_boxes(ours, theirs), losses)
    measured(error)
    assert error <= 1e-4


TWO_STAGES = ("loss_classifier", "loss_box_reg", "loss_objectness", "loss_rpn_box_reg")
RESNET, MOBILE = "fasterrcnn_resnet50_fpn", "fasterrcnn_mobilenet_v3_large"


@evidence.equals("detect.faster_rcnn", peer="torchvision", tolerance=TOLERANCE, data=DATA)
@pytest.mark.parametrize(
    ("variant", "builder"),
    [("v1", RESNET), ("v2", f"{RESNET}_v2"), ("mobile", f"{MOBILE}_fpn"), ("mobile_320", f"{MOBILE}_320_fpn")],
)
def test_faster_rcnn_equals_torchvision(variant: str, builder: str, measured: Callable[[float], None]) -> None:
    longest = 192 if variant == "mobile_320" else 159
    few = {"rpn_post_nms_top_n_train": 60, "rpn_post_nms_top_n_test": 60}
    theirs = getattr(detection, builder)(num_classes=6, min_size=96, max_size=longest, **few, **FRESH)
    ours = detect.faster_rcnn(5, variant=variant, resize=96)
    ours.proposals.few = {mode: replace(one, after=60) for mode, one in ours.proposals.few.items()}
    same_weights(ours, theirs, 0.1 if variant == "v1" else 0.5)
    losses = difference_of_losses(ours, theirs, TWO_STAGES, background=1)
    error = max(difference_of_boxes(ours, theirs, background=1), losses)
    measured(error)
    assert error <= 1e-4


@evidence.equals("detect.fast_rcnn", peer="torchvision", tolerance=TOLERANCE, data=DATA)
def test_fast_rcnn_equals_the_second_stage_of_torchvision(measured: Callable[[float], None]) -> None:
    """Theirs gets the same proposals in the place of its own."""
    theirs = detection.fasterrcnn_resnet50_fpn(num_classes=6, min_size=96, max_size=159, **FRESH)
    proposals = random_boxes(40) * torch.tensor([1.0, 0.8, 1.0, 0.8])
    ours = detect.fast_rcnn(5, resize=96, propose=lambda image: proposals.numpy())
    same_weights(ours, theirs, 0.1, without="rpn.")
    theirs.rpn.forward = lambda images, features, targets=None: ([proposals] * len(images.image_sizes), {})
    losses = difference_of_losses(ours, theirs, TWO_STAGES[:2], background=1)
    error = max(difference_of_boxes(ours, theirs, background=1), losses)
    measured(error)
    assert error <= 1e-4


@evidence.equals("detect.ssd", peer="torchvision", tolerance=TOLERANCE, data=DATA)
@pytest.mark.parametrize(
    ("variant", "builder"), [("ssd300", "ssd300_vgg16"), ("ssdlite320", "ssdlite320_mobilenet_v3_large")]
)
def test_ssd_equals_torchvision(variant: str, builder: str, measured: Callable[[float], None]) -> None:
    theirs = getattr(detection, builder)(num_classes=6, **FRESH)
    ours = detect.ssd(5, variant=variant)
    same_weights(ours, theirs)
    losses = difference_of_losses(ours, theirs, DENSE, background=1)
    error = max(difference_of_boxes(ours, theirs, background=1), losses)
    measured(error)
    assert error <= 1e-4


def test_old_names_of_checkpoints_are_known() -> None:
    ours = detect.retinanet(2, backbone="resnet18", resize=64)
    given = export_weights(ours, naming="torchvision")
    old = {}
    for key, value in given.items():
        for place in range(4):
            key = (
                key.replace(f"_head.conv.{place}.0.", f"_head.conv.{2 * place}.") if f"conv.{place}.0." in key else key
            )
        old[key.replace(".0.weight", ".weight") if "fpn" in key else key] = value
    old = {key.replace(".0.bias", ".bias") if "fpn" in key else key: value for key, value in old.items()}
    other = load_weights(detect.retinanet(2, backbone="resnet18", resize=64), old, naming="torchvision")
    assert all(torch.equal(a, b) for a, b in zip(ours.state_dict().values(), other.state_dict().values(), strict=True))


# --- the parts ---


def random_boxes(count: int, seed: int = 0) -> Tensor:
    corner, size = torch.rand(2, count, 2, generator=torch.Generator().manual_seed(seed)) * 60
    return torch.cat([corner, corner + size + 1], dim=1)


@evidence.equals("nn.focal_loss", peer="torchvision", tolerance="1e-6", data="random logits and targets")
def test_focal_loss_equals_torchvision(measured: Callable[[float], None]) -> None:
    logits, truth = torch.randn(400) * 4, (torch.rand(400) > 0.7).float()
    expected = torchvision.ops.sigmoid_focal_loss(logits, truth, alpha=0.3, gamma=1.5)
    error = (ours_nn.focal_loss(logits, truth, alpha=0.3, gamma=1.5) - expected).abs().max().item()
    measured(error)
    assert error <= 1e-6


@evidence.equals("nn.giou_loss", peer="torchvision", tolerance="1e-6", data="random boxes")
def test_giou_loss_equals_torchvision(measured: Callable[[float], None]) -> None:
    boxes, others = random_boxes(300), random_boxes(300, 1)
    expected = torchvision.ops.generalized_box_iou_loss(boxes, others)
    error = (ours_nn.giou_loss(boxes, others) - expected).abs().max().item()
    measured(error)
    assert error <= 1e-6


def test_codes_equal_torchvision() -> None:
    boxes, anchors = random_boxes(300), random_boxes(300, 1)
    ours, theirs = BoxCode((10, 5)), their_parts.BoxCoder((10.0, 10.0, 5.0, 5.0))
    codes = theirs.encode_single(boxes, anchors)
    torch.testing.assert_close(ours.encode(boxes, anchors), codes)
    torch.testing.assert_close(ours.decode(codes * 9, anchors), theirs.decode_single(codes * 9, anchors))
    edges = their_parts.BoxLinearCoder()
    codes = edges.encode(anchors, boxes)
    torch.testing.assert_close(EdgeCode().encode(boxes, anchors), codes)
    torch.testing.assert_close(EdgeCode().decode(codes, anchors), edges.decode(codes, anchors))


@pytest.mark.parametrize(("high", "low", "best"), [(0.5, 0.4, "ties"), (0.5, 0.5, "none"), (0.5, 0.5, "one")])
def test_matches_equal_torchvision(high: float, low: float, best: str) -> None:
    boxes, anchors = random_boxes(9), random_boxes(400, 1)
    if best == "one":
        theirs = their_parts.SSDMatcher(high)
    else:
        theirs = their_parts.Matcher(high, low, allow_low_quality_matches=best == "ties")
    expected = theirs(torchvision.ops.box_iou(boxes, anchors))
    found = Matching(high, low, best)(boxes, anchors)
    assert torch.equal(found, expected)
    assert (found >= 0).sum() > 5


def test_regions_of_a_pyramid_equal_torchvision() -> None:
    boxes = [torch.cat([random_boxes(20) * 2, torch.tensor([[5, 5, 5.2, 5.1], [0, 0, 119, 119]])]), random_boxes(9, 3)]
    levels = [torch.randn(2, 5, side, side) for side in (30, 15, 8)]
    theirs = torchvision.ops.MultiScaleRoIAlign(["0", "1", "2"], 7, 2)
    expected = theirs({str(i): level for i, level in enumerate(levels)}, boxes, [(120, 120)] * 2)
    torch.testing.assert_close(read_regions((120, 120), levels, boxes), expected, rtol=1e-5, atol=1e-5)


def test_sampling_equals_torchvision() -> None:
    labels = torch.randint(-1, 2, (500,))
    torch.manual_seed(4)
    things, background = balanced(labels, 64, 0.25)
    torch.manual_seed(4)
    (expected,), (rest,) = their_parts.BalancedPositiveNegativeSampler(64, 0.25)([labels])
    assert torch.equal(things, torch.where(expected)[0])
    assert torch.equal(background, torch.where(rest)[0])


def test_anchors_equal_torchvision() -> None:
    grid = AnchorGrid(((17, 30), (64, 80)))
    levels = [torch.zeros(1, 1, 12, 15), torch.zeros(1, 1, 6, 8)]
    theirs = detection.anchor_utils.AnchorGenerator(grid.sizes, (grid.ratios,) * 2)
    images = detection.image_list.ImageList(torch.zeros(1, 3, 96, 120), [(96, 120)])
    assert torch.equal(torch.cat(grid.boxes((96, 120), levels)), theirs(images, levels)[0])
