"""What every classifier of the package offers besides its forward pass: the contract that explanations rely on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

from torch import Tensor, nn


@runtime_checkable
class Classifier(Protocol):
    """A model from B×C×H×W float32 0–1 images to B×classes logits, which can be looked into.

    ``model(images)`` equals ``model.head(model.features(images))``. Class activation maps hook :attr:`cam_layer` and
    pass what comes out of it, or its gradient, through :meth:`cam_map`; no user has to name a layer.
    """

    if TYPE_CHECKING:  # from Python 3.12 on, isinstance does not see the parts of a module
        head: nn.Module

    def __call__(self, images: Tensor) -> Tensor:
        """Return B×classes logits."""
        ...

    def features(self, images: Tensor) -> Tensor:
        """Return what the head sees: the last map B×C×H×W of a convolutional net, tokens or a vector otherwise."""
        ...

    @property
    def cam_layer(self) -> nn.Module:
        """The module whose output a class activation map weighs; a model without a spatial layer raises InputError."""
        ...

    def cam_map(self, output: Tensor) -> Tensor:
        """Turn the output of :attr:`cam_layer`, or its gradient, into B×C×H×W."""
        ...
