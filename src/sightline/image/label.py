"""Connected components: a number for every group of true pixels that touch one another.

He, Chao & Suzuki 2008, "A Run-Based Two-Scan Labeling Algorithm", IEEE TIP 17(5): runs of true pixels are joined with
the runs that they touch in the row above, by union-find, and then written with the number of their group.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import numpy as np

from sightline.core.buffers import empty
from sightline.core.catalogue import method
from sightline.core.checks import as_mask, describe, output
from sightline.core.errors import InputError
from sightline.core.kernels import kernel, over_rows
from sightline.core.layers import Labels as LabelsLayer
from sightline.core.layers import Mask as MaskLayer
from sightline.core.layers import Value
from sightline.core.trace import Step
from sightline.core.types import Array, Labels, Mask, Range
from sightline.image.runs import listed_runs, root_of

_STRIP = 64


@method(task="morphology", paper="He 2008", lesson="w1d5")
def label(
    mask: Mask, connectivity: Annotated[int, Range(4, 8, 4)] = 8, *, out: Labels | None = None
) -> tuple[Labels, int]:
    """Return a map that numbers the groups of connected true pixels, and how many groups there are.

    Groups are numbered from 1 in the order of their first pixel, row by row; false pixels are 0. A mask has no NaN.

    Parameters
    ----------
    mask
        H×W bool.
    connectivity
        Neighbours of a pixel: 8, or 4 (those that share an edge with it).
    out
        H×W int32 array for the map; None makes a new one.

    Returns
    -------
    labels
        H×W int32, 0 where ``mask`` is false.
    count
        Number of groups, the largest label.

    References
    ----------
    L. He, Y. Chao and K. Suzuki, "A Run-Based Two-Scan Labeling Algorithm", IEEE Transactions on Image Processing
    17(5), 2008.

    Examples
    --------
    >>> import numpy as np
    >>> labels, count = label(np.array([[1, 1, 0, 1], [0, 0, 1, 0], [1, 0, 0, 0]], bool))
    >>> labels.tolist(), count
    ([[1, 1, 0, 1], [0, 0, 1, 0], [2, 0, 0, 0]], 2)
    """
    mask, reach = _checked(mask, connectivity)
    labels = output("label", out, mask.shape, np.int32, [mask])
    bounds, firsts, parents = _linked_runs(mask, reach)
    count = _number(parents)
    over_rows(_write, len(mask), bounds, firsts, parents, labels, strip=_STRIP)
    return labels, count


@label.steps
def _steps(mask: Mask, connectivity: int = 8, *, out: Any = None) -> Iterator[Step]:
    mask, reach = _checked(mask, connectivity)
    yield Step("mask", MaskLayer(mask))
    bounds, firsts, parents = _linked_runs(mask, reach)
    own = np.arange(parents.size, dtype=np.int32)
    for name, groups, note in (
        ("runs", own, f"{parents.size} runs of true pixels, row by row, each in a colour."),
        ("joined", parents, "Runs that touch in two rows point to one another; two scans make it one group."),
    ):
        shown = empty(mask.shape, np.int32)
        over_rows(_write, len(mask), bounds, firsts, -1 - groups, shown, strip=_STRIP)
        yield Step(name, LabelsLayer(shown), note=note)
    labels, count = label(mask, connectivity, out=out)
    yield Step("labels", Value((labels, count)), LabelsLayer(labels), note=f"{count} groups, numbered in order.")


def _checked(mask: Any, connectivity: Any) -> tuple[Array, int]:
    """Return the mask, and how far beyond its ends a run touches others: 1 with diagonals, 0 without."""
    mask = as_mask("label", mask)
    if isinstance(connectivity, (bool, np.ndarray)) or connectivity not in (4, 8):
        raise InputError(f"label: connectivity must be 4 or 8; got {describe(connectivity)}.")
    return mask, 1 if connectivity == 8 else 0


def joined_runs(mask: Array, connectivity: int) -> tuple[Array, Array, Array]:
    """Return the runs of a mask as :func:`~sightline.image.runs.listed_runs` does, and the label of each as int32."""
    bounds, firsts, parents = _linked_runs(mask, 1 if connectivity == 8 else 0)
    _number(parents)
    return bounds, firsts, np.negative(parents, out=parents)


def _linked_runs(mask: Array, reach: int) -> tuple[Array, Array, Array]:
    """Return the bounds of the runs, the first one of each row, and for each an earlier one of its group, or itself.

    Runs of two rows touch when they overlap after ``reach`` more at either end: 1 with diagonals, 0 without.
    """
    height = len(mask)
    bounds, firsts = listed_runs(mask)
    parents = empty((int(firsts[-1]),), np.int32)
    over_rows(_join_rows, height, bounds, firsts, parents, reach, strip=_STRIP)
    _join_strips(bounds, firsts, parents, reach, _STRIP)
    return bounds, firsts, parents


@kernel
def _join_rows(bounds, firsts, parents, reach, y0, y1):
    """Join the runs of rows ``y0`` to ``y1`` with those that they touch in the row above, in these rows only."""
    for y in range(y0, y1):
        for run in range(firsts[y], firsts[y + 1]):
            parents[run] = run
        if y > y0:
            join_with_above(bounds, firsts, parents, reach, y)


@kernel
def _join_strips(bounds, firsts, parents, reach, strip):
    """Join the first rows of all strips with the rows above them."""
    for y in range(strip, firsts.size - 1, strip):
        join_with_above(bounds, firsts, parents, reach, y)


@kernel
def join_with_above(bounds, firsts, parents, reach, y):
    """Join the runs of row ``y`` with those of the row above that they touch."""
    above, here = firsts[y - 1], firsts[y]
    for run in range(here, firsts[y + 1]):
        start, stop = bounds[2 * run] - reach, bounds[2 * run + 1] + reach
        while above < here and bounds[2 * above + 1] <= start:
            above += 1
        mine, other = root_of(parents, run), above
        while other < here and bounds[2 * other] < stop:
            its = root_of(parents, other)
            parents[max(mine, its)] = min(mine, its)  # so that a group's root is its first run
            mine = min(mine, its)
            other += 1


@kernel
def _number(parents):
    """Number the roots in their order, give each run the number of its root, and return how many there are."""
    number = 0
    for run in range(parents.size):
        if parents[run] == run:
            number += 1
            parents[run] = -number
        else:
            parents[run] = parents[parents[run]]  # an earlier run: it has its number
    return number


@kernel
def _write(bounds, firsts, parents, labels, y0, y1):
    for y in range(y0, y1):
        row, x = labels[y], np.int64(0)
        for run in range(firsts[y], firsts[y + 1]):
            start, stop = bounds[2 * run], bounds[2 * run + 1]
            _fill(row[x:start], np.int32(0))
            _fill(row[start:stop], -parents[run])
            x = np.int64(stop)
        _fill(row[x:], np.int32(0))


@kernel(inline=True)
def _fill(pixels, number):
    for x in range(pixels.size):
        pixels[x] = number
