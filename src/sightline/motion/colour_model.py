"""What a target looks like by its colours alone, and where in a frame these are.

Swain & Ballard 1991, "Color Indexing", International Journal of Computer Vision 7(1): ratios of histograms; Comaniciu,
Ramesh & Meer 2003, "Kernel-Based Object Tracking", PAMI 25(5): what surrounds the target counts against a colour, and
Bhattacharyya's coefficient says how alike two histograms are.
"""

from __future__ import annotations

import numpy as np

from sightline.core.kernels import kernel
from sightline.core.types import Array
from sightline.image.convert import convert
from sightline.image.histogram import bins_of
from sightline.motion.window_shift import Window

_HSV, _GRAY = (16, 4, 8), (32,)  # bins of hue, saturation and value; of grey
_TOPS = (180, 256, 256)  # of hue, saturation and value
_MORE = 16  # pixels beyond the window and its size in which its colours are looked for


class ColourModel:
    """The histogram of a window, and how much each colour speaks for the target rather than for what surrounds it.

    Parameters
    ----------
    image
        H×W or H×W×3 uint8.
    window
        Where the target is.
    """

    def __init__(self, image: Array, window: Window) -> None:
        self._tables, self._size = _tables(image.ndim)
        self._places, self._corner = np.zeros((0, 0), np.uint16), (0, 0)  # the bins that were looked up last, and where
        self._frame: Array | None = None
        inside = self.counts_in(image, window)
        self.counts = inside / inside.sum()
        self.ratio = np.zeros(self._size, np.float32)
        self._weights, self._written = np.zeros(image.shape[:2], np.float32), (slice(0, 0), slice(0, 0))
        self.look_around(image, window, inside)

    def look_around(self, image: Array, window: Window, inside: Array) -> None:
        """Learn anew what surrounds the target, which has moved to ``window`` with the histogram ``inside``.

        The surroundings reach as far beyond the window as it is wide and high.
        """
        around = self._counts(self._bins(image, window, 0)) - inside
        other = around / max(around.sum(), 1)
        seen = np.flatnonzero(self.counts)
        share = self.counts[seen] / (self.counts[seen] + other[seen])
        self.ratio[seen] = np.maximum(2 * share - 1, 0)  # what is rarer on the target than around it says nothing

    def weights(self, image: Array, window: Window) -> Array:
        """Return H×W float32: from 0 to 1, how much the colour of each pixel speaks for the target.

        It is 0 further from the window than its size and some pixels. The next call writes over it.
        """
        self._frame = None  # the next frame may lie in the same memory
        places = self._bins(image, window, _MORE)
        left, top = self._corner
        self._weights[self._written] = 0
        self._written = slice(top, top + places.shape[0]), slice(left, left + places.shape[1])
        self._weights[self._written] = self.ratio[places]
        return self._weights

    def counts_in(self, image: Array, window: Window) -> Array:
        """Return the histogram of a window, its bins in one row."""
        x, y, w, h = window
        return self._counts(self._bins_within(image, (max(x, 0), max(y, 0), x + w, y + h)))

    def likeness(self, counts: Array) -> float:
        """Return Bhattacharyya's coefficient, 0–1, between the target's histogram and another one."""
        return float(np.sqrt(self.counts * counts / max(counts.sum(), 1)).sum())

    def _bins(self, image: Array, window: Window, more: int) -> Array:
        """Return the bins of what lies no farther from the window than its size and ``more`` pixels."""
        x, y, w, h = window
        left, top = max(x - w - more, 0), max(y - h - more, 0)
        return self._bins_within(image, (left, top, x + 2 * w + more, y + 2 * h + more))

    def _bins_within(self, image: Array, edges: tuple[int, int, int, int]) -> Array:
        """Return the bin of each pixel of a part of a frame, h×w uint16; what was looked up before is not again."""
        x1, y1, x2, y2 = edges[0], edges[1], min(edges[2], image.shape[1]), min(edges[3], image.shape[0])
        left, top = self._corner
        high, wide = self._places.shape
        if image is not self._frame or x1 < left or y1 < top or x2 > left + wide or y2 > top + high:
            part = np.ascontiguousarray(image[y1:y2, x1:x2])
            planes = convert(part, "rgb", "hsv") if part.ndim == 3 else part
            self._places = np.empty(part.shape[:2], np.uint16)
            _look_up(planes.reshape(-1), self._tables, self._places.reshape(-1))
            self._frame, self._corner = image, (x1, y1)
            left, top = x1, y1
        return self._places[y1 - top : y2 - top, x1 - left : x2 - left]

    def _counts(self, places: Array) -> Array:
        return np.bincount(places.reshape(-1), minlength=self._size).astype(np.float64)


def _tables(axes: int) -> tuple[Array, int]:
    """Return what a level of each channel adds to the number of a colour's bin (C×256 uint16), and how many bins."""
    shape, tops = (_HSV, _TOPS) if axes == 3 else (_GRAY, _TOPS[1:2])
    strides = [int(np.prod(shape[i + 1 :])) for i in range(len(shape))]
    rows = [
        np.minimum(bins_of(np.arange(256), bins, 0, top), bins - 1) * stride
        for bins, top, stride in zip(shape, tops, strides, strict=True)
    ]
    return np.array(rows, np.uint16), int(np.prod(shape))


@kernel
def _look_up(flat, tables, out):
    if len(tables) == 1:
        for x in range(out.size):
            out[x] = tables[0, flat[x]]
        return
    first, second, third = tables[0], tables[1], tables[2]
    for x in range(out.size):
        out[x] = first[flat[3 * x]] + second[flat[3 * x + 1]] + third[flat[3 * x + 2]]
