"""First weights: so spread that values neither die out nor blow up from layer to layer.

Glorot & Bengio 2010, "Understanding the Difficulty of Training Deep Feedforward Neural Networks", AISTATS (``xavier``);
He, Zhang, Ren & Sun 2015, "Delving Deep into Rectifiers", ICCV (``he``); Saxe, McClelland & Ganguli 2014, "Exact
Solutions to the Nonlinear Dynamics of Learning in Deep Linear Neural Networks", ICLR (``orthogonal``).

y = Σ w x over n values in has the variance n var(w) var(x): var(w) = 1/n keeps it. The way back sums over the values
out, so ``xavier`` takes the mean of both; ReLU halves the variance, so ``he`` doubles it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
from numpy.linalg import qr

from sightline.core.catalogue import method
from sightline.core.checks import choice, describe, integer, number
from sightline.core.errors import InputError
from sightline.core.seeds import generator
from sightline.core.types import Array, Choice, Seed
from sightline.learn.layers.layer import as_dtype


@method(task="initialisation", paper="Glorot & Bengio 2010", lesson="w4d4")
def xavier(
    shape: Sequence[int],
    *,
    kind: Annotated[str, Choice("uniform", "normal")] = "uniform",
    seed: Seed = 0,
    dtype: Any = "float64",
) -> Array:
    """Return weights of variance 2 / (values in + values out).

    Parameters
    ----------
    shape
        (values out, values in, *size of the window).
    kind
        Evenly spread, or normal.
    seed
        Whole number or generator.
    dtype
        float32 or float64.

    Raises
    ------
    InputError
        When the shape has fewer than two axes.

    Examples
    --------
    >>> weights = xavier((300, 500))
    >>> bool(abs(weights.std() - (2 / 800) ** 0.5) < 1e-3)
    True
    """
    fan_in, fan_out, sizes = _fans("xavier", shape)
    return _spread("xavier", sizes, 2 / (fan_in + fan_out), kind, seed, dtype)


@method(task="initialisation", paper="He et al. 2015", lesson="w4d4")
def he(
    shape: Sequence[int],
    *,
    kind: Annotated[str, Choice("uniform", "normal")] = "normal",
    seed: Seed = 0,
    dtype: Any = "float64",
) -> Array:
    """Return weights of variance 2 / values in, for layers before a ReLU.

    Parameters
    ----------
    shape
        (values out, values in, *size of the window).
    kind
        Evenly spread, or normal.
    seed
        Whole number or generator.
    dtype
        float32 or float64.

    Raises
    ------
    InputError
        When the shape has fewer than two axes.

    Examples
    --------
    >>> he((16, 3, 5, 5), dtype="float32").shape
    (16, 3, 5, 5)
    """
    fan_in, _, sizes = _fans("he", shape)
    return _spread("he", sizes, 2 / fan_in, kind, seed, dtype)


@method(task="initialisation", paper="Saxe et al. 2014", lesson="w4d4")
def orthogonal(shape: Sequence[int], *, gain: float = 1.0, seed: Seed = 0, dtype: Any = "float64") -> Array:
    """Return weights whose rows (or columns, where there are fewer) are at right angles and of length ``gain``.

    Parameters
    ----------
    shape
        (values out, values in, *size of the window); all but the first are one row.
    gain
        Length, > 0.
    seed
        Whole number or generator.
    dtype
        float32 or float64.

    Raises
    ------
    InputError
        When the shape has fewer than two axes.

    Examples
    --------
    >>> weights = orthogonal((3, 5))
    >>> bool(np.allclose(weights @ weights.T, np.eye(3)))
    True
    """
    _, _, sizes = _fans("orthogonal", shape)
    gain = number("orthogonal", "gain", gain, above=0)
    rows, columns = sizes[0], math.prod(sizes[1:])
    values = generator(seed).normal(size=(max(rows, columns), min(rows, columns)))
    directions, corner = qr(values)
    directions = directions * np.sign(np.diag(corner))  # else some directions would be likelier than others
    found = gain * (directions if rows >= columns else directions.T)
    return found.reshape(sizes).astype(as_dtype("orthogonal", dtype))


INITIAL = {"xavier": xavier, "he": he, "orthogonal": orthogonal}


def first_weights(function: str, shape: tuple[int, ...], initial: str, seed: Seed, dtype: Any) -> Array:
    """Return a layer's first weights by the word for them: ``xavier``, ``he`` or ``orthogonal``."""
    return INITIAL[choice(function, "initial", initial, tuple(INITIAL))](shape, seed=seed, dtype=dtype)


def _fans(function: str, shape: Sequence[int]) -> tuple[int, int, tuple[int, ...]]:
    """Return how many values go into one value out, the other way round, and the shape."""
    if not isinstance(shape, (tuple, list)) or len(shape) < 2:
        raise InputError(f"{function}: shape must be (values out, values in, *size); got {describe(shape)}.")
    sizes = tuple(integer(function, f"shape[{i}]", n, 1) for i, n in enumerate(shape))
    window = math.prod(sizes[2:])
    return sizes[1] * window, sizes[0] * window, sizes


def _spread(function: str, sizes: tuple[int, ...], variance: float, kind: str, seed: Seed, dtype: Any) -> Array:
    kind, random = choice(function, "kind", kind, ("uniform", "normal")), generator(seed)
    # Evenly between -a and a, the variance is a² / 3.
    reach = math.sqrt(3 * variance)
    values = random.uniform(-reach, reach, sizes) if kind == "uniform" else random.normal(0, math.sqrt(variance), sizes)
    return values.astype(as_dtype(function, dtype))
