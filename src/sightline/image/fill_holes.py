"""Fill holes, and remove small groups: a mask cleaned by its connected components.

Soille 2003, "Morphological Image Analysis", 2nd ed., sections 6.3.7 (fill holes) and 8.4 (area opening).
"""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import as_mask, describe, integer, output
from sightline.core.errors import InputError
from sightline.core.types import Mask, Range
from sightline.image.label import label


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
    return np.take(lake, labels, out=filled, mode="clip")


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
    large = np.bincount(labels.reshape(-1), minlength=count + 1) >= size
    large[0] = False
    return np.take(large, labels, out=kept, mode="clip")


def _neighbours(function: str, connectivity: Any) -> int:
    if isinstance(connectivity, (bool, np.ndarray)) or connectivity not in (4, 8):
        raise InputError(f"{function}: connectivity must be 4 or 8; got {describe(connectivity)}.")
    return int(connectivity)
