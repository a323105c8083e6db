"""Skeleton: a mask thinned to lines one pixel wide that keep its shape and its connections.

Zhang & Suen 1984, "A Fast Parallel Algorithm for Thinning Digital Patterns", Communications of the ACM 27(3), whose
conditions are written in its symbols. Only pixels on the border can go, so that the work follows the border inwards.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import as_mask, output
from sightline.core.kernels import kernel
from sightline.core.layers import Mask as MaskLayer
from sightline.core.trace import Step
from sightline.core.types import Array, Mask

_WATCHED = 12  # iterations that the steps show one by one


def _conditions() -> Array:
    """Return, for each of the 256 neighbourhoods, in which half of an iteration the pixel goes: bit 0, bit 1.

    Bit k of a neighbourhood is p(k + 2) of the paper: p2 is above, and on with the clock.
    """
    table = np.zeros(256, np.uint8)
    for code in range(256):
        p = [code >> k & 1 for k in range(8)]
        p2, _, p4, _, p6, _, p8, _ = p
        b = sum(p)  # neighbours
        a = sum(p[k] == 0 and p[(k + 1) % 8] == 1 for k in range(8))  # groups of them
        if 2 <= b <= 6 and a == 1:
            first = p2 * p4 * p6 == 0 and p4 * p6 * p8 == 0
            second = p2 * p4 * p8 == 0 and p2 * p6 * p8 == 0
            table[code] = first + 2 * second
    return table


_TABLE = _conditions()


@method(task="morphology", paper="Zhang 1984", lesson="w1d5")
def skeletonize(mask: Mask, *, out: Mask | None = None) -> Mask:
    """Return the skeleton of a mask: lines one pixel wide, connected where the mask is.

    What lies outside the image is false. A mask has no NaN.

    Parameters
    ----------
    mask
        H×W bool.
    out
        H×W bool array to write to; None makes a new one.

    Returns
    -------
    skeleton
        H×W bool, true only where ``mask`` is.

    References
    ----------
    T. Y. Zhang and C. Y. Suen, "A Fast Parallel Algorithm for Thinning Digital Patterns", Communications of the ACM
    27(3), 1984.

    Examples
    --------
    >>> import numpy as np
    >>> mask = np.zeros((5, 9), bool)
    >>> mask[1:4, 1:8] = True
    >>> skeletonize(mask)[2].astype(int).tolist()
    [0, 0, 1, 1, 1, 1, 0, 0, 0]
    """
    return _thinned(mask, out, 0)


@skeletonize.steps
def _steps(mask: Mask, *, out: Any = None) -> Iterator[Step]:
    before = as_mask("skeletonize", mask)
    yield Step("mask", MaskLayer(before))
    for iterations in range(1, _WATCHED + 1):
        after = _thinned(mask, None, iterations)
        if np.array_equal(before, after):
            break
        yield Step(f"iteration {iterations}", MaskLayer(after), note=f"{int((before & ~after).sum())} pixels went.")
        before = after
    yield Step("skeleton", MaskLayer(skeletonize(mask, out=out)), note="No pixel can go without breaking a line.")


def _thinned(mask: Any, out: Array | None, iterations: int) -> Array:
    """Return the mask after some iterations; 0 goes on until nothing changes."""
    mask = as_mask("skeletonize", mask)
    skeleton = output("skeletonize", out, mask.shape, np.bool_, [mask])
    pixels = np.zeros((mask.shape[0] + 2, mask.shape[1] + 2), np.uint8)
    pixels[1:-1, 1:-1] = mask.view(np.uint8) != 0
    _thin(pixels.reshape(-1), pixels.shape[1], _TABLE, iterations)
    return np.not_equal(pixels[1:-1, 1:-1], 0, out=skeleton)


@kernel
def _thin(pixels, stride, table, iterations):
    """Take pixels away, in both halves of an iteration all at once; ``border`` holds those that might go.

    A pixel can only go when it has a false neighbour: the border, and what a half iteration has laid bare.
    """
    border, count = np.empty(1024, np.int64), 0
    for i in range(stride + 1, pixels.size - stride - 1):
        if pixels[i] and _neighbours(pixels, i, stride) != 255:
            border, count = _add(border, count, i)
            pixels[i] = 2  # in the list
    gone = np.empty(1024, np.int64)
    done = 0
    while True:
        changed = 0
        for half in (1, 2):
            left, taken = 0, 0
            for k in range(count):
                i = border[k]
                if table[_neighbours(pixels, i, stride)] & half:
                    gone, taken = _add(gone, taken, i)
                else:
                    border[left] = i
                    left += 1
            for k in range(taken):
                pixels[gone[k]] = 0
            count = left
            for k in range(taken):
                for near in (-stride - 1, -stride, -stride + 1, -1, 1, stride - 1, stride, stride + 1):
                    if pixels[gone[k] + near] == 1:
                        pixels[gone[k] + near] = 2
                        border, count = _add(border, count, gone[k] + near)
            changed += taken
        done += 1
        if changed == 0 or done == iterations:
            return


@kernel(inline=True)
def _neighbours(pixels, i, stride):
    """Return the neighbourhood's code, above first and on with the clock."""
    up, down = i - stride, i + stride
    code = np.int64(pixels[up] != 0) | np.int64(pixels[up + 1] != 0) << 1 | np.int64(pixels[i + 1] != 0) << 2
    code |= np.int64(pixels[down + 1] != 0) << 3 | np.int64(pixels[down] != 0) << 4
    code |= np.int64(pixels[down - 1] != 0) << 5 | np.int64(pixels[i - 1] != 0) << 6
    return code | np.int64(pixels[up - 1] != 0) << 7


@kernel
def _add(items, count, item):
    """Append to a list; return it, or a larger one."""
    if count == items.size:
        grown = np.empty(2 * count, np.int64)
        grown[:count] = items
        items = grown
    items[count] = item
    return items, count + 1
