"""Following: what is weak stays where it is connected with something strong."""

from __future__ import annotations

import numpy as np

from sightline.core.buffers import empty
from sightline.core.kernels import kernel, over_rows

NONE, STRONG, WEAK = 0, 1, 2  # labels of a pixel; a weak one that is reached from a strong one becomes strong
_STRIP = 64


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
    height, width = out.shape
    flat, words = labels.reshape(-1), labels.view(np.uint64)
    over_rows(_grow, height, flat, words, diagonal, 0, strip=_STRIP)
    for border in range(_STRIP, height, _STRIP):
        _grow(flat, words, diagonal, height, border - 1, border + 1)
    return np.equal(labels[1:-1, 1 : width + 1], STRONG, out=out)


@kernel
def _grow(flat, words, diagonal, reach, y0, y1):
    """Follow from the strong pixels of rows ``y0`` to ``y1``, at most ``reach`` rows beyond these."""
    height, step = words.shape[0] - 2, 8 * words.shape[1]
    begin, end = (max(y0 - reach, 0) + 1) * step, (min(y1 + reach, height) + 1) * step
    stack = np.empty(end - begin, np.int64)
    for y in range(y0 + 1, y1 + 1):  # under the frame
        row = words[y]
        for i in range(0, row.size, 8):
            eight = row[i] | row[i + 1] | row[i + 2] | row[i + 3] | row[i + 4] | row[i + 5] | row[i + 6] | row[i + 7]
            if eight & np.uint64(0x0101010101010101) == 0:  # 64 labels without a strong one
                continue
            for start in range(y * step + 8 * i, y * step + 8 * i + 64):
                if flat[start] != STRONG:
                    continue
                stack[0] = start
                top = 1
                while top > 0:
                    top -= 1
                    pixel = stack[top]
                    for j in range(3):
                        centre = pixel + (j - 1) * step
                        if begin <= centre < end:
                            for near in range(centre - 1, centre + 2):
                                if flat[near] == WEAK and (diagonal or j == 1 or near == centre):
                                    flat[near] = STRONG
                                    stack[top] = near
                                    top += 1
