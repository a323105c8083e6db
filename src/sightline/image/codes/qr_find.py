"""Finder patterns: the three eyes of a QR symbol, which every line through their middle cuts as 1 : 1 : 3 : 1 : 1.

ISO/IEC 18004:2015, section 11, steps a and b of the reference decode algorithm.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Float64

from sightline.core.kernels import kernel, over_rows
from sightline.core.types import Array
from sightline.image.codes.binarise import Binary

_STRIP = 128
_ROOM = 512  # candidates in a strip
_MOST = 24  # candidates that triples are made of
_TRIPLES = 100  # of them
_X, _Y, _WIDTH, _HEIGHT, _HITS, _DARK = range(6)

Eyes = Float64[
    np.ndarray, "n 6"
]  # x, y, module across, module down, how many lines saw it, 1 for dark (0 for inverted)


@dataclass(frozen=True, eq=False)
class Triple:
    """Three eyes that may belong together: top-left, top-right and bottom-left of an unmirrored symbol.

    Parameters
    ----------
    centres
        3×2 points (x, y).
    inverted
        Whether the symbol is light on dark.
    oddness
        How far it is from two equal sides at a right angle, and from three eyes of one size; 0 is perfect.
    indices
        Which eyes they are.
    """

    centres: Float64[np.ndarray, "3 2"]
    inverted: bool
    oddness: float
    indices: tuple[int, int, int]


def find_eyes(binary: Binary) -> Eyes:
    """Return the finder patterns in a picture, each once, those first that most lines have seen."""
    height = len(binary.dark)
    step = 1 if height < 320 else 2 if height < 1200 else 3
    found = np.concatenate(over_rows(_scan_rows, height, binary.dark, step, strip=_STRIP))
    # A true eye is seen by all lines through a third of it at least: chance meetings of lines are not.
    found = found[found[:, _HITS] >= 0.6 * found[:, _HEIGHT] / step]
    found = found[np.argsort(-found[:, _HITS], kind="stable")][: 4 * _MOST]
    eyes = found[: _merge(found)]
    return eyes[np.argsort(-eyes[:, _HITS], kind="stable")]


def triples_of(eyes: Eyes) -> Iterator[Triple]:
    """Yield what may be the three eyes of one symbol, the most regular first."""
    eyes = eyes[:_MOST]
    if len(eyes) < 3:
        return
    indices = _threes(len(eyes))
    centres = eyes[indices, :2]  # n×3×2
    sizes = np.sqrt(eyes[indices, _WIDTH] * eyes[indices, _HEIGHT])
    sides = np.linalg.norm(centres[:, [1, 2, 0]] - centres[:, [2, 0, 1]], axis=2)  # each opposite to its corner
    corner = sides.argmax(axis=1)
    rows = np.arange(len(indices))
    long, a, b = (sides[rows, (corner + turn) % 3] for turn in range(3))
    module = sizes.mean(axis=1)
    cosine = (a * a + b * b - long * long) / np.maximum(2 * a * b, 1e-9)
    spread = sizes.max(axis=1) / sizes.min(axis=1)
    slope = np.maximum(a, b) / np.maximum(np.minimum(a, b), 1e-9)
    same = np.ptp(eyes[indices, _DARK], axis=1) == 0
    wide = np.minimum(a, b) > 9 * module  # 14 modules in version 1, less what slant and tilt take
    fits = same & wide & (np.maximum(a, b) < 260 * module) & (np.abs(cosine) < 0.65) & (spread < 2.2) & (slope < 2.2)
    oddness = np.abs(cosine) + (slope - 1) + (spread - 1)
    order = np.argsort(oddness, kind="stable")
    for i in order[fits[order]][:_TRIPLES]:
        yield _triple(eyes, indices[i], int(corner[i]), float(oddness[i]))


@lru_cache(_MOST)
def _threes(count: int) -> Array:
    """Return all ways to choose three of so many, n×3."""
    return np.array(list(itertools.combinations(range(count), 3)))


def _triple(eyes: Eyes, indices: Array, corner: int, oddness: float) -> Triple:
    order = indices[[corner, (corner + 1) % 3, (corner + 2) % 3]]
    (x0, y0), (x1, y1), (x2, y2) = eyes[order, :2]
    if (x1 - x0) * (y2 - y0) < (y1 - y0) * (x2 - x0):  # y points down: the top-right comes first, clockwise
        order = order[[0, 2, 1]]
    inverted = not eyes[order[0], _DARK]
    a, b, c = (int(i) for i in order)
    return Triple(eyes[order, :2].copy(), inverted, oddness, (a, b, c))


@kernel
def _scan_rows(dark, step, y0, y1):
    """Return the eyes that lines ``y0`` to ``y1`` see: rows of :data:`Eyes`."""
    width = dark.shape[1]
    found = np.empty((_ROOM, 6), np.float64)
    count, zero, one = np.int64(0), np.int64(0), np.int64(1)  # for literals, callees would be compiled once more
    edges = np.zeros(6, np.int64)  # the last six changes of colour
    for y in range(y0 + (-y0) % step, y1, step):
        row = dark[y]
        seen = 1
        edges[5] = 0
        colour = row[0]
        for x in range(1, width + 1):
            if x < width and row[x] == colour:
                continue
            for i in range(5):
                edges[i] = edges[i + 1]
            edges[5] = x
            seen += 1
            if seen >= 6 and _is_eye(edges[0], edges[1], edges[2], edges[3], edges[4], edges[5]):
                centre = (edges[2] + edges[3]) // 2
                limit = 2 * (edges[5] - edges[0])
                tall, shift = _cross(dark, centre, y, zero, one, limit)
                if tall > 0 and 3 * tall > edges[5] - edges[0]:
                    middle = y + np.int64(np.floor(shift + 0.5))
                    wide, aside = _cross(dark, centre, middle, one, zero, limit)
                    if wide > 0:
                        x1, y1_ = centre + aside, y + shift
                        if _diagonal(dark, np.int64(x1 + 0.5), middle, limit):
                            count = _remember(found, count, x1, y1_, wide / 7, tall / 7, colour)
            if x < width:
                colour = row[x]
    return found[:count]


@kernel
def _merge(eyes):
    """Count eyes that are at one place for the first of them; keep each once, at the front, and return how many."""
    count = 0
    for i in range(eyes.shape[0]):
        eye, k, known = eyes[i], 0, False
        while k < count and not known:
            other = eyes[k]
            apart = max(abs(other[_X] - eye[_X]), abs(other[_Y] - eye[_Y]))
            near = apart < 2 * max(other[_WIDTH], other[_HEIGHT]) and other[_DARK] == eye[_DARK]
            known = near and 0.5 < eye[_HEIGHT] / other[_HEIGHT] < 2
            k += 1
        if known:
            eyes[k - 1, _HITS] += eye[_HITS]
        else:
            eyes[count] = eye
            count += 1
    return count


@kernel
def _is_eye(a, b, c, d, e, f):
    """Return whether six edges part 1 : 1 : 3 : 1 : 1."""
    module = (f - a) / 7
    slack = 0.5 * module + 0.5
    ones = abs(b - a - module) < slack and abs(c - b - module) < slack
    ones = ones and abs(e - d - module) < slack and abs(f - e - module) < slack
    return ones and f - a >= 7 and abs(d - c - 3 * module) < 1.5 * module + 0.5


@kernel
def _cross(dark, x, y, dx, dy, limit):
    """Return the length of the eye on the line through (x, y), 0 when it is none, and how far its middle is away."""
    height, width = dark.shape
    colour = dark[y, x]
    reach = np.zeros((2, 3), np.int64)
    for side in range(2):
        sign = 1 - 2 * side
        px, py = x, y
        if side == 1:
            px, py = x - dx, y - dy
        for part in range(3):
            wanted = colour if part != 1 else 1 - colour
            while 0 <= px < width and 0 <= py < height and dark[py, px] == wanted and reach[side, part] <= limit:
                reach[side, part] += 1
                px, py = px + sign * dx, py + sign * dy
    back, ahead = reach[1], reach[0]
    c = 0 - back[0]
    b, d = c - back[1], ahead[0]
    a, e = b - back[2], d + ahead[1]
    f = e + ahead[2]
    if not _is_eye(a, b, c, d, e, f):
        return 0, 0.0
    return f - a, (c + d - 1) / 2


@kernel
def _diagonal(dark, x, y, limit):
    """Return whether both diagonals look like an eye, too, roughly: the middle, light, dark again."""
    if not (0 <= x < dark.shape[1] and 0 <= y < dark.shape[0]):
        return False
    good = 0
    for slope in (-1, 1):
        length, _ = _cross(dark, x, y, np.int64(1), slope, limit)
        good += length > 0
    return good == 2


@kernel
def _remember(found, count, x, y, wide, tall, colour):
    """Add an eye, or count one that is there already; return how many there are."""
    for i in range(count):
        near = abs(found[i, 0] - x) < 2 * wide and abs(found[i, 1] - y) < 2 * tall and found[i, 5] == colour
        if near and 0.5 < found[i, 3] / tall < 2:
            hits = found[i, 4]
            found[i, 0], found[i, 1] = (found[i, 0] * hits + x) / (hits + 1), (found[i, 1] * hits + y) / (hits + 1)
            found[i, 2], found[i, 3] = (
                (found[i, 2] * hits + wide) / (hits + 1),
                (found[i, 3] * hits + tall) / (hits + 1),
            )
            found[i, 4] = hits + 1
            return count
    if count < found.shape[0]:
        found[count, 0], found[count, 1], found[count, 2], found[count, 3] = x, y, wide, tall
        found[count, 4], found[count, 5] = 1, colour
        return count + 1
    return count
