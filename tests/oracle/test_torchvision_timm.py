"""Networks against torchvision and timm at random weights, and the zoo's table against torchvision's own.

They live in an environment of their own (`make oracle`): timm needs torchvision, and torchvision a CUDA build of torch.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
import torch

from classify.parity import difference, pixels, randomise, training_difference
from sightline import classify
from sightline.core import evidence
from sightline.zoo.table import entries

REASON = "lives in the oracle environment: make oracle"
timm = pytest.importorskip("timm", reason=REASON)
torchvision = pytest.importorskip("torchvision", reason=REASON)

pytestmark = pytest.mark.oracle

TOLERANCE = "1e-5 of the largest logit"
DATA = "random weights, random pixels, eval and train mode"
NAMES = ("resnet18", "resnet34", "resnet50", "resnet101", "resnet152")


def compare(name: str, library: str) -> float:
    theirs: Any = (
        timm.create_model(name, num_classes=10)
        if library == "timm"
        else torchvision.models.get_model(name, num_classes=10)
    )
    return in_both_modes(getattr(classify, name)(10), randomise(theirs), (72, 56), library)


def in_both_modes(ours: Any, theirs: Any, size: tuple[int, int], library: str) -> float:
    images = pixels(2, 3, *size)
    error = difference(ours, theirs, images, theirs, library)
    return max(error, training_difference(ours, theirs, images))


@evidence.equals("classify.resnet18", peer="timm", tolerance=TOLERANCE, data=DATA)
def test_resnet18_equals_timm(measured: Callable[[float], None]) -> None:
    error = compare("resnet18", "timm")
    measured(error)
    assert error <= 1e-5


@evidence.equals("classify.resnet34", peer="timm", tolerance=TOLERANCE, data=DATA)
def test_resnet34_equals_timm(measured: Callable[[float], None]) -> None:
    error = compare("resnet34", "timm")
    measured(error)
    assert error <= 1e-5


@evidence.equals("classify.resnet50", peer="timm", tolerance=TOLERANCE, data=DATA)
def test_resnet50_equals_timm(measured: Callable[[float], None]) -> None:
    error = compare("resnet50", "timm")
    measured(error)
    assert error <= 1e-5


@evidence.equals("classify.resnet101", peer="timm", tolerance=TOLERANCE, data=DATA)
def test_resnet101_equals_timm(measured: Callable[[float], None]) -> None:
    error = compare("resnet101", "timm")
    measured(error)
    assert error <= 1e-5


@evidence.equals("classify.resnet152", peer="timm", tolerance=TOLERANCE, data=DATA)
def test_resnet152_equals_timm(measured: Callable[[float], None]) -> None:
    error = compare("resnet152", "timm")
    measured(error)
    assert error <= 1e-5


@evidence.equals("classify.resnet18", peer="torchvision", tolerance=TOLERANCE, data=DATA)
def test_resnet18_equals_torchvision(measured: Callable[[float], None]) -> None:
    error = compare("resnet18", "torchvision")
    measured(error)
    assert error <= 1e-5


@evidence.equals("classify.resnet34", peer="torchvision", tolerance=TOLERANCE, data=DATA)
def test_resnet34_equals_torchvision(measured: Callable[[float], None]) -> None:
    error = compare("resnet34", "torchvision")
    measured(error)
    assert error <= 1e-5


@evidence.equals("classify.resnet50", peer="torchvision", tolerance=TOLERANCE, data=DATA)
def test_resnet50_equals_torchvision(measured: Callable[[float], None]) -> None:
    error = compare("resnet50", "torchvision")
    measured(error)
    assert error <= 1e-5


@evidence.equals("classify.resnet101", peer="torchvision", tolerance=TOLERANCE, data=DATA)
def test_resnet101_equals_torchvision(measured: Callable[[float], None]) -> None:
    error = compare("resnet101", "torchvision")
    measured(error)
    assert error <= 1e-5


@evidence.equals("classify.resnet152", peer="torchvision", tolerance=TOLERANCE, data=DATA)
def test_resnet152_equals_torchvision(measured: Callable[[float], None]) -> None:
    error = compare("resnet152", "torchvision")
    measured(error)
    assert error <= 1e-5


@evidence.equals("classify.vit", peer="timm", tolerance=TOLERANCE, data=DATA)
@pytest.mark.parametrize("size", [(32, 32), (48, 32)])
def test_vit_equals_timm(size: tuple[int, int], measured: Callable[[float], None]) -> None:
    theirs = timm.models.VisionTransformer(
        img_size=size, patch_size=8, embed_dim=96, depth=3, num_heads=4, num_classes=7
    )
    ours = classify.vit(7, size=size, patch=8, dim=96, depth=3, num_heads=4)
    error = in_both_modes(ours, randomise(theirs), size, "timm")
    measured(error)
    assert error <= 1e-5


@evidence.equals("classify.vit", peer="torchvision", tolerance=TOLERANCE, data=DATA)
def test_vit_equals_torchvision(measured: Callable[[float], None]) -> None:
    theirs = torchvision.models.VisionTransformer(32, 8, 3, 4, 96, 384, num_classes=7)
    ours = classify.vit(7, size=32, patch=8, dim=96, depth=3, num_heads=4)
    error = in_both_modes(ours, randomise(theirs), (32, 32), "torchvision")
    measured(error)
    assert error <= 1e-5


def test_the_table_says_what_torchvision_says() -> None:
    published = {
        weights.url: weights
        for module in (torchvision.models, torchvision.models.detection)
        for name in torchvision.models.list_models(module=module)
        for weights in torchvision.models.get_model_weights(name)
    }
    for line in entries().values():
        if line.naming != "torchvision":
            continue
        theirs = published[line.url]
        if not line.classifies:
            assert line.ap == theirs.meta["_metrics"]["COCO-val2017"]["box_map"]
            continue
        accuracy = theirs.meta["_metrics"]["ImageNet-1K"]
        crop = theirs.transforms()
        assert (line.top1, line.top5) == (accuracy["acc@1"], accuracy["acc@5"])
        assert ([line.size], [line.resize]) == (crop.crop_size, crop.resize_size)
        # These two get ImageNet's statistics and undo them inside the model, for they were trained with 0.5.
        own = ([0.5] * 3, [0.5] * 3) if line.method in ("classify.googlenet", "classify.inception_v3") else None
        assert (list(line.mean), list(line.std)) == (own or (crop.mean, crop.std))


def test_the_table_has_timms_addresses() -> None:
    lines = [line for line in entries().values() if line.naming == "timm"]
    assert len(lines) == 3
    for line in lines:
        theirs = timm.models.get_pretrained_cfg(line.url.rpartition("/")[2].rpartition("-")[0])
        assert line.url == theirs.url
        assert (line.mean, line.std) == (theirs.mean, theirs.std)


@pytest.mark.parametrize("name", [name for name, line in entries().items() if line.naming == "torchvision"])
def test_a_network_of_the_zoo_has_torchvisions_shapes(name: str) -> None:
    from sightline.zoo import build
    from sightline.zoo.families import naming_of
    from sightline.zoo.names import COMPUTED, names

    file = entries()[name].url.rpartition("/")[2].rpartition("-")[0]
    model = {"alexnet-owt": "alexnet", "inception_v3_google": "inception_v3"}.get(file, file)
    model = re.sub(r"_(rwightman|lukemelas|coco)$", "", model)
    options: dict[str, Any] = {"init_weights": False} if model in ("googlenet", "inception_v3") else {}
    if not entries()[name].classifies:
        options = {"weights_backbone": None}
    with torch.device("meta"):
        ours, theirs = build(name).state_dict(), torchvision.models.get_model(model, **options).state_dict()
    mapping = names(ours, "torchvision")
    kept = naming_of(ours, "torchvision")
    assert {tuple(theirs[group[0]].shape) == kept.shape(key, ours[key]) for key, group in mapping.items()} == {True}
    assert {group[0] for group in mapping.values()} == {key for key in theirs if not COMPUTED.fullmatch(key)}
