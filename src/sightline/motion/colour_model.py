"""What a target looks like by its colours alone, and where in a frame these are.

Swain & Ballard 1991, "Color Indexing", International Journal of Computer Vision 7(1): ratios of histograms; Comaniciu,
Ramesh & Meer 2003, "Kernel-Based Object Tracking", PAMI 25(5): what surrounds the target counts against a colour, and
Bhattacharyya's coefficient says how alike two histograms are.
"""

from __future__ import annotations

import numpy as np

from sightline.core.types import Array
from sightline.image.back_project import back_project
from sightline.image.convert import convert
from sightline.image.histogram import histogram
from sightline.motion.window_shift import Window

_HSV, _GRAY = (16, 4, 8), (32,)  # bins of hue, saturation and value; of grey
_LIMITS = ((0, 180), (0, 256), (0, 256))
_MORE = 16  # pixels beyond the window and its size in which its colours are looked for
_AROUND = 1.0  # of the window's size that the surroundings reach beyond it on each side


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
        inside = self.counts_in(image, window)
        self.counts = inside / inside.sum()
        self.ratio = np.zeros(inside.shape, np.float32)
        self.look_around(image, window, inside)

    def look_around(self, image: Array, window: Window, inside: Array) -> None:
        """Learn anew what surrounds the target, which has moved to ``window`` with the histogram ``inside``."""
        x, y, w, h = window
        wide, high = int(_AROUND * w), int(_AROUND * h)
        left, top = max(x - wide, 0), max(y - high, 0)
        around = self._counts(self._planes(image[top : y + h + high, left : x + w + wide])) - inside
        other = around / max(around.sum(), 1)
        seen = self.counts > 0
        share = self.counts[seen] / (self.counts[seen] + other[seen])
        self.ratio[seen] = np.maximum(2 * share - 1, 0)  # what is rarer on the target than around it says nothing

    def weights(self, image: Array, window: Window) -> Array:
        """Return H×W float32: from 0 to 1, how much the colour of each pixel speaks for the target.

        It is 0 further from the window than its size and some pixels.
        """
        x, y, w, h = window
        rows, columns = slice(max(y - h - _MORE, 0), y + 2 * h + _MORE), slice(max(x - w - _MORE, 0), x + 2 * w + _MORE)
        planes = self._planes(image[rows, columns])
        channels, limits = self._axes(planes)
        found = np.zeros(image.shape[:2], np.float32)
        found[rows, columns] = back_project(planes, self.ratio, channels=channels, limits=limits)
        return found

    def counts_in(self, image: Array, window: Window) -> Array:
        """Return the histogram of a window."""
        x, y, w, h = window
        return self._counts(self._planes(image[y : y + h, x : x + w]))

    def likeness(self, counts: Array) -> float:
        """Return Bhattacharyya's coefficient, 0–1, between the target's histogram and another one."""
        return float(np.sqrt(self.counts * counts / max(counts.sum(), 1)).sum())

    @staticmethod
    def _planes(image: Array) -> Array:
        return convert(image, "rgb", "hsv") if image.ndim == 3 else image

    @staticmethod
    def _axes(planes: Array) -> tuple[tuple[int, ...], tuple[tuple[int, int], ...]]:
        return ((0, 1, 2), _LIMITS) if planes.ndim == 3 else ((0,), _LIMITS[1:2])

    def _counts(self, planes: Array) -> Array:
        channels, limits = self._axes(planes)
        bins = _HSV if planes.ndim == 3 else _GRAY
        return histogram(np.ascontiguousarray(planes), bins, channels=channels, limits=limits).astype(np.float64)
