"""Where a spectrum waits between the passes over rows and over columns: in memory that the result will need anyway.

The result's own rows hold as many floats as their transforms do. Rows of bytes hold a third of each number: of 24 bits,
in units of the largest one of a few rows, which is as fine as the sums of a float32 transform are.
"""

from __future__ import annotations

import numpy as np

from sightline.core.buffers import empty
from sightline.core.kernels import kernel
from sightline.core.types import Array

BLOCK = 32  # rows that share their units, column by column
_TOP = np.float32(2**23 - 8)
_LEAST = np.float32(1e-30)  # its inverse times these is still a float; what is smaller counts as 0


class FloatStore:
    """Rows of ``width`` float32 numbers, in the rows of ``host`` where these are long enough floats."""

    def __init__(self, rows: int, width: int, host: Array | None) -> None:
        if host is not None and host.dtype == np.float32 and host.size >= rows * width:
            self.values = host.reshape(rows, -1)[:, :width]
        else:
            self.values = empty((rows, width), np.float32)

    def put(self, y0: int, x0: int, count: int, block: Array, first: int) -> None:
        """Keep ``count`` columns of a float32 block, from its column ``first`` on, at row ``y0`` and column ``x0``."""
        self.values[y0 : y0 + len(block), x0 : x0 + count] = block[:, first : first + count]

    def get(self, y0: int, x0: int, count: int, block: Array, first: int) -> None:
        """Write to the block what :meth:`put` kept."""
        block[:, first : first + count] = self.values[y0 : y0 + len(block), x0 : x0 + count]


class NarrowStore:
    """Rows of ``width`` numbers of 24 bits, the lowest 8 of them in ``host`` of bytes, where that holds them.

    Blocks begin at a multiple of :data:`BLOCK` rows, and end at another one or with the last row.
    """

    def __init__(self, rows: int, width: int, host: Array) -> None:
        self.low = host.reshape(rows, -1) if host.size >= rows * width else empty((rows, width), np.uint8)
        self.high = empty((rows, width), np.int16)
        self.units = empty((-(-rows // BLOCK), width), np.float32)

    def put(self, y0: int, x0: int, count: int, block: Array, first: int) -> None:
        """Keep ``count`` columns of a float32 block, from its column ``first`` on, at row ``y0`` and column ``x0``."""
        _put(block, first, self.high, self.low, self.units, np.empty(count, np.float32), y0, x0)

    def get(self, y0: int, x0: int, count: int, block: Array, first: int) -> None:
        """Write to the block what :meth:`put` kept."""
        _get(block, first, self.high, self.low, self.units, count, y0, x0)


def store_for(rows: int, width: int, host: Array) -> FloatStore | NarrowStore:
    """Return a store for the transforms of what becomes ``host``."""
    return (NarrowStore if host.dtype == np.uint8 else FloatStore)(rows, width, host)


@kernel
def measure(block, y0, y1, x0, top, unit, inverse):
    """Write down the unit of each column of some rows, of which its largest number is ``top``, and one over it."""
    zero = np.float32(0)
    for x in range(unit.size):
        unit[x] = zero
    for y in range(y0, y1):
        row = block[y, x0 : x0 + unit.size]
        for x in range(unit.size):
            unit[x] = max(unit[x], abs(row[x]))
    for x in range(unit.size):
        largest = unit[x]
        inverse[x] = top / max(largest, _LEAST) if largest > _LEAST else zero
        unit[x] = largest / top


@kernel
def _put(block, first, high, low, units, inverse, y0, x0):
    count = inverse.size
    for y in range(0, len(block), BLOCK):
        end = min(y + BLOCK, len(block))
        measure(block, y, end, first, _TOP, units[(y0 + y) // BLOCK, x0 : x0 + count], inverse)
        for k in range(y, end):
            row, upper = block[k, first : first + count], high[y0 + k, x0 : x0 + count]
            lower = low[y0 + k, x0 : x0 + count]
            for x in range(count):
                whole = np.int32(np.rint(row[x] * inverse[x]))
                upper[x], lower[x] = np.int16(whole >> np.int32(8)), np.uint8(whole & np.int32(255))


@kernel
def _get(block, first, high, low, units, count, y0, x0):
    for k in range(len(block)):
        row, unit = block[k, first : first + count], units[(y0 + k) // BLOCK, x0 : x0 + count]
        upper, lower = high[y0 + k, x0 : x0 + count], low[y0 + k, x0 : x0 + count]
        for x in range(count):
            row[x] = np.float32(np.int32(upper[x]) * np.int32(256) + np.int32(lower[x])) * unit[x]
