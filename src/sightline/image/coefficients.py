"""Quantised wavelet coefficients, each band in whole numbers as narrow as its values allow."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from sightline.image.lifting import sizes

_KINDS = (np.int8, np.int16, np.int32)
_STRIP = 1 << 16  # coefficients to read or write at a time


class Coefficients:
    """The bands of a plane of whole numbers, seen as one sheet on which the low-pass part is the top left quarter.

    Parameters
    ----------
    shape
        The sheet's height and width.
    levels
        Number of halvings.
    """

    def __init__(self, shape: tuple[int, ...], levels: int) -> None:
        self.shape = shape
        self.places = bands_of(shape, levels)
        self.bands = [np.zeros((y1 - y0, x1 - x0), np.int8) for y0, y1, x0, x1 in self.places[:, :4].tolist()]

    def strips(self, number: int) -> Iterator[tuple[int, int]]:
        """Yield first and last row (exclusive) of strips of a band; the first one is even."""
        height, width = self.bands[number].shape
        rows = max(2, _STRIP // max(1, width) // 2 * 2)
        for y in range(0, height, rows):
            yield y, min(y + rows, height)

    def put(self, number: int, y: int, rows: np.ndarray) -> None:
        """Write whole numbers to the rows of a band from row ``y`` on; the band is widened where they need it."""
        band = self.bands[number]
        if rows.size:
            low, high = int(rows.min()), int(rows.max())
            wanted = next(k for k in _KINDS if k is np.int32 or (np.iinfo(k).min <= low and high <= np.iinfo(k).max))
            if np.dtype(wanted).itemsize > band.itemsize:
                band = self.bands[number] = band.astype(wanted)
            band[y : y + len(rows)] = rows

    def sheet(self, y0: int = 0, y1: int | None = None, x0: int = 0, x1: int | None = None) -> np.ndarray:
        """Return rows ``y0`` to ``y1`` and columns ``x0`` to ``x1`` of the sheet, int32."""
        y1, x1 = self.shape[0] if y1 is None else y1, self.shape[1] if x1 is None else x1
        block = np.zeros((y1 - y0, x1 - x0), np.int32)
        for band, (top, bottom, left, right) in zip(self.bands, self.places[:, :4].tolist(), strict=True):
            first, last, start, stop = max(top, y0), min(bottom, y1), max(left, x0), min(right, x1)
            if first < last and start < stop:
                part = band[first - top : last - top, start - left : stop - left]
                block[first - y0 : last - y0, start - x0 : stop - x0] = part
        return block


def bands_of(shape: tuple[int, ...], levels: int) -> np.ndarray:
    """Return the bands in coding order as rows of (top, bottom, left, right, kind, parents' top, parents' left).

    ``kind`` is 0 for the low-pass band, 1 for edges along y, 2 along x, 3 for diagonals; -1 where there are no parents.
    """
    heights, widths = sizes(shape[0], levels), sizes(shape[1], levels)
    bands = [(0, heights[-1], 0, widths[-1], 0, -1, -1)]
    for level in range(levels, 0, -1):
        h, tall, w, wide = heights[level], heights[level - 1], widths[level], widths[level - 1]
        up, left = (-1, -1) if level == levels else (heights[level + 1], widths[level + 1])
        bands.append((0, h, w, wide, 1, -1 if level == levels else 0, left))
        bands.append((h, tall, 0, w, 2, up, -1 if level == levels else 0))
        bands.append((h, tall, w, wide, 3, up, left))
    return np.array(bands, np.int64)
