"""Faster R-CNN: proposals, regions, what they learn, their weights by name."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from sightline import detect
from sightline.core.errors import InputError
from sightline.detect.detector import Targets
from sightline.detect.framed import Framed
from sightline.detect.region_head import read_regions
from sightline.zoo import export_weights, load_weights

TARGETS: list[Targets] = [
    {"boxes": torch.tensor([[8.0, 8, 40, 40], [30, 5, 60, 30]]), "labels": torch.tensor([0, 2])},
    {"boxes": torch.zeros(0, 4), "labels": torch.zeros(0, dtype=torch.int64)},
]


def small(variant: str = "v1") -> Any:
    torch.manual_seed(0)
    model = detect.faster_rcnn(3, variant=variant, backbone="resnet18", resize=64)
    model.proposals.few = {mode: replace(one, after=30) for mode, one in model.proposals.few.items()}
    return model


def test_losses_reach_every_weight_and_proposals_stay_in_the_image() -> None:
    model = small()
    assert issubclass(type(model), Framed)
    images = torch.rand(2, 3, 64, 96)
    losses = model(images, TARGETS)
    assert set(losses) == {"loss", "classification", "boxes", "objectness", "proposals"}
    losses["loss"].backward()
    assert losses["loss"].isfinite()
    assert [key for key, p in model.named_parameters() if p.grad is None or not p.grad.isfinite().all()] == []
    proposals = model.eval().propose([torch.rand(3, 32, 48)])[0]
    assert 0 < len(proposals) <= 30
    assert (proposals >= 0).all()
    assert (proposals <= torch.tensor([48, 32, 48, 32]) + 1e-4).all()
    found = model(images)
    assert all(len(one) <= 100 and (one.labels < 3).all() for one in found)


def test_names_of_torchvision_go_round() -> None:
    model, other = small(), small()
    given = export_weights(model, naming="torchvision")
    assert {
        "rpn.head.conv.0.0.weight",
        "roi_heads.box_head.fc6.bias",
        "backbone.body.layer1.0.bn1.bias",
    } <= given.keys()
    assert {"roi_heads.box_predictor.bbox_pred.weight", "rpn.head.cls_logits.bias"} <= given.keys()
    load_weights(other, given)
    assert all(torch.equal(a, b) for a, b in zip(model.state_dict().values(), other.state_dict().values(), strict=True))


def test_a_region_is_read_from_the_level_of_its_size() -> None:
    levels = [torch.full((1, 2, 64 // 2**i, 64 // 2**i), float(i)) for i in range(4)]  # strides 4 to 32 of 256 pixels
    boxes = torch.tensor([[0.0, 0, 40, 40], [0, 0, 120, 120], [0, 0, 230, 230], [10, 10, 10.5, 10.5]])
    assert read_regions((256, 256), levels, [boxes])[:, 0, 3, 3].tolist() == [0, 1, 2, 0]
    assert read_regions((256, 256), levels, [boxes[:0]]).shape == (0, 2, 7, 7)


@pytest.mark.parametrize(("options", "sentence"), [({"variant": "v9"}, "variant must be"), ({"resize": -1}, "resize")])
def test_wrong_options_are_refused_by_name(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError, match=f"faster_rcnn: {sentence}"):
        detect.faster_rcnn(3, **options)
