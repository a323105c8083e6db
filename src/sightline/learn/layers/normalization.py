"""Normalisation: mean 0 and variance 1 over some of the axes, then a scale and a shift that are learnt.

Ioffe & Szegedy 2015, "Batch Normalization", ICML; Ba, Kiros & Hinton 2016, "Layer Normalization"; Ulyanov, Vedaldi &
Lempitsky 2016, "Instance Normalization"; Wu & He 2018, "Group Normalization", ECCV.

All four are x̂ = (x - μ) / s and y = γ x̂ + β, with μ the mean and s² = variance + eps over M values that belong
together; they differ in which these are. Way back, with h = g γ::

    ∂L/∂γ = Σ g x̂        ∂L/∂β = Σ g
    ∂x̂ᵢ/∂xⱼ = ([i = j] - 1/M - x̂ᵢ x̂ⱼ / M) / s        (the 1/M from μ, the last from s: ∂s/∂xⱼ = x̂ⱼ / M)
    ∂L/∂x = (h - mean(h) - x̂ mean(h x̂)) / s
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import describe, flag, integer, number
from sightline.core.errors import InputError
from sightline.core.types import Array
from sightline.learn.layers.layer import Layer, as_dtype, as_values


def standardised(x: Array, axes: tuple[int, ...], eps: float) -> tuple[Array, Array, Array, Array]:
    """Return x̂, 1/s, the mean and the variance over axes, the last three with axes of length 1."""
    mean = x.mean(axis=axes, keepdims=True)
    centred = x - mean
    variance = np.square(centred).mean(axis=axes, keepdims=True)
    inverse = 1 / np.sqrt(variance + eps)
    return centred * inverse, inverse, mean, variance


def slope_of_standardised(h: Array, x_hat: Array, inverse: Array, axes: tuple[int, ...]) -> Array:
    """Return ∂L/∂x of h = ∂L/∂x̂: the last equation above."""
    mean = h.mean(axis=axes, keepdims=True)
    along = (h * x_hat).mean(axis=axes, keepdims=True)
    return (h - mean - x_hat * along) * inverse


class Scaled(Layer):
    """A layer that ends in γ x̂ + β."""

    def __init__(self, shape: tuple[int, ...], eps: float, affine: bool, dtype: Any) -> None:
        super().__init__()
        name = type(self).__name__
        self.eps, self.dtype = number(name, "eps", eps, 0), as_dtype(name, dtype)
        if flag(name, "affine", affine):
            self.parameters["weight"] = np.ones(shape, self.dtype)
            self.parameters["bias"] = np.zeros(shape, self.dtype)

    def _scaled(self, x_hat: Array) -> Array:
        if not self.parameters:
            return x_hat
        return self._facing(self.parameters["weight"], x_hat) * x_hat + self._facing(self.parameters["bias"], x_hat)

    def _unscaled(self, g: Array, x_hat: Array) -> Array:
        """Leave ∂L/∂γ and ∂L/∂β; return h."""
        if not self.parameters:
            return g
        shared = self._shared(g)
        self.gradients["weight"], self.gradients["bias"] = (g * x_hat).sum(axis=shared), g.sum(axis=shared)
        return g * self._facing(self.parameters["weight"], g)

    def _shared(self, x: Array) -> tuple[int, ...]:
        """Return the axes along which γ and β are the same: all but that of channels."""
        return (0, *range(2, x.ndim))

    def _facing(self, values: Array, x: Array) -> Array:
        """Return γ or β so that it broadcasts to x."""
        return values.reshape(-1, *(1,) * (x.ndim - 2))


class BatchNorm(Scaled):
    """Each channel on its own, over all samples of the batch (and all pixels).

    In training μ and s are the batch's, and running means of μ and of the variance are kept (M/(M-1) of it, which is
    right on average); elsewhere these take their place, do not depend on x, and ∂L/∂x = h / s.

    Parameters
    ----------
    channels
        Length of the second axis.
    momentum
        Share of the newest batch in the running means, 0–1.
    eps
        Keeps the division from 0, ≥ 0.
    affine
        Whether γ and β are learnt.
    dtype
        float32 or float64.

    Examples
    --------
    >>> y = BatchNorm(2).forward(np.array([[0.0, 5.0], [2.0, 9.0]]), train=True)
    >>> y.round(3).tolist()
    [[-1.0, -1.0], [1.0, 1.0]]
    """

    def __init__(
        self,
        channels: int,
        *,
        momentum: float = 0.1,
        eps: float = 1e-5,
        affine: bool = True,
        dtype: Any = "float32",
    ) -> None:
        self.channels = integer("BatchNorm", "channels", channels, 1)
        super().__init__((self.channels,), eps, affine, dtype)
        self.momentum = number("BatchNorm", "momentum", momentum, 0, 1)
        self.buffers["mean"] = np.zeros(self.channels, self.dtype)
        self.buffers["variance"] = np.ones(self.channels, self.dtype)

    def forward(self, x: Any, train: bool = False) -> Array:
        """Return y of N×C or N×C×H×W values."""
        x = as_values("BatchNorm", x, (2, 4), self.dtype, self.channels)
        axes = self._shared(x)
        if train:
            x_hat, inverse, mean, variance = standardised(x, axes, self.eps)
            count = x.size // self.channels
            if count < 2:
                raise InputError(f"BatchNorm: x must have two values a channel in training; got {describe(x)}.")
            unbiased = variance.ravel() * (count / (count - 1))
            for name, value in (("mean", mean.ravel()), ("variance", unbiased)):
                self.buffers[name] += (self.momentum * (value - self.buffers[name])).astype(self.dtype)
        else:
            inverse = self._facing(1 / np.sqrt(self.buffers["variance"] + self.dtype.type(self.eps)), x)
            x_hat = (x - self._facing(self.buffers["mean"], x)) * inverse
        self._kept = x_hat, inverse, axes if train else None
        return self._scaled(x_hat)

    def backward(self, g: Any) -> Array:
        """Return ∂L/∂x."""
        (x_hat, inverse, axes), g = self._recall(g)
        h = self._unscaled(g, x_hat)
        return h * inverse if axes is None else slope_of_standardised(h, x_hat, inverse, axes)


class LayerNorm(Scaled):
    """Each sample on its own, over its last axes.

    Parameters
    ----------
    shape
        Lengths of the last axes, or the length of the last one; γ and β have this shape.
    eps
        Keeps the division from 0, ≥ 0.
    affine
        Whether γ and β are learnt.
    dtype
        float32 or float64.
    """

    def __init__(
        self, shape: int | Sequence[int], *, eps: float = 1e-5, affine: bool = True, dtype: Any = "float32"
    ) -> None:
        sizes = tuple(shape) if isinstance(shape, (tuple, list)) else (shape,)
        self.shape = tuple(integer("LayerNorm", "shape", n, 1) for n in sizes)
        super().__init__(self.shape, eps, affine, dtype)

    def forward(self, x: Any, train: bool = False) -> Array:
        """Return y of N×…×shape values."""
        x = as_values("LayerNorm", x, (), self.dtype)
        if x.shape[-len(self.shape) :] != self.shape:
            raise InputError(f"LayerNorm: x must end in axes of {self.shape}; got {describe(x)}.")
        x_hat, inverse, _, _ = standardised(x, tuple(range(-len(self.shape), 0)), self.eps)
        self._kept = x_hat, inverse
        return self._scaled(x_hat)

    def backward(self, g: Any) -> Array:
        """Return ∂L/∂x."""
        (x_hat, inverse), g = self._recall(g)
        h = self._unscaled(g, x_hat)
        return slope_of_standardised(h, x_hat, inverse, tuple(range(-len(self.shape), 0)))

    def _shared(self, x: Array) -> tuple[int, ...]:
        return tuple(range(x.ndim - len(self.shape)))

    def _facing(self, values: Array, x: Array) -> Array:
        return values


class GroupNorm(Scaled):
    """Each sample and each group of its channels on its own, over the group's channels and all pixels.

    Parameters
    ----------
    groups
        How many parts the channels are cut into; it divides their number.
    channels
        Length of the second axis.
    eps
        Keeps the division from 0, ≥ 0.
    affine
        Whether γ and β are learnt, one of each a channel.
    dtype
        float32 or float64.
    """

    def __init__(
        self, groups: int, channels: int, *, eps: float = 1e-5, affine: bool = True, dtype: Any = "float32"
    ) -> None:
        name = type(self).__name__
        self.groups, self.channels = integer(name, "groups", groups, 1), integer(name, "channels", channels, 1)
        if self.channels % self.groups:
            raise InputError(f"{name}: groups must divide channels; got {groups} for {channels}.")
        super().__init__((self.channels,), eps, affine, dtype)

    def forward(self, x: Any, train: bool = False) -> Array:
        """Return y of N×C or N×C×H×W values."""
        x = as_values(type(self).__name__, x, (2, 4), self.dtype, self.channels)
        grouped, inverse, _, _ = standardised(x.reshape(len(x), self.groups, -1), (2,), self.eps)
        x_hat = grouped.reshape(x.shape)
        self._kept = x_hat, inverse
        return self._scaled(x_hat)

    def backward(self, g: Any) -> Array:
        """Return ∂L/∂x."""
        (x_hat, inverse), g = self._recall(g)
        h = self._unscaled(g, x_hat)
        shape = (len(g), self.groups, math.prod(g.shape[1:]) // self.groups)
        return slope_of_standardised(h.reshape(shape), x_hat.reshape(shape), inverse, (2,)).reshape(g.shape)


class InstanceNorm(GroupNorm):
    """Each channel of each sample on its own, over all pixels: a group for each channel.

    Parameters
    ----------
    channels
        Length of the second axis.
    eps
        Keeps the division from 0, ≥ 0.
    affine
        Whether γ and β are learnt, one of each a channel.
    dtype
        float32 or float64.
    """

    def __init__(self, channels: int, *, eps: float = 1e-5, affine: bool = True, dtype: Any = "float32") -> None:
        super().__init__(channels, channels, eps=eps, affine=affine, dtype=dtype)


method(task="layers", paper="Ioffe & Szegedy 2015", lesson="w4d4")(BatchNorm)
method(task="layers", paper="Ba, Kiros & Hinton 2016", lesson="w4d4")(LayerNorm)
method(task="layers", paper="Wu & He 2018", lesson="w4d4")(GroupNorm)
method(task="layers", paper="Ulyanov, Vedaldi & Lempitsky 2016", lesson="w4d4")(InstanceNorm)
