"""The last map of a network and its gradient: what every class activation map weighs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sightline.core.errors import InputError, suggest
from sightline.nn.probe import Images, Target, as_batch, chosen, heat_maps, numbers_of, score_of, scores_of


class Activation(NamedTuple):
    """One layer's maps for a batch of images."""

    features: Tensor  # A: B×K×h×w
    gradient: Tensor  # ∂y_c/∂A: B×K×h×w; empty where no class was asked for
    size: tuple[int, int]  # H×W of the images
    single: bool  # whether there was one image

    def spread(self, cam: Tensor) -> np.ndarray:
        """Return maps B×h×w at the images' size, each divided by its maximum; H×W for a single image."""
        result = F.interpolate(cam[:, None], self.size, mode="bilinear", align_corners=False)[:, 0]
        peak = result.amax(dim=(1, 2), keepdim=True)
        return heat_maps(torch.where(peak > 0, result / peak, 0.0), self.single)


def activation_of(
    function: str,
    model: nn.Module,
    images: Images,
    target: Target = None,
    *,
    layer: str | nn.Module | None = None,
    classes: bool = True,
) -> Activation:
    """Return the maps of a layer and how a class's score changes with them.

    Parameters
    ----------
    function
        Name for the error's sentence.
    model
        In evaluation mode.
    images
        As the caller got them.
    target
        As the caller got it.
    layer
        A module of the model or its name; None takes the model's own ``cam_layer``. Where it has none, or its map is a
        single place since the images are small, the last map with more places (before it) is taken.
    classes
        Whether a gradient is wanted; without it the model may return anything.
    """
    batch, single = as_batch(function, model, images)
    batch.requires_grad_(classes)  # so that a frozen model has a graph, too
    module = _module(function, model, layer) or getattr(model, "cam_layer", None)
    if module is None and (module := _last_map(model, batch)) is None:
        raise InputError(f"{function}: the model has no feature map with places. Use saliency(model, images) instead.")
    to_map = _map_maker(function, model)
    size = (batch.shape[2], batch.shape[3])
    if not classes:
        with torch.no_grad():
            output, _ = _capture(module, function, lambda: model(batch))
        maps = numbers_of(function, model, to_map(output))
        if layer is None and maps[0, 0].numel() == 1 and (larger := _last_map(model, batch, module)) is not None:
            return activation_of(function, model, images, target, layer=larger, classes=classes)
        return Activation(maps, output.new_empty(0), size, single)
    output, scores = _capture(module, function, lambda: scores_of(function, model, batch))
    if not output.requires_grad:
        raise InputError(_NOT_BEFORE.format(function))
    score = score_of(scores, chosen(function, scores, target))
    if layer is None and to_map(output)[0, 0].numel() == 1 and (larger := _last_map(model, batch, module)) is not None:
        return activation_of(function, model, images, target, layer=larger, classes=classes)
    (gradient,) = torch.autograd.grad(score.sum(), output, allow_unused=True)  # ∂y_c/∂A
    if gradient is None:
        raise InputError(_NOT_BEFORE.format(function))
    return Activation(to_map(output.detach()), to_map(gradient), size, single)


_NOT_BEFORE = "{}: layer must be a module of the model that its score depends on, with one output."


def _module(function: str, model: nn.Module, layer: str | nn.Module | None) -> nn.Module | None:
    if not isinstance(layer, str):
        return layer
    try:
        return model.get_submodule(layer)
    except AttributeError as error:
        known = [name for name, _ in model.named_modules() if name]
        raise InputError(
            f"{function}: layer must be a module of the model; got '{layer}'.{suggest(layer, known)}"
        ) from error


def _capture(layer: nn.Module, function: str, run: Callable[[], Any]) -> tuple[Tensor, Any]:
    """Return the layer's output while the model runs, and the model's answer, joined by the graph."""
    seen: list[Any] = []

    def keep(module: nn.Module, inputs: Any, output: Any) -> Any:
        seen.append(output)
        # The rest of the model gets a copy: an in-place activation there must not change what was kept.
        return output.clone() if isinstance(output, Tensor) else None

    handle = layer.register_forward_hook(keep)
    try:
        answer = run()
    finally:
        handle.remove()
    if not seen or not isinstance(seen[-1], Tensor):
        raise InputError(_NOT_BEFORE.format(function))
    return seen[-1], answer


def _last_map(model: nn.Module, batch: Tensor, before: nn.Module | None = None) -> nn.Module | None:
    """Return the last module that gives B×K×h×w with more than one place, of those that are done before another."""
    found: list[nn.Module] = []
    done: list[nn.Module] = []

    def note(module: nn.Module, inputs: Any, output: Any) -> None:
        if module is before:
            done.append(module)
        if done:  # what comes after may be stretched, as before VGG's linear layers
            return
        if module is not model and isinstance(output, Tensor) and output.ndim == 4 and output[0, 0].numel() > 1:
            found.append(module)

    handles = [module.register_forward_hook(note) for module in model.modules()]
    try:
        with torch.no_grad():
            model(batch[:1])
    finally:
        for handle in handles:
            handle.remove()
    return found[-1] if found else None


def _map_maker(function: str, model: nn.Module) -> Callable[[Tensor], Tensor]:
    """Return what turns a layer's output into B×K×h×w: nothing for a CNN, the model's own way for tokens."""
    own = getattr(model, "cam_map", None)

    def to_map(output: Tensor) -> Tensor:
        if output.ndim != 4 and own is not None:
            output = own(output)
        if output.ndim != 4:
            shape = "×".join(map(str, output.shape))
            raise InputError(f"{function}: layer must give a B×K×h×w feature map; got {shape}.")
        return output

    return to_map
