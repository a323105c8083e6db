"""Grad-CAM against what it is made of: one forward and one backward pass of the same network in plain PyTorch."""

from __future__ import annotations

from typing import Any

import torch

from sightline.classify import resnet18
from sightline.explain import grad_cam

from .timing import THREADS, Case


def cases() -> list[Case]:
    """Return one case; a ratio above 1 / 1.3 = 0.77 keeps the promise."""
    torch.set_num_threads(THREADS)
    model = resnet18(1000).eval()
    image = torch.rand(1, 3, 224, 224, generator=torch.Generator().manual_seed(0))

    def ours() -> Any:
        return grad_cam(model, image, 7)

    def peers() -> Any:
        pixels = image.clone().requires_grad_()
        model(pixels)[0, 7].backward()
        model.zero_grad()
        return pixels.grad

    return [Case("explain.grad_cam resnet18 224×224", "torch, forward and backward", ours, peers, 0, None)]
