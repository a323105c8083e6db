"""Grad-CAM against pytorch-grad-cam at random weights: a CNN and a vision transformer; ours is told no layer."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from sightline.classify import resnet18, vit
from sightline.core import evidence
from sightline.explain import grad_cam

peer = pytest.importorskip("pytorch_grad_cam", reason="lives in the oracle environment: make oracle")
targets = pytest.importorskip("pytorch_grad_cam.utils.model_targets", reason="part of pytorch-grad-cam")

pytestmark = pytest.mark.oracle

CLASS = 3


def prepared(model: nn.Module) -> tuple[nn.Module, Tensor]:
    """Return the model with random weights and two images."""
    random = torch.Generator().manual_seed(4)
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.08, generator=random)
    return model.eval(), torch.rand(2, 3, 64, 64, generator=random)


def difference(model: nn.Module, images: Tensor, reshape: Callable[[Tensor], Tensor] | None) -> float:
    """Return the largest difference of the maps, both stretched to 0–1 as the peer does."""
    with peer.GradCAM(model=model, target_layers=[model.cam_layer], reshape_transform=reshape) as cam:
        theirs = cam(input_tensor=images, targets=[targets.ClassifierOutputTarget(CLASS)] * len(images))
    ours = grad_cam(model, images, CLASS)
    low = ours.min(axis=(1, 2), keepdims=True)
    ours = (ours - low) / (ours.max(axis=(1, 2), keepdims=True) - low)
    low = theirs.min(axis=(1, 2), keepdims=True)
    theirs = (theirs - low) / (theirs.max(axis=(1, 2), keepdims=True) - low)
    return float(np.abs(ours - theirs).max())


@evidence.equals("explain.grad_cam", peer="pytorch-grad-cam", tolerance="1e-4 of the range", data="random resnet18")
def test_cnn_equals_pytorch_grad_cam(measured: Callable[[float], None]) -> None:
    error = difference(*prepared(resnet18(5, stem="small")), None)
    measured(error)
    assert error <= 1e-4


@evidence.equals("explain.grad_cam", peer="pytorch-grad-cam", tolerance="1e-4 of the range", data="random vit")
def test_transformer_equals_pytorch_grad_cam(measured: Callable[[float], None]) -> None:
    model, images = prepared(vit(5, variant="tiny", size=64, patch=8, depth=2))
    error = difference(model, images, model.cam_map)
    measured(error)
    assert error <= 1e-4
