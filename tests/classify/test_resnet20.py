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


def first_sheet(folder: Path) -> tuple[torch.Tensor, np.ndarray]:
    sheet = np.array(Image.open(folder / "cifar10" / "test_00.jpg"))
    tiles = sheet.reshape(50, 32, 50, 32, 3).transpose(0, 2, 4, 1, 3).reshape(2500, 3, 32, 32)
    return torch.from_numpy(tiles) / 255, np.load(folder / "cifar10" / "test_labels.npy")[:2500]


@pytest.mark.slow
@evidence.reaches(
    "classify.resnet20",
    figure="top-1 accuracy of public weights on 2,500 CIFAR-10 test images as JPEG (%)",
    published=REFERENCE,
    source="the same weights in their authors' network on the same files (all 10,000, lossless: 91.73)",
    data="cifar10, first sheet of the test images",
)
def test_public_weights_reach_their_figure(shared_data: Path, measured: Callable[[float], None]) -> None:
    model = load_weights(resnet20(), shared_data / "weights" / "cifar10_resnet20.npz").eval()
    images, labels = first_sheet(shared_data)
    with torch.inference_mode():
        predicted = torch.cat([model(part).argmax(dim=1) for part in images.split(250)])
    ours = 100 * accuracy(labels, predicted.numpy())
    measured(ours)
    assert abs(ours - REFERENCE) <= 0.05
