"""Where the spectra of two large pictures wait to be compared, and what their columns become: in slots of one room.

Columns stand in panels, each of which lies in one piece. The spectra are numbers of 16 bits, the transforms of waves of
length 1 of 8: rounding is noise there, which the sum over a row's frequencies takes away. That makes slots free, for
more panels: where the room is to be small, it takes four sevenths of them at first, and the others then.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from sightline.core.buffers import empty
from sightline.core.kernels import kernel
from sightline.core.types import Array
from sightline.image.spectrum_store import BLOCK, measure

_TOP_16, _TOP_8 = np.float32(2**15 - 1), np.float32(2**7 - 1)


class PanelStore:
    """A store of 16 bits a number, in units of the largest one of :data:`BLOCK` rows; blocks begin at multiples of it.

    Parameters
    ----------
    values, units
        Those of the room.
    slots
        Where each panel lies.
    start
        The first one's first column; here and below the first of all columns is 1, not 0.
    """

    def __init__(self, values: Array, units: Array, slots: Array, start: int) -> None:
        self.values, self.units, self.slots, self.start = values, units, slots, start

    def put(self, y0: int, x0: int, count: int, block: Array, first: int) -> None:
        """Keep ``count`` columns of a float32 block, from its column ``first`` on, at row ``y0`` and column ``x0``."""
        inverse = np.empty(self.values.shape[2], np.float32)
        _put(block, first, count, self.values, self.units, self.slots, inverse, y0, x0 + 1 - self.start)

    def get(self, y0: int, x0: int, count: int, block: Array, first: int) -> None:
        """Write to the block what :meth:`put` kept."""
        _get(block, first, count, self.values, self.units, self.slots, y0, x0 + 1 - self.start)


class OctetStore:
    """A store of 8 bits a number, in units of the largest one of each column; blocks are whole columns of one panel.

    Parameters
    ----------
    values
        Those of the room: a slot is as long as two panels here.
    panels
        How many there are at most.
    """

    def __init__(self, values: Array, panels: int) -> None:
        self.values = values.view(np.int8)
        self.units = np.empty((-(-panels // 2), self.values.shape[2]), np.float32)
        self.slots = np.zeros(len(self.units), np.int64)

    def put(self, y0: int, x0: int, count: int, block: Array, first: int) -> None:
        """Keep ``count`` columns of a float32 block of all rows, from its column ``first`` on, at column ``x0``."""
        panel, at = divmod(x0 + 1, self.values.shape[2])
        inverse, unit = np.empty(count, np.float32), self.units[panel, at : at + count]
        _put_octets(block, first, self.values[self.slots[panel]], at, unit, inverse)

    def get(self, y0: int, x0: int, count: int, block: Array, first: int) -> None:
        """Write to the block what :meth:`put` kept, of any rows and columns."""
        _get_octets(block, first, count, self.values, self.units, self.slots, y0, x0 + 1)


class Room:
    """Room for ``rows`` × ``width`` numbers of two spectra in panels of ``columns``: ``whole``, or for two groups.

    ``kept`` is the store for what becomes of them, which takes the place of the first spectrum's panels two by two:
    both must have been read before the second of them is kept, and each one before itself.
    """

    def __init__(self, rows: int, width: int, columns: int, *, whole: bool) -> None:
        self.panels = -(-(width + 1) // columns)
        self.count = 2 * self.panels if whole else 4 * -(-2 * self.panels // 7)
        self.values = empty((self.count, rows, columns), np.int16)
        self.units = empty((self.count, -(-rows // BLOCK), columns), np.float32)
        self.kept = OctetStore(self.values, self.panels)

    def groups(self) -> Iterator[tuple[int, int, PanelStore, PanelStore]]:
        """Yield the first panel of a group, the one after its last, and stores for both spectra.

        What becomes of a group is kept before the next one is asked for.
        """
        free, start, columns = np.arange(self.count), 0, self.values.shape[2]
        while start < self.panels:
            left = self.panels - start
            count = left if left <= len(free) // 2 else len(free) // 4 * 2
            first, second = (
                PanelStore(self.values, self.units, free[k : k + count], start * columns) for k in (0, count)
            )
            ends = first.slots[::2]
            self.kept.slots[start // 2 : start // 2 + len(ends)] = ends
            yield start, start + count, first, second
            free, start = np.concatenate([first.slots[1::2], free[count:]]), start + count


@kernel
def _put(block, first, count, values, units, slots, inverse, y0, x0):
    width, x = values.shape[2], 0
    while x < count:
        panel, at = divmod(x0 + x, width)
        slot, end, place = slots[panel], min(width, at + count - x), first + x
        scale = inverse[at:end]
        for y in range(0, len(block), BLOCK):
            last = min(y + BLOCK, len(block))
            measure(block, y, last, place, _TOP_16, units[slot, (y0 + y) // BLOCK, at:end], scale)
            for k in range(y, last):
                row, kept = block[k, place : place + scale.size], values[slot, y0 + k, at:end]
                for i in range(scale.size):
                    kept[i] = np.int16(np.int32(np.rint(row[i] * scale[i])))
        x += end - at


@kernel
def _get(block, first, count, values, units, slots, y0, x0):
    width, x = values.shape[2], 0
    while x < count:
        panel, at = divmod(x0 + x, width)
        slot, end, place = slots[panel], min(width, at + count - x), first + x
        for k in range(len(block)):
            unit, kept = units[slot, (y0 + k) // BLOCK, at:end], values[slot, y0 + k, at:end]
            row = block[k, place : place + unit.size]
            for i in range(unit.size):
                row[i] = np.float32(np.int32(kept[i])) * unit[i]
        x += end - at


@kernel
def _put_octets(block, first, values, at, unit, inverse):
    measure(block, 0, len(block), first, _TOP_8, unit, inverse)
    for k in range(len(block)):
        row, kept = block[k, first : first + unit.size], values[k, at : at + unit.size]
        for i in range(unit.size):
            kept[i] = np.int8(np.int32(np.rint(row[i] * inverse[i])))


@kernel
def _get_octets(block, first, count, values, units, slots, y0, x0):
    width, x = values.shape[2], 0
    while x < count:
        panel, at = divmod(x0 + x, width)
        slot, end, place = slots[panel], min(width, at + count - x), first + x
        unit = units[panel, at:end]
        for k in range(len(block)):
            row, kept = block[k, place : place + unit.size], values[slot, y0 + k, at:end]
            for i in range(unit.size):
                row[i] = np.float32(np.int32(kept[i])) * unit[i]
        x += end - at
