"""The convolutional families against torchvision and timm at random weights, in eval and in train mode."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from classify.parity import difference, pixels, randomise, training_difference
from sightline import classify
from sightline.core import evidence

REASON = "lives in the oracle environment: make oracle"
timm = pytest.importorskip("timm", reason=REASON)
torchvision = pytest.importorskip("torchvision", reason=REASON)

pytestmark = pytest.mark.oracle

TOLERANCE = "1e-5 of the largest logit"
DATA = "random weights, random pixels, eval and train mode"
CLASSES = 7


def peer(name: str, library: str) -> nn.Module:
    if library == "timm":
        return timm.create_model(name, num_classes=CLASSES)
    options = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
    return torchvision.models.get_model(name, weights=None, num_classes=CLASSES, **options)


def compare(ours: nn.Module, name: str, library: str = "torchvision", size: tuple[int, int] = (72, 104)) -> float:
    """Return the larger difference of eval and train mode, the same draws of dropout in both."""
    theirs: Any = randomise(peer(name, library))
    images = pixels(2, 3, *size)
    error = difference(ours, theirs, images, theirs, library)
    return max(error, training_difference(ours, theirs, images))


@evidence.equals("classify.squeezenet", peer="torchvision", tolerance=TOLERANCE, data=DATA)
@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_squeezenet_equals_torchvision(version: str, measured: Callable[[float], None]) -> None:
    error = compare(classify.squeezenet(CLASSES, version=version), f"squeezenet{version.replace('.', '_')}")
    measured(error)
    assert error <= 1e-5


@evidence.equals("classify.alexnet", peer="torchvision", tolerance=TOLERANCE, data=DATA)
def test_alexnet_equals_torchvision(measured: Callable[[float], None]) -> None:
    error = compare(classify.alexnet(CLASSES), "alexnet", size=(96, 120))
    measured(error)
    assert error <= 1e-5


VGG_FORMS = [("torchvision", True), ("timm", False), ("torchvision", False), ("timm", True)]  # library, normalised


def vgg_error(name: str, forms: int = 2) -> float:
    """Return the largest difference in the first forms; what is alike in all depths need not be built each time."""
    build, sizes = getattr(classify, name), {"torchvision": (64, 96), "timm": (224, 224)}
    return max(
        compare(
            build(CLASSES, batch_norm=norm, dropout=0.5 if library == "torchvision" else 0),
            f"{name}_bn" if norm else name,
            library,
            sizes[library],
        )
        for library, norm in VGG_FORMS[:forms]
    )


@evidence.equals("classify.vgg11", peer="torchvision and timm", tolerance=TOLERANCE, data=DATA)
def test_vgg11_equals_torchvision_and_timm(measured: Callable[[float], None]) -> None:
    error = vgg_error("vgg11", forms=4)
    measured(error)
    assert error <= 1e-5


@evidence.equals("classify.vgg13", peer="torchvision and timm", tolerance=TOLERANCE, data=DATA)
def test_vgg13_equals_torchvision_and_timm(measured: Callable[[float], None]) -> None:
    error = vgg_error("vgg13")
    measured(error)
    assert error <= 1e-5


@evidence.equals("classify.vgg16", peer="torchvision and timm", tolerance=TOLERANCE, data=DATA)
def test_vgg16_equals_torchvision_and_timm(measured: Callable[[float], None]) -> None:
    error = vgg_error("vgg16")
    measured(error)
    assert error <= 1e-5


@evidence.equals("classify.vgg19", peer="torchvision and timm", tolerance=TOLERANCE, data=DATA)
def test_vgg19_equals_torchvision_and_timm(measured: Callable[[float], None]) -> None:
    error = vgg_error("vgg19")
    measured(error)
    assert error <= 1e-5


@evidence.equals("classify.mobilenet_v2", peer="torchvision and timm", tolerance=TOLERANCE, data=DATA)
@pytest.mark.parametrize(("name", "library"), [("mobilenet_v2", "torchvision"), ("mobilenetv2_100", "timm")])
def test_mobilenet_v2_equals(name: str, library: str, measured: Callable[[float], None]) -> None:
    ours = classify.mobilenet_v2(CLASSES, dropout=0.2 if library == "torchvision" else 0)
    error = compare(ours, name, library)
    measured(error)
    assert error <= 1e-5


@evidence.equals("classify.mobilenet_v3", peer="torchvision and timm", tolerance=TOLERANCE, data=DATA)
@pytest.mark.parametrize("variant", ["small", "large"])
@pytest.mark.parametrize("library", ["torchvision", "timm"])
def test_mobilenet_v3_equals(variant: str, library: str, measured: Callable[[float], None]) -> None:
    there = library == "torchvision"
    ours = classify.mobilenet_v3(CLASSES, variant=variant, eps=1e-3 if there else 1e-5, dropout=0.2 if there else 0)
    error = compare(ours, f"mobilenet_v3_{variant}" if there else f"mobilenetv3_{variant}_100", library)
    measured(error)
    assert error <= 1e-5


@evidence.equals("classify.densenet", peer="torchvision and timm", tolerance=TOLERANCE, data=DATA)
@pytest.mark.parametrize("variant", ["121", "161"])
@pytest.mark.parametrize("library", ["torchvision", "timm"])
def test_densenet_equals(variant: str, library: str, measured: Callable[[float], None]) -> None:
    error = compare(classify.densenet(CLASSES, variant=variant), f"densenet{variant}", library)
    measured(error)
    assert error <= 1e-5


@evidence.equals("classify.efficientnet", peer="torchvision and timm", tolerance=TOLERANCE, data=DATA)
@pytest.mark.parametrize("variant", ["b0", "b3"])
@pytest.mark.parametrize("library", ["torchvision", "timm"])
def test_efficientnet_equals(variant: str, library: str, measured: Callable[[float], None]) -> None:
    there = library == "torchvision"
    options = {} if there else {"eps": 1e-5, "dropout": 0, "drop": 0}
    error = compare(classify.efficientnet(CLASSES, variant=variant, **options), f"efficientnet_{variant}", library)
    measured(error)
    assert error <= 1e-5


@evidence.equals("classify.convnext", peer="torchvision and timm", tolerance=TOLERANCE, data=DATA)
@pytest.mark.parametrize("variant", ["tiny"])
@pytest.mark.parametrize("library", ["torchvision", "timm"])
def test_convnext_equals(variant: str, library: str, measured: Callable[[float], None]) -> None:
    drop = None if library == "torchvision" else 0
    error = compare(classify.convnext(CLASSES, variant=variant, drop=drop), f"convnext_{variant}", library)
    measured(error)
    assert error <= 1e-5


@evidence.equals("classify.resnext", peer="torchvision and timm", tolerance=TOLERANCE, data=DATA)
@pytest.mark.parametrize("variant", ["50_32x4d"])
@pytest.mark.parametrize("library", ["torchvision", "timm"])
def test_resnext_equals(variant: str, library: str, measured: Callable[[float], None]) -> None:
    error = compare(classify.resnext(CLASSES, variant=variant), f"resnext{variant}", library)
    measured(error)
    assert error <= 1e-5


@evidence.equals("classify.wide_resnet", peer="torchvision and timm", tolerance=TOLERANCE, data=DATA)
@pytest.mark.parametrize("variant", ["50_2"])
@pytest.mark.parametrize("library", ["torchvision", "timm"])
def test_wide_resnet_equals(variant: str, library: str, measured: Callable[[float], None]) -> None:
    error = compare(classify.wide_resnet(CLASSES, variant=variant), f"wide_resnet{variant}", library)
    measured(error)
    assert error <= 1e-5


@evidence.equals("classify.googlenet", peer="torchvision", tolerance=TOLERANCE, data=DATA)
def test_googlenet_equals_torchvision_with_its_auxiliary_heads(measured: Callable[[float], None]) -> None:
    error = compare(classify.googlenet(CLASSES, auxiliary=True), "googlenet", size=(96, 120))
    measured(error)
    assert error <= 1e-5


@evidence.equals("classify.inception_v3", peer="torchvision and timm", tolerance=TOLERANCE, data=DATA)
@pytest.mark.parametrize("library", ["torchvision", "timm"])
def test_inception_v3_equals(library: str, measured: Callable[[float], None]) -> None:
    there = library == "torchvision"
    ours = classify.inception_v3(CLASSES, auxiliary=there, dropout=0.5 if there else 0)
    error = compare(ours, "inception_v3", library, (299, 331) if there else (96, 120))
    measured(error)
    assert error <= 1e-5


def test_dropout_really_differs_between_the_modes() -> None:
    ours = classify.alexnet(CLASSES, hidden=16).train()
    images = pixels(2, 3, 64, 64)
    assert not torch.equal(ours(images), ours.eval()(images))
