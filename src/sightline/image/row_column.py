"""Filtering by rows and columns: transform each row, weigh the transform of each column, transform the rows back.

Gonzalez and Woods 2018, "Digital Image Processing", 4th ed., section 4.11: a two-dimensional transform is one of the
rows and one of the columns. No whole spectrum is needed: a few rows or columns at a time are in floats, in the cache.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from sightline.core.buffers import empty
from sightline.core.kernels import over_rows
from sightline.core.types import Array
from sightline.image.border import source_indices
from sightline.image.correlation import finish
from sightline.image.scipy_fft import scipy_fft
from sightline.image.spectrum_store import BLOCK, store_for

_FEW = 1 << 14  # weights at a time: what they need on the way stays near


def filter_rows_and_columns(
    read: Callable[[int, int], Array],
    weigh: Callable[[Array, int, int], None],
    write: Callable[[int, int, Array], None],
    shape: tuple[int, ...],
    host: Array,
    *,
    border: str = "wrap",
    even: bool = False,
) -> None:
    """Filter real values of ``shape`` H×W or H×W×C.

    Parameters
    ----------
    read
        Returns rows ``y0`` to ``y1`` of the values, float32.
    weigh
        Multiplies the transforms of columns ``u0`` to ``u1`` (×C), at all frequencies v, by what stays of them.
    write
        Takes rows ``y0`` to ``y1`` of the filtered values, which it may write over. They were read before.
    shape
        Of the values.
    host
        What ``write`` writes to, C-contiguous and with as many rows: meanwhile the spectrum lies in it.
    border
        What lies beyond the values, for half a height and half a width: the frequencies are those of :func:`extent`.
    even
        For ``symmetric`` and weights that are the same for u and −u, and for v and −v: by cosine transforms, which need
        no more than the values. Frequencies are then 0, 1/2H, … and 0, 1/2W, … of a cycle per pixel, and transforms of
        columns float32; otherwise u ≥ 0 only, complex64.
    """
    passes = _Cosines(shape, host) if even else Waves(shape, host, border)

    def columns(u0: int, u1: int) -> None:
        passes.columns(u0, u1, weigh)

    over_rows(lambda y0, y1: passes.rows(y0, read(y0, y1)), shape[0], strip=BLOCK)
    over_rows(columns, passes.count, strip=max(1, columns_of(shape[0]) // passes.channels))
    over_rows(lambda y0, y1: write(y0, y1, passes.rows_back(y0, y1)), shape[0], strip=BLOCK)


def extent(size: int, border: str) -> tuple[int, int]:
    """Return how far ``size`` rows or columns go on at either end under this border, and their number then."""
    beyond = 0 if border == "wrap" else -(-size // 2)
    return beyond, size + 2 * beyond


def columns_of(height: int) -> int:
    """Return how many columns to transform at a time: the more, the fewer parts of rows are fetched; a MB at most."""
    return min(64, max(32, (1 << 17) // height))


def frequencies(shape: tuple[int, ...], border: str, *, even: bool = False) -> tuple[Array, Array]:
    """Return the frequencies v and u of the transforms of columns, in cycles per pixel."""
    if even:
        return np.arange(shape[0]) / (2 * shape[0]), np.arange(shape[1]) / (2 * shape[1])
    return np.fft.fftfreq(extent(shape[0], border)[1]), np.fft.rfftfreq(extent(shape[1], border)[1])


def weighing(
    weights: Callable[[Array, Array], Array], shape: tuple[int, ...], border: str, *, mirrored: bool, even: bool = False
) -> Callable[[Array, int, int], None]:
    """Return what weighs the transforms of columns.

    Parameters
    ----------
    weights
        Returns, for frequencies v (a column) and u (a row), how much stays, float32.
    shape
        Of the values.
    border, even
        As :func:`filter_rows_and_columns` takes them.
    mirrored
        Whether as much stays of frequencies −v as of v.
    """
    v, u = frequencies(shape, border, even=even)
    count, twice = len(v), mirrored and not even

    def weigh(waves: Array, u0: int, u1: int) -> None:
        end, step = count // 2 + 1 if twice else count, max(1, _FEW // (u1 - u0))
        for v0 in range(0, end, step):
            v1 = min(v0 + step, end)
            part = weights(v[v0:v1, None], u[u0:u1])
            part = part if waves.ndim == 2 else part[..., None]
            waves[v0:v1] *= part
            if twice:
                first, last = max(v0, 1), min(v1, (count + 1) // 2)
                waves[count - last + 1 : count - first + 1] *= part[first - v0 : last - v0][::-1]

    return weigh


def rows_of(image: Array) -> Callable[[int, int], Array]:
    """Return what reads rows of an image as float32."""
    return lambda y0, y1: image[y0:y1].astype(np.float32, copy=False)


def rows_to(result: Array) -> Callable[[int, int, Array], None]:
    """Return what writes rows of float32 to an image, rounded and clipped where its dtype asks for it."""
    return lambda y0, y1, values: finish(values, result[y0:y1])


class Waves:
    """Fourier transforms. Of a real row they are as many numbers as its own: Re 0, Re 1, Im 1, Re 2 …

    Rows beyond the border are rows of the image once more, and so are their transforms: only columns go on there.

    Parameters
    ----------
    shape
        H×W or H×W×C, of the values.
    host
        What may hold the transforms, as :func:`filter_rows_and_columns` takes it.
    border
        What lies beyond the values.
    store
        Where to keep the transforms, in the place of ``host``.
    """

    def __init__(
        self, shape: tuple[int, ...], host: Array | None = None, border: str = "wrap", store: Any = None
    ) -> None:
        self.shape, self.channels = shape, (*shape, 1)[2]
        self.top, tall = extent(shape[0], border)
        self.left, self.wide = extent(shape[1], border)
        self.count = self.wide // 2 + 1
        self.down = source_indices(shape[0], self.top, border) if tall > shape[0] else None
        self.across = source_indices(shape[1], self.left, border) if self.wide > shape[1] else None
        self.store = store if host is None else store_for(shape[0], self.wide * self.channels, host)

    def rows(self, y0: int, values: Array, u0: int = 0, u1: int | None = None) -> None:
        """Keep the transforms of rows, or what they are at frequencies ``u0`` to ``u1``."""
        transforms = scipy_fft().rfft(values if self.across is None else values[:, self.across], axis=1)
        numbers = transforms.view(np.float32).reshape(len(values), -1)
        self._close(numbers, True, self.wide % 2 == 0)
        place, count, first, _ = self._where(u0, self.count if u1 is None else u1)
        self.store.put(y0, place, count, numbers, first + 2 * u0 * self.channels)

    def columns(self, u0: int, u1: int, weigh: Callable[[Array, int, int], None]) -> None:
        """Weigh the transforms of columns at frequencies ``u0`` to ``u1``."""
        waves = self.transforms(u0, u1)
        weigh(waves, u0, u1)
        self.keep(u0, u1, waves)

    def keep(self, u0: int, u1: int, waves: Array) -> None:
        """Keep the columns whose transforms, complex, are those at frequencies ``u0`` to ``u1``; they are lost."""
        waves = scipy_fft().ifft(waves, axis=0, overwrite_x=True)[self.top : self.top + self.shape[0]]
        numbers = waves.astype(np.complex64, copy=False).view(np.float32).reshape(len(waves), -1)
        place, count, first, ends = self._where(u0, u1)
        self._close(numbers, *ends)
        self.store.put(0, place, count, numbers, first)

    def transforms(self, u0: int, u1: int) -> Array:
        """Return the transforms of columns at frequencies ``u0`` to ``u1``, complex64."""
        strip = self.strip(u0, u1)
        return scipy_fft().fft(strip if self.down is None else strip[self.down], axis=0, overwrite_x=True)

    def strip(self, u0: int, u1: int) -> Array:
        """Return the transforms of all rows at frequencies ``u0`` to ``u1``, complex64."""
        strip = empty((self.shape[0], u1 - u0, *self.shape[2:]), np.complex64)
        numbers = strip.view(np.float32).reshape(len(strip), -1)
        place, count, first, ends = self._where(u0, u1)
        self.store.get(0, place, count, numbers, first)
        self._open(numbers, *ends)
        return strip

    def replace(self, u0: int, u1: int, values: Array) -> None:
        """Keep a float32 value for each number of the transforms at frequencies ``u0`` to ``u1``, in their place."""
        self.store.put(0, self._where(u0, u1)[0], values[0].size, values.reshape(len(values), -1), 0)

    def _where(self, u0: int, u1: int) -> tuple[int, int, int, tuple[bool, bool]]:
        """Return the place and count of these frequencies' numbers, where the first goes, and which ends are real."""
        start, end = max(0, 2 * u0 - 1), min(2 * u1 - 1, self.wide)
        first = start - (2 * u0 - 1)
        c = self.channels
        return start * c, (end - start) * c, first * c, (u0 == 0, 2 * u1 - 1 > self.wide)

    def rows_back(self, y0: int, y1: int) -> Array:
        """Return rows."""
        transforms = empty((y1 - y0, self.count, *self.shape[2:]), np.complex64)
        numbers = transforms.view(np.float32).reshape(y1 - y0, -1)
        self.store.get(y0, 0, self.wide * self.channels, numbers, self.channels)
        self._open(numbers, True, self.wide % 2 == 0)
        values = scipy_fft().irfft(transforms, self.wide, axis=1, overwrite_x=True)
        return values[:, self.left : self.left + self.shape[1]]

    def _close(self, numbers: Array, lowest: bool, highest: bool) -> None:
        """Put real parts next to their neighbours, where frequency 0 and the highest of an even number are all real."""
        c = self.channels
        if lowest:
            numbers[:, c : 2 * c] = numbers[:, : 2 * c : 2].copy()
        if highest:
            numbers[:, -2 * c : numbers.shape[1] - c] = numbers[:, -2 * c :: 2].copy()

    def _open(self, numbers: Array, lowest: bool, highest: bool) -> None:
        """Undo :meth:`_close`."""
        c = self.channels
        if lowest:
            numbers[:, : 2 * c : 2], numbers[:, 1 : 2 * c : 2] = numbers[:, c : 2 * c].copy(), 0
        if highest:
            numbers[:, -2 * c :: 2], numbers[:, 1 - 2 * c :: 2] = numbers[:, -2 * c : numbers.shape[1] - c].copy(), 0


class _Cosines:
    """Cosine transforms: those of what is mirrored at all its borders, repeated over twice its size."""

    def __init__(self, shape: tuple[int, ...], host: Array) -> None:
        self.shape, self.channels = shape, (*shape, 1)[2]
        self.count = shape[1]
        self.store = store_for(shape[0], shape[1] * self.channels, host)

    def rows(self, y0: int, values: Array) -> None:
        """Keep the transforms of rows."""
        transforms = _cosines(values, 1).reshape(len(values), -1)
        self.store.put(y0, 0, transforms.shape[1], transforms, 0)

    def columns(self, u0: int, u1: int, weigh: Callable[[Array, int, int], None]) -> None:
        """Weigh the transforms of columns at frequencies ``u0`` to ``u1``."""
        strip = empty((self.shape[0], (u1 - u0) * self.channels), np.float32)
        self.store.get(0, u0 * self.channels, strip.shape[1], strip, 0)
        waves = _cosines(strip, 0)
        weigh(waves.reshape(len(waves), u1 - u0, *self.shape[2:]), u0, u1)
        self.store.put(0, u0 * self.channels, strip.shape[1], _cosines(waves, 0, back=True), 0)

    def rows_back(self, y0: int, y1: int) -> Array:
        """Return rows."""
        transforms = empty((y1 - y0, *self.shape[1:]), np.float32)
        self.store.get(y0, 0, self.count * self.channels, transforms.reshape(y1 - y0, -1), 0)
        return _cosines(transforms, 1, back=True)


def _cosines(values: Array, axis: int, *, back: bool = False) -> Any:
    function = scipy_fft().idct if back else scipy_fft().dct
    return function(values, 2, axis=axis, overwrite_x=back or axis == 0)  # rows on their way there are the caller's
