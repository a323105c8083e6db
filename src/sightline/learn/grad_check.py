"""Gradient check: a derivative held against differences of the function itself.

Nocedal & Wright 2006, "Numerical Optimization", 2nd ed., section 8.1: central differences, whose error falls with the
square of the step until rounding takes over.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import describe, number
from sightline.core.errors import InputError
from sightline.core.types import Array, Range
from sightline.learn.autograd import Tensor, gradients


def numeric_gradient(function: Callable[..., float], arrays: Sequence[Array], eps: float = 1e-6) -> list[Array]:
    """Return by central differences the derivative of ``function(*arrays)``, a number, by each array.

    Parameters
    ----------
    function
        Takes the arrays, returns one number.
    arrays
        float64, changed while it runs and put back.
    eps
        Half the distance of the two places that are compared.
    """
    slopes = []
    for array in arrays:
        slope = np.zeros_like(array)
        for index in np.ndindex(array.shape):
            here = array[index]
            array[index] = here + eps
            above = float(function(*arrays))
            array[index] = here - eps
            below = float(function(*arrays))
            array[index] = here
            slope[index] = (above - below) / (2 * eps)
        slopes.append(slope)
    return slopes


@method(task="differentiation", paper="Nocedal & Wright 2006", lesson="w4d4")
def grad_check(
    function: Callable[..., Tensor], arrays: Sequence[Any], *, eps: Annotated[float, Range(1e-9, 1e-2)] = 1e-6
) -> float:
    """Return how far the derivatives of a function of Tensors are from differences: about 1e-8 when they are right.

    NaN in either gives NaN.

    Parameters
    ----------
    function
        Takes one Tensor for each array, returns a Tensor of any shape, whose values are summed.
    arrays
        Where to check, of any shapes; they are taken as float64 and not changed. Keep away from kinks.
    eps
        Half the distance of the two places that are compared.

    Returns
    -------
    error
        The greatest difference, over the greatest derivative or 1.

    Raises
    ------
    InputError
        When the function returns no Tensor.

    References
    ----------
    J. Nocedal, S. J. Wright, "Numerical Optimization", 2nd edition, Springer, 2006.

    Examples
    --------
    >>> grad_check(lambda x, y: (x * y).sin(), [[1.0, 2.0], 3.0]) < 1e-7
    True
    """
    number("grad_check", "eps", eps, 1e-9, 1e-2)
    places = [np.array(array, np.float64) for array in arrays]

    def total(*values: Array) -> float:
        return float(function(*(Tensor(value) for value in values)).value.sum())

    inputs = [Tensor(place) for place in places]
    output = function(*inputs)
    if not isinstance(output, Tensor):
        raise InputError(f"grad_check: function must return a Tensor; got {describe(output)}.")
    ours = [slope.value for slope in gradients(output.sum(), inputs)]
    theirs = numeric_gradient(total, places, eps)
    scale = max(1.0, *(float(np.abs(slope).max(initial=0)) for slope in theirs))
    return max(float(np.abs(a - b).max(initial=0)) for a, b in zip(ours, theirs, strict=True)) / scale
