from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from captum.attr import Deconvolution
from torch import nn
from torch.nn import functional as F

from sightline.classify import lenet5, resnet20
from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.core.trace import trace
from sightline.explain import deconvnet


class Net(nn.Module):
    """A network whose rectifiers are modules, functions or in place: captum knows modules only."""

    def __init__(self, way: str = "module") -> None:
        super().__init__()
        self.way = way
        self.first, self.norm = nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8)
        self.second = nn.Conv2d(8, 12, 3)
        self.acts = nn.ModuleList([nn.ReLU(), nn.ReLU()])
        self.head = nn.Linear(12, 5)

    def act(self, x, index):
        if self.way == "module":
            return self.acts[index](x)
        if self.way == "in place":
            x = x + 0
            x.relu_()
            return x
        return F.relu(x, inplace=self.way == "inplace=True") if index else torch.relu(x)

    def forward(self, images):
        x = F.max_pool2d(self.act(self.norm(self.first(images)), 0), 2)
        return self.head(self.act(self.second(x), 1).mean(dim=(2, 3)))


@pytest.fixture
def net() -> Net:
    model = Net()
    random = torch.Generator().manual_seed(2)
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.3, generator=random)
    return model.eval()


@evidence.equals("explain.deconvnet", peer="captum", tolerance="1e-6 of the largest value", data="random weights")
@pytest.mark.filterwarnings("ignore:Setting backward hooks")
def test_deconvnet_equals_captum(net, images, measured):
    errors = []
    for target in range(5):
        expected = Deconvolution(net).attribute(images.clone().requires_grad_(), target=target)
        expected = expected.detach().permute(0, 2, 3, 1).numpy()
        errors.append(np.abs(deconvnet(net, images, target) - expected).max() / np.abs(expected).max())
    measured(max(errors))
    assert max(errors) <= 1e-6


@pytest.mark.parametrize("way", ["function", "inplace=True", "in place"])
def test_every_way_to_rectify_is_known(net, images, way):
    other = copy.deepcopy(net)
    other.way = way
    np.testing.assert_array_equal(deconvnet(other, images), deconvnet(net, images))


def test_a_map_of_a_layer(net, images):
    """By hand: the linear part of a first layer is its own kernel, at the place of the largest value."""
    pattern = deconvnet(net, images[0], 3, layer=net.first)
    response = net.first(images[:1])[0, 3]
    y, x = divmod(int(response.argmax()), 16)
    kernel = net.first.weight[3].detach().permute(1, 2, 0).numpy()
    expected = np.zeros((18, 18, 3), np.float32)
    expected[y : y + 3, x : x + 3] = kernel
    np.testing.assert_allclose(pattern, expected[1:-1, 1:-1], atol=1e-6)


def test_residual_networks_and_steps(images):
    model = resnet20(10)
    found = deconvnet(model, images[0], layer="stages.2.2")
    assert found.shape == (16, 16, 3)
    steps = trace(deconvnet, model, images[0], 4)
    assert [step.name for step in steps] == ["image", "strength", "pattern"]
    np.testing.assert_array_equal(steps.result, deconvnet(model, images[0], 4))
    assert steps.steps[-1].picture() is not None


def test_model_left_as_found(net, images):
    before = copy.deepcopy(net.state_dict())
    net.train()
    with torch.no_grad():
        deconvnet(net, images)
    assert net.training
    assert net.first.weight.grad is None
    assert all(torch.equal(value, net.state_dict()[key]) for key, value in before.items())


def test_refusals(net, images):
    with pytest.raises(InputError, match=r"deconvnet: model must have ReLU units; got none. Use saliency"):
        deconvnet(lenet5(), torch.rand(1, 28, 28))
    with pytest.raises(InputError, match="deconvnet: target must be in 0–4; got 9"):
        deconvnet(net, images, 9)
    with pytest.raises(InputError, match="deconvnet: target must be in 0–11; got 12"):
        deconvnet(net, images, 12, layer="second")
    with pytest.raises(InputError, match="layer must be one of the model's"):
        deconvnet(net, images, layer="third")
