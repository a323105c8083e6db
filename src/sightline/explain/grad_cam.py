"""Grad-CAM: which places of the last feature map carried the class?

Selvaraju, Cogswell, Das, Vedantam, Parikh, Batra 2017, "Grad-CAM: Visual Explanations from Deep Networks via
Gradient-based Localization", ICCV.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor, nn
from torch.nn import functional as F

from sightline.core.catalogue import method
from sightline.core.errors import InputError
from sightline.core.layers import Curve, Grid, Heat
from sightline.core.trace import Step
from sightline.nn.probe import Images, Target, as_batch, chosen, heat_maps, probing, score_of, scores_of


@method(task="explanation", paper="Selvaraju 2017", lesson="w5d3")
def grad_cam(
    model: nn.Module, images: Images, target: Target = None, *, layer: nn.Module | None = None
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
        The module whose output to look at. None takes the model's own ``cam_layer``, and for a model without one the
        last module that gives a feature map with more than one place.

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
    return heat_maps(found.result, found.single)


@grad_cam.steps
def _(model: nn.Module, images: Images, target: Target = None, *, layer: nn.Module | None = None) -> Iterator[Step]:
    found = _look(model, images, target, layer)
    result = heat_maps(found.result, found.single)
    first = found.features[0]
    shown = first[found.weights[0].abs().argsort(descending=True)[:64]]
    yield Step("feature maps", Grid(_array(shown)), note="The 64 of the largest weight, strongest first.")
    weights = _array(found.weights[0])
    axes = ("channel", "weight")
    points = np.stack([np.arange(len(weights), dtype=np.float32), weights], axis=1)
    yield Step("weights", Curve(points, axes), note="Mean gradient of the class score over each map.")
    yield Step("weighted sum", Heat(_array(found.cam[0])), note="Negative evidence is cut off.")
    yield Step("heat map", Heat(result) if found.single else Grid(result), note="At the image's size, maximum 1.")


class _Look(NamedTuple):
    features: Tensor  # A: B×K×h×w
    weights: Tensor  # α: B×K
    cam: Tensor  # B×h×w
    result: Tensor  # B×H×W
    single: bool


def _look(model: nn.Module, images: Images, target: Target, layer: nn.Module | None) -> _Look:
    with probing(model):
        batch, single = as_batch("grad_cam", model, images)
        batch.requires_grad_()  # so that a frozen model has a graph, too
        layer = layer or getattr(model, "cam_layer", None) or _last_map(model, batch)
        output, scores = _capture(model, batch, layer)
        score = score_of(scores, chosen("grad_cam", scores, target))
        (gradient,) = torch.autograd.grad(score.sum(), output)  # ∂y_c/∂A
        to_map = _map_maker(model)
        features, gradient = to_map(output.detach()), to_map(gradient)
        weights = gradient.mean(dim=(2, 3))  # α_k = (1/Z) Σ_ij ∂y_c/∂A_k(i, j)
        cam = F.relu(torch.einsum("bk,bkhw->bhw", weights, features))  # ReLU(Σ_k α_k A_k)
        result = F.interpolate(cam[:, None], batch.shape[2:], mode="bilinear", align_corners=False)[:, 0]
        peak = result.amax(dim=(1, 2), keepdim=True)
        return _Look(features, weights, cam, torch.where(peak > 0, result / peak, 0.0), single)


def _capture(model: nn.Module, batch: Tensor, layer: nn.Module) -> tuple[Tensor, Tensor]:
    """Return the layer's output and the model's scores, joined by the graph."""
    seen: list[Any] = []

    def keep(module: nn.Module, inputs: Any, output: Any) -> Any:
        seen.append(output)
        # The rest of the model gets a copy: an in-place activation there must not change what was kept.
        return output.clone() if isinstance(output, Tensor) else None

    handle = layer.register_forward_hook(keep)
    try:
        scores = scores_of("grad_cam", model, batch)
    finally:
        handle.remove()
    if not seen or not isinstance(seen[-1], Tensor) or not seen[-1].requires_grad:
        raise InputError("grad_cam: layer must be a module of the model that its score depends on, with one output.")
    return seen[-1], scores


def _last_map(model: nn.Module, batch: Tensor) -> nn.Module:
    """Return the last module that gives B×K×h×w with more than one place."""
    found: list[nn.Module] = []

    def note(module: nn.Module, inputs: Any, output: Any) -> None:
        if module is not model and isinstance(output, Tensor) and output.ndim == 4 and output[0, 0].numel() > 1:
            found.append(module)

    handles = [module.register_forward_hook(note) for module in model.modules()]
    try:
        with torch.no_grad():
            model(batch[:1])
    finally:
        for handle in handles:
            handle.remove()
    if not found:
        raise InputError("grad_cam: the model has no feature map with places. Use saliency(model, images) instead.")
    return found[-1]


def _map_maker(model: nn.Module) -> Callable[[Tensor], Tensor]:
    """Return what turns a layer's output into B×K×h×w: nothing for a CNN, the model's own way for tokens."""
    own = getattr(model, "cam_map", None)

    def to_map(output: Tensor) -> Tensor:
        if output.ndim != 4 and own is not None:
            output = own(output)
        if output.ndim != 4:
            shape = "×".join(map(str, output.shape))
            raise InputError(f"grad_cam: layer must give a B×K×h×w feature map; got {shape}.")
        return output

    return to_map


def _array(tensor: Tensor) -> np.ndarray:
    return tensor.detach().to("cpu", torch.float32).numpy()
