"""The levels of ORB: a pyramid in one array, its corners found a band of rows at a time.

Rublee, Rabaud, Konolige & Bradski 2011, "ORB: An Efficient Alternative to SIFT or SURF", ICCV, section 3.1; corners are
those of :func:`sightline.features.fast`. Bands of all levels are one job, so that two threads share out small levels,
too, and nothing but the corners themselves is written for the whole of a level.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sightline.core.buffers import empty
from sightline.core.kernels import kernel, over_rows
from sightline.core.octets import WIDE
from sightline.core.types import Array
from sightline.features.fast import score_row, suppress_row
from sightline.features.orb_patches import MARGIN
from sightline.image.resize import resize
from sightline.image.resize_bytes import resize_bytes

_BAND = 1 << 17  # pixels or so


@dataclass(frozen=True, eq=False)
class Levels:
    """The levels of a pyramid, one after the other in one array.

    Parameters
    ----------
    pixels
        N uint8, of all levels.
    starts
        L int64: where each level begins.
    shapes
        L×2 int64: its height and width.
    """

    pixels: Array
    starts: Array
    shapes: Array

    def __len__(self) -> int:
        return len(self.shapes)

    def level(self, k: int) -> Array:
        """Return a level as H×W uint8."""
        height, width = self.shapes[k]
        return self.pixels[self.starts[k] : self.starts[k] + height * width].reshape(height, width)


def pyramid(gray: Array, levels: int, factor: float) -> Levels:
    """Return the levels, finest first, each made from the one before; none that is too small for a keypoint."""
    sides = [tuple(round(side / factor**k) for side in gray.shape) for k in range(levels)]
    shapes = np.array([s for s in sides if min(s) > 2 * MARGIN], np.int64).reshape(-1, 2)
    ends = np.cumsum(shapes[:, 0] * shapes[:, 1])
    found = Levels(empty((int(ends[-1]) if len(ends) else 0,), np.uint8), ends - shapes[:, 0] * shapes[:, 1], shapes)
    for k in range(len(found)):
        if k == 0:
            np.copyto(found.level(0), gray)
        elif not resize_bytes(found.level(k - 1), found.level(k), "bilinear"):
            resize(found.level(k - 1), sides[k], antialias=False, out=found.level(k))
    return found


def seek(levels: Levels, threshold: int, most: Array | None = None) -> Array:
    """Return the FAST corners that have room around them, as rows (level, y, x), N×3 int64.

    On each level the strongest come first, and no more than ``most``, L int64, says.
    """
    bands = []
    for k, (height, width) in enumerate(levels.shapes.tolist()):
        high = max(_BAND // width, 1)
        bands += [(k, y, min(y + high, height)) for y in range(0, height, high)]
    room = max(((y1 - y0) * int(levels.shapes[k, 1]) for k, y0, y1 in bands), default=0)
    found = np.empty((len(bands), room // 2 + 1), np.int64)  # corners are no neighbours; pages that stay blank are free
    table = np.array(bands, np.int64).reshape(-1, 3)
    arguments = (levels.pixels, levels.starts, levels.shapes, table, np.uint8(threshold), found)
    counts = over_rows(_seek, len(table), *arguments, strip=1)
    keys = np.concatenate([np.zeros(0, np.int64), *(part[:n] for part, n in zip(found, counts, strict=True))])
    keys.sort()
    if most is not None:
        edges = np.searchsorted(keys, np.arange(len(levels) + 1) << 56).tolist()
        chosen = [keys[a : min(a + n, b)] for a, b, n in zip(edges, edges[1:], most.tolist(), strict=False)]
        keys = np.concatenate([keys[:0], *chosen])
    return np.stack([keys >> 56, (keys >> 24) & 0xFFFFFF, keys & 0xFFFFFF], axis=1)


@kernel
def _seek(pixels, starts, shapes, bands, threshold, found, b0, b1):
    """Write a band's corners as keys that sort by level, then by score, then by place; return how many."""
    k, y0, y1 = bands[b0, 0], bands[b0, 1], bands[b0, 2]
    height, width = shapes[k, 0], shapes[k, 1]
    left, right = MARGIN - 1, width - MARGIN + 1
    # Scores of three rows, and the peaks of one, of whole blocks of pixels: they may run on into the next row.
    count = (right - left + WIDE - 1) // WIDE * WIDE
    pitch, words = count + 2, np.zeros(count // 8, np.uint64)
    scores, peaks = np.zeros(3 * pitch, np.uint8), words.view(np.uint8)
    first, last, total = max(y0, MARGIN), min(y1, height - MARGIN), 0
    for y in range(first - 1, last + 1):
        row = y % 3 * pitch + 1
        score_row(pixels, starts[k] + y * width + left, width, count, threshold, scores, row)
        middle = (y - 1) % 3 * pitch + 1
        if y <= first or not suppress_row(scores, (y - 2) % 3 * pitch + 1, middle, row, count, peaks, 0):
            continue
        for word in range(words.size):
            if words[word] == 0:
                continue
            for i in range(8 * word, 8 * word + 8):
                if peaks[i] != 0 and left < left + i < right - 1:
                    key = (k << 56) | ((255 - np.int64(peaks[i])) << 48) | ((y - 1) << 24) | (left + i)
                    found[b0, total] = key
                    total += 1
    return total
