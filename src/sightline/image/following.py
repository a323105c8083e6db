"""Following: what is weak stays where it is connected with something strong."""

from __future__ import annotations

import numpy as np

from sightline.core.buffers import empty
from sightline.core.kernels import kernel, over_rows
from sightline.core.lanes import word_32
from sightline.image.bits import trailing_zeros

NONE, STRONG, WEAK = 0, 1, 2  # labels of a pixel; a weak one that is reached from a strong one becomes strong
_STRIP = 128
_WAITING = 8  # one of so many labels may wait to be looked at when following across; more of them are found again
_STRONG = np.uint64(0x0101010101010101)  # the bits of eight strong labels
_THREE_WEAK, _ONE_WEAK = np.uint64(0x020202), np.uint64(0x000200)  # those of neighbours in a row


def framed_labels(shape: tuple[int, ...]) -> np.ndarray:
    """Return labels to be written, framed by a pixel (more at the right); the rows above and below are NONE."""
    labels = empty((shape[0] + 2, -(-(shape[1] + 2) // 64) * 64), np.uint8)  # 64 labels are looked at together
    labels[0], labels[-1] = NONE, NONE
    return labels


def follow(labels: np.ndarray, out: np.ndarray, *, diagonal: bool = True) -> np.ndarray:
    """Make weak pixels strong that are connected with a strong one; write to ``out`` which ones are strong.

    Strips are followed on their own first, then what crosses from strip to strip: what is reached does not depend on
    the order.

    Parameters
    ----------
    labels
        Labels with their frame (:func:`framed_labels`).
    out
        H×W bool.
    diagonal
        Whether all eight neighbours are connected, or four.
    """
    height, flat, words = len(out), labels.reshape(-1), labels.view(np.uint64)
    place = np.zeros(1, np.uint32 if flat.size < 1 << 32 else np.int64)  # in which a label's number fits
    over_rows(_follow_rows, height, flat, words, diagonal, place, strip=_STRIP)
    _follow_across(flat, words, diagonal, place)
    over_rows(_choose_strong, height, labels, out.view(np.uint8), strip=4 * _STRIP)
    return out


@kernel
def _follow_rows(flat, words, diagonal, place, y0, y1):
    """Follow within a strip of rows."""
    _grow(flat, words, diagonal, y0, y1, np.empty((y1 - y0) * 8 * words.shape[1], place.dtype), y0, y1)


@kernel
def _follow_across(flat, words, diagonal, place):
    """Follow from the rows on both sides of each border between two strips, as far as it goes."""
    height = words.shape[0] - 2
    stack, more = np.empty(flat.size // _WAITING, place.dtype), False
    for border in range(_STRIP, height, _STRIP):
        more |= _grow(flat, words, diagonal, np.int64(0), height, stack, border - 1, border + 1)
    while more:
        more = _grow(flat, words, diagonal, np.int64(0), height, stack, np.int64(0), height)


@kernel
def _choose_strong(labels, out, y0, y1):
    for y in range(y0, y1):
        row, to = labels[y + 1, 1 : out.shape[1] + 1], out[y]
        for x in range(to.size):
            to[x] = row[x] == STRONG


@kernel
def _grow(flat, words, diagonal, first, last, stack, y0, y1):
    """Follow from the strong pixels of rows ``y0`` to ``y1``, within the rows ``first`` to ``last``.

    Return whether the stack was too small: from some pixels, which are strong by now, nothing was followed.
    """
    more = False
    step = 8 * words.shape[1]
    begin, end = (first + 1) * step, (last + 1) * step
    for y in range(y0 + 1, y1 + 1):  # under the frame
        row = words[y]
        for i in range(0, row.size, 8):
            eight = row[i] | row[i + 1] | row[i + 2] | row[i + 3] | row[i + 4] | row[i + 5] | row[i + 6] | row[i + 7]
            if eight & _STRONG == 0:  # 64 labels without a strong one
                continue
            for k in range(i, i + 8):
                seeds = row[k] & _STRONG
                while seeds != 0:
                    stack[0] = y * step + 8 * k + np.int64(trailing_zeros(seeds) >> np.uint64(3))
                    seeds &= seeds - np.uint64(1)
                    top = 1
                    while top > 0:
                        top -= 1
                        pixel = np.int64(stack[top])
                        for centre in (pixel - step, pixel, pixel + step):
                            if not begin <= centre < end:
                                continue
                            near = _THREE_WEAK if diagonal or centre == pixel else _ONE_WEAK
                            weak = np.uint64(word_32(flat, centre - 1)) & near
                            while weak != 0:
                                reached = centre - 1 + np.int64(trailing_zeros(weak) >> np.uint64(3))
                                weak &= weak - np.uint64(1)
                                flat[reached] = STRONG
                                if top < stack.size:
                                    stack[top] = reached
                                    top += 1
                                else:
                                    more = True
    return more
