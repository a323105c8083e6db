"""MobileNetV2, EfficientNet and ConvNeXt against transformers at random weights, in eval and in train mode."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from torch import nn
from transformers import (
    ConvNextConfig,
    ConvNextForImageClassification,
    EfficientNetConfig,
    EfficientNetForImageClassification,
    MobileNetV2Config,
    MobileNetV2ForImageClassification,
)

from classify.parity import Logits, difference, pixels, training_difference
from sightline import classify
from sightline.core import evidence

TOLERANCE = "1e-5 of the largest logit"
DATA = "random weights, random pixels, eval and train mode"


def compare(ours: nn.Module, theirs: nn.Module, size: tuple[int, int]) -> float:
    peer, images = Logits(theirs), pixels(2, 3, *size)
    error = difference(ours, peer.peer, images, peer, "transformers")
    return max(error, training_difference(ours, peer, images))


@evidence.equals("classify.mobilenet_v2", peer="transformers", tolerance=TOLERANCE, data=DATA)
@pytest.mark.parametrize("padding", ["symmetric", "same"])
def test_mobilenet_v2_equals_transformers(padding: str, measured: Callable[[float], None]) -> None:
    config = MobileNetV2Config(
        depth_multiplier=0.35, tf_padding=padding == "same", num_labels=5, classifier_dropout_prob=0.0
    )
    ours = classify.mobilenet_v2(5, width=0.35, padding=padding, eps=1e-3, dropout=0)
    error = compare(ours, MobileNetV2ForImageClassification(config), (65, 96))
    measured(error)
    assert error <= 1e-5


@evidence.equals("classify.efficientnet", peer="transformers", tolerance=TOLERANCE, data=DATA)
def test_efficientnet_equals_transformers(measured: Callable[[float], None]) -> None:
    config = EfficientNetConfig(
        width_coefficient=1.0,
        depth_coefficient=1.0,
        hidden_dim=1280,
        num_labels=5,
        dropout_rate=0.0,
        drop_connect_rate=0.0,
    )
    ours = classify.efficientnet(5, padding="same", eps=1e-3, dropout=0, drop=0)
    error = compare(ours, EfficientNetForImageClassification(config), (64, 96))
    measured(error)
    assert error <= 1e-5


@evidence.equals("classify.convnext", peer="transformers", tolerance=TOLERANCE, data=DATA)
def test_convnext_equals_transformers(measured: Callable[[float], None]) -> None:
    theirs = ConvNextForImageClassification(ConvNextConfig(num_labels=5, layer_norm_eps=1e-6))
    error = compare(classify.convnext(5, drop=0), theirs, (64, 96))
    measured(error)
    assert error <= 1e-5
