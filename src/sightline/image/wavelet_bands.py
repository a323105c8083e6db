"""One level of the wavelet transform up or down, columns and rows in one pass, a strip of rows at a time.

Mallat 1989, "A theory for multiresolution signal decomposition", IEEE PAMI 11(7), section IV: filter, keep every
second sample; the other way, put zeros between, filter, add. A row of the bands needs few rows of the plane, and a row
of the plane few rows of the bands, so that neither has to be there as a whole (Chrysafis & Ortega 2000, "Line-based,
reduced memory, wavelet image compression", IEEE TIP 9(3)).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sightline.core.kernels import kernel, over_rows
from sightline.image.border import source_indices
from sightline.image.wavelets import Filters

_CACHED = 1 << 14  # samples of a band whose neighbourhood stays in the processor's own memory
Bands = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
Rows = Callable[[int, int], np.ndarray]  # rows y0 to y1 of a plane, as numbers of any kind


@dataclass(frozen=True)
class Halving:
    """What one level makes of a plane, and back: four bands of about half its height and width.

    Parameters
    ----------
    filters
        The wavelet's.
    shape
        Height and width of the plane.
    border
        What lies beyond the border, in the words of :data:`sightline.image.border.BORDERS`.
    """

    filters: Filters
    shape: tuple[int, ...]
    border: str = "symmetric"

    @property
    def taps(self) -> int:
        """The length of the filters."""
        return len(self.filters.low)

    @property
    def half(self) -> tuple[int, int]:
        """Height and width of each band."""
        return (self.shape[0] + self.taps - 1) // 2, (self.shape[1] + self.taps - 1) // 2

    @property
    def strip(self) -> int:
        """How many rows of the bands to make at a time; an even number."""
        return max(self.taps // 4 * 2, min(16, max(8, _CACHED // self.half[1] // 2 * 2)))

    def bands(self, rows: Rows, y0: int, y1: int, out: Sequence[np.ndarray] | None = None) -> Bands:
        """Return rows ``y0`` to ``y1`` of the four bands of the plane that ``rows`` reads.

        Parameters
        ----------
        rows
            Gives rows of the plane.
        y0, y1
            Rows of the bands.
        out
            Four float64 arrays for them, of any memory layout; None for new ones.
        """
        height, width = self.shape
        index = source_indices(height, self.taps, self.border)[2 * y0 + 2 : 2 * y1 + self.taps]
        first, last = int(index[0]), int(index[-1]) + 1
        # An index grows by one at most, so that only rows in their order end so far from where they begin.
        if last - first == len(index):
            near = rows(first, last)
        else:
            first, last = int(index.min()), int(index.max()) + 1
            near = rows(first, last)[index - first]
        columns = source_indices(width, self.taps, self.border)
        plain = out is not None and all(band.flags.c_contiguous for band in out)
        made = tuple(out) if out is not None and plain else tuple(np.empty((y1 - y0, self.half[1])) for _ in range(4))
        _analyse_rows(np.ascontiguousarray(near, np.float64), self.filters.low, self.filters.high, columns, *made)
        if out is None or plain:
            return made  # type: ignore[return-value]
        for band, part in zip(out, made, strict=True):
            band[...] = part
        return tuple(out)  # type: ignore[return-value]

    def reach(self, y0: int, y1: int) -> tuple[int, int]:
        """Return from which row of the bands to which one :meth:`plane` needs them for the pairs ``y0`` to ``y1``."""
        return y0, y1 + self.taps // 2 - 1

    def plane(self, bands: Sequence[np.ndarray], y0: int, y1: int, out: np.ndarray | None = None) -> np.ndarray:
        """Return the pairs of rows ``y0`` to ``y1`` of the plane, float64, from the rows of its bands in their reach.

        Parameters
        ----------
        bands
            Those rows of the four bands, of any memory layout and type of numbers.
        y0, y1
            Pairs of rows; of a plane of odd height the last one has one row.
        out
            C-contiguous float64 array for them; None for a new one.
        """
        made = np.empty((min(2 * y1, self.shape[0]) - 2 * y0, self.shape[1])) if out is None else out
        smooth, horizontal, vertical, diagonal = (np.ascontiguousarray(band, np.float64) for band in bands)
        low, high = self.filters.synthesis_low, self.filters.synthesis_high
        _synthesise_rows(smooth, horizontal, vertical, diagonal, low, high, made)
        return made


def analyse(
    plane: np.ndarray | Rows, level: Halving, out: Sequence[np.ndarray] | None = None, *, strip: int = 0
) -> Bands:
    """Return approximation, horizontal, vertical and diagonal details of a plane, float64.

    Parameters
    ----------
    plane
        H×W numbers, or what reads rows of them.
    level
        The halving.
    out
        Four float64 arrays to write to; None for new ones.
    strip
        Rows of the bands to make at a time; 0 for what suits a plane that is there.
    """
    rows = _reading(plane) if isinstance(plane, np.ndarray) else plane
    bands = tuple(out or (np.empty(level.half) for _ in range(4)))

    def fill(y0: int, y1: int) -> None:
        level.bands(rows, y0, y1, [band[y0:y1] for band in bands])

    over_rows(fill, level.half[0], strip=strip or 4 * level.strip)
    return bands  # type: ignore[return-value]


def synthesise(bands: Sequence[np.ndarray], level: Halving) -> np.ndarray:
    """Return the H×W float64 plane that the four bands are the details of."""
    plane = np.empty(level.shape)
    over_rows(_synthesise_strip, -(-level.shape[0] // 2), level, plane, *bands, strip=level.strip)
    return plane


def _synthesise_strip(level: Halving, plane: np.ndarray, *bands_and_rows: Any) -> None:
    *bands, y0, y1 = bands_and_rows
    first, last = level.reach(y0, y1)
    level.plane([band[first:last] for band in bands], y0, y1, plane[2 * y0 : 2 * y1])


def write_rows(values: np.ndarray, result: np.ndarray, *, check: bool = False) -> bool:
    """Write float64 rows to rows of an image, rounded and clipped where that holds whole numbers.

    Parameters
    ----------
    values
        h×w float64; changed.
    result
        h×w of the image's dtype.
    check
        Whether to look for NaN and infinity in what becomes whole numbers.

    Returns
    -------
    bool
        Whether there was none.
    """
    if result.dtype.kind != "u":
        result[...] = values
        return True
    if check and not np.isfinite(values).all():
        return False
    np.rint(values, out=values)
    np.clip(values, 0, np.iinfo(result.dtype).max, out=values)
    result[...] = values
    return True


def _reading(plane: np.ndarray) -> Rows:
    return lambda y0, y1: plane[y0:y1]


@kernel(contract=True)
def _analyse_rows(rows, low, high, columns, approximation, horizontal, vertical, diagonal):
    """Fill all rows of the bands; ``rows`` are those of the plane in reach, what is beyond the border among them."""
    taps, width, count = low.size, rows.shape[1], approximation.shape[1]
    smooth, rough = np.empty(width), np.empty(width)
    even, odd = np.empty(count + taps), np.empty(count + taps)
    for y in range(approximation.shape[0]):
        for j in range(0, taps, 2):
            a, b = rows[2 * y + taps - 1 - j], rows[2 * y + taps - 2 - j]
            la, lb, ha, hb = low[j], low[j + 1], high[j], high[j + 1]
            if j == 0:
                for x in range(width):
                    smooth[x] = la * a[x] + lb * b[x]
                    rough[x] = ha * a[x] + hb * b[x]
            else:
                for x in range(width):
                    smooth[x] += la * a[x] + lb * b[x]
                    rough[x] += ha * a[x] + hb * b[x]
        _analyse_row(smooth, low, high, columns, even, odd, approximation[y], vertical[y])
        _analyse_row(rough, low, high, columns, even, odd, horizontal[y], diagonal[y])


@kernel
def _analyse_row(row, low, high, columns, even, odd, to_low, to_high):
    """Filter a row and keep every second sample: its even and its odd ones are apart first."""
    taps, width, count = low.size, row.size, to_low.size
    # Sample i of the extended row is row[columns[i + taps]]; those inside are taken without looking up.
    for i in range(count + taps // 2):
        at = 2 * i - taps
        inside = at >= 0 and at + 1 < width
        even[i] = row[at] if inside else row[columns[min(at + taps, columns.size - 1)]]
        odd[i] = row[at + 1] if inside else row[columns[min(at + 1 + taps, columns.size - 1)]]
    for j in range(0, taps, 2):
        start = taps // 2 - j // 2
        e, o = even[start : start + count], odd[start : start + count]
        la, lb, ha, hb = low[j], low[j + 1], high[j], high[j + 1]
        if j == 0:
            for x in range(count):
                to_low[x] = la * o[x] + lb * e[x]
                to_high[x] = ha * o[x] + hb * e[x]
        else:
            for x in range(count):
                to_low[x] += la * o[x] + lb * e[x]
                to_high[x] += ha * o[x] + hb * e[x]


@kernel(contract=True)
def _synthesise_rows(approximation, horizontal, vertical, diagonal, low, high, image):
    """Fill all rows of the image, of which the first one is an even one of the plane."""
    half, count = low.size // 2, approximation.shape[1]
    height, width = image.shape
    smooth, rough = np.empty(count), np.empty(count)
    even, odd = np.empty(count), np.empty(count)
    for y in range(height):
        parity = y & 1
        for m in range(half):
            k = y // 2 + half - 1 - m
            a, h, v, d = approximation[k], horizontal[k], vertical[k], diagonal[k]
            lo, hi = low[2 * m + parity], high[2 * m + parity]
            if m == 0:
                for x in range(count):
                    smooth[x] = lo * a[x] + hi * h[x]
                    rough[x] = lo * v[x] + hi * d[x]
            else:
                for x in range(count):
                    smooth[x] += lo * a[x] + hi * h[x]
                    rough[x] += lo * v[x] + hi * d[x]
        pairs = (width + 1) // 2
        for m in range(half):
            start = half - 1 - m
            s, r = smooth[start : start + pairs], rough[start : start + pairs]
            la, ha, lb, hb = low[2 * m], high[2 * m], low[2 * m + 1], high[2 * m + 1]
            if m == 0:
                for x in range(pairs):
                    even[x] = la * s[x] + ha * r[x]
                    odd[x] = lb * s[x] + hb * r[x]
            else:
                for x in range(pairs):
                    even[x] += la * s[x] + ha * r[x]
                    odd[x] += lb * s[x] + hb * r[x]
        row = image[y]
        for x in range(width // 2):
            row[2 * x] = even[x]
            row[2 * x + 1] = odd[x]
        if width & 1:
            row[width - 1] = even[width // 2]
