"""The kernels of the wavelet transform: one level up or down, columns and rows in one pass.

Mallat 1989, "A theory for multiresolution signal decomposition", IEEE PAMI 11(7), section IV: filter, keep every
second sample; the other way, put zeros between, filter, add.
"""

from __future__ import annotations

import numpy as np

from sightline.core.kernels import kernel, over_rows
from sightline.image.border import source_indices
from sightline.image.wavelets import Filters

_STRIP = 32
Bands = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def analyse(plane: np.ndarray, filters: Filters, border: str) -> Bands:
    """Return approximation, horizontal, vertical and diagonal details of an H×W float64 plane.

    Parameters
    ----------
    plane
        H×W float64.
    filters
        The wavelet's.
    border
        What lies beyond the border, in the words of :data:`sightline.image.border.BORDERS`.
    """
    length = len(filters.low)
    height, width = plane.shape
    shape = (height + length - 1) // 2, (width + length - 1) // 2
    approximation, horizontal, vertical, diagonal = (np.empty(shape) for _ in range(4))
    rows, columns = source_indices(height, length, border), source_indices(width, length, border)
    bands = approximation, horizontal, vertical, diagonal
    over_rows(_analyse_rows, shape[0], plane, filters.low, filters.high, rows, columns, *bands, strip=_STRIP)
    return bands


def synthesise(bands: Bands, filters: Filters, shape: tuple[int, ...]) -> np.ndarray:
    """Return the H×W float64 plane of ``shape`` that the four bands are the details of."""
    plane = np.empty(shape)
    low, high = filters.synthesis_low, filters.synthesis_high
    over_rows(_synthesise_rows, -(-shape[0] // 2), *bands, low, high, plane, strip=_STRIP)
    return plane


@kernel(contract=True)
def _analyse_rows(image, low, high, rows, columns, approximation, horizontal, vertical, diagonal, y0, y1):
    """Fill rows ``y0`` to ``y1`` of the bands."""
    taps, width, count = low.size, image.shape[1], approximation.shape[1]
    smooth, rough = np.empty(width), np.empty(width)
    even, odd = np.empty(count + taps), np.empty(count + taps)
    for y in range(y0, y1):
        for j in range(0, taps, 2):
            a, b = image[rows[2 * y + 1 - j + taps]], image[rows[2 * y - j + taps]]
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
def _synthesise_rows(approximation, horizontal, vertical, diagonal, low, high, image, y0, y1):
    """Fill the pairs of rows ``y0`` to ``y1`` of the image."""
    half, count = low.size // 2, approximation.shape[1]
    height, width = image.shape
    smooth, rough = np.empty(count), np.empty(count)
    even, odd = np.empty(count), np.empty(count)
    for y in range(2 * y0, min(2 * y1, height)):
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
