"""Bootstrap: how far a mean could have come out elsewhere, from the sample itself.

Efron 1979, "Bootstrap Methods: Another Look at the Jackknife", Annals of Statistics 7(1); percentile interval.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.typing import ArrayLike

from sightline.core.catalogue import method
from sightline.core.checks import describe, integer, number
from sightline.core.errors import InputError
from sightline.core.seeds import generator
from sightline.core.types import Range, Seed

_CHUNK = 1 << 22  # drawn values held at once


@method(task="metric", paper="Efron 1979", lesson="w4d5", example={"values": [0.0, 1.0, 1.0, 1.0]})
def bootstrap_interval(
    values: ArrayLike,
    *,
    confidence: Annotated[float, Range(0.5, 0.999)] = 0.95,
    iterations: Annotated[int, Range(100, 100_000)] = 2000,
    seed: Seed = 0,
) -> tuple[float, float]:
    """Interval for the mean of a sample: percentiles of the means of samples drawn from it with replacement.

    Parameters
    ----------
    values
        N ≥ 1 finite numbers, or bools: which predictions were right gives the interval of an accuracy.
    confidence
        Share of the means that the interval covers, in 0–1 (both excluded).
    iterations
        Number of drawn samples, ≥ 1.
    seed
        Whole number ≥ 0 or a generator; the same seed gives the same interval.

    Returns
    -------
    tuple of float
        Low and high end, in the unit of the values. NaN and infinity are refused.

    Raises
    ------
    InputError
        When an argument is out of its range.

    References
    ----------
    B. Efron, "Bootstrap Methods: Another Look at the Jackknife", Annals of Statistics 7(1), 1979.

    Examples
    --------
    >>> bootstrap_interval([True] * 90 + [False] * 10)
    (0.84, 0.96)
    """
    array = np.asarray(values)
    if array.ndim != 1 or array.size == 0 or array.dtype.kind not in "fiub" or not np.isfinite(array).all():
        raise InputError(f"bootstrap_interval: values must be N ≥ 1 finite numbers; got {describe(array)}.")
    confidence = number("bootstrap_interval", "confidence", confidence, 0, 1)
    if confidence in (0.0, 1.0):
        raise InputError(f"bootstrap_interval: confidence must lie between 0 and 1; got {confidence:g}.")
    iterations = integer("bootstrap_interval", "iterations", iterations, 1)
    random = generator(seed)
    distinct, counts = np.unique(array.astype(np.float64), return_counts=True)
    means = np.empty(iterations)
    step = max(1, _CHUNK // len(distinct))
    for start in range(0, iterations, step):
        # Drawing N values with replacement is drawing how often each distinct one comes.
        drawn = random.multinomial(array.size, counts / array.size, size=min(step, iterations - start))
        means[start : start + step] = drawn @ distinct / array.size
    tail = (1 - confidence) / 2
    low, high = np.quantile(means, (tail, 1 - tail))
    return float(low), float(high)
