"""What a file that does not fit is likest to, and that the error says so."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from sightline import classify
from sightline.core.errors import WeightsError
from sightline.zoo import export_weights, load_weights
from sightline.zoo.nearest import nearest


@pytest.mark.parametrize(
    ("call", "options", "naming"),
    [
        ("resnet34", {}, "torchvision"),
        ("resnet50", {}, "transformers"),
        ("vit", {"variant": "small"}, "timm"),
        ("vit", {"variant": "base", "patch": 32}, "torchvision"),
        ("vgg16", {"batch_norm": True}, "timm"),
        ("densenet", {"variant": "169"}, "torchvision"),
        ("squeezenet", {"version": "1.1"}, "caffe"),
    ],
)
def test_weights_of_other_classes_are_recognised(call: str, options: dict[str, object], naming: str) -> None:
    with torch.device("meta"):
        weights = export_weights(getattr(classify, call)(classes=7, **options), naming=naming)
    found = nearest(weights)
    assert found is not None
    assert (found.share, found.naming) == (1, naming)
    # what is the default may be told as such
    told = f"classify.{call}({', '.join(f'{name}={value!r}' for name, value in options.items())})"
    with torch.device("meta"):
        named = getattr(classify, call)(**{k: v for k, v in options.items() if f"{k}={v!r}" in found.call})
        wanted = getattr(classify, call)(**options)
    assert found.call.startswith(f"classify.{call}(")
    assert found.call == told or [t.shape for t in named.parameters()] == [t.shape for t in wanted.parameters()]


def test_what_is_like_nothing_is_not_guessed() -> None:
    assert nearest(nn.Linear(3, 2).state_dict()) is None
    assert nearest({}) is None


def test_the_error_names_the_architecture_that_the_file_is_of() -> None:
    with torch.device("meta"):
        model = classify.resnet18()
    weights = export_weights(classify.resnet34(10), naming="timm")
    with pytest.raises(WeightsError, match=r"architecture is classify\.resnet34\(\) \(torchvision names\): all of"):
        load_weights(model, weights)
    del weights["layer1.0.conv1.weight"]
    weights["layer1.0.conv2.weight"] = torch.zeros(64, 64, 5, 5)
    with pytest.raises(WeightsError) as caught:
        load_weights(classify.resnet34(10), weights)
    sentence = str(caught.value)
    assert "missing layer1.0.conv1.weight" in sentence
    assert "layer1.0.conv2.weight must be 64×64×3×3, got 64×64×5×5" in sentence
    assert "nearest architecture is classify.resnet34() (torchvision names): 99% of the tensors" in sentence


def test_the_error_says_when_only_the_classes_differ() -> None:
    model = classify.resnet20(10)
    weights = export_weights(classify.resnet20(7), naming="cifar")
    with pytest.raises(WeightsError, match=r"got 7\. Only the head differs: .* fresh_head=True"):
        load_weights(model, weights, naming="cifar")
    load_weights(model, weights, naming="cifar", fresh_head=True)
    assert torch.equal(model.state_dict()["stem.conv1.conv.weight"], weights["conv1.weight"])
