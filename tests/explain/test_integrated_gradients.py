from __future__ import annotations

import numpy as np
import pytest
import torch
from captum.attr import IntegratedGradients

from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.core.trace import trace
from sightline.explain import integrated_gradients


@evidence.equals(
    "explain.integrated_gradients", peer="captum", tolerance="1e-5 of the largest value", data="random weights"
)
def test_integrated_gradients_equal_captum(cnn, transformer, images, measured):
    errors = []
    for model in (cnn, transformer):
        for baseline, points in ((0.0, 50), (0.5, 7)):
            target = model(images).argmax(dim=1)
            peer = IntegratedGradients(model).attribute(images, baselines=baseline, target=target, n_steps=points)
            expected = peer.sum(dim=1).detach().numpy()
            found = integrated_gradients(model, images, baseline=baseline, points=points)
            errors.append(np.abs(found - expected).max() / np.abs(expected).max())
    measured(max(errors))
    assert max(errors) <= 1e-5


def test_it_adds_up_to_the_difference_of_the_scores(transformer, images):
    found = integrated_gradients(transformer, images, 3, baseline=0.25)
    with torch.no_grad():
        gained = (transformer(images) - transformer(torch.full_like(images, 0.25)))[:, 3].numpy()
    np.testing.assert_allclose(found.sum(axis=(1, 2)), gained, rtol=1e-3)


def test_steps_and_refusals(cnn, images):
    for batch in (images, images[0]):
        steps = trace(integrated_gradients, cnn, batch, target=1, points=9)
        assert [step.name for step in steps] == ["image", "the way", "score", "attribution"]
        np.testing.assert_array_equal(steps.result, integrated_gradients(cnn, batch, target=1, points=9))
    with pytest.raises(InputError, match="integrated_gradients: baseline"):
        integrated_gradients(cnn, images, baseline=2.0)
    with pytest.raises(InputError, match="integrated_gradients: points"):
        integrated_gradients(cnn, images, points=0)
