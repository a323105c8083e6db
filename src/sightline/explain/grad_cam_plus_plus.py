"""Grad-CAM++: weigh each place of a feature map by itself, so that several things of one class are all found.

Chattopadhay, Sarkar, Howlader, Balasubramanian 2018, "Grad-CAM++: Generalized Gradient-based Visual Explanations for
Deep Convolutional Networks", WACV.
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
from sightline.nn.probe import Images, Target, probing


@method(task="explanation", paper="Chattopadhay 2018", lesson="w5d3")
def grad_cam_plus_plus(
    model: nn.Module, images: Images, target: Target = None, *, layer: str | nn.Module | None = None
) -> Float32[np.ndarray, "*b h w"]:
    """Return where the evidence for a class lies, each place's positive gradient weighed by its own coefficient.

    The coefficients are those of Y = exp(score) with a score that is linear in the maps (equation 19): then the second
    and third derivatives are powers of the first. Each image's map is divided by its maximum, so it lies in 0–1; it is
    zero everywhere when nothing speaks for the class. NaN and infinity in the images are refused. The model is left as
    it was: mode, gradients, parameters, hooks.

    Parameters
    ----------
    model
        Classifier that takes B×C×H×W in 0–1 and returns scores B×classes; a CNN or a vision transformer.
    images
        B×C×H×W or C×H×W float32 tensor in 0–1, or one image as an array (H×W or H×W×C).
    target
        Class index, or one for each image; each image's best class when None.
    layer
        The module whose output to look at, or its name; as for ``grad_cam`` when None.

    Returns
    -------
    B×H×W float32 in 0–1, H×W for a single image.

    Raises
    ------
    InputError
        When the model has no feature map with places (a multilayer perceptron): use ``saliency`` there.

    References
    ----------
    Chattopadhay, Sarkar, Howlader, Balasubramanian, "Grad-CAM++: Generalized Gradient-based Visual Explanations for
    Deep Convolutional Networks", WACV 2018.

    Examples
    --------
    >>> import torch
    >>> from sightline.explain import grad_cam_plus_plus
    >>> model = torch.nn.Sequential(torch.nn.Conv2d(1, 1, 1), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())
    >>> model[0].weight = torch.nn.Parameter(torch.ones(1, 1, 1, 1))
    >>> model[0].bias = torch.nn.Parameter(torch.zeros(1))
    >>> grad_cam_plus_plus(model, torch.tensor([[[0.8, 0.2], [0.4, 0.0]]]))
    array([[1.  , 0.25],
           [0.5 , 0.  ]], dtype=float32)
    """
    found = _look(model, images, target, layer)
    return found.seen.spread(found.cam)


@grad_cam_plus_plus.steps
def _(
    model: nn.Module, images: Images, target: Target = None, *, layer: str | nn.Module | None = None
) -> Iterator[Step]:
    found = _look(model, images, target, layer)
    note = "Positive gradients, each place weighed by its own coefficient, added up over each map."
    yield from weighing(found.seen.features[0], found.weights[0], note)
    yield from summing(found.cam[0], found.seen.spread(found.cam), found.seen.single)


class _Look(NamedTuple):
    seen: Activation
    weights: Tensor  # w: B×K
    cam: Tensor  # B×h×w


def _look(model: nn.Module, images: Images, target: Target, layer: str | nn.Module | None) -> _Look:
    with probing(model):
        seen = activation_of("grad_cam_plus_plus", model, images, target, layer=layer)
        gradient, total = seen.gradient, seen.features.sum(dim=(2, 3), keepdim=True)  # g, Σ_ab A_k(a, b)
        # α_k(i, j) = g² / (2 g² + Σ A · g³), of which g² cancels
        below = 2 + total * gradient
        alpha = torch.where((gradient != 0) & (below != 0), 1 / below, 0.0)
        weights = (alpha * F.relu(gradient)).sum(dim=(2, 3))  # w_k = Σ_ij α_k(i, j) ReLU(g(i, j))
        cam = F.relu(torch.einsum("bk,bkhw->bhw", weights, seen.features))
        return _Look(seen, weights, cam)
