"""Finder patterns: the three eyes of a QR symbol, which every line through their middle cuts as 1 : 1 : 3 : 1 : 1.

ISO/IEC 18004:2015, section 11, steps a and b of the reference decode algorithm.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from sightline.core.kernels import kernel, over_rows
from sightline.image.codes.binarise import BLOCK, Binary

_STRIP = 128
_ROOM = 512  # candidates in a strip
_MOST = 24  # candidates that triples are made of
_COMBINATIONS = _MOST * (_MOST - 1) * (_MOST - 2) // 6
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
    found = np.concatenate(over_rows(_scan_rows, height, binary.dark, binary.blocks.busy, step, strip=_STRIP))
    # A true eye is seen by all lines through a third of it at least: chance meetings of lines are not.
    found = found[found[:, _HITS] >= 0.6 * found[:, _HEIGHT] / step]
    found = found[np.argsort(-found[:, _HITS], kind="stable")][: 4 * _MOST]
    eyes = found[: _merge(found)]
    return eyes[np.argsort(-eyes[:, _HITS], kind="stable")]


def triples_of(eyes: Eyes) -> list[Triple]:
    """Return what may be the three eyes of one symbol, the most regular first."""
    eyes = eyes[:_MOST]
    found = np.empty((_COMBINATIONS, 4))
    (count,) = over_rows(_combine, len(eyes), eyes, found, strip=_MOST) if len(eyes) else (0,)
    found = found[:count]
    best = found[np.argsort(found[:, 0], kind="stable")[:_TRIPLES]].tolist()
    threes = [(int(a), int(b), int(c)) for _, a, b, c in best]
    centres, inverted = eyes[:, :2], (eyes[:, _DARK] == 0).tolist()
    return [
        Triple(centres[list(three)], inverted[three[0]], row[0], three) for row, three in zip(best, threes, strict=True)
    ]


@kernel
def _combine(eyes, found, y0, y1):
    """Write the triples that may belong together: oddness, top left, top right, bottom left; return their number."""
    n = eyes.shape[0]
    count = 0
    size = np.sqrt(eyes[:, _WIDTH] * eyes[:, _HEIGHT])
    for i in range(y0, y1):
        for j in range(i + 1, n):
            if eyes[i, _DARK] != eyes[j, _DARK] or not 1 / 2.2 < size[i] / size[j] < 2.2:
                continue
            for k in range(j + 1, n):
                spread = max(size[i], size[j], size[k]) / min(size[i], size[j], size[k])
                if eyes[i, _DARK] != eyes[k, _DARK] or spread >= 2.2:
                    continue
                a, b, c = _distance(eyes, j, k), _distance(eyes, k, i), _distance(eyes, i, j)
                corner, right, down = i, j, k  # the corner is opposite to the longest side
                if b > a and b >= c:
                    corner, right, down, a, b, c = j, k, i, b, c, a
                elif c > a and c > b:
                    corner, right, down, a, b, c = k, i, j, c, a, b
                module = (size[i] + size[j] + size[k]) / 3
                least, most = min(b, c), max(b, c)
                if (
                    least <= 9 * module or most >= 260 * module
                ):  # 14 modules in version 1, less what slant and tilt take
                    continue
                cosine, slope = abs(b * b + c * c - a * a) / (2 * b * c), most / least
                if cosine >= 0.65 or slope >= 2.2:
                    continue
                x, y = eyes[corner, _X], eyes[corner, _Y]
                across = (eyes[right, _X] - x) * (eyes[down, _Y] - y) - (eyes[right, _Y] - y) * (eyes[down, _X] - x)
                if across < 0:  # y points down: the top right comes first, clockwise
                    right, down = down, right
                found[count, 0], found[count, 1] = cosine + (slope - 1) + (spread - 1), corner
                found[count, 2], found[count, 3] = right, down
                count += 1
    return count


@kernel
def _distance(eyes, i, j):
    return np.sqrt((eyes[i, _X] - eyes[j, _X]) ** 2 + (eyes[i, _Y] - eyes[j, _Y]) ** 2)


@kernel
def _scan_rows(dark, busy, step, y0, y1):
    """Return the eyes that lines ``y0`` to ``y1`` see: rows of :data:`Eyes`."""
    width = dark.shape[1]
    found = np.empty((_ROOM, 6), np.float64)
    count = np.int64(0)
    edges = np.zeros(width + 2, np.int32)  # where a run of one colour begins
    changed = np.empty(width, np.uint8)
    for y in range(y0 + (-y0) % step, y1, step):
        row = dark[y]
        for x in range(1, width):
            changed[x] = row[x] ^ row[x - 1]
        for k in range(busy.shape[1]):  # what changes where there is no ink is noise
            if busy[y // BLOCK, k] == 0:
                changed[k * BLOCK : min(k * BLOCK + BLOCK, width)] = 0
        last = 1
        for x in range(1, width):  # without a branch
            edges[last] = x
            last += changed[x]
        edges[last] = width
        for k in range(5, last + 1):
            a, b, c, d, e, f = edges[k - 5], edges[k - 4], edges[k - 3], edges[k - 2], edges[k - 1], edges[k]
            if not _is_eye(a, b, c, d, e, f):
                continue
            centre, limit = (c + d) // 2, np.int64(2 * (f - a))
            tall, shift = _cross(dark, centre, y, 0, 1, limit)
            if tall > 0 and 3 * tall > f - a:
                middle = y + np.int64(np.floor(shift + 0.5))
                wide, aside = _cross(dark, centre, middle, 1, 0, limit)
                if wide > 0:
                    x1, y1_ = centre + aside, y + shift
                    if _diagonal(dark, np.int64(x1 + 0.5), middle, limit):
                        count = _remember(found, count, x1, y1_, wide / 7, tall / 7, row[c])
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
    """Return whether six edges part 1 : 1 : 3 : 1 : 1, each to half of a module and of a pixel."""
    whole = np.int64(f - a)
    slack, one = whole + 7, 2 * whole  # in fourteenths
    if whole < 7 or abs(14 * (d - c) - 3 * one) >= 3 * whole + 7 or abs(14 * (b - a) - one) >= slack:
        return False
    return abs(14 * (c - b) - one) < slack and abs(14 * (e - d) - one) < slack and abs(14 * (f - e) - one) < slack


@kernel
def _cross(dark, x, y, dx, dy, limit):
    """Return the length of the eye on the line through (x, y), 0 when it is none, and how far its middle is away."""
    colour = dark[y, x]
    c = -_run(dark, x - dx, y - dy, -dx, -dy, colour, limit)
    d = _run(dark, x, y, dx, dy, colour, limit)
    most = d - c  # the middle lasts 1.5 modules less half a pixel at least, the others 1.5 and half a pixel at most
    b = c - _run(dark, x + (c - 1) * dx, y + (c - 1) * dy, -dx, -dy, 1 - colour, most)
    if c - b > most:
        return 0, 0.0
    e = d + _run(dark, x + d * dx, y + d * dy, dx, dy, 1 - colour, most)
    if e - d > most:
        return 0, 0.0
    a = b - _run(dark, x + (b - 1) * dx, y + (b - 1) * dy, -dx, -dy, colour, most)
    f = e + _run(dark, x + e * dx, y + e * dy, dx, dy, colour, most)
    return (f - a, (c + d - 1) / 2) if _is_eye(a, b, c, d, e, f) else (0, 0.0)


@kernel
def _run(dark, x, y, dx, dy, colour, limit):
    """Return how many pixels from (x, y) on have a colour, at most one more than ``limit``."""
    height, width = dark.shape
    count = 0
    while 0 <= x < width and 0 <= y < height and dark[y, x] == colour and count <= limit:
        count += 1
        x, y = x + dx, y + dy
    return count


@kernel
def _diagonal(dark, x, y, limit):
    """Return whether both diagonals look like an eye, too, roughly: the middle, light, dark again."""
    if not (0 <= x < dark.shape[1] and 0 <= y < dark.shape[0]):
        return False
    return _cross(dark, x, y, 1, -1, limit)[0] > 0 and _cross(dark, x, y, 1, 1, limit)[0] > 0


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
