"""Convolution of pictures with learnt windows.

LeCun et al. 1998, "Gradient-Based Learning Applied to Document Recognition", Proceedings of the IEEE 86(11). Windows
are laid out as columns, so that one product of matrices does the work: Chellapilla, Puri & Simard 2006, "High
Performance Convolutional Neural Networks for Document Processing", IWFHR.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from sightline.core.buffers import empty
from sightline.core.catalogue import method
from sightline.core.checks import flag, integer
from sightline.core.errors import InputError
from sightline.core.types import Array, Seed
from sightline.learn.layers.initialization import first_weights
from sightline.learn.layers.layer import Layer, as_dtype, as_values
from sightline.learn.layers.windows import Windows, pair

COLUMNS_BYTES = 1 << 22  # of columns at a time: what fits the cache is read again sooner than what does not


class Conv2d(Layer):
    """Every pixel out is a weighted sum of the window around it, over all channels in (of its group).

    With the windows of x as columns, X (C·kh·kw × windows), and the weights of one output as a row of W::

        Y = W X + b        ∂L/∂W = g Xᵀ        ∂L/∂b = Σ g        ∂L/∂X = Wᵀ g

    as in a linear layer. A pixel stands in several columns; ∂L/∂x is the sum of ∂L/∂X over all places where it does.

    Parameters
    ----------
    inputs, outputs
        Channels in and out, ≥ 1.
    size
        Of the window in pixels: one number, or (rows, columns).
    stride, padding, dilation
        Step from window to window, zeros around the picture, step inside the window; each one number or a pair.
    groups
        Parts into which the channels are cut, each with its own weights; it divides both counts of channels.
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
    >>> layer = Conv2d(3, 8, 3, stride=2, padding=1)
    >>> layer.forward(np.zeros((5, 3, 32, 32), np.float32)).shape
    (5, 8, 16, 16)
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        size: int | tuple[int, int],
        *,
        stride: int | tuple[int, int] = 1,
        padding: int | tuple[int, int] = 0,
        dilation: int | tuple[int, int] = 1,
        groups: int = 1,
        bias: bool = True,
        initial: str = "he",
        seed: Seed = 0,
        dtype: Any = "float32",
    ) -> None:
        super().__init__()
        self.inputs, self.outputs = integer("Conv2d", "inputs", inputs, 1), integer("Conv2d", "outputs", outputs, 1)
        self.groups = integer("Conv2d", "groups", groups, 1)
        if self.inputs % self.groups or self.outputs % self.groups:
            raise InputError(
                f"Conv2d: groups must divide inputs and outputs; got {groups} for {self.inputs} and {self.outputs}."
            )
        self.windows = Windows(
            pair("Conv2d", "size", size, 1),
            pair("Conv2d", "stride", stride, 1),
            pair("Conv2d", "padding", padding, 0),
            pair("Conv2d", "dilation", dilation, 1),
        )
        shape = (self.outputs, self.inputs // self.groups, *self.windows.size)
        kind = as_dtype("Conv2d", dtype)
        self.parameters["weight"] = first_weights("Conv2d", shape, initial, seed, kind)
        if flag("Conv2d", "bias", bias):
            self.parameters["bias"] = np.zeros(self.outputs, kind)

    def forward(self, x: Any, train: bool = False) -> Array:
        """Return N×outputs×H'×W' pixels of N×inputs×H×W pixels."""
        weight = self._rows()
        x = as_values("Conv2d", x, (4,), weight.dtype, self.inputs)
        rows, columns = self.windows.fit("Conv2d", *x.shape[2:])
        self._kept = x
        y = empty((len(x), self.groups, self.outputs // self.groups, rows, columns), weight.dtype)
        bias = self.parameters.get("bias")
        for part, windows in self._columns(x, rows, columns):
            found = empty((*weight.shape[:2], windows.shape[2]), weight.dtype)
            np.matmul(weight, windows, out=found)  # groups × outputs × (pictures · windows)
            if bias is not None:
                found += bias.reshape(self.groups, -1, 1)
            y[part] = found.reshape(*found.shape[:2], -1, rows, columns).transpose(2, 0, 1, 3, 4)
        return y.reshape(len(x), self.outputs, rows, columns)

    def backward(self, g: Any) -> Array:
        """Return ∂L/∂x, N×inputs×H×W."""
        x, g = self._recall(g)
        weight, (rows, columns) = self._rows(), g.shape[2:]
        slope, dx = np.zeros_like(weight), empty(x.shape, x.dtype)
        for part, windows in self._columns(x, rows, columns):
            count = part.stop - part.start
            behind = empty((*weight.shape[:2], count, rows * columns), weight.dtype)
            behind[...] = g[part].reshape(count, self.groups, -1, rows * columns).transpose(1, 2, 0, 3)
            behind = behind.reshape(*weight.shape[:2], -1)
            slope += behind @ windows.transpose(0, 2, 1)
            np.matmul(weight.transpose(0, 2, 1), behind, out=windows)  # the columns are not needed any more
            dx[part] = self._gathered(windows, x[part].shape, rows, columns)
        self.gradients["weight"] = slope.reshape(self.parameters["weight"].shape)
        if "bias" in self.parameters:
            self.gradients["bias"] = g.sum(axis=(0, 2, 3))
        return dx

    def _rows(self) -> Array:
        """Return W as groups × outputs × (inputs · kh · kw)."""
        return self.parameters["weight"].reshape(self.groups, self.outputs // self.groups, -1)

    def _columns(self, x: Array, rows: int, columns: int) -> Iterator[tuple[slice, Array]]:
        """Yield some pictures at a time, and X of these, groups × (inputs · kh · kw) × (pictures · windows)."""
        area = self.windows.size[0] * self.windows.size[1]
        each = x.shape[1] * area * rows * columns * x.itemsize
        step = max(1, COLUMNS_BYTES // each)
        for start in range(0, len(x), step):
            part = slice(start, min(start + step, len(x)))
            pictures = self.windows.padded(x[part].transpose(1, 0, 2, 3))
            found = empty((x.shape[1], area, pictures.shape[1], rows, columns), x.dtype)
            for number, seen in self.windows.places(rows, columns):
                found[:, number] = pictures[seen]
            yield part, found.reshape(self.groups, -1, pictures.shape[1] * rows * columns)

    def _gathered(self, slope: Array, shape: tuple[int, ...], rows: int, columns: int) -> Array:
        """Return ∂L/∂x of ∂L/∂X: each pixel gathers what belongs to it."""
        count, channels, height, width = shape
        above, left = self.windows.padding
        total = empty((channels, count, height + 2 * above, width + 2 * left), slope.dtype)
        total[...] = 0
        parts = slope.reshape(channels, -1, count, rows, columns)
        for number, seen in self.windows.places(rows, columns):
            total[seen] += parts[:, number]
        return self.windows.cropped(total).transpose(1, 0, 2, 3)


method(task="layers", paper="LeCun et al. 1998", lesson="w4d4")(Conv2d)
