"""Families of networks whose names elsewhere are data."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from sightline import classify
from sightline.core.errors import WeightsError
from sightline.zoo import export_weights, load_weights
from sightline.zoo.families import Naming, naming_of

NETWORKS: list[tuple[str, dict[str, Any], tuple[str, ...]]] = [
    ("squeezenet", {}, ("torchvision", "caffe")),
    ("vgg11", {"hidden": 8, "batch_norm": True}, ("torchvision", "timm")),
    ("mobilenet_v2", {"width": 0.35}, ("torchvision", "timm", "transformers")),
    ("mobilenet_v3", {"variant": "small"}, ("torchvision", "timm")),
]


@pytest.mark.parametrize(("name", "options", "namings"), NETWORKS, ids=[row[0] for row in NETWORKS])
def test_a_round_trip_keeps_every_value(name: str, options: dict[str, Any], namings: tuple[str, ...]) -> None:
    torch.manual_seed(0)
    build = getattr(classify, name)
    model, other = build(3, **options), build(3, **options)
    before = model.state_dict()
    for naming in namings:
        given = export_weights(model, naming=naming)
        assert len(given) == len(before)
        assert given.keys() != before.keys()
        found = load_weights(other, given).state_dict()  # the naming is found out
        assert all(torch.equal(before[key], found[key]) for key in before)


def test_a_matrix_may_be_a_convolution_elsewhere_but_of_one_shape_only() -> None:
    model = classify.vgg11(3, hidden=8)
    given = export_weights(model, naming="timm")
    assert given["pre_logits.fc1.weight"].shape == (8, 512, 7, 7)
    given["pre_logits.fc1.weight"] = given["pre_logits.fc1.weight"].flatten(1)
    with pytest.raises(WeightsError, match=r"pre_logits\.fc1\.weight must be 8×512×7×7, got 8×25088"):
        load_weights(model, given, naming="timm")


def test_names_with_a_dot_of_old_densenets_are_known() -> None:
    model = classify.densenet(2, stem="small")
    given = export_weights(model, naming="torchvision")
    old = {
        key.replace("norm1.", "norm.1.").replace("conv2.", "conv.2.") if "denselayer" in key else key: value
        for key, value in given.items()
    }
    assert "features.denseblock1.denselayer1.norm.1.weight" in old
    load_weights(classify.densenet(2, stem="small"), old, naming="torchvision")


def test_blocks_are_counted_through_all_stages() -> None:
    keys = ["body.stages.0.0.a", "body.stages.1.0.a", "body.stages.1.1.a", "head.a"]
    counted = Naming(((r"^flat\.(\d+)\.stage\.\d", r"features.{1+1}"),), flat=True)
    assert list(counted.spell(keys).values()) == ["features.1.a", "features.2.a", "features.3.a", "head.a"]


def test_other_networks_keep_their_names() -> None:
    assert naming_of(["encoder.weight"], "timm") == Naming()
