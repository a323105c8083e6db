"""Fill holes, and remove small groups: a mask cleaned by its connected components.

Soille 2003, "Morphological Image Analysis", 2nd ed., sections 6.3.7 (fill holes) and 8.4 (area opening).
"""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import as_mask, describe, integer, output
from sightline.core.errors import InputError
from sightline.core.kernels import kernel, over_rows
from sightline.core.types import Mask, Range
from sightline.image.label import joined_runs


@method(task="morphology", paper="Soille 2003", lesson="w1d5")
def fill_holes(mask: Mask, *, connectivity: Annotated[int, Range(4, 8, 4)] = 4, out: Mask | None = None) -> Mask:
    """Return the mask with its holes filled: the false pixels that no path of false ones joins with the border.

    A mask has no NaN.

    Parameters
    ----------
    mask
        H×W bool.
    connectivity
        Neighbours of a false pixel along a path: 4, so that a diagonal line of true pixels is closed, or 8.
    out
        H×W bool array to write to; None makes a new one.

    Returns
    -------
    filled
        H×W bool.

    References
    ----------
    P. Soille, "Morphological Image Analysis", 2nd ed., Springer, 2003.

    Examples
    --------
    >>> import numpy as np
    >>> mask = np.array([[0, 1, 0, 1], [1, 0, 1, 0], [0, 1, 0, 0]], bool)
    >>> fill_holes(mask).astype(int).tolist()
    [[0, 1, 0, 1], [1, 1, 1, 0], [0, 1, 0, 0]]
    """
    mask = as_mask("fill_holes", mask)
    filled = output("fill_holes", out, mask.shape, np.bool_, [mask])
    runs = joined_runs(np.logical_not(mask), _neighbours("fill_holes", connectivity))
    holes = _holes(*runs, len(mask), mask.shape[1])
    over_rows(_write_runs, len(mask), *runs, holes, True, filled)
    return filled


@method(task="morphology", paper="Soille 2003", lesson="w1d5")
def remove_small(
    mask: Mask,
    size: Annotated[int, Range(1, 10_000)] = 64,
    *,
    connectivity: Annotated[int, Range(4, 8, 4)] = 8,
    out: Mask | None = None,
) -> Mask:
    """Return the mask without its groups of fewer than ``size`` pixels.

    A mask has no NaN.

    Parameters
    ----------
    mask
        H×W bool.
    size
        Fewest pixels of a group that stays, ≥ 1.
    connectivity
        Neighbours of a pixel: 8, or 4 (those that share an edge with it).
    out
        H×W bool array to write to; None makes a new one.

    Returns
    -------
    kept
        H×W bool.

    References
    ----------
    P. Soille, "Morphological Image Analysis", 2nd ed., Springer, 2003.

    Examples
    --------
    >>> import numpy as np
    >>> remove_small(np.array([[1, 1, 0, 1, 0, 1, 1, 1]], bool), 2).astype(int).tolist()
    [[1, 1, 0, 0, 0, 1, 1, 1]]
    """
    mask = as_mask("remove_small", mask)
    kept = output("remove_small", out, mask.shape, np.bool_, [mask])
    size = integer("remove_small", "size", size, 1)
    runs = joined_runs(mask, _neighbours("remove_small", connectivity))
    over_rows(_write_runs, len(mask), *runs, _large(*runs, size), False, kept)
    return kept


def _neighbours(function: str, connectivity: Any) -> int:
    if isinstance(connectivity, (bool, np.ndarray)) or connectivity not in (4, 8):
        raise InputError(f"{function}: connectivity must be 4 or 8; got {describe(connectivity)}.")
    return int(connectivity)


# A run's entry of `numbers` is that of its group.


@kernel
def _holes(bounds, firsts, numbers, height, width):
    """Return which groups of runs touch no side of the picture."""
    inner = np.ones(_most(numbers) + 1, np.bool_)
    for y in range(height):
        outermost = y == 0 or y == height - 1
        for run in range(firsts[y], firsts[y + 1]):
            if outermost or bounds[2 * run] == 0 or bounds[2 * run + 1] == width:
                inner[numbers[run]] = False
    return inner


@kernel
def _large(bounds, firsts, numbers, size):
    """Return which groups of runs have ``size`` pixels or more."""
    pixels = np.zeros(_most(numbers) + 1, np.int64)
    for run in range(numbers.size):
        pixels[numbers[run]] += np.int64(bounds[2 * run + 1]) - np.int64(bounds[2 * run])
    return pixels >= size


@kernel
def _most(numbers):
    most = np.int32(0)
    for run in range(numbers.size):
        most = max(most, numbers[run])
    return most


@kernel
def _write_runs(bounds, firsts, numbers, values, between, out, y0, y1):
    """Write to each run the value of its group, and ``between`` elsewhere."""
    for y in range(y0, y1):
        row = out[y]
        row[:] = between
        for run in range(firsts[y], firsts[y + 1]):
            if values[numbers[run]] != between:
                row[bounds[2 * run] : bounds[2 * run + 1]] = not between
