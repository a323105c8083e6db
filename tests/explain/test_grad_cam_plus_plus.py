from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.core.trace import trace
from sightline.explain import grad_cam_plus_plus


def by_derivatives(cnn: nn.Module, images: torch.Tensor, target: int) -> np.ndarray:
    """Return the maps by the paper's general formula: first, second and third derivatives of Y = exp(score)."""
    with torch.no_grad():
        start = F.relu(cnn.second(F.relu(cnn.norm(cnn.first(images.double())))))
    tops = []
    for maps in start:  # K×h×w
        weights = torch.zeros(len(maps), dtype=torch.float64)
        for k, i, j in np.ndindex(*maps.shape):
            place = maps[k, i, j].clone().requires_grad_()
            moved = maps.index_put((torch.tensor(k), torch.tensor(i), torch.tensor(j)), place)
            top = cnn.head(moved.mean(dim=(1, 2)))[target].exp()
            (first,) = torch.autograd.grad(top, place, create_graph=True)
            (second,) = torch.autograd.grad(first, place, create_graph=True)
            (third,) = torch.autograd.grad(second, place)
            alpha = second / (2 * second + maps[k].sum() * third)  # equation 10
            weights[k] += (alpha * first.clamp(min=0)).item()
        tops.append(F.relu(torch.einsum("k,khw->hw", weights, maps)))
    result = F.interpolate(torch.stack(tops)[:, None], images.shape[2:], mode="bilinear", align_corners=False)[:, 0]
    return (result / result.amax(dim=(1, 2), keepdim=True).clamp(min=1e-12)).numpy()


@evidence.equals(
    "explain.grad_cam_plus_plus",
    peer="torch.autograd, third derivatives",
    tolerance="1e-5 of the largest value",
    data="random weights",
)
def test_equals_the_general_formula(cnn, images, measured):
    images = images[:1, :, :8, :8]
    found = [grad_cam_plus_plus(cnn, images, target, layer="act") for target in range(2)]
    cnn.double()
    errors = [np.abs(found[target] - by_derivatives(cnn, images, target)).max() for target in range(2)]
    measured(max(errors))
    assert max(errors) <= 1e-5


def test_transformers_and_layers(transformer, cnn, images):
    found = grad_cam_plus_plus(transformer, images, 2)
    assert found.shape == (3, 16, 16)
    assert found.max() == pytest.approx(1)
    np.testing.assert_array_equal(
        grad_cam_plus_plus(cnn, images, layer="second"), grad_cam_plus_plus(cnn, images, layer=cnn.second)
    )


def test_steps_and_refusals(cnn, images):
    for batch in (images, images[0]):
        steps = trace(grad_cam_plus_plus, cnn, batch, target=1)
        assert [step.name for step in steps] == ["feature maps", "weights", "weighted sum", "heat map"]
        np.testing.assert_array_equal(steps.result, grad_cam_plus_plus(cnn, batch, target=1))
    with pytest.raises(InputError, match="grad_cam_plus_plus: the model has no feature map with places"):
        grad_cam_plus_plus(nn.Sequential(nn.Flatten(), nn.Linear(768, 5)), images)
    with pytest.raises(InputError, match="grad_cam_plus_plus: layer must be a module of the model; got 'secnd'"):
        grad_cam_plus_plus(cnn, images, layer="secnd")
