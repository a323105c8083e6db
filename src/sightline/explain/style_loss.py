"""How far a picture is from the content of one and from the style of another, as a network sees them.

Gatys, Ecker, Bethge 2016, "Image Style Transfer Using Convolutional Neural Networks", CVPR, equations 1 to 5.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from sightline.explain.layers import Layer, layer_named, layers_of, maps_of
from sightline.nn.gram_matrix import gram_matrix
from sightline.nn.probe import numbers_of

_STYLES = 5  # layers of style that are chosen: Gatys 2016 takes one of each of VGG's five sizes


class StyleLayers(NamedTuple):
    """Where content and style are read."""

    content: Layer
    style: tuple[Layer, ...]

    @property
    def all(self) -> tuple[Layer, ...]:
        """The layer of content, then those of style."""
        return (self.content, *self.style)


def style_layers_of(
    function: str,
    model: nn.Module,
    batch: Tensor,
    content: str | nn.Module | None = None,
    style: Sequence[str | nn.Module] | None = None,
) -> StyleLayers:
    """Return the layers that are meant.

    Parameters
    ----------
    function
        Name for the error's sentence.
    model
        In evaluation mode.
    batch
        B×C×H×W that it takes.
    content
        None takes the layer with places at one quarter of the way.
    style
        None takes five, from the first layer with places to the one at two thirds of the way.
    """
    layers = layers_of(model, batch)
    placed = [item for item in layers if math.prod(item.grid) > 1]
    if not placed:
        layer_named(function, layers, None, model)
    last = len(placed) - 1
    chosen = placed[round(last / 4)] if content is None else layer_named(function, layers, content, model)
    if style is not None:
        return StyleLayers(chosen, tuple(layer_named(function, layers, item, model) for item in style))
    at = sorted({round(2 / 3 * last * k / (_STYLES - 1)) for k in range(_STYLES)})
    return StyleLayers(chosen, tuple(placed[k] for k in at))


class StyleTarget:
    """The Gram matrices of a style, and how far a batch's are from them.

    Each layer's squared distance is divided by the square of what is wanted, and the layers' mean is taken: so one
    weight serves any network, where the paper's depends on the sizes of its maps.

    Parameters
    ----------
    function
        Name for the error's sentence.
    model
        In evaluation mode.
    style
        1×C×H×W.
    layers
        Where content and style are read.
    """

    def __init__(self, function: str, model: nn.Module, style: Tensor, layers: StyleLayers) -> None:
        self.function, self.model, self.layers = function, model, layers
        with torch.no_grad():
            own = {item.name: item for item in layers_of(model, style)}  # tokens of another size lie in another grid
            seen = maps_of(model, style, tuple(own[item.name] for item in layers.style))
            self.grams = [gram_matrix(numbers_of(function, model, maps)) for maps in seen]  # A: 1×K×K

    def content_of(self, images: Tensor) -> Tensor:
        """Return the maps of content B×K×h×w of pictures, without a gradient."""
        with torch.no_grad():
            return numbers_of(self.function, self.model, maps_of(self.model, images, (self.layers.content,))[0])

    def distances(self, images: Tensor, content: Tensor) -> tuple[Tensor, Tensor]:
        """Return each picture's relative squared distance B from maps of content, and from the style."""
        seen, *maps = maps_of(self.model, images, self.layers.all)
        far = relative(seen, content)
        each = [relative(gram_matrix(found), wanted) for found, wanted in zip(maps, self.grams, strict=True)]
        return far, torch.stack(each).mean(dim=0)


def relative(found: Tensor, wanted: Tensor) -> Tensor:
    """Return ‖found − wanted‖² / ‖wanted‖² of each item of a batch.

    Parameters
    ----------
    found
        B×…
    wanted
        B×… or 1×…
    """
    whole = wanted.square().flatten(1).sum(dim=1).clamp(min=1e-20)
    return (found - wanted).square().flatten(1).sum(dim=1) / whole
