"""Seeds: every random function takes one, and the same seed gives the same result at any number of workers."""

from __future__ import annotations

import numpy as np

from sightline.core.checks import describe
from sightline.core.errors import InputError


def generator(seed: int | np.random.Generator, *keys: int) -> np.random.Generator:
    """Return a generator for ``seed``; ``keys`` name a stream of its own, for example ``(epoch, sample)``.

    Parameters
    ----------
    seed
        Whole number ≥ 0, or a generator, which is used as it is (and then takes no keys).
    *keys
        Whole numbers ≥ 0. Streams of different keys are independent of one another and of the order they are asked for.
    """
    if isinstance(seed, np.random.Generator):
        if keys:
            raise InputError("generator: a Generator cannot be split by keys; pass a whole number as seed.")
        return seed
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise InputError(f"generator: seed must be a whole number ≥ 0 or a numpy Generator; got {describe(seed)}.")
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(entropy=int(seed), spawn_key=tuple(keys))))
