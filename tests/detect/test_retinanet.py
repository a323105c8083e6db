"""RetinaNet and FCOS: what they assign, that they learn, their weights by name."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from sightline import detect
from sightline.core.errors import InputError
from sightline.detect.backbones import take_body
from sightline.detect.detector import Detector, Targets
from sightline.detect.fcos import PLACES, centreness, match_places
from sightline.zoo import export_weights, load_weights

TARGETS: list[Targets] = [
    {"boxes": torch.tensor([[8.0, 8, 40, 40], [30, 5, 60, 30]]), "labels": torch.tensor([0, 2])},
    {"boxes": torch.zeros(0, 4), "labels": torch.zeros(0, dtype=torch.int64)},
]
BUILDERS: dict[str, Any] = {
    "retinanet": lambda: detect.retinanet(3, backbone="resnet18", resize=64),
    "retinanet v2": lambda: detect.retinanet(3, variant="v2", backbone="resnet18", resize=64),
    "fcos": lambda: detect.fcos(3, backbone="resnet18", resize=64),
}


@pytest.mark.parametrize("name", BUILDERS)
def test_losses_reach_every_weight_and_nothing_is_found_at_first(name: str) -> None:
    torch.manual_seed(0)
    model = BUILDERS[name]()
    assert isinstance(model, Detector)
    losses = model(torch.rand(2, 3, 64, 64), TARGETS)
    losses["loss"].backward()
    assert losses["loss"].isfinite()
    without = [key for key, p in model.named_parameters() if p.grad is None or not p.grad.isfinite().all()]
    assert without == []
    found = model.eval()(torch.rand(2, 3, 64, 64))
    assert [len(one) for one in found] == [0, 0]  # the prior: a fresh network sees background everywhere


@pytest.mark.parametrize("name", BUILDERS)
def test_names_of_torchvision_go_round(name: str) -> None:
    model, other = BUILDERS[name](), BUILDERS[name]()
    given = export_weights(model, naming="torchvision")
    assert {"backbone.body.layer2.0.downsample.1.bias", "backbone.fpn.layer_blocks.2.0.bias"} <= given.keys()
    assert {"head.classification_head.cls_logits.weight", "head.regression_head.bbox_reg.bias"} <= given.keys()
    load_weights(other, given)
    assert all(torch.equal(a, b) for a, b in zip(model.state_dict().values(), other.state_dict().values(), strict=True))


def test_a_backbone_takes_the_body_of_a_classifier() -> None:
    from sightline.classify import resnet18, resnet34

    model, classifier = detect.fcos(3, backbone="resnet18", resize=64), resnet18(7)
    take_body(model.levels.body, classifier)
    assert torch.equal(model.levels.body.stages[3][1].conv2.conv.weight, classifier.stages[3][1].conv2.conv.weight)
    with pytest.raises(InputError, match="take_body: ResNet is not the network that the backbone was made from"):
        take_body(detect.fcos(3, backbone="resnet34", resize=64).levels.body, classifier)
    assert resnet34(7) is not None


def test_a_place_learns_the_smallest_box_about_it_whose_size_suits_its_level() -> None:
    levels = [torch.zeros(1, 1, side, side) for side in (8, 4, 2, 1, 1)]
    places = torch.cat(PLACES.boxes((64, 64), levels))
    spans = torch.tensor([[0.0, 64]]).expand(64, 2)
    boxes = torch.tensor([[4.0, 4, 60, 60], [28, 28, 44, 44]])
    match = match_places(boxes, places[:64], spans).reshape(8, 8)
    assert match[4, 4] == 1  # (32, 32) lies in both
    assert match[3, 4] == 0  # (32, 24) lies in the large one only
    assert match[0, 0] == -1
    assert match[1, 4] == -1  # (32, 8) lies in it, too far from its middle
    assert centreness(torch.tensor([[3.0, 3, 3, 3]])).item() == 1


def test_wrong_options_are_refused_by_name() -> None:
    with pytest.raises(InputError, match="retinanet: variant must be one of 'v1', 'v2'; got 'v3'"):
        detect.retinanet(3, variant="v3")
    with pytest.raises(InputError, match="fcos: backbone must be one of"):
        detect.fcos(3, backbone="resnet")
    with pytest.raises(InputError, match="fcos: classes must be a whole number ≥ 1; got 0"):
        detect.fcos(0)
