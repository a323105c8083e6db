"""Losses: how wrong a network is, in one number, and which way is down.

Bridle 1990 (``SoftmaxCrossEntropy``); Weston & Watkins 1999 (``MulticlassSVM``); Cox 1958 (``LogisticLoss``); Gauss
1809 (``SquaredError``); Huber 1964 (``HuberLoss``); Kullback & Leibler 1951 (``KLDivergence``). Those of pairs and
triples are in ``metric_losses``.

All are means over N samples. s are scores or predictions, t what they should be.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import describe, number
from sightline.core.errors import InputError
from sightline.core.types import Array
from sightline.learn.layers.layer import as_values


class Loss(ABC):
    """The end of a network: one number forward, its slope back."""

    def __init__(self) -> None:
        self._slope: Array | None = None

    @abstractmethod
    def forward(self, scores: Any, targets: Any) -> float:
        """Return the mean loss.

        Parameters
        ----------
        scores
            What the network says, float32 or float64, N×…
        targets
            What it should say.
        """

    def backward(self) -> Array:
        """Return ∂L/∂s of the last scores, of their shape and dtype."""
        if self._slope is None:
            raise InputError(f"{type(self).__name__}.backward: there must have been a forward pass first.")
        return self._slope


class SoftmaxCrossEntropy(Loss):
    """L = -mean log p_t, with p = softmax(s) and t the right class.

    -log p_t = log Σⱼ e^sⱼ - s_t, and the derivative of the first part by sⱼ is pⱼ::

        ∂L/∂s = (p - onehot(t)) / N

    Examples
    --------
    >>> loss = SoftmaxCrossEntropy()
    >>> round(loss.forward([[0.0, 0.0]], [1]), 4), loss.backward().tolist()
    (0.6931, [[0.5, -0.5]])
    """

    def forward(self, scores: Any, targets: Any) -> float:
        """Return the mean loss of N×K scores and N whole numbers in 0–K-1."""
        s, t, rows = _classes("SoftmaxCrossEntropy", scores, targets)
        shifted = s - s.max(axis=1, keepdims=True)
        e = np.exp(shifted)
        total = e.sum(axis=1, keepdims=True)
        p = e / total
        p[rows, t] -= 1
        self._slope = p / len(s)
        return float((np.log(total[:, 0]) - shifted[rows, t]).mean())


class MulticlassSVM(Loss):
    """L = mean Σ max(0, s_j - s_t + margin) over the wrong classes j: each must stay behind the right one, t.

    Each wrong class that comes too near pushes 1 down, and the right one 1 up::

        ∂L/∂s_j = [s_j - s_t + margin > 0] / N        ∂L/∂s_t = -Σⱼ ∂L/∂s_j

    Parameters
    ----------
    margin
        ≥ 0.
    """

    def __init__(self, margin: float = 1.0) -> None:
        super().__init__()
        self.margin = number("MulticlassSVM", "margin", margin, 0)

    def forward(self, scores: Any, targets: Any) -> float:
        """Return the mean loss of N×K scores and N whole numbers in 0–K-1."""
        s, t, rows = _classes("MulticlassSVM", scores, targets)
        excess = np.maximum(s - s[rows, t][:, None] + self.margin, 0)
        excess[rows, t] = 0
        slope = (excess > 0).astype(s.dtype)
        slope[rows, t] = -slope.sum(axis=1)
        self._slope = slope / len(s)
        return float(excess.sum() / len(s))


class LogisticLoss(Loss):
    """L = mean log(1 + e^s) - t s: yes or no, t = 1 or 0 (or a probability between).

    σ(s) is the network's probability of yes. The derivative of log(1 + e^s) is σ(s)::

        ∂L/∂s = (σ(s) - t) / count
    """

    def forward(self, scores: Any, targets: Any) -> float:
        """Return the mean loss of scores of any shape and targets of the same."""
        s, t = _alike("LogisticLoss", scores, targets)
        self._slope = (0.5 * (1 + np.tanh(0.5 * s)) - t) / s.size
        return float((np.logaddexp(s, 0) - t * s).mean())


class SquaredError(Loss):
    """L = mean (s - t)²; ∂L/∂s = 2 (s - t) / count."""

    def forward(self, scores: Any, targets: Any) -> float:
        """Return the mean loss of predictions of any shape and targets of the same."""
        s, t = _alike("SquaredError", scores, targets)
        self._slope = 2 * (s - t) / s.size
        return float(np.square(s - t).mean())


class HuberLoss(Loss):
    """L = mean of d²/2 where d = s - t is small, and of delta (|d| - delta/2) beyond: what is far off pulls no harder.

    ∂L/∂s = clip(d, -delta, delta) / count.

    Parameters
    ----------
    delta
        Where small ends, > 0.
    """

    def __init__(self, delta: float = 1.0) -> None:
        super().__init__()
        self.delta = number("HuberLoss", "delta", delta, above=0)

    def forward(self, scores: Any, targets: Any) -> float:
        """Return the mean loss of predictions of any shape and targets of the same."""
        s, t = _alike("HuberLoss", scores, targets)
        d = s - t
        near = np.clip(d, -self.delta, self.delta)
        self._slope = near / s.size
        return float((near * (d - 0.5 * near)).mean())


class KLDivergence(Loss):
    """L = mean over samples of Σ t (log t - log p), with p = softmax(s) along the last axis and t probabilities.

    Only -Σ t log p depends on s; as in cross-entropy, and with Σ t = 1::

        ∂L/∂s = (p Σt - t) / N
    """

    def forward(self, scores: Any, targets: Any) -> float:
        """Return the mean loss of N×K scores and N×K probabilities."""
        s, t = _alike("KLDivergence", scores, targets)
        if s.ndim != 2 or (t < 0).any():
            raise InputError(f"KLDivergence: scores and targets must be N×K, targets ≥ 0; got {describe(s)}.")
        shifted = s - s.max(axis=1, keepdims=True)
        log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        self._slope = (np.exp(log_p) * t.sum(axis=1, keepdims=True) - t) / len(s)
        log_t = np.log(np.where(t > 0, t, 1))  # 0 log 0 = 0
        return float((t * (log_t - log_p)).sum() / len(s))


def _classes(function: str, scores: Any, targets: Any) -> tuple[Array, Array, Array]:
    """Return N×K scores, N classes, and 0 … N-1."""
    s, t = as_values(function, scores, (2,)), np.asarray(targets)
    if t.shape != (len(s),) or t.dtype.kind not in "iu" or not t.size or not 0 <= t.min() <= t.max() < s.shape[1]:
        raise InputError(
            f"{function}: targets must be {len(s)} ≥ 1 whole numbers in 0–{s.shape[1] - 1}; got {describe(t)}."
        )
    return s, t, np.arange(len(s))


def _alike(function: str, scores: Any, targets: Any) -> tuple[Array, Array]:
    """Return scores, and targets of their dtype."""
    s = as_values(function, scores)
    t = as_values(function, targets, (), s.dtype)
    if s.shape != t.shape or not s.size:
        raise InputError(f"{function}: targets must have the shape of scores; got {describe(t)}, {describe(s)}.")
    return s, t


method(task="losses", paper="Bridle 1990", lesson="w4d4")(SoftmaxCrossEntropy)
method(task="losses", paper="Weston & Watkins 1999", lesson="w4d4")(MulticlassSVM)
method(task="losses", paper="Cox 1958", lesson="w4d4")(LogisticLoss)
method(task="losses", paper="Gauss 1809", lesson="w4d4")(SquaredError)
method(task="losses", paper="Huber 1964", lesson="w4d4")(HuberLoss)
method(task="losses", paper="Kullback & Leibler 1951", lesson="w4d4")(KLDivergence)
