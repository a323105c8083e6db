"""Grad-CAM: which places of the last feature map carried the class?

Selvaraju, Cogswell, Das, Vedantam, Parikh, Batra 2017, "Grad-CAM: Visual Explanations from Deep Networks via
Gradient-based Localization", ICCV.
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
from sightline.core.layers import Curve, Grid, Heat
from sightline.core.trace import Step
from sightline.explain.activation import Activation, activation_of
from sightline.nn.probe import Images, Target, probing


@method(task="explanation", paper="Selvaraju 2017", lesson="w5d3")
def grad_cam(
    model: nn.Module, images: Images, target: Target = None, *, layer: str | nn.Module | None = None
) -> Float32[np.ndarray, "*b h w"]:
    """Return where the evidence for a class lies: the feature maps, each weighted by its mean gradient.

    Each image's map is divided by its maximum, so it lies in 0–1; it is zero everywhere when nothing speaks for the
    class. NaN and infinity in the images are refused. The model is left as it was: mode, gradients, parameters, hooks.

    Parameters
    ----------
    model
        Classifier that takes B×C×H×W in 0–1 and returns scores B×classes; a CNN or a vision transformer.
    images
        B×C×H×W or C×H×W float32 tensor in 0–1, or one image as an array (H×W or H×W×C).
    target
        Class index, or one for each image; each image's best class when None.
    layer
        The module whose output to look at, or its name. None takes the model's own ``cam_layer``, and for a model
        without one, or images so small that its map is a single place, the last module whose map has more places.

    Returns
    -------
    B×H×W float32 in 0–1, H×W for a single image.

    Raises
    ------
    InputError
        When the model has no feature map with places (a multilayer perceptron): use ``saliency`` there.

    References
    ----------
    Selvaraju, Cogswell, Das, Vedantam, Parikh, Batra, "Grad-CAM: Visual Explanations from Deep Networks via
    Gradient-based Localization", ICCV 2017.

    Examples
    --------
    One filter that sees the left column, and a class that likes it:

    >>> import torch
    >>> from sightline.explain import grad_cam
    >>> model = torch.nn.Sequential(torch.nn.Conv2d(1, 1, 1), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())
    >>> model[0].weight = torch.nn.Parameter(torch.ones(1, 1, 1, 1))
    >>> model[0].bias = torch.nn.Parameter(torch.zeros(1))
    >>> grad_cam(model, torch.tensor([[[0.8, 0.2], [0.4, 0.0]]]))
    array([[1.  , 0.25],
           [0.5 , 0.  ]], dtype=float32)
    """
    found = _look(model, images, target, layer)
    return found.seen.spread(found.cam)


@grad_cam.steps
def _(
    model: nn.Module, images: Images, target: Target = None, *, layer: str | nn.Module | None = None
) -> Iterator[Step]:
    found = _look(model, images, target, layer)
    yield from weighing(found.seen.features[0], found.weights[0], "Mean gradient of the class score over each map.")
    yield from summing(found.cam[0], found.seen.spread(found.cam), found.seen.single)


def weighing(features: Tensor, weights: Tensor, note: str) -> Iterator[Step]:
    """Yield the steps of an image's maps and of what they are weighed with.

    Parameters
    ----------
    features
        K×h×w.
    weights
        K.
    note
        What the weights are.
    """
    shown = features[weights.abs().argsort(descending=True)[:64]]
    which = "All of them" if len(shown) == len(features) else "The 64 of the largest weight"
    yield Step("feature maps", Grid(_array(shown)), note=f"{which}, strongest first.")
    values = _array(weights)
    points = np.stack([np.arange(len(values), dtype=np.float32), values], axis=1)
    yield Step("weights", Curve(points, ("channel", "weight")), note=note)


def summing(cam: Tensor, result: np.ndarray, single: bool) -> Iterator[Step]:
    """Yield the steps of the weighted sum h×w of the first image, and of all heat maps at the images' size.

    Parameters
    ----------
    cam
        Of the first image.
    result
        What the method returns.
    single
        Whether there was one image.
    """
    yield Step("weighted sum", Heat(_array(cam)), note="Negative evidence is cut off.")
    yield Step("heat map", Heat(result) if single else Grid(result), note="At the image's size, maximum 1.")


class _Look(NamedTuple):
    seen: Activation
    weights: Tensor  # α: B×K
    cam: Tensor  # B×h×w


def _look(model: nn.Module, images: Images, target: Target, layer: str | nn.Module | None) -> _Look:
    with probing(model):
        seen = activation_of("grad_cam", model, images, target, layer=layer)
        weights = seen.gradient.mean(dim=(2, 3))  # α_k = (1/Z) Σ_ij ∂y_c/∂A_k(i, j)
        cam = F.relu(torch.einsum("bk,bkhw->bhw", weights, seen.features))  # ReLU(Σ_k α_k A_k)
        return _Look(seen, weights, cam)


def _array(tensor: Tensor) -> np.ndarray:
    return tensor.detach().to("cpu", torch.float32).numpy()
