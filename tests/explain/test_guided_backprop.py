from __future__ import annotations

import numpy as np
import pytest
import torch
from captum.attr import GuidedBackprop
from torch import nn

from sightline.classify import lenet5
from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.core.trace import trace
from sightline.explain import guided_backprop, saliency


@pytest.fixture
def net() -> nn.Module:
    """Return a network whose rectifiers are modules, as captum needs them."""
    model = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 12, 3),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(12, 5),
    )
    random = torch.Generator().manual_seed(2)
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.3, generator=random)
    return model.eval()


@evidence.equals("explain.guided_backprop", peer="captum", tolerance="1e-6 of the largest value", data="random weights")
@pytest.mark.filterwarnings("ignore:Setting backward hooks")
def test_guided_backprop_equals_captum(net, images, measured):
    errors = []
    for target in range(5):
        expected = GuidedBackprop(net).attribute(images.clone().requires_grad_(), target=target)
        expected = expected.detach().permute(0, 2, 3, 1).numpy()
        errors.append(np.abs(guided_backprop(net, images, target) - expected).max() / np.abs(expected).max())
    measured(max(errors))
    assert max(errors) <= 1e-6


def test_with_positive_weights_it_is_the_gradient(net, images):
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.abs_()
    np.testing.assert_allclose(guided_backprop(net, images, 1).max(axis=3), saliency(net, images, 1), rtol=1e-5)


def test_steps_and_refusals(net, images):
    steps = trace(guided_backprop, net, images[0], 4)
    assert [step.name for step in steps] == ["image", "strength", "pattern"]
    np.testing.assert_array_equal(steps.result, guided_backprop(net, images[0], 4))
    assert steps.steps[-1].picture() is not None
    with pytest.raises(InputError, match=r"guided_backprop: model must have ReLU units; got none. Use saliency"):
        guided_backprop(lenet5(), torch.rand(1, 28, 28))
    with pytest.raises(InputError, match="guided_backprop: target must be in 0–4; got 9"):
        guided_backprop(net, images, 9)
