"""Fill holes, and remove small groups: a mask cleaned by its connected components.

Soille 2003, "Morphological Image Analysis", 2nd ed., sections 6.3.7 (fill holes) and 8.4 (area opening).
"""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import as_mask, describe, integer, output
from sightline.core.errors import InputError
from sightline.core.types import Array, Labels, Mask, Range
from sightline.image.label import label

_PIXELS = 1 << 20  # in a strip


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
    labels, count = label(np.logical_not(mask), _neighbours("fill_holes", connectivity))
    lake = np.ones(count + 1, np.bool_)  # true pixels, whose label is 0, too
    for line in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        lake[line[line > 0]] = False
    return _of_labels(lake, labels, filled)


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
    labels, count = label(mask, _neighbours("remove_small", connectivity))
    pixels = np.zeros(count + 1, np.int64)
    for rows in _strips(labels, count):
        pixels += np.bincount(rows.reshape(-1), minlength=count + 1)
    large = pixels >= size
    large[0] = False
    return _of_labels(large, labels, kept)


def _strips(labels: Array, least: int = 0) -> list[Array]:
    """Return strips of rows, of ``least`` pixels or more: what NumPy takes as indices it makes 64-bit numbers of."""
    rows = max(1, -(-max(_PIXELS, least) // labels.shape[1]))
    return [labels[y : y + rows] for y in range(0, len(labels), rows)]


def _of_labels(values: Mask, labels: Labels, out: Mask) -> Mask:
    """Write to each pixel the value of its label."""
    for rows, part in zip(_strips(labels), _strips(out), strict=True):
        np.take(values, rows, out=part, mode="clip")
    return out


def _neighbours(function: str, connectivity: Any) -> int:
    if isinstance(connectivity, (bool, np.ndarray)) or connectivity not in (4, 8):
        raise InputError(f"{function}: connectivity must be 4 or 8; got {describe(connectivity)}.")
    return int(connectivity)
