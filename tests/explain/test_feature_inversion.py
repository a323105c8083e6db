from __future__ import annotations

import numpy as np
import pytest
import torch

from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.core.trace import trace
from sightline.explain import feature_inversion


@evidence.equals(
    "explain.feature_inversion", peer="the image itself", tolerance="0.02 root mean square", data="an injective layer"
)
def test_a_layer_that_forgets_nothing_is_inverted(cnn, images, measured):
    """Eight kernels of 3×3 over three colours at every place: the maps determine the image."""
    made = feature_inversion(cnn, images[0], layer="first", smoothness=0.0, iterations=150)
    error = float(np.sqrt(np.mean((made - images[0].permute(1, 2, 0).numpy()) ** 2)))
    measured(error)
    assert error <= 0.02


def test_smoothness_flattens(cnn, images):
    rough, smooth = (
        feature_inversion(cnn, images[0], layer="first", smoothness=s, iterations=40) for s in (0.0, 100.0)
    )
    assert np.abs(np.diff(smooth, axis=0)).mean() < 0.5 * np.abs(np.diff(rough, axis=0)).mean()


def test_steps_and_progress(cnn, transformer, images):
    for model in (cnn, transformer):
        frames = []
        made = feature_inversion(model, images[0], iterations=16, progress=frames.append)
        steps = trace(feature_inversion, model, images[0], iterations=16)
        assert [step.name for step in steps] == ["image", "after 1", "after 4", "distance", "picture"]
        np.testing.assert_array_equal(steps.result, made)
        np.testing.assert_array_equal(frames[-1], made)
        assert len(frames) == 17
        distances = steps["distance"].value[:, 1]
        assert distances[-1] < distances[0]


def test_refusals(cnn, images):
    with pytest.raises(InputError, match="feature_inversion: layer must be one of the model's"):
        feature_inversion(cnn, images[0], layer="third")
    with pytest.raises(InputError, match="feature_inversion: smoothness"):
        feature_inversion(cnn, images[0], smoothness=-1)
    with pytest.raises(InputError, match="feature_inversion: images must be finite"):
        feature_inversion(cnn, torch.full((3, 8, 8), torch.nan))
