from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from sightline.classify import squeezenet, vit
from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.core.trace import trace
from sightline.explain import class_visualization
from sightline.zoo import load_weights

SMALL = {"shape": (3, 16, 16), "iterations": 12, "jitter": 3}


@evidence.equals(
    "explain.class_visualization",
    peer="torch, by hand",
    tolerance="1e-6",
    data="a linear model, without shifts or blur",
)
def test_equals_normalised_ascent(measured):
    """Of a linear model the gradient is its weight: every step is known beforehand."""
    model = nn.Sequential(nn.Flatten(), nn.Linear(48, 2))
    weight = model[1].weight[1].detach().reshape(3, 4, 4).permute(1, 2, 0).numpy().astype(np.float64)
    frames = []
    class_visualization(
        model, 1, shape=(3, 4, 4), iterations=5, step=0.02, decay=0.1, blur=0, jitter=0, progress=frames.append
    )
    picture = frames[0].astype(np.float64)
    errors = []
    for found in frames[1:]:
        picture = picture + 0.02 * weight / np.sqrt((weight**2).mean())
        picture = np.clip(picture + 0.1 * (0.5 - picture), 0, 1)
        errors.append(np.abs(found - picture).max())
    measured(max(errors))
    assert len(frames) == 6
    assert max(errors) <= 1e-6


def test_the_score_rises(cnn, transformer):
    for model in (cnn, transformer):
        found = class_visualization(model, [0, 3], **SMALL)
        grey = torch.full((1, 3, 16, 16), 0.5)
        with torch.no_grad():
            scores = model(torch.from_numpy(found).permute(0, 3, 1, 2))
            before = model(grey)[0]
        assert scores[0, 0] > before[0]
        assert scores[1, 3] > before[3]
        assert found.dtype == np.float32
        assert found.min() >= 0
        assert found.max() <= 1


def test_the_shape_is_found_and_seeds_count():
    model = vit(4, variant="tiny", size=16, patch=8, depth=1, dim=12)
    first = class_visualization(model, 2, iterations=2, seed=4)
    assert first.shape == (16, 16, 3)
    np.testing.assert_array_equal(first, class_visualization(model, 2, iterations=2, seed=4))
    assert not np.array_equal(first, class_visualization(model, 2, iterations=2, seed=5))


def test_steps_and_the_model_left_as_found(cnn):
    cnn.train()
    steps = trace(class_visualization, cnn, [0, 1], **SMALL)
    assert [step.name for step in steps] == ["noise", "after 1", "after 3", "after 6", "score", "picture"]
    np.testing.assert_array_equal(steps.result, class_visualization(cnn, [0, 1], **SMALL))
    assert cnn.training
    assert cnn.first.weight.grad is None


def test_refusals(cnn):
    with pytest.raises(InputError, match="class_visualization: target must be in 0–4; got 9"):
        class_visualization(cnn, 9, **SMALL)
    with pytest.raises(InputError, match="class_visualization: shape must be channels, height and width"):
        class_visualization(cnn, 1, shape=(16, 16))
    with pytest.raises(InputError, match="class_visualization: step"):
        class_visualization(cnn, 1, shape=(3, 8, 8), step=-1)


@pytest.mark.slow
def test_squeezenet_is_sure_of_its_tarantula_and_its_hourglass(shared_data):
    means, deviations = tuple(value / 255 for value in (123, 117, 104)), (1 / 255,) * 3
    path = shared_data / "weights" / "squeezenet_v1.1.npz"
    model = load_weights(squeezenet(mean=means, std=deviations), path).eval()
    made = class_visualization(model, [76, 604], iterations=60)
    with torch.no_grad():
        ranked = model(torch.from_numpy(made).permute(0, 3, 1, 2)).softmax(dim=1)
    assert ranked.argmax(dim=1).tolist() == [76, 604]
    assert ranked.amax(dim=1).min() > 0.5
