"""Where borders begin: at the first pixel of each group of true pixels, and before the first one of each hole.

Runs of true pixels are joined to groups (8 neighbours) and the gaps between them to lakes (4 neighbours), both by
union-find: He, Chao & Suzuki 2008, "A Run-Based Two-Scan Labeling Algorithm", IEEE TIP 17(5). A lake that is not at
the sides of the image is a hole of the group around it. So it is known how borders nest before one of them is followed,
and nothing is kept for a pixel.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from sightline.core.buffers import empty
from sightline.core.kernels import kernel, over_rows
from sightline.core.types import Array
from sightline.image.bits import trailing_zeros
from sightline.image.label import join_with_above
from sightline.image.runs import root_of

_STRIP = 64
_ALONE = 1 << 15  # of fewer runs, one thread does all: to wake another takes as long as a few thousand
_SEA = 0  # the lake that reaches the sides; no other gap has the number 0, as the first run of a row has sea before it
_BEYOND = 1 << 30  # no row is as wide


def border_starts(changes: Array, counts: Array, external: bool, room: Array) -> tuple[Array, Array, Array]:
    """Return where each border begins, in the order of a scan.

    Parameters
    ----------
    changes
        H×⌊W / 64 + 1⌋ uint64: which pixels differ from the one before, a bit each, the first one lowest.
    counts
        H int64, how many runs of true pixels each row has.
    external
        Leave out the borders that another one surrounds.
    room
        Contiguous uint64 array that the runs are written over, where they fit in.

    Returns
    -------
    starts
        N×2 int32 (x, y): the pixel of a group at which its border, or that of a hole in it, is met first.
    parents
        N int32, the position of the border around it; -1 when there is none.
    holes
        N bool, whether it is a hole's.
    """
    firsts = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(counts, out=firsts[1:])
    runs = int(firsts[-1])
    bounds, groups, lakes = _arrays(runs, np.uint16 if 64 * changes.shape[1] < 1 << 16 else np.int32, room)
    strip = len(counts) if runs <= _ALONE else _STRIP
    lakes[:1] = _SEA  # all strips lead to it
    over_rows(_link_rows, len(counts), changes, firsts, bounds, groups, lakes, strip=strip)
    count = _link_strips(bounds, firsts, groups, lakes, strip, external)
    starts, parents, holes = np.empty((count, 2), np.int32), np.empty(count, np.int32), np.empty(count, np.bool_)
    count = _list(bounds, firsts, groups, lakes, external, starts, parents, holes)
    return starts[:count], parents[:count], holes[:count]


def _arrays(runs: int, dtype: type, room: Array) -> Iterator[Array]:
    """Yield arrays for the bounds of runs, for their groups and for the lakes before them."""
    numbers = room.view(np.int32)
    bounds = -(-2 * runs * np.dtype(dtype).itemsize // numbers.itemsize)
    if numbers.size < bounds + 2 * runs:
        numbers = empty((bounds + 2 * runs,), np.int32)
    yield numbers[:bounds].view(dtype)[: 2 * runs]
    yield numbers[bounds : bounds + runs]
    yield numbers[bounds + runs : bounds + 2 * runs]


@kernel
def _link_rows(changes, firsts, bounds, groups, lakes, y0, y1):
    """List the runs of rows ``y0`` to ``y1``; join them, and the gaps, with those above that they touch, in these rows.

    A gap has the number of the run behind it.
    """
    for y in range(y0, y1):
        place, first = 2 * firsts[y], firsts[y]
        for k in range(changes.shape[1]):
            word = changes[y, k]
            while word != 0:
                bounds[place] = 64 * k + np.int64(trailing_zeros(word))
                place += 1
                word &= word - np.uint64(1)
        for run in range(first, firsts[y + 1]):
            groups[run] = run
            lakes[run] = _SEA if y == 0 or run == first else run
        if y > y0:
            join_with_above(bounds, firsts, groups, 1, y)
            _join_row(bounds, firsts, lakes, y)


@kernel
def _link_strips(bounds, firsts, groups, lakes, strip, external):
    """Join the first rows of all strips with those above, and the last row with the sea; return a bound of borders."""
    height = firsts.size - 1
    for y in range(strip, height, strip):
        join_with_above(bounds, firsts, groups, 1, y)
        _join_row(bounds, firsts, lakes, y)
    for gap in range(firsts[height - 1], firsts[height]):
        lakes[root_of(lakes, gap)] = _SEA
    count = 0
    for run in range(groups.size):
        count += np.int64(groups[run] == run)
        count += np.int64((not external) & (lakes[run] == run))
    return count


@kernel
def _join_row(bounds, firsts, lakes, y):
    """Join the gaps of row ``y`` with those of the row above that they touch.

    What lies before the first run of a row and behind the last one is sea.
    """
    top, first, last = firsts[y - 1], firsts[y], firsts[y + 1]
    above = top
    for gap in range(first, last + 1):
        start = bounds[2 * gap - 1] if gap > first else np.int32(0)
        stop = bounds[2 * gap] if gap < last else np.int32(_BEYOND)
        while above < first and bounds[2 * above] <= start:
            above += 1
        mine = root_of(lakes, gap) if first < gap < last else np.int64(_SEA)
        other = above
        while other <= first and start < stop and (other == top or bounds[2 * other - 1] < stop):
            its = root_of(lakes, other) if other < first else np.int64(_SEA)
            if its != mine:
                lakes[max(mine, its)] = min(mine, its)  # so that a lake's root is its first gap
                mine = min(mine, its)
            other += 1


@kernel
def _list(bounds, firsts, groups, lakes, external, starts, parents, holes):
    """List the borders; a group and a lake get −1 less the position of theirs, and the sea keeps 0.

    Of a group or a lake, all but the first one lead to an earlier one, which has its number.
    """
    count = 0
    for y in range(firsts.size - 1):
        for run in range(firsts[y], firsts[y + 1]):
            if run > 0 and lakes[run] == run:
                if not external:
                    starts[count, 0], starts[count, 1], holes[count] = bounds[2 * run - 1] - 1, y, True
                    parents[count] = -1 - groups[run - 1]
                    count += 1
                lakes[run] = -1 if external else -count
            else:
                lakes[run] = lakes[lakes[run]]
            if groups[run] != run:
                groups[run] = groups[groups[run]]
                continue
            if not (external and lakes[run] != _SEA):
                starts[count, 0], starts[count, 1], holes[count] = bounds[2 * run], y, False
                parents[count] = -1 - lakes[run]
                count += 1
            groups[run] = -count
    return count
