"""R-CNN: its warps, its regression beside scikit-learn's, and that it finds what it was taught."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge
from torch import Tensor, nn
from torch.nn import functional as F

from sightline import detect
from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.detect.rcnn import CONTEXT, ridge, warp


class Colours(nn.Module):
    """What a network that knows colours only sees: averages of 8×8 pixels, and how much they differ from grey."""

    def features(self, images: Tensor) -> Tensor:
        small = F.avg_pool2d(images, 8)
        return torch.cat([small, (small - small.mean(dim=1, keepdim=True)).abs()], dim=1) * 30


def scene(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return grey noise with a red square and a blue one, their boxes and their classes."""
    random = np.random.default_rng(seed)
    image = random.integers(90, 120, (72, 96, 3), dtype=np.uint8)
    boxes = []
    for channel, left in ((0, 4), (2, 52)):
        x, y = left + int(random.integers(0, 16)), int(random.integers(2, 42))
        image[y : y + 24, x : x + 20] = 30
        image[y : y + 24, x : x + 20, channel] = 220
        boxes.append([x, y, x + 20, y + 24])
    return image, np.array(boxes, np.float32), np.array([0, 1])


def near(image: np.ndarray) -> np.ndarray:
    """Return boxes of the right size at every eighth pixel."""
    y, x = np.mgrid[0:48:8, 0:76:8]
    return np.stack([x, y, x + 20, y + 24], axis=-1).reshape(-1, 4).astype(np.float32)


def test_it_finds_what_it_was_taught() -> None:
    images, boxes, labels = zip(*map(scene, range(8)), strict=True)
    model = detect.rcnn(Colours(), ["red", "blue"], side=32, propose=near, cost=0.01).fit(images, boxes, labels)
    image, truth, _ = scene(20)
    found = model.detect(image)
    best = [found[found.labels == label][0] for label in (0, 1)]
    overlaps = [detect.iou(one.boxes, truth[i : i + 1]).item() for i, one in enumerate(best)]
    assert min(overlaps) > 0.5  # the windows stand 8 pixels apart
    assert found.names == ("red", "blue")
    assert np.all(np.diff(found.scores) <= 0)
    with pytest.raises(InputError, match="rcnn: nothing was taught yet"):
        detect.rcnn(Colours(), ["red"]).detect(image)


@evidence.equals(
    "detect.rcnn",
    peer="scikit-learn",
    tolerance="1e-8 of the largest weight of the box regression",
    data="random descriptions, more and fewer than their length",
)
@pytest.mark.parametrize("count", [20, 90])
def test_the_regression_equals_ridge(count: int, measured: Callable[[float], None]) -> None:
    random = np.random.default_rng(3)
    x, y = random.normal(size=(count, 40)), random.normal(size=(count, 4))
    expected: Any = Ridge(alpha=7.0)
    expected.fit(x, y)
    found = ridge(x, y, 7.0)
    error = np.abs(found - np.concatenate([expected.coef_.T, expected.intercept_[None]])).max() / np.abs(found).max()
    measured(float(error))
    assert error <= 1e-8


def test_a_warped_region_fills_the_square_but_for_its_context() -> None:
    pixels = torch.zeros(1, 3, 60, 80)
    pixels[..., 20:40, 10:60] = 1  # the box
    square = warp(pixels, torch.tensor([[10.0, 20, 60, 40]]), 100)[0, 0]
    edge = round(100 * CONTEXT)
    assert square[edge + 2 : -edge - 2, edge + 2 : -edge - 2].min() > 0.999
    assert square[: edge - 2].max() < 1e-6
    beyond = warp(pixels, torch.tensor([[-40.0, -40, -10, -10]]), 16)
    torch.testing.assert_close(beyond, pixels.mean().expand_as(beyond))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((nn.Linear(2, 2), ["a"]), "network must have features"),
        ((Colours(), "raccoon"), "names must be a list of at least one class name; got 'raccoon'"),
        ((Colours(), []), "names must be a list"),
    ],
)
def test_wrong_arguments_are_refused(arguments: Any, sentence: str) -> None:
    with pytest.raises(InputError, match=f"rcnn: {sentence}"):
        detect.rcnn(*arguments)


def test_a_class_that_no_image_has_is_refused() -> None:
    image, boxes, _ = scene(0)
    model = detect.rcnn(Colours(), ["red", "green"], side=32, propose=near)
    with pytest.raises(InputError, match="none of the images has a box of 'green'"):
        model.fit([image], [boxes], [np.array([0, 0])])
    with pytest.raises(InputError, match="images, boxes and labels must be of one length"):
        model.fit([image], [], [])
