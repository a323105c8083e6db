"""Wavelets by lifting, in place of filters: whole numbers stay whole, and nothing grows at the borders.

Daubechies & Sweldens 1998, "Factoring wavelet transforms into lifting steps", J. Fourier Anal. Appl. 4(3). The 5/3
pair of Le Gall & Tabatabai 1988 is exact on integers; the 9/7 pair of Cohen, Daubechies & Feauveau 1992 is smoother.
Odd samples are predicted from their even neighbours, which are then updated from what is left. Beyond the border the
image is mirrored at its outermost sample.
"""

from __future__ import annotations

import numpy as np

# (predict, update) pairs of 9/7, Daubechies & Sweldens 1998, section 7.7, and the scale that keeps energies (nearly).
_STEPS = ((-1.586134342059924, -0.052980118572961), (0.882911075530934, 0.443506852043971))
_SCALE = np.float32(1.149604398860241)


def sizes(size: int, levels: int) -> list[int]:
    """Return the length of the low-pass part after 0, 1, … ``levels`` halvings."""
    found = [size]
    for _ in range(levels):
        found.append(-(-found[-1] // 2))
    return found


def lift(plane: np.ndarray, levels: int) -> np.ndarray:
    """Return the bands of a plane on one sheet: each level's low-pass part is the top left quarter.

    Parameters
    ----------
    plane
        H×W; int32 (5/3, exact) or float32 (9/7).
    levels
        Number of halvings.
    """
    sheet = plane.copy()
    for height, width in list(zip(sizes(len(plane), levels), sizes(plane.shape[1], levels), strict=True))[:-1]:
        part = sheet[:height, :width]
        part[...] = _down(_down(part).T).T
    return sheet


def unlift(sheet: np.ndarray, levels: int) -> np.ndarray:
    """Return the plane whose bands are on the sheet: undoes :func:`lift`."""
    plane = sheet.copy()
    pairs = list(zip(sizes(len(plane), levels), sizes(plane.shape[1], levels), strict=True))[:-1]
    for height, width in reversed(pairs):
        part = plane[:height, :width]
        part[...] = _up(_up(part.T).T)
    return plane


def _down(part: np.ndarray) -> np.ndarray:
    """Lift along the columns: low-pass rows on top, high-pass rows below."""
    even, odd = part[0::2].copy(), part[1::2].copy()
    if len(odd) == 0:
        return even
    if part.dtype == np.int32:
        odd -= _around(even, len(odd), first=0) >> 1
        even += (_around(odd, len(even), first=-1) + 2) >> 2
    else:
        for predict, update in _STEPS:
            odd += np.float32(predict) * _around(even, len(odd), first=0)
            even += np.float32(update) * _around(odd, len(even), first=-1)
        even *= _SCALE
        odd /= _SCALE
    return np.concatenate([even, odd])


def _up(bands: np.ndarray) -> np.ndarray:
    """Undo :func:`_down`."""
    half = -(-len(bands) // 2)
    even, odd = bands[:half].copy(), bands[half:].copy()
    if len(odd) == 0:
        return even
    if bands.dtype == np.int32:
        even -= (_around(odd, len(even), first=-1) + 2) >> 2
        odd += _around(even, len(odd), first=0) >> 1
    else:
        even /= _SCALE
        odd *= _SCALE
        for predict, update in reversed(_STEPS):
            even -= np.float32(update) * _around(odd, len(even), first=-1)
            odd -= np.float32(predict) * _around(even, len(odd), first=0)
    rows = np.empty_like(bands)
    rows[0::2], rows[1::2] = even, odd
    return rows


def _around(rows: np.ndarray, count: int, *, first: int) -> np.ndarray:
    """Return the sums of the two neighbours of ``count`` samples between ``rows``; the outermost row is repeated.

    Parameters
    ----------
    rows
        The samples of the other parity.
    count
        How many sums.
    first
        Index of the upper neighbour of the first sample: 0, or -1 where that lies beyond the border.
    """
    index = np.arange(first, first + count)
    upper, lower = np.clip(index, 0, len(rows) - 1), np.clip(index + 1, 0, len(rows) - 1)
    return rows[upper] + rows[lower]
