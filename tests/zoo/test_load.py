"""Strict loading: everything or nothing, and a list of what differs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from sightline.classify import resnet18, resnet20, vit
from sightline.core.errors import InputError, WeightsError
from sightline.zoo import export_weights, load_weights

Weights = dict[str, torch.Tensor]
TINY = {"size": 16, "patch": 8, "dim": 8, "depth": 1, "num_heads": 2}


def weights_of(model: nn.Module) -> Weights:
    return {key: value.clone() for key, value in model.state_dict().items()}


def equal(one: Weights, other: Weights) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)


@pytest.mark.parametrize("naming", ["sightline", "torchvision", "timm", "transformers"])
@pytest.mark.parametrize("make", [lambda: vit(3, **TINY), lambda: resnet18(3, stem="small")], ids=["vit", "resnet"])
def test_a_round_trip_through_every_naming_keeps_every_value(make: object, naming: str) -> None:
    torch.manual_seed(0)
    model, other = make(), make()  # type: ignore[operator]
    load_weights(other, export_weights(model, naming=naming))
    assert equal(weights_of(model), weights_of(other))


def test_all_differences_stand_in_one_error_and_nothing_changes() -> None:
    model = vit(3, **TINY)
    before = weights_of(model)
    given = export_weights(vit(3, **TINY), naming="timm")
    del given["norm.bias"]
    given["extra.weight"] = torch.zeros(1)
    given["head.weight"] = torch.zeros(5, 8)
    with pytest.raises(WeightsError) as caught:
        load_weights(model, given)
    sentence = str(caught.value)
    assert "does not fit ViT (timm names), nothing was changed" in sentence
    assert "missing norm.bias" in sentence
    assert "unexpected extra.weight" in sentence
    assert "head.weight must be 3×8, got 5×8" in sentence
    assert equal(before, weights_of(model))


def test_another_architecture_is_refused_and_the_list_is_cut() -> None:
    with pytest.raises(WeightsError, match=r"does not fit ResNet .*; and \d+ more\."):
        load_weights(resnet20(), weights_of(vit(3, **TINY)))


def test_a_fresh_head_stays_as_it_is() -> None:
    torch.manual_seed(0)
    model, source = resnet20(4), resnet20(10)
    before = weights_of(model)
    load_weights(model, export_weights(source, naming="torchvision"), fresh_head=True)
    after = weights_of(model)
    assert torch.equal(after["head.linear.weight"], before["head.linear.weight"])
    assert torch.equal(after["stem.conv1.conv.weight"], source.state_dict()["stem.conv1.conv.weight"])


def test_a_missing_name_is_followed_by_the_one_that_may_be_meant() -> None:
    given = {"wieght": torch.ones(1, 2), "bias": torch.zeros(1)}
    with pytest.raises(WeightsError, match=r"missing weight \(did you mean 'wieght'\?\); unexpected wieght"):
        load_weights(nn.Linear(2, 1), given)


def test_counters_of_old_checkpoints_may_be_missing() -> None:
    given = {k: v for k, v in weights_of(resnet20()).items() if not k.endswith("num_batches_tracked")}
    model = load_weights(resnet20(), given)
    assert torch.equal(model.state_dict()["stem.conv1.conv.weight"], given["stem.conv1.conv.weight"])


def test_old_transformers_names_are_known() -> None:
    model = vit(3, **TINY)
    given = export_weights(model, naming="transformers")
    old = {
        key.replace("vit.layers.", "vit.encoder.layer.")
        .replace("attention.q_proj", "attention.attention.query")
        .replace("attention.k_proj", "attention.attention.key")
        .replace("attention.v_proj", "attention.attention.value")
        .replace("attention.o_proj", "attention.output.dense")
        .replace("mlp.fc1", "intermediate.dense")
        .replace("mlp.fc2", "output.dense"): value
        for key, value in given.items()
    }
    assert any("attention.attention.query" in key for key in old)
    other = load_weights(vit(3, **TINY), old)
    assert equal(weights_of(model), weights_of(other))


def test_a_safetensors_file_loads_and_may_be_written_over(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    save_file(weights_of(resnet20()), path)
    model = load_weights(resnet20(), path)
    save_file(weights_of(model), path)
    assert equal(weights_of(load_weights(resnet20(), path)), weights_of(model))


def test_half_precision_weights_are_widened() -> None:
    source = nn.Linear(3, 2)
    model = load_weights(nn.Linear(3, 2), {key: value.half() for key, value in source.state_dict().items()})
    assert model.weight.dtype == torch.float32
    np.testing.assert_allclose(model.weight.detach(), source.weight.detach(), atol=1e-3)


def test_an_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(InputError, match=r"neither a file nor a name of the zoo\. Did you mean 'resnet18-imagenet'"):
        load_weights(resnet18(), "resnet18-imagnet")


def test_a_digest_needs_a_file() -> None:
    with pytest.raises(InputError, match="sha256 is for files"):
        load_weights(nn.Linear(1, 1), {}, sha256="0" * 64)
