"""The levels of ORB: a pyramid in one array, its corners found and its pixels smoothed a band of rows at a time.

Rublee, Rabaud, Konolige & Bradski 2011, "ORB: An Efficient Alternative to SIFT or SURF", ICCV, section 3.1; corners are
those of :func:`sightline.features.fast`. Bands of all levels are one job, so that two threads share out small levels,
too, and nothing but the corners themselves is written for the whole of a level.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sightline.core.buffers import empty
from sightline.core.kernels import kernel, over_rows
from sightline.core.narrow import plus, shifted, upper_half
from sightline.core.types import Array
from sightline.features.brief import MARGIN
from sightline.features.fast import RADIUS, score_row, suppress_row
from sightline.image.resize import resize
from sightline.image.resize_bytes import resize_bytes

_BAND = 1 << 17  # pixels or so
# A Gaussian with σ = 2.5 pixels, cut off after three: the smoothing before comparisons.
_MIDDLE, _ONE, _TWO, _THREE = 24, 22, 18, 12  # of 128
_TAPS = 3


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


def seek(levels: Levels, threshold: int, most: Array | None = None) -> tuple[Array, Array]:
    """Return the FAST corners that have room around them, and the smoothed levels.

    Corners are rows (level, y, x), N×3 int64, on each level the strongest first, and no more of each than ``most``,
    L int64, says; the smoothed pixels, N uint8, lie as those of the levels do.
    """
    bands = []
    for k, (height, width) in enumerate(levels.shapes.tolist()):
        high = max(_BAND // width, 1)
        bands += [(k, y, min(y + high, height)) for y in range(0, height, high)]
    room = max(((y1 - y0) * int(levels.shapes[k, 1]) for k, y0, y1 in bands), default=0)
    found = np.empty((len(bands), room // 2 + 1), np.int64)  # corners are no neighbours; pages that stay blank are free
    smooth, table = empty(levels.pixels.shape, np.uint8), np.array(bands, np.int64).reshape(-1, 3)
    arguments = (levels.pixels, levels.starts, levels.shapes, table, np.uint8(threshold), smooth, found)
    counts = over_rows(_seek, len(table), *arguments, strip=1)
    keys = np.concatenate([np.zeros(0, np.int64), *(part[:n] for part, n in zip(found, counts, strict=True))])
    keys.sort()
    if most is not None:
        edges = np.searchsorted(keys, np.arange(len(levels) + 1) << 56).tolist()
        chosen = [keys[a : min(a + n, b)] for a, b, n in zip(edges, edges[1:], most.tolist(), strict=False)]
        keys = np.concatenate([keys[:0], *chosen])
    return np.stack([keys >> 56, (keys >> 24) & 0xFFFFFF, keys & 0xFFFFFF], axis=1), smooth


@kernel
def _seek(pixels, starts, shapes, bands, threshold, smooth, found, b0, b1):
    """Smooth a band; write its corners as keys that sort by level, then by score, then by place; return how many."""
    k, y0, y1 = bands[b0, 0], bands[b0, 1], bands[b0, 2]
    height, width, start = shapes[k, 0], shapes[k, 1], starts[k]
    line = np.empty(width + 2 * _TAPS, np.uint16)
    for y in range(y0, y1):
        at, above, below = start + y * width, start + max(y - 1, 0) * width, start + min(y + 1, height - 1) * width
        a, b = pixels[above : above + width], pixels[below : below + width]
        above, below = start + max(y - 2, 0) * width, start + min(y + 2, height - 1) * width
        c, d = pixels[above : above + width], pixels[below : below + width]
        above, below = start + max(y - 3, 0) * width, start + min(y + 3, height - 1) * width
        e, f = pixels[above : above + width], pixels[below : below + width]
        _weigh_down(pixels[at : at + width], a, b, c, d, e, f, line[_TAPS : _TAPS + width])
        for x in range(_TAPS):
            line[x], line[line.size - 1 - x] = line[_TAPS], line[_TAPS + width - 1]
        _weigh_across(line, smooth[at : at + width])
    # Three rows of scores, a row of peaks, and whether a row has any.
    wide, count, keys = width // 8 * 8 + 8, 0, found[b0]
    scores = np.empty(4 * wide + 8, np.uint8)
    for x in range(scores.size):
        scores[x] = 0
    peaks, some = scores[3 * wide : 4 * wide], scores[4 * wide :]
    words = peaks.view(np.uint64)
    left = MARGIN - 1 - RADIUS
    first, last = max(y0, MARGIN), min(y1, height - MARGIN)
    for y in range(first - 1, last + 1):
        at, to = start + y * width + left, y % 3 * wide
        some[y % 3] = score_row(
            pixels[at - 3 * width :], pixels[at - 2 * width :], pixels[at - width :], pixels[at:],
            pixels[at + width :], pixels[at + 2 * width :], pixels[at + 3 * width :],
            threshold, scores[to + MARGIN - 1 : to + width - MARGIN + 1],
        )  # fmt: skip
        if y <= first or some[(y - 1) % 3] == 0:
            continue
        above, row, below = (y - 2) % 3 * wide, (y - 1) % 3 * wide, to
        suppress_row(scores[above : above + width], scores[row : row + width], scores[below : below + width], peaks[1:])
        for word in range(words.size):
            if words[word] == 0:
                continue
            for x in range(8 * word, 8 * word + 8):
                if peaks[x] != 0 and MARGIN <= x < width - MARGIN:
                    keys[count] = (k << 56) | ((255 - np.int64(peaks[x])) << 48) | ((y - 1) << 24) | x
                    count += 1
    return count


@kernel
def _weigh_down(m, a, b, c, d, e, f, line):
    """Write the weighted sums of seven bytes, 128 times their mean."""
    for x in range(m.size):
        one, two = np.uint16(a[x]) + np.uint16(b[x]), np.uint16(c[x]) + np.uint16(d[x])
        three = np.uint16(e[x]) + np.uint16(f[x])
        total = np.uint16(np.uint16(m[x]) * np.uint16(_MIDDLE) + np.uint16(one * np.uint16(_ONE)))
        rest = np.uint16(np.uint16(two * np.uint16(_TWO)) + np.uint16(three * np.uint16(_THREE)))
        line[x] = np.uint16(total + rest)


@kernel
def _weigh_across(line, out):
    """Write weighted means; of each product, the upper half of its 32 bits counts."""
    n = out.size
    a, b, c, m = line[:n], line[1 : n + 1], line[2 : n + 2], line[3 : n + 3]
    d, e, f = line[4 : n + 4], line[5 : n + 5], line[6 : n + 6]
    w, u, v, t = np.uint16(_MIDDLE << 8), np.uint16(_ONE << 8), np.uint16(_TWO << 8), np.uint16(_THREE << 8)
    half, down = np.uint16(32), np.uint16(6)
    for x in range(n):
        total = plus(upper_half(m[x], w), upper_half(plus(c[x], d[x]), u))
        rest = plus(upper_half(plus(b[x], e[x]), v), upper_half(plus(a[x], f[x]), t))
        out[x] = np.uint8(shifted(plus(plus(total, rest), half), down))
