"""Losses of distances: vectors of the same thing near one another, vectors of other things apart.

Hadsell, Chopra & LeCun 2006, "Dimensionality Reduction by Learning an Invariant Mapping", CVPR (``ContrastiveLoss``);
Schroff, Kalenichenko & Philbin 2015, "FaceNet", CVPR (``TripletLoss``, with plain distances).

With d = ‖a - b‖, ∂d/∂a = (a - b) / d and ∂d/∂b = -(a - b) / d.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import describe, number
from sightline.core.errors import InputError
from sightline.core.types import Array
from sightline.learn.layers.layer import as_values

TINY = 1e-6  # added to each difference, so that no distance is 0 and each has a derivative


class ContrastiveLoss:
    """L = mean of d²/2 for pairs of the same thing, and of max(0, margin - d)²/2 for others.

    ∂L/∂d = d / N, or -(margin - d) / N where others are nearer than the margin, else 0.

    Parameters
    ----------
    margin
        How far apart others must be, > 0.

    Examples
    --------
    >>> loss = ContrastiveLoss(1.0)
    >>> round(loss.forward([[0.0, 0.0], [0.0, 0.0]], [[0.0, 0.5], [0.0, 2.0]], [True, False]), 4)
    0.0625
    """

    def __init__(self, margin: float = 1.0) -> None:
        self.margin = number("ContrastiveLoss", "margin", margin, above=0)
        self._slopes: tuple[Array, ...] | None = None

    def forward(self, a: Any, b: Any, same: Any) -> float:
        """Return the mean loss of N×D vectors a and b.

        Parameters
        ----------
        a, b
            N×D, one pair a row.
        same
            N bools.
        """
        a, b = _rows("ContrastiveLoss", a, b)
        alike = np.asarray(same)
        if alike.shape != (len(a),) or alike.dtype.kind not in "biu":
            raise InputError(f"ContrastiveLoss: same must be {len(a)} bools; got {describe(alike)}.")
        alike = alike.astype(bool)
        d, way = _distance(a, b)
        short = np.maximum(self.margin - d, 0)
        slope = (np.where(alike, d, -short) / len(a))[:, None] * way
        self._slopes = slope, -slope
        return float(0.5 * np.square(np.where(alike, d, short)).mean())

    def backward(self) -> tuple[Array, ...]:
        """Return ∂L/∂a and ∂L/∂b."""
        return _recalled("ContrastiveLoss", self._slopes)


class TripletLoss:
    """L = mean max(0, d(a, p) - d(a, n) + margin): p, of a's kind, must be nearer to it than n, which is not.

    Where that is above 0, ∂L/∂d(a, p) = 1/N and ∂L/∂d(a, n) = -1/N; a has a part in both.

    Parameters
    ----------
    margin
        How much nearer, ≥ 0.

    Examples
    --------
    >>> round(TripletLoss(1.0).forward([[0.0, 0.0]], [[3.0, 0.0]], [[0.0, 4.0]]), 4)
    0.0
    """

    def __init__(self, margin: float = 1.0) -> None:
        self.margin = number("TripletLoss", "margin", margin, 0)
        self._slopes: tuple[Array, ...] | None = None

    def forward(self, anchor: Any, positive: Any, negative: Any) -> float:
        """Return the mean loss of N×D vectors.

        Parameters
        ----------
        anchor, positive, negative
            N×D, one triple a row.
        """
        a, p, n = _rows("TripletLoss", anchor, positive, negative)
        near, way_near = _distance(a, p)
        far, way_far = _distance(a, n)
        excess = np.maximum(near - far + self.margin, 0)
        active = ((excess > 0) / len(a)).astype(a.dtype)[:, None]
        self._slopes = active * (way_near - way_far), -active * way_near, active * way_far
        return float(excess.mean())

    def backward(self) -> tuple[Array, ...]:
        """Return ∂L/∂a, ∂L/∂p and ∂L/∂n."""
        return _recalled("TripletLoss", self._slopes)


def _distance(a: Array, b: Array) -> tuple[Array, Array]:
    """Return d of each row, and ∂d/∂a."""
    difference = a - b + a.dtype.type(TINY)
    d = np.sqrt(np.square(difference).sum(axis=1))
    return d, difference / d[:, None]


def _rows(function: str, *vectors: Any) -> list[Array]:
    first = as_values(function, vectors[0], (2,))
    found = [first, *(as_values(function, other, (2,), first.dtype) for other in vectors[1:])]
    for other in found:
        if other.shape != first.shape or not first.size:
            raise InputError(f"{function}: all vectors must be N×D alike; got {describe(first)}, {describe(other)}.")
    return found


def _recalled(function: str, slopes: tuple[Array, ...] | None) -> tuple[Array, ...]:
    if slopes is None:
        raise InputError(f"{function}.backward: there must have been a forward pass first.")
    return slopes


method(task="losses", paper="Hadsell, Chopra & LeCun 2006", lesson="w4d4")(ContrastiveLoss)
method(task="losses", paper="Schroff, Kalenichenko & Philbin 2015", lesson="w4d4")(TripletLoss)
