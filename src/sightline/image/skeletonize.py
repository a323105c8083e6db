"""Skeleton: a mask thinned to lines one pixel wide that keep its shape and its connections.

Zhang & Suen 1984, "A Fast Parallel Algorithm for Thinning Digital Patterns", Communications of the ACM 27(3), whose
conditions are written in its symbols; 25 of the 256 neighbourhoods are decided otherwise, as scikit-image does. Only
pixels on the border can go, so that the work follows the border inwards.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import as_mask, output
from sightline.core.kernels import kernel, over_rows
from sightline.core.lanes import prefetch
from sightline.core.layers import Mask as MaskLayer
from sightline.core.trace import Step
from sightline.core.types import Array, Mask

_WATCHED = 12  # iterations that the steps show one by one
_LARGE = 1 << 21  # pixels whose state the processor's own memory does not hold
_SPARSE = 64  # pixels for each one in a list that is not worth putting in order
_AHEAD = 24  # how many pixels later in a list are asked for from memory
_SHIFT = 12  # what is in a list is put in order by 2¹² pixels in a row


# Neighbourhoods decided otherwise than in the paper, by their code: those where the pixel stays, those where it goes in
# the first half of an iteration only, in the second only, and in either. Most are steps of a staircase (two neighbours
# around a corner: 5, 20, 65, 80), which the paper keeps, and ends of a line two pixels wide (two or three neighbours
# side by side: 3, 6, 12, 24 …), which it takes away in either half.
_AMENDED = (
    (24, 192),
    (3, 5, 6, 7, 67, 97, 99, 129, 133, 193, 208),
    (12, 13, 28, 48, 52, 54, 88, 96, 112),
    (20, 65, 80),
)


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
    for halves, codes in enumerate(_AMENDED):
        table[list(codes)] = halves
    return table


_TABLE = _conditions()


@method(task="morphology", paper="Zhang 1984", lesson="w1d5")
def skeletonize(mask: Mask, *, out: Mask | None = None) -> Mask:
    """Return the skeleton of a mask: lines one pixel wide, connected where the mask is.

    Where the paper would leave the steps of a staircase, or let a diagonal line two pixels wide vanish, its conditions
    are amended: steps go, and such a line keeps one of its pixels. What lies outside the image is false. A mask has
    no NaN.

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
    [0, 1, 1, 1, 1, 1, 0, 0, 0]
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
    shape = (mask.shape[0] + 2, mask.shape[1] + 2)  # with a frame of false pixels
    pixels, codes = np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)
    np.not_equal(mask.view(np.uint8), 0, out=pixels[1:-1, 1:-1].view(np.bool_))
    over_rows(_encode, len(mask), pixels, codes, strip=128)
    kind = np.int32 if pixels.size < 1 << 31 else np.int64
    lists = (np.empty(mask.size, kind), np.empty(mask.size, kind))  # of their pages, those written to become memory
    _thin(pixels.reshape(-1), codes.reshape(-1), *lists, shape[1], _TABLE, iterations)
    del codes, lists
    return np.not_equal(pixels[1:-1, 1:-1], 0, out=skeleton)


@kernel
def _encode(pixels, codes, y0, y1):
    """Write the code of each pixel's neighbourhood, above first and on with the clock."""
    n = pixels.shape[1] - 2
    for y in range(y0, y1):
        up, here, down, out = pixels[y], pixels[y + 1], pixels[y + 2], codes[y + 1, 1 : n + 1]
        a, b, c, d = up[1 : n + 1], up[2:], here[2:], down[2:]
        e, f, g, h = down[1 : n + 1], down[:n], here[:n], up[:n]
        for x in range(n):
            code = np.uint8(a[x] + 2 * b[x]) + np.uint8(4 * c[x] + 8 * d[x])
            out[x] = code + np.uint8(16 * e[x] + 32 * f[x]) + np.uint8(64 * g[x] + 128 * h[x])


@kernel
def _thin(pixels, codes, waiting, gone, stride, table, iterations):
    """Take pixels away, in both halves of an iteration all at once; ``waiting`` are those that can go.

    A pixel comes to wait only when a neighbour went. Then its code is another; until then, nothing is to be decided.
    """
    count = 0
    for i in range(stride + 1, pixels.size - stride - 1):
        if table[codes[i]] & -pixels[i]:
            waiting[count] = i
            count += 1
            pixels[i] = 2  # it waits
    around = np.array([-stride, 1 - stride, 1, stride + 1, stride, stride - 1, -1, -stride - 1])
    starts = np.empty((pixels.size >> _SHIFT) + 2, np.int64)
    done, width, large = 0, np.uint64(stride), pixels.size > _LARGE
    while count > 0 and (done < iterations or iterations == 0):
        for half in (1, 2):
            left, taken = 0, 0
            for k in range(count):
                if large:
                    ahead = np.uint64(waiting[min(k + _AHEAD, count - 1)])
                    prefetch(codes, ahead)
                    prefetch(pixels, ahead)
                i = np.int64(waiting[k])
                when = table[codes[i]]
                if when & half:
                    gone[taken] = i
                    taken += 1
                    pixels[i] = 0  # what goes next is decided by the codes, which stay until all have decided
                elif when:
                    waiting[left] = i  # for the other half
                    left += 1
                else:
                    pixels[i] = 1
            count = left
            for k in range(taken):
                if large:
                    ahead = np.uint64(gone[min(k + _AHEAD, taken - 1)])
                    for row in (ahead - width, ahead, ahead + width):
                        prefetch(codes, row)
                        prefetch(pixels, row)
                for j in range(8):
                    near = np.int64(gone[k]) + around[j]
                    codes[near] &= np.uint8(255 - (1 << ((j + 4) & 7)))
                    if pixels[near] == 1 and table[codes[near]]:
                        pixels[near] = 2
                        waiting[count] = near
                        count += 1
        if large and pixels.size < _SPARSE * count:
            _in_order(waiting, count, starts, gone)
            waiting, gone = gone, waiting
        done += 1


@kernel
def _in_order(listed, count, starts, ordered):
    """Write what is listed in about the order of the picture, so that it is gone through once and not many times."""
    starts[:] = 0
    for k in range(count):
        starts[(listed[k] >> _SHIFT) + 1] += 1
    for k in range(1, starts.size):
        starts[k] += starts[k - 1]
    for k in range(count):
        part = listed[k] >> _SHIFT
        ordered[starts[part]] = listed[k]
        starts[part] += 1
