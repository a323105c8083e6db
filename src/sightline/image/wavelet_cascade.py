"""A wavelet transform whose finest level is not kept: its bands are made once more where they are needed.

Of eight bytes a pixel that the coefficients of a transform take, six are details of the finest level. They are quick to
make, and nothing but their own rows of the picture asks for them: so they are made strip by strip, once on the way down
and once on the way back. Chrysafis & Ortega 2000, "Line-based, reduced memory, wavelet image compression", IEEE TIP
9(3), do so for all levels. Of a picture that is small anyway they are kept: to make them twice takes longer.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from sightline.core.kernels import over_rows
from sightline.image.wavelet_bands import Halving, Rows, analyse, synthesise, write_rows
from sightline.image.wavelets import Filters

_ROWS = 32  # of a band that is kept, to change at a time
_SMALL = 1 << 20  # pixels whose finest level is kept, 8 MB

# Called with a level's number (1 is the finest), the first row and those rows of the bands that are to be changed in
# their place: three of details and, of the last level, the approximation before them.
Change = Callable[[int, int, list[np.ndarray]], None]


class Cascade:
    """The transform of a plane, and back once its bands are changed.

    Parameters
    ----------
    rows
        Gives rows of the plane; asked for each of them about three times, of a small plane about once.
    shape
        The plane's height and width.
    filters
        The wavelet's.
    levels
        Number of halvings, ≥ 1.
    seen
        Called with the rows y0 to y1 and these rows of the finest level's details; some rows come twice.
    """

    def __init__(
        self,
        rows: Rows,
        shape: tuple[int, ...],
        filters: Filters,
        levels: int,
        seen: Callable[[int, int, list[np.ndarray]], None] | None = None,
    ) -> None:
        self._rows, self._seen = rows, seen
        self._finest = Halving(filters, shape)
        self._change: Change | None = None
        self._below: list[Halving] = []
        self.details: list[list[np.ndarray]] = []  # of the second level and those below it
        self._kept: list[np.ndarray] = []  # the bands of a small plane's finest level
        self._strip = self._finest.strip
        if small := math.prod(shape) <= _SMALL:
            self._kept = [np.empty(self._finest.half) for _ in range(4)]
            self._strip *= 4  # there is less to do in one than before, and each costs some Python
        if small or (levels == 1 and seen is not None):
            over_rows(self._down, self._finest.half[0], strip=self._strip)
        if levels == 1:
            return
        level = Halving(filters, self._finest.half)
        strip = max(level.taps // 4 * 2, self._strip // 2)
        self._smooth, *details = analyse(self._kept[0] if small else self._down, level, strip=strip)
        for _ in range(levels - 2):
            self._below.append(level)
            self.details.append(details)
            level = Halving(filters, level.half)
            self._smooth, *details = analyse(self._smooth, level)
        self._below.append(level)
        self.details.append(details)

    def _down(self, y0: int, y1: int) -> np.ndarray:
        kept = [band[y0:y1] for band in self._kept]
        smooth, *details = self._finest.bands(self._rows, y0, y1, kept or None)
        if self._seen is not None:
            self._seen(y0, y1, details)
        return smooth

    def change(self, change: Change) -> None:
        """Change all bands: those that are kept at once, those of the finest level when they are made."""
        self._change = change
        for number in range(len(self.details) + 1, 1, -1):
            bands = self.details[number - 2]
            if number == len(self.details) + 1:
                bands = [self._smooth, *bands]
            _change_rows(change, number, bands)
        if self._kept:
            _change_rows(change, 1, self._kept[1:] if self.details else self._kept)

    def _plane(self, y0: int, y1: int) -> np.ndarray:
        """Return the pairs of rows ``y0`` to ``y1`` of the plane that the changed bands stand for, float64."""
        first, last = self._finest.reach(y0, y1)
        if self._kept:
            bands = [band[first:last] for band in self._kept]
        else:
            bands = list(self._finest.bands(self._rows, first, last))
            if self._change is not None:
                self._change(1, first, bands[1:] if self.details else bands)
        if self.details:
            bands[0] = self._approximation(first, last)
        return self._finest.plane(bands, y0, y1)

    def _approximation(self, y0: int, y1: int) -> np.ndarray:
        """Return rows ``y0`` to ``y1`` of the finest level's approximation, from the bands below."""
        top, bottom = y0 // 2, -(-y1 // 2)
        first, last = self._below[0].reach(top, bottom)
        plane = self._below[0].plane([band[first:last] for band in (self._smooth, *self.details[0])], top, bottom)
        return plane[y0 - 2 * top : y1 - 2 * top]

    def write(self, result: np.ndarray, finish: Callable[[int, np.ndarray], None] | None = None) -> None:
        """Write the plane to one of an image's dtype, rounded and clipped where that holds whole numbers.

        Parameters
        ----------
        result
            H×W of any memory layout.
        finish
            Called with a row's number and the float64 rows from there on, which it may change before they are written.
        """

        def strip(y0: int, y1: int) -> None:
            values = self._plane(y0, y1)
            if finish is not None:
                finish(2 * y0, values)
            write_rows(values, result[2 * y0 : 2 * y1])

        while len(self.details) > 1:  # of the second level, too, the plane is made strip by strip
            self._smooth = synthesise([self._smooth, *self.details.pop()], self._below.pop())
        over_rows(strip, -(-len(result) // 2), strip=self._strip)


def _change_rows(change: Change, number: int, bands: list[np.ndarray]) -> None:
    """Change the bands of a level, some rows at a time."""
    over_rows(lambda y0, y1: change(number, y0, [band[y0:y1] for band in bands]), len(bands[0]), strip=_ROWS)
