"""The determinant of the Hessian by boxes, at any scale for one price: sums of a box are differences of four numbers.

Bay, Ess, Tuytelaars & Van Gool 2008, "Speeded-Up Robust Features (SURF)", Computer Vision and Image Understanding
110(3); the table of sums of all pixels above and to the left is that of Viola & Jones 2001.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from sightline.core.buffers import empty
from sightline.core.kernels import kernel, over_rows
from sightline.image.scale_stack import brightest

_BLOCK = 512  # pixels of a row whose boxes are added up at a time
_STRIP = 16


def boxed_determinants(image: np.ndarray, sigmas: np.ndarray) -> np.ndarray:
    """Return the determinant of the Hessian by boxes at each scale, S×H×W float32."""
    rows, columns = (slice(0, size) for size in image.shape)
    return np.stack(list(BoxedLevels(image, sigmas)(rows, columns)))


class BoxedLevels:
    """The determinants of an image at each scale, asked for from top to bottom.

    Of the table of sums, the rows that boxes around the rows asked for reach are kept. Sums begin at the image's first
    pixel, so that answers do not depend on which rows are asked for.

    Parameters
    ----------
    image
        H×W uint8, uint16 or float32.
    sigmas
        The scales; boxes together are about three of it wide.
    """

    def __init__(self, image: np.ndarray, sigmas: np.ndarray) -> None:
        self._image, self._sizes = image, [int(3 * sigma) for sigma in sigmas]
        self._reach = max(self._sizes) // 2 + 2
        self._sums, self._line = np.empty((0, image.shape[1] + 1 + 2 * self._reach)), np.zeros(image.shape[1])
        self._first = self._known = -self._reach  # rows of the table: the first one, and the one after the last

    def __call__(self, rows: slice, columns: slice) -> Iterator[np.ndarray]:
        """Yield some rows and columns of the determinants at each scale."""
        self._go_to(rows)
        left = columns.start + self._reach
        for size in self._sizes:
            level, scale = (
                empty((rows.stop - rows.start, columns.stop - columns.start), np.float32),
                1.0 / (size * size),
            )
            over_rows(_determinants, len(level), self._sums, size, scale, self._reach, left, level, strip=_STRIP)
            yield level
        if rows.stop == len(self._image):  # nothing comes after the bottom
            self._sums = self._sums[:0].copy()

    def _go_to(self, rows: slice) -> None:
        first, count = rows.start - self._reach, rows.stop - rows.start + 2 * self._reach + 1
        sums = self._sums if len(self._sums) >= count else np.empty((count, self._sums.shape[1]))
        _keep(self._sums, first - self._first, self._known - first, sums)
        top = brightest(self._image.dtype)
        _integrate(self._image, top, self._line, sums[:count], first, self._known, self._reach)
        self._sums, self._first, self._known = sums, first, max(self._known, first + count)


@kernel
def _keep(sums, start, count, kept):
    """Move ``count`` rows from ``start`` on to the beginning, in the same memory or another."""
    for i in range(count):
        kept[i] = sums[start + i]


@kernel
def _integrate(image, top, line, sums, first, known, margin):
    """Write the sums of all pixels above and to the left, from row ``known`` on, with a margin on either side.

    ``first`` is the number of the first row in ``sums``, ``line`` what each column sums up to. Beyond the border
    nothing is added.
    """
    height, width = image.shape
    for i in range(known - first, len(sums)):
        out, y = sums[i], first + i - 1
        if y < 0:
            out[:] = 0.0
        elif y >= height:
            out[:] = sums[i - 1]
        else:
            row, inner, total = image[y], out[margin + 1 : margin + 1 + width], 0.0
            for x in range(width):
                line[x] += np.float32(np.float32(row[x]) / top)
            for x in range(width):
                total += line[x]
                inner[x] = total
            out[: margin + 1] = 0.0
            out[margin + 1 + width :] = total


@kernel
def _determinants(sums, size, scale, top, left, out, y0, y1):
    """Write the determinants dxx·dyy − (0.9·dxy)² of rows ``y0`` to ``y1``; boxes are a third of ``size`` wide.

    The first one is at ``top`` and ``left`` in the sums.
    """
    half, third = (size - 1) // 2, size // 3
    wide = 2 * third - 1
    lines = np.empty((4, _BLOCK))
    for y in range(y0, y1):
        r = y + top
        for x in range(0, out.shape[1], _BLOCK):
            row = out[y, x : x + _BLOCK]
            a, b, c, d = lines[0, : row.size], lines[1, : row.size], lines[2, : row.size], lines[3, : row.size]
            q = x + left
            _box(sums, r - third, q - third, third, third, a)
            _box(sums, r + 1, q + 1, third, third, b)
            _box(sums, r - third, q + 1, third, third, c)
            _box(sums, r + 1, q - third, third, third, d)
            for i in range(row.size):
                a[i] = ((a[i] + b[i]) - (c[i] + d[i])) * scale
            _box(sums, r - third + 1, q - half, wide, size, b)
            _box(sums, r - third + 1, q - third // 2, wide, third, c)
            for i in range(row.size):
                b[i] = (3 * c[i] - b[i]) * scale
            _box(sums, r - half, q - third + 1, size, wide, c)
            _box(sums, r - third // 2, q - third + 1, third, wide, d)
            for i in range(row.size):
                dyy = (3 * d[i] - c[i]) * scale
                row[i] = b[i] * dyy - 0.81 * (a[i] * a[i])


@kernel(inline=True)
def _box(sums, y, x, tall, wide, values):
    """Write the sums of boxes ``tall`` and ``wide``, the first one at (x, y) and the others at its right."""
    upper, lower = sums[y], sums[y + tall]
    a, b = upper[x : x + values.size], lower[x + wide : x + wide + values.size]
    c, d = upper[x + wide : x + wide + values.size], lower[x : x + values.size]
    for i in range(values.size):
        values[i] = max(0.0, a[i] + b[i] - c[i] - d[i])
