"""What makes a map of disparities whole: small patches that fit nothing around them go, and holes are filled.

Hirschmüller 2008, "Stereo Processing by Semiglobal Matching and Mutual Information", IEEE PAMI 30(2), sections 2.5.1
(peak filtering) and 2.5.3 (interpolation).
"""

from __future__ import annotations

import numpy as np

from sightline.core.kernels import kernel, over_rows
from sightline.core.types import Array


def remove_speckles(disparity: Array, size: int, step: float) -> None:
    """Set to NaN, in place, each patch of at most ``size`` pixels; neighbours in a patch differ by ``step`` at most."""
    labels = np.zeros(disparity.size, np.int32)
    _grow(disparity, np.float32(step), size, labels, np.empty(disparity.size, np.int32))


def fill_gaps(disparity: Array) -> None:
    """Fill, in place, what is NaN with the farther (smaller) of the nearest values to the left and to the right."""
    over_rows(_fill, len(disparity), disparity)


@kernel
def _grow(disparity, step, size, labels, stack):
    """Flood each patch, and go through it once more to clear it when it is small."""
    height, width = disparity.shape
    flat = disparity.reshape(-1)
    label = 0
    for start in range(flat.size):
        if labels[start] != 0 or np.isnan(flat[start]):
            continue
        label += 1
        labels[start], stack[0] = label, start
        seen, at = 1, 0
        while at < seen:  # the stack keeps all that was seen: it is a queue
            place = stack[at]
            at += 1
            y, x = place // width, place % width
            value = flat[place]
            for k in range(4):
                inside = (x > 0, x < width - 1, y > 0, y < height - 1)[k]
                other = place + (-1, 1, -width, width)[k]
                if inside and labels[other] == 0 and np.abs(flat[other] - value) <= step:
                    labels[other], stack[seen] = label, other
                    seen += 1
        if seen <= size:
            for k in range(seen):
                flat[stack[k]] = np.nan


@kernel
def _fill(disparity, y0, y1):
    for y in range(y0, y1):
        row = disparity[y]
        last, x = np.float32(np.nan), 0
        while x < row.size:
            if not np.isnan(row[x]):
                last = row[x]
                x += 1
                continue
            end = x
            while end < row.size and np.isnan(row[end]):
                end += 1
            following = row[end] if end < row.size else last
            value = following if np.isnan(last) else min(last, following)
            for k in range(x, end):
                row[k] = value
            x = end
