"""Clipping: slopes that are longer than they should be become as long as they should be, in the same direction.

Pascanu, Mikolov & Bengio 2013, "On the Difficulty of Training Recurrent Neural Networks", ICML, algorithm 1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import describe, number
from sightline.core.errors import InputError
from sightline.core.types import Array


@method(task="optimisation", paper="Pascanu, Mikolov & Bengio 2013", lesson="w6d1", example={"length": 1.0})
def clip_gradients(slopes: Sequence[Array], length: float) -> tuple[list[Array], float]:
    """Return slopes that are, taken together as one vector, no longer than ``length``, and how long they were.

    NaN and infinity are refused: a training that has come so far is not saved by clipping.

    Parameters
    ----------
    slopes
        float32 or float64 arrays of any shapes; not changed.
    length
        Greatest length, > 0.

    Raises
    ------
    InputError
        When there are no slopes, or their length is no number.

    References
    ----------
    R. Pascanu, T. Mikolov, Y. Bengio, "On the Difficulty of Training Recurrent Neural Networks", ICML, 2013.

    Examples
    --------
    >>> clipped, was = clip_gradients([np.array([3.0]), np.array([4.0])], 1.0)
    >>> [part.round(3).tolist() for part in clipped], was
    ([[0.6], [0.8]], 5.0)
    """
    length = number("clip_gradients", "length", length, above=0)
    if isinstance(slopes, np.ndarray) or not isinstance(slopes, Sequence) or not len(slopes):
        raise InputError(f"clip_gradients: slopes must be a list of arrays; got {describe(slopes)}.")
    if any(not isinstance(part, np.ndarray) or part.dtype.kind != "f" for part in slopes):
        raise InputError(f"clip_gradients: slopes must be float arrays; got {describe(slopes[0])}.")
    was = math.sqrt(sum(float((part.astype(np.float64) ** 2).sum()) for part in slopes))
    if not math.isfinite(was):
        raise InputError(f"clip_gradients: slopes must be finite; got a length of {was}. Lower the learning rate.")
    scale = min(1.0, length / was) if was else 1.0
    return [part * part.dtype.type(scale) for part in slopes], was
