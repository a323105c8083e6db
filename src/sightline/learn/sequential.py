"""Layers one behind the other: a network.

Rumelhart, Hinton & Williams 1986, "Learning Representations by Back-Propagating Errors", Nature 323.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import describe
from sightline.core.errors import InputError
from sightline.core.types import Array
from sightline.learn.layers.layer import Layer


class Sequential(Layer):
    """y = f_n(… f₂(f₁(x))): forward from the first layer to the last, back from the last to the first.

    It is a layer itself. Its parameters are those of its layers, under their numbers: ``0.weight``, ``0.bias`` …

    Parameters
    ----------
    *layers
        In order, each one once.

    Raises
    ------
    InputError
        When something is no layer, or stands there twice.

    Examples
    --------
    >>> from sightline.learn.layers.activations import ReLU
    >>> from sightline.learn.layers.linear import Linear
    >>> network = Sequential(Linear(64, 32), ReLU(), Linear(32, 10))
    >>> list(network.parameters)
    ['0.weight', '0.bias', '2.weight', '2.bias']
    >>> network.forward(np.zeros((5, 64))).shape
    (5, 10)
    """

    def __init__(self, *layers: Layer) -> None:
        super().__init__()
        for layer in layers:
            if not isinstance(layer, Layer):
                raise InputError(f"Sequential: layers must be layers of sightline.learn; got {describe(layer)}.")
        if not layers or len({id(layer) for layer in layers}) < len(layers):
            raise InputError(f"Sequential: layers must be one at least, each one once; got {len(layers)}.")
        self.layers = layers
        # The same arrays, not copies: an optimiser that changes them here changes them there.
        self.parameters = _numbered([layer.parameters for layer in layers])
        self.buffers = _numbered([layer.buffers for layer in layers])

    def forward(self, x: Any, train: bool = False) -> Array:
        """Return what the last layer says of x."""
        for layer in self.layers:
            x = layer.forward(x, train)
        return x

    def backward(self, g: Any) -> Array:
        """Return ∂L/∂x; leave the slopes of all parameters in :attr:`gradients`."""
        for layer in reversed(self.layers):
            g = layer.backward(g)
        self.gradients = _numbered([layer.gradients for layer in self.layers])
        return g

    def state(self) -> dict[str, Array]:
        """Return copies of all parameters and buffers by name."""
        return {name: array.copy() for name, array in {**self.parameters, **self.buffers}.items()}

    def restore(self, state: Mapping[str, Array]) -> None:
        """Take over what :meth:`state` returned.

        Parameters
        ----------
        state
            Arrays by name; others than the network's are refused.
        """
        arrays = {**self.parameters, **self.buffers}
        wrong = [name for name in arrays if name not in state or np.shape(state[name]) != arrays[name].shape]
        if wrong or len(state) != len(arrays):
            names = ", ".join(wrong) or "others"
            raise InputError(f"Sequential.restore: state must be that of a network of these layers; {names} differ.")
        for name, array in arrays.items():
            array[...] = state[name]


def _numbered(parts: list[dict[str, Array]]) -> dict[str, Array]:
    return {f"{number}.{name}": array for number, part in enumerate(parts) for name, array in part.items()}


method(task="networks", paper="Rumelhart, Hinton & Williams 1986", lesson="w4d4")(Sequential)
