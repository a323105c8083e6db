"""Muon: a step of a hidden layer turns all directions alike, however strongly the slope speaks for some of them.

Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural networks"; Liu et al. 2025, "Muon is Scalable for
LLM Training", arXiv 2502.16982, section 2.2: decoupled decay, and steps as large as AdamW's.
"""

from __future__ import annotations

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import integer, number
from sightline.core.errors import InputError
from sightline.core.types import Array
from sightline.learn.optimizers import Optimizer

# Of the quintic a·x + b·x³ + c·x⁵: steep at 0, and from anywhere in 0–1 soon between 0.7 and 1.2 (Jordan et al. 2024).
QUINTIC = (3.4445, -4.7750, 2.0315)
RMS = 0.2  # of a step's entries at a rate of 1, as AdamW's have (Liu et al. 2025)


class Muon(Optimizer):
    """A step as large in every direction: w ← w − lr · weight_decay · w − lr · 0.2 · √max(R, C) · U·Vᵀ.

    m ← momentum · m + (1 − momentum) · g, and U·S·Vᵀ is the singular value decomposition of what lies one such mean
    ahead, momentum · m + (1 − momentum) · g, as an R×C matrix. An iteration finds U·Vᵀ nearly, without decomposing.

    Parameters
    ----------
    learning_rate
        As in :class:`Optimizer`.
    momentum
        Share of the past that is kept, 0–1.
    weight_decay
        Pull towards 0, ≥ 0, beside the step.
    steps
        Of the iteration, 1–100.

    Notes
    -----
    It is for weights with two axes or more: a filter bank of R×… is taken as R rows. Biases, and the layers that touch
    the pixels or give the answers, are better left to :class:`AdamW`.
    """

    def __init__(
        self, learning_rate: float = 0.02, *, momentum: float = 0.95, weight_decay: float = 0.01, steps: int = 5
    ) -> None:
        super().__init__(learning_rate, weight_decay)
        self.momentum = number("Muon", "momentum", momentum, 0, 1)
        self.steps = integer("Muon", "steps", steps, 1, 100)

    def _begin(self, w: Array) -> dict[str, Array]:
        if w.ndim < 2:
            raise InputError(f"Muon: parameters must have two axes or more; got {w.ndim}. Give vectors to AdamW.")
        return {"mean": np.zeros_like(w)}

    def _move(self, w: Array, g: Array, memory: dict[str, Array]) -> None:
        mean = memory["mean"]
        mean += (1 - self.momentum) * (g - mean)
        ahead = (g + self.momentum * (mean - g)).reshape(len(w), -1)
        w *= 1 - self.learning_rate * self.weight_decay
        size = RMS * max(ahead.shape) ** 0.5  # an orthogonal R×C has entries of 1/√max(R, C)
        w -= self.learning_rate * size * orthogonalized(ahead, self.steps).reshape(w.shape)


def orthogonalized(matrix: Array, steps: int = 5) -> Array:
    """Return the matrix with all its singular values near 1: about U·Vᵀ of its decomposition U·S·Vᵀ.

    Parameters
    ----------
    matrix
        R×C, floating-point, finite.
    steps
        Of the Newton–Schulz iteration, ≥ 0. Five bring singular values from 0.002 of the Frobenius norm on to
        0.68–1.21.
    """
    a, b, c = QUINTIC
    wide = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    x = wide / (np.linalg.norm(wide) + 1e-7)
    for _ in range(steps):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x if wide is matrix else x.T


method(task="optimisation", paper="Jordan et al. 2024", lesson="w5d7")(Muon)
