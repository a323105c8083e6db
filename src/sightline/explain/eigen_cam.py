"""Eigen-CAM: the direction in which the maps of the last layer differ most, from place to place. It asks for no class.

Muhammad, Yeasin 2020, "Eigen-CAM: Class Activation Map using Principal Components", IJCNN.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor, nn
from torch.nn import functional as F

from sightline.core.catalogue import method
from sightline.core.trace import Step
from sightline.explain.activation import Activation, activation_of
from sightline.explain.grad_cam import summing, weighing
from sightline.nn.probe import Images, probing


@method(task="explanation", paper="Muhammad 2020", lesson="w5d3")
def eigen_cam(
    model: nn.Module, images: Images, *, layer: str | nn.Module | None = None
) -> Float32[np.ndarray, "*b h w"]:
    """Return the first principal component of the last feature maps: what stands out, whatever class it is.

    The maps are centred first, and of the component's two signs the one is taken that rises with the sum of the maps,
    as the paper leaves both open; what is below the mean is cut off. Each image's map is divided by its maximum, so it
    lies in 0–1; it is zero where all places are alike. NaN and infinity in the images are refused. The model is left as
    it was: mode, gradients, parameters, hooks.

    Parameters
    ----------
    model
        Any network that takes B×C×H×W in 0–1; a CNN or a vision transformer.
    images
        B×C×H×W or C×H×W float32 tensor in 0–1, or one image as an array (H×W or H×W×C).
    layer
        The module whose output to look at, or its name; as for ``grad_cam`` when None.

    Returns
    -------
    B×H×W float32 in 0–1, H×W for a single image.

    Raises
    ------
    InputError
        When the model has no feature map with places.

    References
    ----------
    Muhammad, Yeasin, "Eigen-CAM: Class Activation Map using Principal Components", IJCNN 2020.

    Examples
    --------
    >>> import torch
    >>> from sightline.explain import eigen_cam
    >>> model = torch.nn.Sequential(torch.nn.Conv2d(1, 1, 1), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())
    >>> model[0].weight = torch.nn.Parameter(torch.ones(1, 1, 1, 1))
    >>> eigen_cam(model, torch.tensor([[[1.0, 0.0], [0.0, 0.0]]])).round(2)
    array([[1., 0.],
           [0., 0.]], dtype=float32)
    """
    found = _look(model, images, layer)
    return found.seen.spread(found.cam)


@eigen_cam.steps
def _(model: nn.Module, images: Images, *, layer: str | nn.Module | None = None) -> Iterator[Step]:
    found = _look(model, images, layer)
    note = "The first principal direction of the K numbers that the maps have at a place."
    yield from weighing(found.seen.features[0], found.direction[0], note)
    yield from summing(found.cam[0], found.seen.spread(found.cam), found.seen.single)


_ALIKE = 1e-6  # places that differ by less, as a share of the largest number


class _Look(NamedTuple):
    seen: Activation
    direction: Tensor  # B×K
    cam: Tensor  # B×h×w


def _look(model: nn.Module, images: Images, layer: str | nn.Module | None) -> _Look:
    with probing(model), torch.no_grad():
        seen = activation_of("eigen_cam", model, images, layer=layer, classes=False)
        height, width = seen.features.shape[2:]
        places = seen.features.flatten(2).transpose(1, 2)  # B×hw×K
        largest = places.abs().amax(dim=(1, 2), keepdim=True)
        places = places - places.mean(dim=1, keepdim=True)
        alike = places.abs().amax(dim=(1, 2), keepdim=True) <= _ALIKE * largest
        places = places.masked_fill(alike, 0.0)  # what the mean's rounding leaves is no direction
        direction = torch.linalg.svd(places, full_matrices=False).Vh[:, 0]  # V₁: B×K
        component = torch.einsum("bnk,bk->bn", places, direction)  # A V₁
        rises = (component * places.sum(dim=2)).sum(dim=1, keepdim=True)
        sign = torch.where(rises < 0, -1.0, 1.0)
        cam = F.relu(component * sign).unflatten(1, (height, width))
        return _Look(seen, direction * sign, cam)
