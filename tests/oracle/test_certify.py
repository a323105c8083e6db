"""Certificates against the Adversarial Robustness Toolbox: the same weights, pictures and noise."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn

from sightline.attack import certify
from sightline.core import evidence
from sightline.core.seeds import generator

smoothing = pytest.importorskip("art.estimators.certification.randomized_smoothing", reason="see: make oracle")
pytest.importorskip("statsmodels", reason="the Adversarial Robustness Toolbox asks it for its bound")

pytestmark = pytest.mark.oracle


@evidence.equals("attack.certify", peer="ART", tolerance="1e-12, the same noise", data="random weights")
def test_certify(measured: Callable[[float], None]) -> None:
    torch.set_num_threads(1)
    random = torch.Generator().manual_seed(3)
    model = nn.Sequential(nn.Flatten(), nn.Linear(75, 16), nn.Tanh(), nn.Linear(16, 4)).eval()
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.5, generator=random)
    images = torch.rand(12, 3, 5, 5, generator=random)
    sigma, alpha, noise = 0.15, 0.01, generator(0)

    class Theirs(smoothing.PyTorchRandomizedSmoothing):
        def _noisy_samples(self, x: np.ndarray, n: int | None = None) -> np.ndarray:
            return x + np.float32(sigma) * noise.standard_normal((n, *x.shape), np.float32)

    theirs = Theirs(
        model, nn.CrossEntropyLoss(), (3, 5, 5), 4, sample_size=60, scale=sigma, alpha=alpha, device_type="cpu"
    )
    classes, radii = theirs.certify(images.numpy(), n=400, batch_size=400)
    found = certify(model, images, sigma=sigma, samples=400, selection=60, alpha=alpha)
    measured(float(np.abs(found.radii - radii).max()))
    np.testing.assert_array_equal(found.classes, classes)
    np.testing.assert_allclose(found.radii, radii, rtol=0, atol=1e-12)
    assert (found.radii > 0).sum() > 3
    assert (classes == -1).any()
