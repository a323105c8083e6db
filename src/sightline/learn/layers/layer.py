"""What every layer is: values forward, slopes back, and the slopes of its own parameters left beside them.

Rumelhart, Hinton & Williams 1986, "Learning Representations by Back-Propagating Errors", Nature 323.

In all of them x is what comes in, y what goes out, L the loss, and g = ∂L/∂y what comes back from behind.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from sightline.core.checks import choice, describe
from sightline.core.errors import InputError
from sightline.core.types import Array

DTYPES = ("float32", "float64")


class Layer(ABC):
    """A step of a network.

    Attributes
    ----------
    parameters
        Arrays that are learnt, by name; empty for most layers.
    gradients
        After :meth:`backward`, ∂L/∂w of each parameter w under the same name.
    buffers
        Arrays that are kept with the parameters but not learnt, by name.
    """

    def __init__(self) -> None:
        self.parameters: dict[str, Array] = {}
        self.gradients: dict[str, Array] = {}
        self.buffers: dict[str, Array] = {}
        self._kept: Any = None

    @abstractmethod
    def forward(self, x: Any, train: bool = False) -> Array:
        """Return y of x.

        Parameters
        ----------
        x
            float32 or float64, which stays; the first axis counts samples.
        train
            Whether the layer is being trained: dropout and batch norm do something else then.
        """

    @abstractmethod
    def backward(self, g: Any) -> Array:
        """Return ∂L/∂x of the last x; leave ∂L/∂w in :attr:`gradients`.

        Parameters
        ----------
        g
            ∂L/∂y, of y's shape.
        """

    def _recall(self, g: Any) -> tuple[Any, Array]:
        """Return what forward kept, and g as an array."""
        name = type(self).__name__
        if self._kept is None:
            raise InputError(f"{name}.backward: there must have been a forward pass. Call forward(x) first.")
        return self._kept, np.asarray(g)


def as_values(
    function: str, x: Any, axes: tuple[int, ...] = (), dtype: Any = None, columns: int | None = None
) -> Array:
    """Return x as float32 or float64; whole numbers become float64.

    NaN and infinity go where the arithmetic takes them.

    Parameters
    ----------
    function
        Name for the error's sentence.
    x
        Numbers.
    axes
        How many axes there may be; any number ≥ 1 when empty.
    dtype
        The parameters' dtype, to which x is turned.
    columns
        The length that the second axis must have.
    """
    array = np.asarray(x)
    wrong = array.dtype.kind not in "fiub" or array.ndim == 0 or (axes and array.ndim not in axes)
    if wrong or (columns is not None and array.shape[1] != columns):
        shapes = " or ".join("N×C" + "×H×W" * (n == 4) for n in axes) if axes else "N×…"
        size = "" if columns is None else f" with C = {columns}"
        raise InputError(f"{function}: x must be {shapes} numbers{size}; got {describe(array)}.")
    if dtype is None:
        dtype = np.float32 if array.dtype == np.float32 else np.float64
    return array.astype(dtype, copy=False)


def as_dtype(function: str, dtype: Any) -> np.dtype[Any]:
    """Return the dtype of parameters: float32 or float64."""
    name = dtype if isinstance(dtype, str) else np.dtype(dtype).name
    return np.dtype(choice(function, "dtype", name, DTYPES))
