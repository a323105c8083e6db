"""Wavelets by lifting, in place of filters: whole numbers stay whole, and nothing grows at the borders.

Daubechies & Sweldens 1998, "Factoring wavelet transforms into lifting steps", J. Fourier Anal. Appl. 4(3). The 5/3
pair of Le Gall & Tabatabai 1988 is exact on integers; the 9/7 pair of Cohen, Daubechies & Feauveau 1992 is smoother.
Odd samples are predicted from their even neighbours, which are then updated from what is left. Beyond the border the
image is mirrored at its outermost sample.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Rows = Callable[[int, int], np.ndarray]  # rows y0 to y1 of a plane
_REACH = 2  # pairs of rows beyond a strip that it depends on

# (predict, update) pairs of 9/7, Daubechies & Sweldens 1998, section 7.7, and the scale that keeps energies (nearly).
_STEPS = ((-1.586134342059924, -0.052980118572961), (0.882911075530934, 0.443506852043971))
_SCALE = np.float32(1.149604398860241)


def sizes(size: int, levels: int) -> list[int]:
    """Return the length of the low-pass part after 0, 1, … ``levels`` halvings."""
    found = [size]
    for _ in range(levels):
        found.append(-(-found[-1] // 2))
    return found


def split_rows(rows: Rows, height: int, y0: int, y1: int) -> tuple[np.ndarray, np.ndarray]:
    """Return rows ``y0`` to ``y1`` of what one level makes of a plane: low-pass and high-pass, along x low-pass first.

    Parameters
    ----------
    rows
        Gives rows of the plane; int32 (5/3, exact) or float32 (9/7).
    height
        Its rows.
    y0, y1
        Rows of the low-pass part; of a plane of odd height the last one has no high-pass row.
    """
    # Each of four steps looks one sample further: two pairs beyond the strip, what is made there is thrown away.
    first, last = max(0, y0 - _REACH), min(-(-height // 2), y1 + _REACH)
    both = _down(rows(2 * first, min(2 * last, height)))
    low, high = both[: last - first], both[last - first :]
    return _down(low[y0 - first : y1 - first].T).T, _down(high[y0 - first : y1 - first].T).T


def join_rows(low: Rows, high: Rows, height: int, y0: int, y1: int) -> np.ndarray:
    """Return the pairs of rows ``y0`` to ``y1`` of the plane that :func:`split_rows` made ``low`` and ``high`` of."""
    first, last = max(0, y0 - _REACH), min(-(-height // 2), y1 + _REACH)
    both = np.concatenate([low(first, last), high(first, min(last, height // 2))])
    return _up(_up(both.T).T)[2 * (y0 - first) : 2 * (y1 - first)]


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
        part[...] = np.concatenate(split_rows(rows_of(part), height, 0, -(-height // 2)))
    return sheet


def unlift(sheet: np.ndarray, levels: int) -> np.ndarray:
    """Return the plane whose bands are on the sheet: undoes :func:`lift`."""
    plane = sheet.copy()
    pairs = list(zip(sizes(len(plane), levels), sizes(plane.shape[1], levels), strict=True))[:-1]
    for height, width in reversed(pairs):
        part, half = plane[:height, :width], -(-height // 2)
        part[...] = join_rows(rows_of(part[:half]), rows_of(part[half:]), height, 0, half)
    return plane


def rows_of(plane: np.ndarray) -> Rows:
    """Return what gives rows of an array."""
    return lambda y0, y1: plane[y0:y1]


def _down(part: np.ndarray) -> np.ndarray:
    """Lift along the columns: low-pass rows on top, high-pass rows below."""
    even, odd = part[0::2].copy("K"), part[1::2].copy("K")
    if len(odd) == 0:
        return even
    if part.dtype == np.int32:
        odd -= _around(even, len(odd), first=0) >> 1
        even += (_around(odd, len(even), first=-1) + 2) >> 2
    else:
        for predict, update in _STEPS:
            odd += _around(even, len(odd), first=0, times=predict)
            even += _around(odd, len(even), first=-1, times=update)
        even *= _SCALE
        odd /= _SCALE
    return np.concatenate([even, odd])


def _up(bands: np.ndarray) -> np.ndarray:
    """Undo :func:`_down`."""
    half = -(-len(bands) // 2)
    even, odd = bands[:half].copy("K"), bands[half:].copy("K")
    if len(odd) == 0:
        return even
    if bands.dtype == np.int32:
        even -= (_around(odd, len(even), first=-1) + 2) >> 2
        odd += _around(even, len(odd), first=0) >> 1
    else:
        even /= _SCALE
        odd *= _SCALE
        for predict, update in reversed(_STEPS):
            even -= _around(odd, len(even), first=-1, times=update)
            odd -= _around(even, len(odd), first=0, times=predict)
    rows = np.empty_like(bands)
    rows[0::2], rows[1::2] = even, odd
    return rows


def _around(rows: np.ndarray, count: int, *, first: int, times: float | None = None) -> np.ndarray:
    """Return the sums of the two neighbours of ``count`` samples between ``rows``; the outermost row is repeated.

    Parameters
    ----------
    rows
        The samples of the other parity.
    count
        How many sums.
    first
        Index of the upper neighbour of the first sample: 0, or -1 where that lies beyond the border.
    times
        Factor of float32 sums; None leaves them.
    """
    sums = np.empty_like(rows, shape=(count, *rows.shape[1:]))  # of the same memory layout
    inner = len(rows) - 1
    np.add(rows[:-1], rows[1:], out=sums[-first : inner - first])
    if first:
        np.add(rows[0], rows[0], out=sums[0])
    if count > inner - first:
        np.add(rows[-1], rows[-1], out=sums[-1])
    if times is not None:
        sums *= np.float32(times)
    return sums
