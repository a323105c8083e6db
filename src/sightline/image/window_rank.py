"""The value of a given rank in a window that slides: any footprint, any kind of number, little more than a sort.

Suomela 2014, "Median Filtering is Equivalent to Sorting", arXiv:1406.1717: sort the values of a block once and write
down each pixel's place in that order. A window is then a set of places, one bit each; whole words of bits are counted
at a time, and the word that holds the wanted rank is never far from where it was one pixel before.
"""

from __future__ import annotations

import numpy as np

from sightline.core.kernels import kernel, over_rows
from sightline.core.popcount import popcount
from sightline.core.types import Array

_BLOCK = 64  # rows and columns that are sorted at a time, besides the footprint's reach
_WORD, _BITS = 6, 63  # a place's word is place >> 6, its bit place & 63


def rank_by_sorting(image: Array, rows: Array, columns: Array, footprint: Array, rank: int, result: Array) -> None:
    """Write the value of ``rank`` (0 for the smallest) under the footprint around each pixel.

    Parameters
    ----------
    image, result
        H×W or H×W×C of one dtype, without NaN.
    rows, columns
        What stands for row -(h // 2), …, H + h // 2 - 1, and the same for columns, with a footprint of h×w.
    footprint
        h×w bool.
    rank
        0 to the number of true pixels less one.
    """
    tall, broad = footprint.shape
    inside = np.argwhere(footprint)
    edges = np.diff(np.pad(footprint, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    gained, lost = np.argwhere(edges == -1), np.argwhere(edges == 1)  # one step to the right
    width = image.shape[1]

    def block_rows(y0: int, y1: int) -> None:
        for x0 in range(0, width, _BLOCK):
            x1 = min(x0 + _BLOCK, width)
            block = image[rows[y0 : y1 + tall - 1, None], columns[x0 : x1 + broad - 1]]
            for c in np.ndindex(block.shape[2:]):
                values = block[(..., *c)]
                order = np.argsort(values, axis=None)
                places = np.empty(values.size, np.int32)
                places[order] = np.arange(values.size, dtype=np.int32)
                found = np.empty((y1 - y0, x1 - x0), np.int32)
                _by_bits(places.reshape(values.shape), inside, gained, lost, rank, found)
                result[(slice(y0, y1), slice(x0, x1), *c)] = values.ravel()[order[found]]

    over_rows(block_rows, image.shape[0], strip=_BLOCK)


@kernel
def _by_bits(places, inside, gained, lost, rank, found):
    """Keep the window's places as bits, and ``below``: how many of them lie in the words before the current one."""
    one = np.uint64(1)
    words = np.zeros((places.size >> _WORD) + 1, np.uint64)
    at = 0
    for y in range(found.shape[0]):
        words[:] = 0
        for i in range(inside.shape[0]):
            place = places[y + inside[i, 0], inside[i, 1]]
            words[place >> _WORD] |= one << np.uint64(place & _BITS)
        below = 0
        for i in range(at):
            below += np.int64(popcount(words[i]))
        for x in range(found.shape[1]):
            if x > 0:
                for i in range(gained.shape[0]):
                    place = places[y + gained[i, 0], x - 1 + gained[i, 1]]
                    words[place >> _WORD] |= one << np.uint64(place & _BITS)
                    below += (place >> _WORD) < at
                    place = places[y + lost[i, 0], x - 1 + lost[i, 1]]
                    words[place >> _WORD] &= ~(one << np.uint64(place & _BITS))
                    below -= (place >> _WORD) < at
            while below > rank:
                at -= 1
                below -= np.int64(popcount(words[at]))
            here = np.int64(popcount(words[at]))
            while below + here <= rank:
                below += here
                at += 1
                here = np.int64(popcount(words[at]))
            word = words[at]
            for _ in range(rank - below):
                word &= word - one
            found[y, x] = (at << _WORD) + np.int64(popcount((word & (~word + one)) - one))
