"""ResNet-20 with real public weights on real images: the figure that the same weights give in their own code."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from sightline.classify import resnet20
from sightline.core import evidence
from sightline.metrics import accuracy
from sightline.zoo import load_weights

REFERENCE = 91.6  # per cent


def right_on(folder: Path, sheets: int) -> float:
    """Return the percentage of the test images on the first sheets, 2,500 each, that the public weights get right."""
    model = load_weights(resnet20(), folder / "weights" / "cifar10_resnet20.npz").eval()
    predicted = []
    for i in range(sheets):
        sheet = np.array(Image.open(folder / "cifar10" / f"test_{i:02d}.jpg"))
        tiles = sheet.reshape(50, 32, 50, 32, 3).transpose(0, 2, 4, 1, 3).reshape(2500, 3, 32, 32)
        with torch.inference_mode():
            predicted += [model(part / 255).argmax(dim=1) for part in torch.from_numpy(tiles).split(250)]
    labels = np.load(folder / "cifar10" / "test_labels.npy")[: 2500 * sheets]
    return 100 * accuracy(labels, torch.cat(predicted).numpy())


@pytest.mark.slow
@evidence.reaches(
    "classify.resnet20",
    figure="top-1 accuracy of public weights on 2,500 CIFAR-10 test images as JPEG (%)",
    published=REFERENCE,
    source="the same weights in their authors' network on the same files (all 10,000, lossless: 91.73)",
    data="cifar10, first sheet of the test images",
)
def test_public_weights_reach_their_figure(shared_data: Path, measured: Callable[[float], None]) -> None:
    ours = right_on(shared_data, 1)
    measured(ours)
    assert abs(ours - REFERENCE) <= 0.05


@pytest.mark.slow
@evidence.reaches(
    "classify.resnet20",
    figure="top-1 accuracy of public weights on all 10,000 CIFAR-10 test images as JPEG (%)",
    published=91.73,
    source="the weights' authors, on the images without JPEG's loss",
    data="cifar10, all four sheets of the test images, JPEG of quality 95",
)
def test_public_weights_lose_a_point_by_jpeg(shared_data: Path, measured: Callable[[float], None]) -> None:
    ours = right_on(shared_data, 4)
    measured(ours)
    assert ours >= 90.6
