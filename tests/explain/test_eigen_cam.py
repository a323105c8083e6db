from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from torch import nn
from torch.nn import functional as F

from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.core.trace import trace
from sightline.explain import eigen_cam


def by_sklearn(features: torch.Tensor, size: tuple[int, int]) -> np.ndarray:
    """Return the heat maps of B×K×h×w by scikit-learn's principal components."""
    tops = []
    for maps in features.double().numpy():
        places = maps.reshape(len(maps), -1).T
        component = PCA(1, svd_solver="full").fit_transform(places)[:, 0]
        component *= np.sign(component @ places.sum(axis=1))
        tops.append(component.reshape(maps.shape[1:]).clip(min=0))
    result = F.interpolate(torch.from_numpy(np.stack(tops))[:, None], size, mode="bilinear", align_corners=False)[:, 0]
    return (result / result.amax(dim=(1, 2), keepdim=True)).numpy()


@evidence.equals("explain.eigen_cam", peer="scikit-learn", tolerance="1e-5 of the largest value", data="random weights")
def test_eigen_cam_equals_principal_components(cnn, transformer, images, measured):
    with torch.no_grad():
        maps = F.relu(cnn.second(F.relu(cnn.norm(cnn.first(images)))))
        tokens = transformer.patches(images).flatten(2).transpose(1, 2)
        tokens = transformer.norm(torch.cat([transformer.token.expand(3, -1, -1), tokens], dim=1))
    errors = [
        np.abs(eigen_cam(cnn, images) - by_sklearn(maps, (16, 16))).max(),
        np.abs(eigen_cam(transformer, images) - by_sklearn(transformer.cam_map(tokens), (16, 16))).max(),
    ]
    measured(max(errors))
    assert max(errors) <= 1e-5


def test_places_that_are_alike_give_nothing(images):
    flat = nn.Sequential(nn.Conv2d(3, 4, 1), nn.Flatten())
    nn.init.zeros_(flat[0].weight)
    for bias in (0.1, 1 / 3, 0.7):  # their mean is rounded
        nn.init.constant_(flat[0].bias, bias)
        assert not eigen_cam(flat, images).any()


def test_steps_and_refusals(cnn, images):
    for batch in (images, images[0]):
        steps = trace(eigen_cam, cnn, batch)
        assert [step.name for step in steps] == ["feature maps", "weights", "weighted sum", "heat map"]
        np.testing.assert_array_equal(steps.result, eigen_cam(cnn, batch))
    with pytest.raises(InputError, match="eigen_cam: the model has no feature map with places"):
        eigen_cam(nn.Sequential(nn.Flatten(), nn.Linear(768, 5)), images)
    with pytest.raises(InputError, match="eigen_cam: images must be finite"):
        eigen_cam(cnn, images * torch.nan)
