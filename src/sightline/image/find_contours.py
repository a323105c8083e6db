"""Contours: the borders of groups of true pixels and of their holes, each followed once around, and how they nest.

Suzuki & Abe 1985, "Topological Structural Analysis of Digitized Binary Images by Border Following", CVGIP 30(1),
algorithm 1. A new border can only begin at an end of a run of true pixels, so that the scan goes from run to run.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from jaxtyping import Int32

from sightline.core.buffers import empty
from sightline.core.catalogue import method
from sightline.core.checks import as_mask, choice
from sightline.core.kernels import kernel, over_rows
from sightline.core.lanes import prefetch
from sightline.core.layers import Heat, Labels, Value
from sightline.core.layers import Mask as MaskLayer
from sightline.core.trace import Step
from sightline.core.types import Array, Choice, Mask
from sightline.image.bits import count_bits, put_rings, trailing_zeros, true_bits

INSIDE, SEEN, SEEN_AT_THE_RIGHT = 1, 2, 3  # states of a true pixel; the last: a border passed between it and its right
# A pixel's cell says which neighbours are true, a bit for each direction, and its state. Which border passed it last
# stands elsewhere: most pixels of most pictures lie on none, and what is never written costs nothing.
_STATE = 8  # its lowest bit
_STRIP = 128
_ALONG_X = np.array([1, 1, 0, -1, -1, -1, 0, 1], np.int64)  # the eight directions against the clock from the right
_ALONG_Y = np.array([0, -1, -1, -1, 0, 1, 1, 1], np.int64)


@dataclass(frozen=True)
class Contour:
    """A border: of a group of pixels from outside, or of a hole in one.

    Parameters
    ----------
    points
        N×2 int32 (x, y): pixels of the group along the border, each next to the one before it, or the corners alone.
        Around a group they run against the clock, as one sees the picture; around a hole with it.
    is_hole
        Whether it is the border of a hole.
    parent
        Position in the list of the border that directly surrounds this one; -1 when there is none.
    children
        Positions of the borders that this one directly surrounds.
    """

    points: Int32[np.ndarray, "n 2"]
    is_hole: bool
    parent: int
    children: tuple[int, ...]

    def __init__(self, points: Array, is_hole: bool, parent: int, children: tuple[int, ...]) -> None:
        # What the class would write by itself asks four times whether it may: a picture has thousands of borders.
        self.__dict__.update(points=points, is_hole=is_hole, parent=parent, children=children)

    def __len__(self) -> int:
        return len(self.points)


@method(task="shape", paper="Suzuki 1985", lesson="w2d5")
def find_contours(
    mask: Mask,
    *,
    approximation: Annotated[str, Choice("none", "simple")] = "none",
    mode: Annotated[str, Choice("tree", "external")] = "tree",
) -> list[Contour]:
    """Return the borders of the groups of true pixels (8 neighbours) and of their holes, in the order of a scan.

    What lies outside the image is false. A mask has no NaN.

    Parameters
    ----------
    mask
        H×W bool.
    approximation
        ``none`` keeps every pixel of a border; ``simple`` only those where it turns.
    mode
        ``tree`` finds every border, and how they nest; ``external`` keeps those that no other one surrounds.

    Returns
    -------
    contours
        List of :class:`Contour`; a border comes before those inside it.

    References
    ----------
    S. Suzuki and K. Abe, "Topological Structural Analysis of Digitized Binary Images by Border Following", Computer
    Vision, Graphics, and Image Processing 30(1), 1985.

    Examples
    --------
    >>> import numpy as np
    >>> mask = np.ones((4, 4), bool)
    >>> mask[1:3, 1:3] = False
    >>> outer, hole = find_contours(mask, approximation="simple")
    >>> outer.points.tolist(), hole.is_hole, hole.parent
    ([[0, 0], [0, 3], [3, 3], [3, 0]], True, 0)
    """
    mask = as_mask("find_contours", mask)
    simple = choice("find_contours", "approximation", approximation, ("none", "simple")) == "simple"
    external = choice("find_contours", "mode", mode, ("tree", "external")) == "external"
    points, ends, parents, holes = _borders(mask, simple)[:4]
    stops, nesting, are_holes = ends.tolist(), parents.tolist(), holes.tolist()
    parts = [points[start:stop] for start, stop in zip([0, *stops], stops, strict=False)]
    if external:
        return [Contour(part, False, -1, ()) for part, parent in zip(parts, nesting, strict=True) if parent < 0]
    children: dict[int, list[int]] = {}
    for i, parent in enumerate(nesting):
        children.setdefault(parent, []).append(i)
    inner = [tuple(children.get(i, ())) for i in range(len(parts))]
    return list(map(Contour, parts, are_holes, nesting, inner))


@find_contours.steps
def _steps(mask: Mask, *, approximation: str = "none", mode: str = "tree") -> Iterator[Step]:
    mask = as_mask("find_contours", mask)
    yield Step("mask", MaskLayer(mask))
    points, ends, _, _, cells = _borders(mask, False)
    order = np.zeros(mask.shape, np.float32)
    order[points[:, 1], points[:, 0]] = np.repeat(
        np.arange(len(ends)) + 1 + len(ends) // 3,  # so that the first ones stand out from what is no border
        np.diff(ends, prepend=0),
    )
    yield Step("order", Heat(order), note="Borders in the order in which the scan met them: dark ones first.")
    yield Step(
        "marks",
        Heat(((cells[1 : len(mask) + 1, 1 : mask.shape[1] + 1] >> _STATE & 3) * mask).astype(np.float32)),
        note="Bright: passed on the right, no hole begins.",
    )
    contours = find_contours(mask, approximation=approximation, mode=mode)
    shown = np.zeros(mask.shape, np.int32)
    for number, contour in enumerate(contours, 1):
        shown[contour.points[:, 1], contour.points[:, 0]] = number
    note = f"{len(contours)} borders, {sum(contour.is_hole for contour in contours)} of them of holes."
    yield Step("contours", Value(contours), Labels(shown), note=note)


def _borders(mask: Array, simple: bool) -> tuple[Array, Array, Array, Array, Array]:
    """Return all points, where those of each border end, its parent (-1: none), whether a hole's; and the cells."""
    height, width = mask.shape
    filled, blocks = 0, width // 64 + 1  # at least one false pixel is behind the last one
    changes = empty((height, blocks), np.uint64)
    cells = empty((height + 2, 64 * blocks + 2), np.uint16)
    names = empty(cells.shape, np.int32)
    while True:
        # A border begins at the left or at the right end of a run.
        most = int(sum(over_rows(_look_around, height, mask.view(np.uint8), cells, changes, strip=_STRIP)))
        ends, parents, holes = np.empty(most, np.int64), np.empty(most, np.int64), np.empty(most, np.bool_)
        # A step in the flat array, and one of a point, whose y is in the upper half of a word and x in the lower one.
        steps = np.stack([_ALONG_Y * cells.shape[1] + _ALONG_X, (_ALONG_Y << 32) + _ALONG_X]).view(np.uint64)
        words = empty((max(int(filled), 2 * most + 8 * (height + width)),), np.uint64)
        filled, count = _scan(cells, names, changes, steps, simple, words, ends, parents, holes)
        if filled <= len(words):  # or long lines lie along the rows: once more, with room for all
            break
    points = empty((int(filled), 2), np.int32)
    points[...] = words[:filled].view(np.int32).reshape(-1, 2)
    return points, ends[:count].copy(), parents[:count].copy(), holes[:count].copy(), cells


@kernel
def _look_around(mask, cells, changes, y0, y1):
    """Write the state of each true pixel and which of its neighbours are true; of false ones nothing is asked.

    Write also which pixels differ from the one before, a bit each, and return how many.
    """
    height, width = mask.shape
    rows, count = np.zeros((3, cells.shape[1]), np.uint8), 0
    solid = np.zeros((3, changes.shape[1]), np.uint64)  # which pixels are true, and so both beside them
    every, inside = ~np.uint64(0), cells.dtype.type(INSIDE << _STATE | 255)
    for y in range(y0 - 1, y1 + 1):
        line = rows[y % 3]
        if 0 <= y < height:
            source, inner = mask[y], line[1 : width + 1]
            for x in range(width):
                inner[x] = source[x] != 0
        else:
            line[:] = 0
        for k in range(changes.shape[1]):
            solid[y % 3, k] = true_bits(line, 64 * k) & true_bits(line, 64 * k + 1) & true_bits(line, 64 * k + 2)
        if y <= y0:
            continue
        above, row, below, out = rows[(y + 1) % 3], rows[(y + 2) % 3], line, cells[y, 1:]
        words, before = changes[y - 1], np.uint64(0)
        for k in range(words.size):
            pixels = true_bits(row, 64 * k + 1)
            words[k] = pixels ^ (pixels << np.uint64(1) | before)
            count += count_bits(words[k])
            before = pixels >> np.uint64(63)
            if pixels == every and solid[0, k] & solid[1, k] & solid[2, k] == every:
                out[64 * k : 64 * k + 64] = inside
            elif pixels != 0:
                put_rings(above, row, below, 64 * k, _STATE, out)
    return count


@kernel
def _scan(cells, names, changes, steps, simple, points, ends, parents, holes):
    """Look at both ends of each run: a border begins there unless one has passed already."""
    stride, flat, named = cells.shape[1], cells.reshape(-1), names.reshape(-1)
    filled, count = np.int64(0), np.int64(0)
    for y in range(changes.shape[0]):
        start, met, right = (y + 1) * stride + 1, -1, 0  # met: where a border was met last in this row
        for k in range(changes.shape[1]):
            word = changes[y, k]
            while word != 0:
                pixel = start + 64 * k + np.int64(trailing_zeros(word)) - right
                word &= word - np.uint64(1)
                state = flat[pixel] >> _STATE & 3
                if (state != SEEN_AT_THE_RIGHT) if right else (state == INSIDE):
                    if right:
                        met = pixel
                        while flat[met] >> _STATE & 3 == INSIDE:  # it may lie to the left in this run
                            met -= 1
                    last = np.int64(named[met]) if met >= 0 else -1
                    parent = last
                    if last >= 0 and holes[last] == (right == 1):  # of the same kind: both have the same parent
                        parent = parents[last]
                    parents[count], holes[count] = parent, right == 1
                    point = np.uint64(y << 32 | pixel - start)
                    name = np.int32(count)
                    filled = _follow(
                        flat, named, np.uint64(pixel), point, name, holes[count], steps, simple, points, filled
                    )
                    ends[count] = filled
                    count += 1
                met, right = pixel, 1 - right
    return filled, count


@kernel
def _follow(flat, names, start, point, name, is_hole, steps, simple, points, filled):
    """Follow a border from ``start``, add its points as far as there is room, and return how many there are now."""
    none, one, seven, three = np.uint64(0), np.uint64(1), np.uint64(7), np.uint64(3)
    every, room = not simple, points.size - 1
    origin = np.uint64(0 if is_hole else 4)  # the false pixel from where the border is seen
    ring = _twice(flat[start])
    if ring == none:  # a pixel on its own
        flat[start], names[start] = SEEN_AT_THE_RIGHT << _STATE, name
        points[min(filled, room)] = point
        return filled + 1
    way = origin
    while ring >> way & one == none:  # with the clock, to the last pixel of the border
        way = (way - one) & seven
    last, pixel, came = start + steps[0, way], start, way ^ np.uint64(4)
    while True:
        back, cell = way, np.uint64(flat[pixel])
        # Against the clock, from the pixel before, to the next one that is true.
        way = (back + one + trailing_zeros(_twice(cell) >> (back + one))) & seven
        # Arithmetic instead of branches: which way a border turns cannot be predicted.
        state = cell >> np.uint64(_STATE) & three
        passed = np.uint64((way != none) & (way <= back))  # its right neighbour was looked at, and is false
        flat[pixel] = max(state, np.uint64(SEEN) + passed) << np.uint64(_STATE) | cell & np.uint64(255)
        mine = (passed != none) | (state == np.uint64(INSIDE))  # otherwise, another border's name stays
        names[pixel] = name if mine else names[pixel]
        points[min(filled, room)] = point
        filled += np.int64(every | (way != came))
        following = pixel + steps[0, way]
        if following == start and pixel == last:
            return filled
        ahead = following + np.uint64(4) * steps[0, way]  # borders go on as they went
        prefetch(flat, ahead)
        prefetch(names, ahead)
        point += steps[1, way]
        came, pixel, way = way, following, way ^ np.uint64(4)


@kernel(inline=True)
def _twice(cell):
    """Return the bits of a ring of neighbours twice in a row, so that a search may go past the end."""
    code = np.uint64(cell) & np.uint64(255)
    return code | code << np.uint64(8)
