"""How the steps of a program are cut into items that threads take, and where what lies between them is kept."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from sightline.nn.matrix_panels import LANES
from sightline.nn.row_products import COUNTS
from sightline.nn.step_work import AVERAGE, FILTER, FRAME, LARGEST, MATRIX, SCALE, WIDE

_ITEMS = 4  # a thread, so that one that is late does less
_LEAST = 150_000  # products of an item: some microseconds
_BAND = 24_576  # bytes of a band of a map: half of a first cache


@dataclass(frozen=True)
class Sizes:
    """What a step turns into what.

    Parameters
    ----------
    kind
        ``MATRIX``, ``FILTER``, ``AVERAGE``, ``LARGEST``, ``SCALE``, ``FRAME`` or ``WINOGRAD``.
    before, after
        C, H and W of an image's maps.
    side, stride, padding
        Of a filter or a window; ``padding`` of a frame, too.
    """

    kind: int
    before: tuple[int, int, int]
    after: tuple[int, int, int]
    side: int = 1
    stride: int = 1
    padding: int = 0

    @property
    def adjacent(self) -> bool:
        """Whether the rows of all lines and images lie one after the other."""
        return self.side == self.stride == 1


def rows_at_once(count: int) -> int:
    """Return how many of ``count`` rows to multiply at once; the last ones may overlap those before."""
    able = [rows for rows in COUNTS if rows <= count]
    return min(able, key=lambda rows: -(-count // rows) * (max(rows, 4) + 0.5))  # four rows or fewer take as long


def cut(sizes: Sizes, images: int, threads: int) -> dict[str, int]:
    """Return the fields of a step that say how much there is to do, and how it is cut.

    Parameters
    ----------
    sizes
        Of the step.
    images
        How many, ≥ 1.
    threads
        That will share it out, ≥ 1.
    """
    (channels, high, wide), (filters, answers_high, answers_wide) = sizes.before, sizes.after
    known = {"images": images, "high": high, "wide": wide, "channels": channels, "filters": filters}
    known |= {"answers_high": answers_high, "answers_wide": answers_wide, "kind": sizes.kind}
    known |= {"side": sizes.side, "stride": sizes.stride, "padding": sizes.padding}
    vectors = -(-channels // LANES)
    if sizes.kind == MATRIX:
        return known | _cut_products(sizes, images, threads)
    if sizes.kind == FILTER:
        across = (answers_wide - 1) * sizes.stride + sizes.side
        lines = max(sizes.side, _BAND // (4 * LANES * across))
        band = min(answers_high, (lines - sizes.side) // sizes.stride + 1)
        return known | {"band": band, "items": images * -(-answers_high // band) * vectors}
    lines = images * answers_high
    items = {AVERAGE: images * vectors, LARGEST: lines, SCALE: images * high, FRAME: lines}
    return known | {"items": items[sizes.kind]}


def _cut_products(sizes: Sizes, images: int, threads: int) -> dict[str, int]:
    filters, high, wide = sizes.after
    lines, depth = images * high, sizes.side * sizes.side * sizes.before[0]
    found = {}
    if sizes.adjacent:
        lines, wide = 1, images * high * wide
        found = {"answers_high": 1, "answers_wide": wide, "high": 1, "wide": wide}
    rows = rows_at_once(wide)
    blocks, panels = -(-wide // rows), -(-filters // WIDE)
    total = lines * blocks
    items = max(1, min(_ITEMS * threads, total * panels, lines * wide * depth * filters // _LEAST))
    if total >= items and (lines * wide >= filters or panels < items):  # each thread reads all panels, or all rows
        blocks_each, panels_each = -(-total // items), panels
    elif panels >= items:
        blocks_each, panels_each = total, -(-panels // items)
    else:
        blocks_each, panels_each = -(-total * panels // items), 1
        blocks_each = min(blocks_each, total)
    found |= {"rows": rows, "blocks": blocks, "lines": lines, "panels": panels}
    found |= {"blocks_each": blocks_each, "panels_each": panels_each}
    return found | {"items": -(-total // blocks_each) * -(-panels // panels_each)}


def spare_bytes(fields: dict[str, int]) -> int:
    """Return how many bytes each thread needs for itself in a step."""
    if fields["kind"] != FILTER:
        return 0
    across = (fields["answers_wide"] - 1) * fields["stride"] + fields["side"]
    lines = (fields["band"] - 1) * fields["stride"] + fields["side"]
    return 4 * LANES * across * lines


def place_values(sizes: Sequence[int], made: Sequence[int], last: Sequence[int]) -> tuple[list[int], int]:
    """Return where values lie in one memory, and its size in bytes: those that are needed at one time do not overlap.

    Parameters
    ----------
    sizes
        Bytes of each one.
    made, last
        The step that makes it, in rising order, and the last one that reads it.
    """
    offsets: list[int] = []
    for value, size in enumerate(sizes):
        needed = sorted((offsets[k], sizes[k]) for k in range(value) if last[k] >= made[value])
        offsets.append(_gap(needed, size))
    return offsets, max((offset + size for offset, size in zip(offsets, sizes, strict=True)), default=0)


def _gap(taken: Iterable[tuple[int, int]], size: int) -> int:
    start = 0
    for offset, length in taken:
        if offset - start >= size:
            return start
        start = max(start, int(np.ceil((offset + length) / 64)) * 64)
    return start
