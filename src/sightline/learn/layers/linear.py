"""Linear layers, and what stands around them: flattening, and a table of vectors by number.

Rumelhart, Hinton & Williams 1986, "Learning Representations by Back-Propagating Errors", Nature 323 (``Linear``,
``Flatten``); Bengio, Ducharme, Vincent & Jauvin 2003, "A Neural Probabilistic Language Model", JMLR 3 (``Embedding``).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import describe, flag, integer
from sightline.core.errors import InputError
from sightline.core.seeds import generator
from sightline.core.types import Array, Seed
from sightline.learn.layers.initialization import first_weights
from sightline.learn.layers.layer import Layer, as_dtype, as_values


class Linear(Layer):
    """Every value out is a weighted sum of all values in: Y = X Wᵀ + b, with one sample a row.

    y_ij = Σₖ w_jk x_ik + b_j, so that ∂y_ij/∂x_ik = w_jk, ∂y_ij/∂w_jk = x_ik, ∂y_ij/∂b_j = 1. By the chain rule, summed
    over all that each one takes part in::

        ∂L/∂X = g W        ∂L/∂W = gᵀ X        ∂L/∂b = Σᵢ gᵢ

    Parameters
    ----------
    inputs, outputs
        Values in and out, ≥ 1.
    bias
        Whether b is added.
    initial
        First weights: ``he``, ``xavier`` or ``orthogonal``; b begins at 0.
    seed
        Of the first weights.
    dtype
        float32 or float64.

    Examples
    --------
    >>> layer = Linear(3, 2)
    >>> layer.forward(np.ones((5, 3))).shape, layer.backward(np.ones((5, 2))).shape
    ((5, 2), (5, 3))
    >>> {name: slope.shape for name, slope in layer.gradients.items()}
    {'weight': (2, 3), 'bias': (2,)}
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        bias: bool = True,
        initial: str = "he",
        seed: Seed = 0,
        dtype: Any = "float32",
    ) -> None:
        super().__init__()
        self.inputs, self.outputs = integer("Linear", "inputs", inputs, 1), integer("Linear", "outputs", outputs, 1)
        kind = as_dtype("Linear", dtype)
        self.parameters["weight"] = first_weights("Linear", (self.outputs, self.inputs), initial, seed, kind)
        if flag("Linear", "bias", bias):
            self.parameters["bias"] = np.zeros(self.outputs, kind)

    def forward(self, x: Any, train: bool = False) -> Array:
        """Return N×outputs values of N×inputs values; of N×T×inputs, at each moment for itself, N×T×outputs."""
        weight, bias = self.parameters["weight"], self.parameters.get("bias")
        given = np.asarray(x)
        rows = given.reshape(-1, given.shape[-1]) if given.ndim > 2 else given
        rows = self._kept = as_values("Linear", rows, (2,), weight.dtype, self.inputs)
        y = rows @ weight.T
        if bias is not None:
            y += bias
        return y.reshape(*given.shape[:-1], self.outputs)

    def backward(self, g: Any) -> Array:
        """Return ∂L/∂x, of x's shape."""
        x, g = self._recall(g)
        rows = g.reshape(-1, self.outputs)
        self.gradients["weight"] = rows.T @ x
        if "bias" in self.parameters:
            self.gradients["bias"] = rows.sum(axis=0)
        return (rows @ self.parameters["weight"]).reshape(*g.shape[:-1], self.inputs)


class Flatten(Layer):
    """All values of a sample in one row; the way back puts them where they were.

    y is x in another shape, so ∂L/∂x is g in x's shape.
    """

    def forward(self, x: Any, train: bool = False) -> Array:
        """Return N×D values of N×… values."""
        x = as_values("Flatten", x)
        self._kept = x.shape
        return x.reshape(len(x), -1)

    def backward(self, g: Any) -> Array:
        """Return g in x's shape."""
        shape, g = self._recall(g)
        return g.reshape(shape)


class Embedding(Layer):
    """A vector for each number: row k of a table stands for k.

    y_i = w_kᵢ. A row takes part wherever its number stands, and nowhere else::

        ∂L/∂w_k = Σ gᵢ over all i with kᵢ = k

    Parameters
    ----------
    count
        How many numbers there are, 0 … count - 1.
    width
        Length of each vector.
    seed
        Of the first vectors, normal with deviation 1.
    dtype
        float32 or float64.

    Examples
    --------
    >>> Embedding(10, 4).forward([[1, 2, 2]]).shape
    (1, 3, 4)
    """

    def __init__(self, count: int, width: int, *, seed: Seed = 0, dtype: Any = "float32") -> None:
        super().__init__()
        self.count, self.width = integer("Embedding", "count", count, 1), integer("Embedding", "width", width, 1)
        table = generator(seed).normal(size=(self.count, self.width))
        self.parameters["weight"] = table.astype(as_dtype("Embedding", dtype))

    def forward(self, x: Any, train: bool = False) -> Array:
        """Return …×width vectors of whole numbers of any shape."""
        numbers = np.asarray(x)
        if numbers.dtype.kind not in "iu" or (numbers.size and not 0 <= numbers.min() <= numbers.max() < self.count):
            raise InputError(f"Embedding: x must be whole numbers in 0–{self.count - 1}; got {describe(numbers)}.")
        self._kept = numbers
        return self.parameters["weight"][numbers]

    def backward(self, g: Any) -> Array:
        """Return 0 for each number: there is nothing between one whole number and the next."""
        numbers, g = self._recall(g)
        slope = self.gradients["weight"] = np.zeros_like(self.parameters["weight"])
        if numbers.size:
            order = np.argsort(numbers, axis=None, kind="stable")  # equal numbers side by side: one sum for each
            found, starts = np.unique(numbers.reshape(-1)[order], return_index=True)
            slope[found] = np.add.reduceat(g.reshape(-1, self.width)[order], starts, axis=0)
        return np.zeros(numbers.shape, slope.dtype)


method(task="layers", paper="Rumelhart, Hinton & Williams 1986", lesson="w4d4")(Linear)
method(task="layers", paper="Rumelhart, Hinton & Williams 1986", lesson="w4d4")(Flatten)
method(task="layers", paper="Bengio et al. 2003", lesson="w4d4")(Embedding)
