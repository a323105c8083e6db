"""The patch of a frame around a target, at the scale at which a filter sees it.

Bolme, Beveridge, Draper & Lui 2010, "Visual Object Tracking using Adaptive Correlation Filters", CVPR, section 3.1:
the filter is correlated over a search window in the frame; between pixels, values are blended from the four around.
"""

from __future__ import annotations

import numpy as np

from sightline.core.kernels import kernel
from sightline.core.types import Array


def target_patch(image: Array, centre: Array, scale: float, shape: tuple[int, int], *, gray: bool = False) -> Array:
    """Return the patch around a point as uint8; beyond the frame its edge goes on.

    Parameters
    ----------
    image
        H×W or H×W×3 uint8.
    centre
        x, y in point coordinates.
    scale
        Pixels of the frame in one of the patch, > 0.
    shape
        Height and width of the patch.
    gray
        Return the mean of the channels, H×W; else the patch has those of the frame.
    """
    channels = image.shape[2] if image.ndim == 3 else 1
    planes = 1 if gray else channels
    out = np.empty((shape[0], shape[1] * planes), np.uint8)
    x, y = (float(middle) - scale * (side - 1) / 2 for middle, side in zip(centre, shape[::-1], strict=True))
    _cut(image.reshape(len(image), -1), channels, x, y, float(scale), planes, out)
    return out if planes == 1 else out.reshape(*shape, planes)


@kernel
def _cut(rows, channels, x, y, scale, planes, out):
    """Blend two rows of the frame, the part that is looked at only, and then that row's neighbours."""
    width = out.shape[1] // planes
    last_y, last_x = rows.shape[0] - 1, rows.shape[1] // channels - 1
    places, shares = np.empty((2, width), np.uint32), np.empty(width, np.int32)
    first = min(max(int(np.floor(x)), 0), last_x)
    for i in range(width):
        left = int(np.floor(x + i * scale))
        shares[i] = np.int32(256 * (x + i * scale - left) + 0.5)
        places[0, i] = planes * (min(max(left, 0), last_x) - first)
        places[1, i] = planes * (min(max(left + 1, 0), last_x) - first)
    span = int(places[1, width - 1]) // planes + 1
    mixed, line = np.empty(span * channels, np.int32), np.empty(span * planes, np.int32)
    source = line if planes < channels else mixed
    for i in range(out.shape[0]):
        upper = int(np.floor(y + i * scale))
        low = np.int32(256 * (y + i * scale - upper) + 0.5)
        above, below = rows[min(max(upper, 0), last_y)], rows[min(max(upper + 1, 0), last_y)]
        above, below = above[first * channels :], below[first * channels :]
        for j in range(mixed.size):
            mixed[j] = np.int32(above[j]) * (256 - low) + np.int32(below[j]) * low
        if planes < channels:
            for j in range(span):
                line[j] = (mixed[3 * j] + mixed[3 * j + 1] + mixed[3 * j + 2]) // 3
        row = out[i]
        if planes == 1:
            for j in range(width):
                share = shares[j]
                row[j] = np.uint8((source[places[0, j]] * (256 - share) + source[places[1, j]] * share + 32768) >> 16)
        else:
            for j in range(width):
                a, b, share = places[0, j], places[1, j], shares[j]
                for c in range(3):
                    k = np.uint32(c)
                    value = source[a + k] * (256 - share) + source[b + k] * share
                    row[3 * j + c] = np.uint8((value + 32768) >> 16)
