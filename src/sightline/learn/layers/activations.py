"""Activations: what bends a network's values, each with its derivative.

Without them any number of linear layers would be one. All but softmax look at one value at a time, so that
∂L/∂x = g · dy/dx, value by value.

Nair & Hinton 2010 (``ReLU``); Maas, Hannun & Ng 2013 (``LeakyReLU``); Clevert, Unterthiner & Hochreiter 2016 (``ELU``);
Klambauer et al. 2017 (``SELU``); Hendrycks & Gimpel 2016 (``GELU``); Elfwing, Uchibe & Doya 2018 (``SiLU``); Dugas et
al. 2001 (``Softplus``); LeCun et al. 1998, "Efficient BackProp" (``Sigmoid``, ``Tanh``); Bridle 1990 (``Softmax``).
"""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import Any

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import number
from sightline.core.types import Array
from sightline.learn.layers.layer import Layer, as_values


class Activation(Layer):
    """A function of one value at a time."""

    def forward(self, x: Any, train: bool = False) -> Array:
        """Return y of values of any shape."""
        x = as_values(type(self).__name__, x)
        y = self._value(x)
        self._kept = x, y
        return y

    def backward(self, g: Any) -> Array:
        """Return g · dy/dx."""
        (x, y), g = self._recall(g)
        return g * self._slope(x, y)

    @abstractmethod
    def _value(self, x: Array) -> Array:
        """Return y."""

    @abstractmethod
    def _slope(self, x: Array, y: Array) -> Array:
        """Return dy/dx."""


class ReLU(Activation):
    """y = max(x, 0); dy/dx = 1 where x > 0, else 0 (at the kink, too)."""

    def _value(self, x: Array) -> Array:
        return np.maximum(x, 0)

    def _slope(self, x: Array, y: Array) -> Array:
        return (x > 0).astype(x.dtype)


class LeakyReLU(Activation):
    """y = x where x > 0, else slope · x; dy/dx = 1 or slope.

    Parameters
    ----------
    slope
        Of the negative side.
    """

    def __init__(self, slope: float = 0.01) -> None:
        super().__init__()
        self.slope = number("LeakyReLU", "slope", slope)

    def _value(self, x: Array) -> Array:
        return np.where(x > 0, x, self.slope * x)

    def _slope(self, x: Array, y: Array) -> Array:
        return np.where(x > 0, 1, self.slope).astype(x.dtype)


class ELU(Activation):
    """y = x where x > 0, else alpha (eˣ - 1); dy/dx = 1, else alpha eˣ = y + alpha.

    Parameters
    ----------
    alpha
        Depth of the negative side, ≥ 0.
    """

    def __init__(self, alpha: float = 1.0) -> None:
        super().__init__()
        self.alpha = number("ELU", "alpha", alpha, 0)

    def _value(self, x: Array) -> Array:
        return np.where(x > 0, x, self.alpha * np.expm1(np.minimum(x, 0)))

    def _slope(self, x: Array, y: Array) -> Array:
        return np.where(x > 0, 1, y + self.alpha).astype(x.dtype)


class SELU(Activation):
    """y = λ · ELU(x) with the two numbers that keep mean 0 and variance 1; dy/dx = λ, else y + λ alpha."""

    alpha, scale = 1.6732632423543772, 1.0507009873554805  # Klambauer et al., equation 14

    def _value(self, x: Array) -> Array:
        return self.scale * np.where(x > 0, x, self.alpha * np.expm1(np.minimum(x, 0)))

    def _slope(self, x: Array, y: Array) -> Array:
        return np.where(x > 0, self.scale, y + self.scale * self.alpha).astype(x.dtype)


class GELU(Activation):
    """y = x Φ(x), Φ the normal distribution's sum; dy/dx = Φ(x) + x φ(x), with φ(x) = e^(-x²/2) / √(2π)."""

    def _value(self, x: Array) -> Array:
        return x * _normal_sum(x)

    def _slope(self, x: Array, y: Array) -> Array:
        return _normal_sum(x) + x * np.exp(-0.5 * x * x) * (1 / math.sqrt(2 * math.pi))


class SiLU(Activation):
    """y = x σ(x), σ the sigmoid; dy/dx = σ + x σ (1 - σ) = σ + y (1 - σ)."""

    def _value(self, x: Array) -> Array:
        return x * _sigmoid(x)

    def _slope(self, x: Array, y: Array) -> Array:
        s = _sigmoid(x)
        return s + y * (1 - s)


class Sigmoid(Activation):
    """y = 1 / (1 + e⁻ˣ); dy/dx = y (1 - y), at most ¼."""

    def _value(self, x: Array) -> Array:
        return _sigmoid(x)

    def _slope(self, x: Array, y: Array) -> Array:
        return y * (1 - y)


class Tanh(Activation):
    """y = tanh x; dy/dx = 1 - y²."""

    def _value(self, x: Array) -> Array:
        return np.tanh(x)

    def _slope(self, x: Array, y: Array) -> Array:
        return 1 - y * y


class Softplus(Activation):
    """y = log(1 + eˣ), a ReLU without its kink; dy/dx = σ(x)."""

    def _value(self, x: Array) -> Array:
        return np.logaddexp(x, 0)

    def _slope(self, x: Array, y: Array) -> Array:
        return _sigmoid(x)


class Softmax(Layer):
    """y = eˣ / Σ eˣ along the last axis: numbers ≥ 0 whose sum is 1.

    Each y depends on all x: ∂yⱼ/∂xₖ = yⱼ ([j = k] - yₖ). Summed over j with gⱼ::

        ∂L/∂x = y · (g - Σⱼ gⱼ yⱼ)

    Examples
    --------
    >>> Softmax().forward([[0.0, 0.0, 1000.0]]).tolist()
    [[0.0, 0.0, 1.0]]
    """

    def forward(self, x: Any, train: bool = False) -> Array:
        """Return y of values of any shape."""
        x = as_values("Softmax", x)
        e = np.exp(x - x.max(axis=-1, keepdims=True))  # the greatest becomes e⁰: no overflow
        y = self._kept = e / e.sum(axis=-1, keepdims=True)
        return y

    def backward(self, g: Any) -> Array:
        """Return ∂L/∂x."""
        y, g = self._recall(g)
        return y * (g - (g * y).sum(axis=-1, keepdims=True))


def _sigmoid(x: Array) -> Array:
    return 0.5 * (1 + np.tanh(0.5 * x))  # never overflows


def _normal_sum(x: Array) -> Array:
    from scipy.special import erf  # half a second to load, and only GELU asks for it

    return 0.5 * (1 + erf(x * (1 / math.sqrt(2))))


method(task="activations", paper="Nair & Hinton 2010", lesson="w4d4")(ReLU)
method(task="activations", paper="Maas, Hannun & Ng 2013", lesson="w4d4")(LeakyReLU)
method(task="activations", paper="Clevert, Unterthiner & Hochreiter 2016", lesson="w4d4")(ELU)
method(task="activations", paper="Klambauer et al. 2017", lesson="w4d4")(SELU)
method(task="activations", paper="Hendrycks & Gimpel 2016", lesson="w4d4")(GELU)
method(task="activations", paper="Elfwing, Uchibe & Doya 2018", lesson="w4d4")(SiLU)
method(task="activations", paper="LeCun et al. 1998", lesson="w4d4")(Sigmoid)
method(task="activations", paper="LeCun et al. 1998", lesson="w4d4")(Tanh)
method(task="activations", paper="Dugas et al. 2001", lesson="w4d4")(Softplus)
method(task="activations", paper="Bridle 1990", lesson="w4d4")(Softmax)
