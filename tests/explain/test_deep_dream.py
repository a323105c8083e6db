from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.core.trace import trace
from sightline.explain import deep_dream
from sightline.image import write_frames


@evidence.equals("explain.deep_dream", peer="torch, by hand", tolerance="1e-5", data="random weights, one octave")
def test_equals_ascent_by_hand(cnn, images, measured):
    frames = []
    deep_dream(cnn, images[0], layer="second", octaves=1, iterations=4, step=0.02, jitter=0, progress=frames.append)
    x, errors = images[:1].clone(), []
    for found in frames[1:]:
        x.requires_grad_()
        maps = cnn.second(torch.relu(cnn.norm(cnn.first(x))))
        (gradient,) = torch.autograd.grad((maps**2).mean() / 2, x)
        x = (x + 0.02 * gradient / gradient.abs().mean()).clamp(0, 1).detach()
        errors.append(np.abs(found - x[0].permute(1, 2, 0).numpy()).max())
    measured(max(errors))
    assert len(frames) == 5
    assert max(errors) <= 1e-5


def test_a_channel_alone_rises(cnn):
    image = np.random.default_rng(0).random((40, 48, 3)).astype(np.float32)
    options = {"layer": "first", "octaves": 2, "iterations": 3, "jitter": 2}
    made, other = (deep_dream(cnn, image, channel=channel, **options) for channel in (5, 3))
    with torch.no_grad():
        before, after, beside = (
            cnn.first(torch.from_numpy(picture).permute(2, 0, 1)[None])[0, 5].mean() for picture in (image, made, other)
        )
    assert after > before
    assert after > beside
    assert made.shape == image.shape


def test_steps_and_a_film(cnn, tmp_path):
    image = np.random.default_rng(0).random((48, 64, 3)).astype(np.float32)
    options = {"layer": "second", "octaves": 9, "iterations": 2, "jitter": 2}
    frames = []
    result = deep_dream(cnn, image, **options, progress=frames.append)
    steps = trace(deep_dream, cnn, image, **options)
    assert [step.name for step in steps] == ["image", "octave 1", "dream"]  # a third octave is under 32 pixels
    np.testing.assert_array_equal(steps.result, result)
    for suffix in (".gif", ".png", ".mp4"):
        assert write_frames(tmp_path / f"dream{suffix}", frames, fps=5) == 5


def test_transformers_and_refusals(transformer, cnn, images):
    assert deep_dream(transformer, images[0], layer="attention", octaves=1, iterations=1).shape == (16, 16, 3)
    with pytest.raises(InputError, match="deep_dream: channel"):
        deep_dream(cnn, images[0], layer="first", channel=8)
    with pytest.raises(InputError, match=r"deep_dream: layer must be one of the model's; got 'frst'"):
        deep_dream(cnn, images[0], layer="frst")
    with pytest.raises(InputError, match="deep_dream: the model has no layer with places"):
        deep_dream(nn.Sequential(nn.Flatten(), nn.Linear(768, 5)), images[0])
    with pytest.raises(InputError, match="deep_dream: image must be one image; got 3"):
        deep_dream(cnn, images)
