"""The lens on the queries of a set detector: after every layer, the box of each query and what it looked at.

Carion et al. 2020, "End-to-End Object Detection with Transformers", ECCV, figures 6 and 7 (what the decoder attends to,
where the boxes of a query lie); Zhu et al. 2021, "Deformable DETR", ICLR, figure 6 (the places that are sampled).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sightline.core.errors import InputError
from sightline.detect.set_detector import SetDetector
from sightline.detect.set_matching import in_pixels
from sightline.nn.deformable_attention import DeformableAttention, Shapes
from sightline.nn.probe import Images, as_single, probing
from sightline.nn.transformer import CrossAttention, DecoderLayer

_STRIDES = (8, 16, 32, 64)  # pixels to a place of the map that a decoder reads


@dataclass(frozen=True)
class QueryLens:
    """What Q queries say after each of L layers of one image, and how much each took from each place.

    Parameters
    ----------
    boxes
        L×Q×4 float32 xyxy in pixels of the image, not cut at its edges.
    scores
        L×Q float32 in 0–1, of the likeliest class.
    labels
        L×Q int64, that class.
    maps
        L×Q×h×w float32 ≥ 0: attention to the places of a map that covers the image, the mean over the heads; of
        deformable attention the finest map, into which the places that are sampled on all of them are gathered.
    """

    boxes: np.ndarray
    scores: np.ndarray
    labels: np.ndarray
    maps: np.ndarray


def query_lens(model: nn.Module, image: Images) -> QueryLens:
    """Return what every query of a detector of sets says and looks at, layer by layer.

    The model is left as it was: mode, gradients, parameters.

    Parameters
    ----------
    model
        A :class:`~sightline.detect.set_detector.SetDetector`, such as ``detr`` or ``deformable_detr``.
    image
        1×C×H×W or C×H×W float tensor in 0–1, or one image as an array (H×W or H×W×C).

    Raises
    ------
    InputError
        When the model does not predict a set, or the image is not one.

    Examples
    --------
    >>> from sightline.detect import detr
    >>> model = detr(3, variant="small", backbone="resnet18", resize=0)
    >>> found = query_lens(model, torch.rand(3, 64, 96))
    >>> found.boxes.shape, found.maps.shape
    ((3, 25, 4), (3, 25, 2, 3))
    """
    if not isinstance(model, SetDetector):
        raise InputError(
            f"query_lens: model must predict a set, as detr and deformable_detr do; got {type(model).__name__}."
        )
    batch = as_single("query_lens", model, image).to(next(model.parameters()))
    seen: list[Tensor] = []
    with probing(model), torch.no_grad():
        fitted = model.fit(batch)
        look = lambda module, args, output: seen.append(_attention(module, args, fitted.size))
        crosses = [layer.cross for layer in model.modules() if isinstance(layer, DecoderLayer)]
        hooks = [cross.register_forward_hook(look) for cross in crosses]
        try:
            layers = model.layers(fitted)
        finally:
            for hook in hooks:
                hook.remove()
        boxes = [fitted.outward(in_pixels(one.boxes[0], fitted.sizes[0]), 0) for one in layers]
        best = [model.loss.matcher.rule.probabilities(one.logits[0]).max(dim=-1) for one in layers]
    within = [math.ceil(side * real / whole) for side, real, whole in _sides(seen[0], fitted.sizes[0], fitted.size)]
    maps = [one[:, : within[0], : within[1]] for one in seen]
    return QueryLens(
        _stacked(boxes), _stacked([one.values for one in best]), _stacked([one.indices for one in best]), _stacked(maps)
    )


def _attention(module: nn.Module, args: tuple[Any, ...], size: tuple[int, int]) -> Tensor:
    """Return how much each query of the first image took from each place, Q×h×w, from what its attention was given."""
    if isinstance(module, CrossAttention):
        weights = module.look(*args)[0].mean(dim=0)  # h×Q×N → Q×N
        return weights.unflatten(1, _grid(size, weights.shape[1]))
    if isinstance(module, DeformableAttention):
        query, _, reference, shapes, *_ = args
        places, weights = module.look(query, reference, shapes)
        return _gathered(places[0], weights[0], shapes)
    raise InputError(f"query_lens: attention must be over places of an image; got {type(module).__name__}.")


def _grid(size: tuple[int, int], count: int) -> tuple[int, int]:
    """Return the rows and columns of a map with ``count`` places over a batch of this size."""
    grids = [(math.ceil(size[0] / stride), math.ceil(size[1] / stride)) for stride in _STRIDES]
    return next(grid for grid in grids if math.prod(grid) == count)


def _gathered(places: Tensor, weights: Tensor, shapes: Shapes) -> Tensor:
    """Return the weights of sampled places, Q×heads×L×P, gathered into the finest map, Q×h×w: the mean of the heads."""
    (height, width), (queries, heads) = shapes[0], weights.shape[:2]
    x, y = (places * places.new_tensor([width, height])).floor().long().unbind(-1)
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    index = (y.clamp(0, height - 1) * width + x.clamp(0, width - 1)).flatten(1)
    table = weights.new_zeros(queries, height * width)
    return table.scatter_add(1, index, (weights * inside).flatten(1) / heads).view(queries, height, width)


def _sides(maps: Tensor, real: Sequence[int], whole: Sequence[int]) -> list[tuple[int, int, int]]:
    return list(zip(maps.shape[1:], real, whole, strict=True))


def _stacked(layers: Sequence[Tensor]) -> np.ndarray:
    return torch.stack(list(layers)).cpu().numpy()
