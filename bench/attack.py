"""Certificates against the Adversarial Robustness Toolbox, where it is installed: the same network, as many copies."""

from __future__ import annotations

import importlib.util
from typing import Any

import torch

from sightline.attack import certify, striding_cnn

from .timing import THREADS, Case

SIGMA, SAMPLES, SELECTION = 0.25, 2000, 100


def cases() -> list[Case]:
    """Return one case, or none; what both answer is random, and equal with the same noise (tests/oracle)."""
    if any(importlib.util.find_spec(name) is None for name in ("art", "statsmodels")):  # ART takes its bound from there
        return []
    from art.estimators.certification.randomized_smoothing import PyTorchRandomizedSmoothing

    torch.set_num_threads(THREADS)
    model = striding_cnn().eval()
    images = torch.rand(4, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    smooth = PyTorchRandomizedSmoothing(
        model, torch.nn.CrossEntropyLoss(), (1, 28, 28), 10, sample_size=SELECTION, scale=SIGMA, device_type="cpu"
    )

    def ours() -> Any:
        return certify(model, images, sigma=SIGMA, samples=SAMPLES, selection=SELECTION).radii

    def peers() -> Any:
        return smooth.certify(images.numpy(), n=SAMPLES, batch_size=500)[1]

    return [Case(f"attack.certify 4 digits, {SAMPLES:,} copies", "ART", ours, peers, 0, None)]
