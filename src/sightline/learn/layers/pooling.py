"""Pooling: one number for a window of pixels, channel by channel.

LeCun et al. 1998, "Gradient-Based Learning Applied to Document Recognition" (means); Ranzato, Boureau & LeCun 2007,
"Sparse Feature Learning for Deep Belief Networks" (greatest values); Lin, Chen & Yan 2014, "Network in Network" (the
whole picture as one window).
"""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import choice
from sightline.core.errors import InputError
from sightline.core.types import Array, Choice
from sightline.learn.layers.layer import Layer, as_values
from sightline.learn.layers.windows import Windows, pair


class Pool(Layer):
    """A window that slides over each channel of N×C×H×W pictures.

    Parameters
    ----------
    size
        Of the window in pixels: one number, or (rows, columns).
    stride
        Step from window to window; the window's size when None.
    padding
        Pixels around the picture, half the window at most.
    """

    def __init__(
        self,
        size: int | tuple[int, int],
        *,
        stride: int | tuple[int, int] | None = None,
        padding: int | tuple[int, int] = 0,
    ) -> None:
        super().__init__()
        name = type(self).__name__
        window, border = pair(name, "size", size, 1), pair(name, "padding", padding, 0)
        if border[0] > window[0] // 2 or border[1] > window[1] // 2:
            raise InputError(f"{name}: padding must be half of size at most; got {border} for a window of {window}.")
        self.windows = Windows(window, window if stride is None else pair(name, "stride", stride, 1), border)


class MaxPool2d(Pool):
    """y = the greatest pixel of the window; the border counts as -∞.

    ∂y/∂x is 1 for the pixel that was chosen (the first, where several are equal) and 0 for the others: each pixel gets
    the sum of g over the windows that chose it. A window with NaN gives NaN.

    Parameters
    ----------
    size, stride, padding
        As in :class:`Pool`.

    Examples
    --------
    >>> MaxPool2d(2).forward(np.arange(16.0).reshape(1, 1, 4, 4))[0, 0].tolist()
    [[5.0, 7.0], [13.0, 15.0]]
    """

    def forward(self, x: Any, train: bool = False) -> Array:
        """Return N×C×H'×W' pixels of N×C×H×W pixels."""
        x = as_values(type(self).__name__, x, (4,))
        rows, columns = self.windows.fit(type(self).__name__, *x.shape[2:])
        padded = self.windows.padded(x, -np.inf)
        best = np.full((*x.shape[:2], rows, columns), -np.inf, x.dtype)
        chosen = np.full(best.shape, -1, np.int32)
        for number, seen in self.windows.places(rows, columns):
            values = padded[seen]
            better = (values > best) | np.isnan(values)
            np.copyto(best, values, where=better)
            np.copyto(chosen, number, where=better)
        self._kept = padded.shape, chosen
        return best

    def backward(self, g: Any) -> Array:
        """Return ∂L/∂x, N×C×H×W."""
        (shape, chosen), g = self._recall(g)
        total = np.zeros(shape, g.dtype)
        for number, seen in self.windows.places(*chosen.shape[2:]):
            total[seen] += np.where(chosen == number, g, 0)
        return self.windows.cropped(total)


class MinPool2d(MaxPool2d):
    """y = the least pixel of the window: -max(-x), and the two signs cancel on the way back.

    Parameters
    ----------
    size, stride, padding
        As in :class:`Pool`.
    """

    def forward(self, x: Any, train: bool = False) -> Array:
        """Return N×C×H'×W' pixels of N×C×H×W pixels."""
        return -super().forward(-as_values("MinPool2d", x, (4,)))


class AvgPool2d(Pool):
    """y = the mean of the window's K pixels; the border counts as 0.

    ∂y/∂x = 1/K: each pixel gets the sum of g/K over the windows that see it.

    Parameters
    ----------
    size, stride, padding
        As in :class:`Pool`.
    """

    def forward(self, x: Any, train: bool = False) -> Array:
        """Return N×C×H'×W' pixels of N×C×H×W pixels."""
        x = as_values("AvgPool2d", x, (4,))
        rows, columns = self.windows.fit("AvgPool2d", *x.shape[2:])
        padded = self.windows.padded(x)
        total = np.zeros((*x.shape[:2], rows, columns), x.dtype)
        for _, seen in self.windows.places(rows, columns):
            total += padded[seen]
        self._kept = padded.shape
        return total / (self.windows.size[0] * self.windows.size[1])

    def backward(self, g: Any) -> Array:
        """Return ∂L/∂x, N×C×H×W."""
        shape, g = self._recall(g)
        share = g / (self.windows.size[0] * self.windows.size[1])
        total = np.zeros(shape, g.dtype)
        for _, seen in self.windows.places(*g.shape[2:]):
            total[seen] += share
        return self.windows.cropped(total)


class GlobalPool(Layer):
    """y = one number a channel: the mean of all pixels, or the greatest.

    ∂y/∂x = 1/(H·W) for the mean; 1 at the greatest pixel (the first, where several are equal), else 0.

    Parameters
    ----------
    kind
        ``average`` or ``max``.

    Examples
    --------
    >>> GlobalPool().forward(np.ones((2, 3, 8, 8))).shape
    (2, 3)
    """

    def __init__(self, kind: Annotated[str, Choice("average", "max")] = "average") -> None:
        super().__init__()
        self.kind = choice("GlobalPool", "kind", kind, ("average", "max"))

    def forward(self, x: Any, train: bool = False) -> Array:
        """Return N×C values of N×C×H×W pixels."""
        x = as_values("GlobalPool", x, (4,))
        flat = x.reshape(*x.shape[:2], -1)
        self._kept = x.shape, flat.argmax(axis=2) if self.kind == "max" else None
        return flat.mean(axis=2) if self.kind == "average" else flat.max(axis=2)

    def backward(self, g: Any) -> Array:
        """Return ∂L/∂x, N×C×H×W."""
        (shape, chosen), g = self._recall(g)
        area = shape[2] * shape[3]
        if chosen is None:
            return np.broadcast_to((g / area)[..., None, None], shape).copy()
        total = np.zeros((*shape[:2], area), g.dtype)
        np.put_along_axis(total, chosen[..., None], g[..., None], axis=2)
        return total.reshape(shape)


method(task="layers", paper="Ranzato, Boureau & LeCun 2007", lesson="w4d4")(MaxPool2d)
method(task="layers", paper="Ranzato, Boureau & LeCun 2007", lesson="w4d4")(MinPool2d)
method(task="layers", paper="LeCun et al. 1998", lesson="w4d4")(AvgPool2d)
method(task="layers", paper="Lin, Chen & Yan 2014", lesson="w4d4")(GlobalPool)
