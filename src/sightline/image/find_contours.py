"""Contours: the borders of groups of true pixels and of their holes, each followed once around, and how they nest.

Suzuki & Abe 1985, "Topological Structural Analysis of Digitized Binary Images by Border Following", CVGIP 30(1): what a
border is, the pixel where a scan meets it first, step 3 that follows it, and how borders nest. The paper's scan marks
the pixels that a border passed, to know a new one when it meets it; here :mod:`~sightline.image.border_starts` knows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from jaxtyping import Int32

from sightline.core.buffers import empty, release
from sightline.core.catalogue import method
from sightline.core.checks import as_mask, choice
from sightline.core.kernels import kernel, over_rows
from sightline.core.lanes import prefetch
from sightline.core.layers import Heat, Labels, Value
from sightline.core.layers import Mask as MaskLayer
from sightline.core.trace import Step
from sightline.core.types import Array, Choice, Mask
from sightline.image.bits import count_bits, put_rings, trailing_zeros, true_bits
from sightline.image.border_starts import border_starts

_STRIP = 128
_AT_ONCE = 1 << 14  # contours that are made together: lists of what they are made of are longer than they
_LARGE = 1 << 22  # pixels from which on contours take far longer than new memory
_ALONE = 1 << 21  # of fewer pixels, one thread does all: to wake another takes as long as half so many
ALONG_X = np.array([1, 1, 0, -1, -1, -1, 0, 1], np.int64)  # the eight directions against the clock from the right
ALONG_Y = np.array([0, -1, -1, -1, 0, 1, 1, 1], np.int64)


@dataclass(frozen=True, slots=True)  # without a dictionary each: a picture has thousands of borders
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
        _put_points(self, points)
        _put_is_hole(self, is_hole)
        _put_parent(self, parent)
        _put_children(self, children)

    def __len__(self) -> int:
        return len(self.points)


# What the class would write by itself asks four times whether it may.
_put_points, _put_is_hole, _put_parent, _put_children = (
    getattr(Contour, name).__set__ for name in ("points", "is_hole", "parent", "children")
)


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
    points, ends, parents, holes = borders(mask, simple=simple, external=external)
    if mask.size > _LARGE:
        release()  # what was known of the pixels' neighbours would wait beside all contours
    nested = [np.flatnonzero(parents >= 0).astype(np.int32)]
    if len(ends) > _AT_ONCE:
        inner = nested[0][np.argsort(parents[nested[0]], kind="stable")]
        nested = np.split(inner, np.searchsorted(parents[inner], range(_AT_ONCE, len(ends), _AT_ONCE)))
    contours: list[Contour] = []
    for number, inner in enumerate(nested):
        contours += _some_contours(points, ends, parents, holes, inner, number * _AT_ONCE)
    return contours


def _some_contours(
    points: Array, ends: Array, parents: Array, holes: Array, nested: Array, first: int
) -> Iterator[Contour]:
    """Return the contours from ``first`` on; ``nested`` are those that have one of these as parent."""
    end = min(first + _AT_ONCE, len(ends))
    stops, nesting = ends[first:end].tolist(), parents[first:end].tolist()
    starts = [int(ends[first - 1]) if first else 0, *stops]
    parts = [points[start:stop] for start, stop in zip(starts, stops, strict=False)]
    children: dict[int, list[int]] = {}
    for i, parent in zip(nested.tolist(), parents[nested].tolist(), strict=True):
        children.setdefault(parent - first, []).append(i)
    inner: list[tuple[int, ...]] = [()] * len(parts)
    for i, inside in children.items():
        inner[i] = tuple(inside)
    return map(Contour, parts, holes[first:end].tolist(), nesting, inner)


@find_contours.steps
def _steps(mask: Mask, *, approximation: str = "none", mode: str = "tree") -> Iterator[Step]:
    mask = as_mask("find_contours", mask)
    yield Step("mask", MaskLayer(mask))
    points, ends, parents, _ = borders(mask)
    numbers = np.repeat(np.arange(len(ends)), np.diff(ends, prepend=0))
    order = np.zeros(mask.shape, np.float32)
    order[points[:, 1], points[:, 0]] = numbers + 1 + len(ends) // 3  # the first ones stand out from what is no border
    yield Step("order", Heat(order), note="Borders in the order in which the scan met them: dark ones first.")
    depths = np.zeros(len(ends), np.float32)
    for i, parent in enumerate(parents.tolist()):  # a border comes before those inside it
        depths[i] = 1 + (depths[parent] if parent >= 0 else 0)
    depth = np.zeros(mask.shape, np.float32)
    depth[points[:, 1], points[:, 0]] = depths[numbers]
    yield Step("depth", Heat(depth), note="The brighter, the more borders lie around it.")
    contours = find_contours(mask, approximation=approximation, mode=mode)
    shown = np.zeros(mask.shape, np.int32)
    for number, contour in enumerate(contours, 1):
        shown[contour.points[:, 1], contour.points[:, 0]] = number
    note = f"{len(contours)} borders, {sum(contour.is_hole for contour in contours)} of them of holes."
    yield Step("contours", Value(contours), Labels(shown), note=note)


def borders(
    image: Array, above: float = 0, *, simple: bool = False, external: bool = False
) -> tuple[Array, Array, Array, Array]:
    """Return all points, where those of each border end, its parent (-1: none), and whether it is a hole's.

    They are the borders of what exceeds ``above``, a number of the image's type, in an H×W image: of a mask, of what is
    true.
    """
    rings, changes, counts, most = look_around(image, above)
    words = empty((most,), np.uint64)
    starts, parents, holes = border_starts(
        changes, counts, external, words
    )  # which are written when runs are done with
    steps = steps_around(rings.shape[1])
    ends = np.empty(len(starts), np.int64)
    filled = int(follow_all(rings.reshape(-1), rings.shape[1], starts, holes, steps, simple, words, ends))
    if filled < most:  # of what is kept, nothing may be left over
        shorter = empty((filled,), np.uint64)
        shorter[...] = words[:filled]
        words = shorter
    return words.view(np.int32).reshape(-1, 2), ends, parents, holes


def look_around(image: Array, above: float) -> tuple[Array, Array, Array, int]:
    """Return, of what exceeds ``above``, which neighbours of each pixel on a border do, and where rows change.

    Then how many runs each row has, and how many points all borders.
    """
    height, width = image.shape
    image = image.view(np.uint8) if image.dtype == np.bool_ else image
    blocks = width // 64 + 1  # at least one false pixel is behind the last one
    rings, changes = empty((height, blocks * 64), np.uint8), empty((height, blocks), np.uint64)
    counts, strip = np.empty(height, np.int64), height if image.size <= _ALONE else _STRIP
    most = sum(over_rows(_look, height, image, image.dtype.type(above), rings, changes, counts, strip=strip))
    return rings, changes, counts, most


def steps_around(stride: int) -> Array:
    """Return the steps to eight neighbours: in the flat array, and of a point, y in the upper half of a word."""
    return np.stack([ALONG_Y * stride + ALONG_X, (ALONG_Y << 32) + ALONG_X]).view(np.uint64)


@kernel
def _look(image, bound, rings, changes, counts, y0, y1):
    """Write which neighbours of each pixel on a border are true, and where rows change; return how many points.

    A pixel is true that exceeds the bound. Write also how many runs each row has. A border passes a pixel once for each
    row of false neighbours, around it, that has one beside, above or below it: the last one of those against the clock
    is counted (Yokoi's number; a pixel on its own is one more).
    """
    height, width = image.shape
    rows, count = np.zeros((3, rings.shape[1] + 2), np.uint8), 0
    for y in range(y0 - 1, y1 + 1):
        line = rows[y % 3]
        if 0 <= y < height:
            source, inner = image[y], line[1 : width + 1]
            for x in range(width):
                inner[x] = source[x] > bound
        else:
            line[:] = 0
        if y <= y0:
            continue
        above, row, below, out = rows[(y + 1) % 3], rows[(y + 2) % 3], line, rings[y - 1]
        runs = 0
        for k in range(changes.shape[1]):
            x = 64 * k
            pixels = true_bits(row, x + 1)
            n, w, e, s = true_bits(above, x + 1), true_bits(row, x), true_bits(row, x + 2), true_bits(below, x + 1)
            changes[y - 1, k] = pixels ^ w
            if pixels & ~(n & w & e & s) == 0:  # no border
                continue
            runs += count_bits(pixels & ~w)
            put_rings(above, row, below, x, out)
            nw, ne, sw, se = true_bits(above, x), true_bits(above, x + 2), true_bits(below, x), true_bits(below, x + 2)
            count += count_bits(pixels & ~e & (ne | n)) + count_bits(pixels & ~n & (nw | w))
            count += count_bits(pixels & ~w & (sw | s)) + count_bits(pixels & ~s & (se | e))
            count += count_bits(pixels & ~(n | w | e | s | nw | ne | sw | se))
        counts[y - 1] = runs
    return count


@kernel
def follow_all(rings, stride, starts, holes, steps, simple, points, ends):
    """Follow border after border; return how many points they have."""
    filled = np.int64(0)
    for i in range(ends.size):
        x, y = np.int64(starts[i, 0]), np.int64(starts[i, 1])
        filled = follow(
            rings, np.uint64(y * stride + x), np.uint64(y << 32 | x), holes[i], steps, simple, points, filled
        )
        ends[i] = filled
    return filled


@kernel
def follow(rings, start, point, is_hole, steps, simple, points, filled):
    """Follow a border from ``start``, add its points, and return how many there are now."""
    none, one, seven = np.uint64(0), np.uint64(1), np.uint64(7)
    every, last_place = not simple, points.size - 1
    origin = np.uint64(0 if is_hole else 4)  # the false pixel from where the border is seen
    ring = twice(rings[start])
    if ring == none:  # a pixel on its own
        points[filled] = point
        return filled + 1
    way = origin
    while ring >> way & one == none:  # with the clock, to the last pixel of the border
        way = (way - one) & seven
    last, pixel, came = start + steps[0, way], start, way ^ np.uint64(4)
    while True:
        # Against the clock, from the pixel before, to the next one that is true.
        first = way + one
        way = (first + trailing_zeros(twice(rings[pixel]) >> first)) & seven
        # Arithmetic instead of a branch: which way a border turns cannot be predicted.
        points[min(filled, last_place)] = point
        filled += np.int64(every | (way != came))
        following = pixel + steps[0, way]
        if following == start and pixel == last:
            return filled
        prefetch(rings, following + np.uint64(4) * steps[0, way])  # borders go on as they went
        point += steps[1, way]
        came, pixel, way = way, following, way ^ np.uint64(4)


@kernel(inline=True)
def twice(ring):
    """Return the bits of a ring of neighbours twice in a row, so that a search may go past the end."""
    return np.uint64(ring) | np.uint64(ring) << np.uint64(8)
