"""Activation maps against pytorch-grad-cam at random weights: a CNN and a transformer; ours is told no layer."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from sightline.classify import resnet18, vit
from sightline.core import evidence
from sightline.explain import eigen_cam, grad_cam, grad_cam_plus_plus

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
    return float(np.abs(stretched(grad_cam(model, images, CLASS)) - stretched(theirs)).max())


def stretched(maps: np.ndarray) -> np.ndarray:
    """Return the maps in 0–1 each."""
    low = maps.min(axis=(1, 2), keepdims=True)
    return (maps - low) / (maps.max(axis=(1, 2), keepdims=True) - low)


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


@evidence.equals(
    "explain.grad_cam_plus_plus", peer="pytorch-grad-cam", tolerance="1e-4 of the range", data="random resnet18"
)
def test_grad_cam_plus_plus_equals_pytorch_grad_cam(measured: Callable[[float], None]) -> None:
    model, images = prepared(resnet18(5, stem="small"))
    with torch.no_grad():
        model.head.linear.weight.mul_(
            3e4
        )  # against steep scores the 1e-6 that the peer adds to a denominator is nothing
    wanted = [targets.ClassifierOutputTarget(CLASS)] * len(images)
    with peer.GradCAMPlusPlus(model=model, target_layers=[model.cam_layer]) as cam:
        theirs = stretched(cam(input_tensor=images, targets=wanted))
    error = float(np.abs(stretched(grad_cam_plus_plus(model, images, CLASS)) - theirs).max())
    measured(error)
    assert error <= 1e-4


@evidence.equals(
    "explain.eigen_cam", peer="pytorch-grad-cam", tolerance="1e-4 of the range, up to the sign", data="random networks"
)
def test_eigen_cam_equals_pytorch_grad_cam(measured: Callable[[float], None]) -> None:
    errors = []
    for network in (resnet18(5, stem="small"), vit(5, variant="tiny", size=64, patch=8, depth=2)):
        model, images = prepared(network)
        reshape = model.cam_map if hasattr(model, "patches") else None  # tokens become a map
        for image, ours in zip(images, eigen_cam(model, images), strict=True):
            found = []
            for sign in (1, -1):  # theirs is the component of whichever sign the decomposition has
                with peer.EigenCAM(model=model, target_layers=[model.cam_layer], reshape_transform=reshape) as cam:
                    cam.get_cam_image = lambda *a, sign=sign, **b: sign * peer.eigen_cam.get_2d_projection(a[3])
                    theirs = cam(input_tensor=image[None], targets=[targets.ClassifierOutputTarget(CLASS)])
                found.append(float(np.abs(stretched(ours[None]) - stretched(theirs)).max()))
            errors.append(min(found))
    measured(max(errors))
    assert max(errors) <= 1e-4
