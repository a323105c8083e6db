"""Dropout: values left out by chance, so that no unit leans on a single other one.

Srivastava, Hinton, Krizhevsky, Sutskever & Salakhutdinov 2014, "Dropout", JMLR 15.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import number
from sightline.core.errors import InputError
from sightline.core.seeds import generator
from sightline.core.types import Array, Seed
from sightline.learn.layers.layer import Layer, as_values


class Dropout(Layer):
    """In training y = x m / (1 - rate), with m = 0 for a share ``rate`` of values and else 1; elsewhere y = x.

    The division keeps the mean, so that nothing is left to do when the network is used. ∂L/∂x = g m / (1 - rate).

    Parameters
    ----------
    rate
        Share that is left out, 0 ≤ rate < 1.
    seed
        Whole number or generator.

    Examples
    --------
    >>> layer = Dropout(0.5, seed=1)
    >>> sorted(set(layer.forward(np.ones(100), train=True).tolist())), float(layer.forward(np.ones(1))[0])
    ([0.0, 2.0], 1.0)
    """

    def __init__(self, rate: float = 0.5, *, seed: Seed = 0) -> None:
        super().__init__()
        self.rate = number("Dropout", "rate", rate, 0, 1)
        if self.rate == 1:
            raise InputError("Dropout: rate must be below 1; got 1. Nothing would be left.")
        # Masks depend on the seed and on a count that goes into checkpoints: a resumed training draws the same ones.
        self.seed = int(seed.integers(1 << 62)) if isinstance(seed, np.random.Generator) else seed
        generator(self.seed)  # refuses what is no seed
        self.buffers["count"] = np.zeros(1, np.int64)

    def forward(self, x: Any, train: bool = False) -> Array:
        """Return y of values of any shape."""
        x = as_values("Dropout", x)
        if not train:
            self._kept = x.dtype.type(1)
            return x
        random = generator(self.seed, int(self.buffers["count"][0]))
        self.buffers["count"] += 1
        self._kept = (random.random(x.shape, np.float32) >= self.rate).astype(x.dtype) / (1 - self.rate)
        return x * self._kept

    def backward(self, g: Any) -> Array:
        """Return ∂L/∂x."""
        kept, g = self._recall(g)
        return g * kept


method(task="layers", paper="Srivastava et al. 2014", lesson="w4d4")(Dropout)
