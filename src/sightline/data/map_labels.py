"""The map of label maps and masks: every new pixel takes the label of the nearest old one.

Several masks of a picture go through one map: where a row of new pixels comes from is computed once for all of them.
"""

from __future__ import annotations

import math

import numpy as np

from sightline.core.kernels import kernel, over_rows


def map_labels(labels: np.ndarray, inverse: np.ndarray, shape: tuple[int, int], outside: int | bool) -> np.ndarray:
    """Return label maps in a new frame, nearest neighbour.

    Parameters
    ----------
    labels
        …×H×W, any dtype of 1, 2, 4 or 8 bytes.
    inverse
        2×3 float64 or more rows, from points (x, y) of the new frame to points of the old one.
    shape
        ``(height, width)`` of the new frame.
    outside
        The label of what comes in from beyond the old frame.
    """
    (height, width), count = labels.shape[-2:], math.prod(labels.shape[:-2])
    found = np.empty((*labels.shape[:-2], *shape), labels.dtype)
    bits = np.dtype(f"u{labels.itemsize}")  # labels are only moved
    maps = np.ascontiguousarray(labels).view(bits).reshape(count, height * width)
    label = np.array([outside], labels.dtype).view(bits)[0]
    numbers = tuple(inverse[:2].ravel().tolist())
    over_rows(_fetch, shape[0], maps, height, width, numbers, label, found.view(bits).reshape(count, *shape))
    return found


@kernel
def _fetch(maps, height, width, inverse, outside, out, first, last):
    a, b, left, c, d, top = inverse
    across = out.shape[2]
    places = np.empty(across, np.int64)
    for y in range(first, last):
        for x in range(across):
            u, v = np.floor(a * x + b * y + left + 0.5), np.floor(c * x + d * y + top + 0.5)
            seen = (u >= 0) & (u < width) & (v >= 0) & (v < height)
            places[x] = int(v * width + u) if seen else -1
        begin, end = 0, across
        while begin < end and places[begin] < 0:
            begin += 1
        while end > begin and places[end - 1] < 0:
            end -= 1
        for n in range(len(maps)):
            row, source = out[n, y], maps[n]
            row[:begin], row[end:] = outside, outside
            for x in range(begin, end):
                row[x] = source[np.uint64(places[x])]
