from __future__ import annotations

import numpy as np
import pytest
import torch
from captum.attr import LayerGradCam
from torch import nn
from torch.nn import functional as F

from sightline.classify import vgg11
from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.core.trace import trace
from sightline.explain import grad_cam


def _captum(model, layer, images, target):
    maps = LayerGradCam(model, layer).attribute(images, target=target, relu_attributions=True)
    maps = F.interpolate(maps, images.shape[2:], mode="bilinear", align_corners=False)[:, 0]
    return (maps / maps.amax(dim=(1, 2), keepdim=True).clamp(min=1e-12)).detach().numpy()


class Plain(nn.Module):
    """The same network without in-place activations, which captum's hooks do not survive."""

    def __init__(self, cnn):
        super().__init__()
        self.cnn = cnn

    def forward(self, images):
        hidden = self.cnn.second(F.relu(self.cnn.norm(self.cnn.first(images))))
        return self.cnn.head(F.relu(hidden).mean(dim=(2, 3)))


@evidence.equals("explain.grad_cam", peer="captum", tolerance="1e-5 of the largest value", data="random weights")
def test_grad_cam_equals_captum(cnn, images, measured):
    errors = []
    for target in range(5):
        for layer in (cnn.second, cnn.first):
            expected = _captum(Plain(cnn), layer, images, target)
            errors.append(np.abs(grad_cam(cnn, images, target, layer=layer) - expected).max())
    measured(max(errors))
    assert max(errors) <= 1e-5


def test_layer_found_by_itself(cnn, images):
    # The last module with a feature map is the activation after the second convolution.
    named = grad_cam(cnn, images, layer=cnn.second)
    found = grad_cam(cnn, images)
    assert found.shape == named.shape
    assert found.max() == pytest.approx(1)
    assert found.min() >= 0


def test_small_images_show_the_last_map_with_places():
    torch.manual_seed(0)
    model = vgg11(3, hidden=16).eval()
    images = torch.rand(2, 3, 32, 32)
    pool = [module for module in model.modules() if isinstance(module, nn.MaxPool2d)][-1]
    assert model.features(images).shape[2:] == (1, 1)  # after the last pooling; before it there are 2×2 places
    before = list(model.body)[list(model.body).index(pool) - 1]
    found = grad_cam(model, images, 1)
    assert np.array_equal(found, grad_cam(model, images, 1, layer=before))
    assert found.std() > 0.05
    flat = grad_cam(model, images, 1, layer=pool)
    assert np.allclose(flat, flat[:, :1, :1], atol=1e-5)


def test_transformer(transformer, images):
    """By hand: tokens to a grid, mean gradient, weighted sum."""
    target = 2
    tokens = []
    handle = transformer.norm.register_forward_hook(lambda module, inputs, output: tokens.append(output))
    score = transformer(images)[:, target].sum()
    handle.remove()
    (gradient,) = torch.autograd.grad(score, tokens[0])
    features, gradient = transformer.cam_map(tokens[0].detach()), transformer.cam_map(gradient)
    cam = F.relu((features * gradient.mean(dim=(2, 3), keepdim=True)).sum(dim=1, keepdim=True))
    expected = F.interpolate(cam, (16, 16), mode="bilinear", align_corners=False)[:, 0]
    expected = expected / expected.amax(dim=(1, 2), keepdim=True).clamp(min=1e-12)
    np.testing.assert_allclose(grad_cam(transformer, images, target), expected.numpy(), atol=1e-5)


def test_frozen_model(cnn, images):
    free = grad_cam(cnn, images)
    cnn.requires_grad_(False)
    np.testing.assert_array_equal(grad_cam(cnn, images), free)


def test_nothing_speaks_for_the_class(images):
    model = nn.Sequential(nn.Conv2d(3, 2, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    nn.init.constant_(model[0].weight, -1.0)
    nn.init.constant_(model[0].bias, 0.0)
    assert not grad_cam(model, images).any()


def test_steps_end_in_the_result(cnn, images):
    for batch in (images, images[0]):
        steps = trace(grad_cam, cnn, batch, target=1)
        assert [step.name for step in steps] == ["feature maps", "weights", "weighted sum", "heat map"]
        np.testing.assert_array_equal(steps.result, grad_cam(cnn, batch, target=1))


def test_refusals(cnn, images):
    perceptron = nn.Sequential(nn.Flatten(), nn.Linear(768, 5))
    with pytest.raises(InputError, match=r"grad_cam: the model has no feature map with places. Use saliency"):
        grad_cam(perceptron, images)
    with pytest.raises(InputError, match="grad_cam: layer must give a B×K×h×w feature map; got 3×5"):
        grad_cam(cnn, images, layer=cnn.head)
    with pytest.raises(InputError, match="grad_cam: layer must be a module of the model"):
        grad_cam(cnn, images, layer=nn.Linear(2, 2))
