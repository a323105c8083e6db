from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from captum.attr import Saliency

from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.explain import grad_cam, occlusion, saliency


@evidence.equals("explain.saliency", peer="captum", tolerance="1e-5 of the largest value", data="random weights")
def test_saliency_equals_captum(cnn, transformer, images, measured):
    errors = []
    for model in (cnn, transformer):
        target = model(images).argmax(dim=1)
        expected = Saliency(model).attribute(images.clone().requires_grad_(), target=target).amax(dim=1).numpy()
        errors.append(np.abs(saliency(model, images) - expected).max() / expected.max())
    measured(max(errors))
    assert max(errors) <= 1e-5


def test_target_one_each(cnn, images):
    together = saliency(cnn, images, target=[0, 1, 2])
    alone = [saliency(cnn, images[i], target=i) for i in range(3)]
    np.testing.assert_allclose(together, np.stack(alone), rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("explain", [saliency, grad_cam, occlusion])
def test_shapes_and_arrays(explain, cnn, images):
    picture = (images[0].permute(1, 2, 0).numpy() * 255).astype(np.uint8)
    one = explain(cnn, picture)
    assert explain(cnn, images).shape == (3, 16, 16)
    assert one.shape == (16, 16)
    assert one.dtype == np.float32


@pytest.mark.parametrize("explain", [saliency, grad_cam, occlusion])
@pytest.mark.parametrize("training", [True, False])
def test_model_and_images_left_as_found(explain, training, cnn, images):
    cnn.train(training)
    cnn.norm.eval()  # a mode of its own, as when layers are frozen
    cnn.head.weight.grad = torch.ones_like(cnn.head.weight)
    cnn.first.weight.requires_grad_(False)
    before, batch = copy.deepcopy(cnn.state_dict()), images.clone()
    with torch.no_grad():
        explain(cnn, images)
    assert [module.training for module in (cnn, cnn.norm, cnn.drop)] == [training, False, training]
    assert torch.equal(cnn.head.weight.grad, torch.ones_like(cnn.head.weight))
    assert cnn.second.weight.grad is None
    assert not cnn.first.weight.requires_grad
    assert not images.requires_grad
    assert torch.equal(images, batch)
    assert all(torch.equal(value, cnn.state_dict()[key]) for key, value in before.items())
    assert all(not module._forward_hooks for module in cnn.modules())


@pytest.mark.parametrize("explain", [saliency, grad_cam, occlusion])
def test_left_as_found_after_an_error(explain, cnn, images):
    cnn.train()
    with pytest.raises(InputError, match="target must be in 0–4; got 9"):
        explain(cnn, images, target=9)
    assert cnn.training
    assert cnn.drop.training
    assert all(not module._forward_hooks for module in cnn.modules())


@pytest.mark.parametrize("explain", [saliency, grad_cam, occlusion])
def test_refusals(explain, cnn, images):
    name = explain.__name__
    with pytest.raises(InputError, match=f"{name}: images must be a B×C×H×W"):
        explain(cnn, images[0, 0])
    with pytest.raises(InputError, match=f"{name}: images must be finite"):
        explain(cnn, torch.full((1, 3, 8, 8), float("nan")))
    with pytest.raises(InputError, match=f"{name}: images must have at least one pixel"):
        explain(cnn, images[:0])
    with pytest.raises(InputError, match=f"{name}: target must be a class index"):
        explain(cnn, images, target=[0, 1])
    with pytest.raises(InputError, match=f"{name}: model must return scores B×classes"):
        explain(torch.nn.Sequential(torch.nn.Conv2d(3, 3, 1)), images)
    with torch.no_grad():
        cnn.second.weight[0, 0] = torch.nan
    with pytest.raises(InputError, match=rf"{name}: model must give .* got NaN\. .* ones in 'second\.weight'"):
        explain(cnn, images)
