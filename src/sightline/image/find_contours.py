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
from sightline.core.layers import Heat, Labels, Value
from sightline.core.layers import Mask as MaskLayer
from sightline.core.trace import Step
from sightline.core.types import Array, Choice, Mask
from sightline.image.bits import trailing_zeros
from sightline.image.runs import runs_of

INSIDE, SEEN, SEEN_AT_THE_RIGHT = 1, 2, 3  # states of a true pixel; the last: a border passed between it and its right
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
    points, ends, _, _, states = _borders(mask, False)
    order = np.zeros(mask.shape, np.float32)
    order[points[:, 1], points[:, 0]] = np.repeat(
        np.arange(len(ends)) + 1 + len(ends) // 3,  # so that the first ones stand out from what is no border
        np.diff(ends, prepend=0),
    )
    yield Step("order", Heat(order), note="Borders in the order in which the scan met them: dark ones first.")
    yield Step(
        "marks", Heat(states[1:-1, 1:-1].astype(np.float32)), note="Bright: passed on the right, no hole begins."
    )
    contours = find_contours(mask, approximation=approximation, mode=mode)
    shown = np.zeros(mask.shape, np.int32)
    for number, contour in enumerate(contours, 1):
        shown[contour.points[:, 1], contour.points[:, 0]] = number
    note = f"{len(contours)} borders, {sum(contour.is_hole for contour in contours)} of them of holes."
    yield Step("contours", Value(contours), Labels(shown), note=note)


def _borders(mask: Array, simple: bool) -> tuple[Array, Array, Array, Array, Array]:
    """Return all points, where those of each border end, its parent (-1: none), whether it is a hole's; and states."""
    height, width = mask.shape
    bounds, counts = runs_of(mask)
    framed = height + 2, width + 2
    states, around, names = empty(framed, np.uint8), empty(framed, np.uint8), empty(framed, np.int32)
    over_rows(_frame, height + 2, mask.view(np.uint8), states, strip=128)
    over_rows(_look_around, height, states, around, strip=64)
    most = 2 * int(counts.sum())  # a border begins at the left or at the right end of a run
    ends, parents, holes = np.empty(most, np.int64), np.empty(most, np.int64), np.empty(most, np.bool_)
    # A step in the flat array, and one of a point, whose y is in the upper half of a word and x in the lower one.
    steps = np.stack([_ALONG_Y * (width + 2) + _ALONG_X, (_ALONG_Y << 32) + _ALONG_X]).view(np.uint64)
    words = empty((4 * most + 8 * (height + width),), np.uint64)
    filled, count = _scan(states, around, names, bounds, counts, steps, simple, words, ends, parents, holes)
    if filled > words.size:  # long lines along the rows: once more, with room for all
        words = empty((filled,), np.uint64)
        over_rows(_frame, height + 2, mask.view(np.uint8), states, strip=128)
        filled, count = _scan(states, around, names, bounds, counts, steps, simple, words, ends, parents, holes)
    points = empty((filled, 2), np.int32)
    points[...] = words[:filled].view(np.int32).reshape(-1, 2)
    return points, ends[:count].copy(), parents[:count].copy(), holes[:count].copy(), states


@kernel
def _frame(mask, states, y0, y1):
    """Copy the mask into a frame of false pixels."""
    height, width = mask.shape
    for y in range(y0, y1):
        row = states[y]
        if y == 0 or y == height + 1:
            row[:] = 0
            continue
        source, inner = mask[y - 1], row[1 : width + 1]
        for x in range(width):
            inner[x] = source[x] != 0
        row[0] = 0
        row[width + 1] = 0


@kernel
def _look_around(states, around, y0, y1):
    """Write which neighbours of each pixel are true, a bit for each direction."""
    n = states.shape[1] - 2
    for y in range(y0 + 1, y1 + 1):
        above, row, below, out = states[y - 1], states[y], states[y + 1], around[y, 1 : n + 1]
        a, b, c = above[:n], above[1 : n + 1], above[2 : n + 2]
        d, e = row[:n], row[2 : n + 2]
        f, g, h = below[:n], below[1 : n + 1], below[2 : n + 2]
        for x in range(n):
            upper = e[x] | c[x] << 1 | b[x] << 2 | a[x] << 3
            out[x] = np.uint8(upper | d[x] << 4 | f[x] << 5 | g[x] << 6 | h[x] << 7)


@kernel
def _scan(states, around, names, bounds, counts, steps, simple, points, ends, parents, holes):
    """Look at both ends of each run: a border begins there unless one has passed already."""
    stride = states.shape[1]
    flat, code_of, name_of = states.reshape(-1), around.reshape(-1), names.reshape(-1)
    filled, count = 0, 0
    for y in range(counts.size):
        last = -1  # the border met last in this row
        for i in range(counts[y]):
            first = (y + 1) * stride + bounds[y, 2 * i] + 1
            final = (y + 1) * stride + bounds[y, 2 * i + 1]
            for right in range(2):
                pixel = final if right else first
                begins = flat[final] != SEEN_AT_THE_RIGHT if right else flat[first] == INSIDE
                if begins:
                    if right:
                        near = final
                        while flat[near] == INSIDE:  # the border met last may lie to the left in this run
                            near -= 1
                        last = name_of[near]
                    parent = last
                    if last >= 0 and holes[last] == (right == 1):  # of the same kind: both have the same parent
                        parent = parents[last]
                    parents[count], holes[count] = parent, right == 1
                    point = np.uint64(y << 32 | pixel - (y + 1) * stride - 1)
                    filled = _follow(
                        flat, code_of, name_of, np.uint64(pixel), point, right, count, steps, simple, points, filled
                    )
                    ends[count] = filled
                    count += 1
                last = name_of[pixel]
    return filled, count


@kernel
def _follow(flat, code_of, name_of, start, point, right, name, steps, simple, points, filled):
    """Follow a border from ``start``, add its points as far as there is room, and return how many there are now."""
    none, one, seven = np.uint64(0), np.uint64(1), np.uint64(7)
    every, room = not simple, points.size - 1
    origin = np.uint64(0 if right else 4)  # the false pixel from where the border is seen
    ring = _twice(code_of[start])
    if ring == none:  # a pixel on its own
        flat[start], name_of[start] = SEEN_AT_THE_RIGHT, name
        points[min(filled, room)] = point
        return filled + 1
    way = origin
    while ring >> way & one == none:  # with the clock, to the last pixel of the border
        way = (way - one) & seven
    last, pixel, came = start + steps[0, way], start, way ^ np.uint64(4)
    while True:
        back = way
        # Against the clock, from the pixel before, to the next one that is true.
        way = (back + one + trailing_zeros(_twice(code_of[pixel]) >> (back + one))) & seven
        # Arithmetic instead of branches: which way a border turns cannot be predicted.
        state, before = flat[pixel], name_of[pixel]
        passed = np.uint8((way != none) & (way <= back))  # its right neighbour was looked at, and is false
        flat[pixel] = max(state, np.uint8(np.uint8(SEEN) + passed))
        name_of[pixel] = before ^ (before ^ np.int32(name)) & -np.int32(passed | np.uint8(state == INSIDE))
        points[min(filled, room)] = point
        filled += np.int64(every | (way != came))
        following = pixel + steps[0, way]
        if following == start and pixel == last:
            return filled
        point += steps[1, way]
        came, pixel, way = way, following, way ^ np.uint64(4)


@kernel(inline=True)
def _twice(code):
    """Return the bits of a ring of neighbours twice in a row, so that a search may go past the end."""
    return np.uint64(code) | np.uint64(code) << np.uint64(8)
