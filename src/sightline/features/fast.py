"""FAST: a pixel is a corner when nine in a row of the sixteen on a circle around it are all brighter, or all darker.

Rosten & Drummond 2006, "Machine Learning for High-Speed Corner Detection", ECCV; the score is that of Rosten, Porter &
Drummond 2010, "Faster and Better", IEEE PAMI 32(1): the largest threshold at which the pixel is still a corner. Where
they learn which pixels to look at first, two opposite pairs are looked at here, for a block of pixels at once: nine in
a row hold one of each. Blocks that may have a corner have all sixteen looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import numpy as np

from sightline.core.buffers import empty
from sightline.core.catalogue import method
from sightline.core.checks import flag, integer
from sightline.core.conversions import to_uint8
from sightline.core.kernels import kernel, over_rows
from sightline.core.layers import Heat, Lines, Picture, Points, Value
from sightline.core.octets import WIDE, are_zero, beyond, less, more, octets, put_octets, thirty_two_times, where_above
from sightline.core.trace import Step
from sightline.core.types import Array, Image, Range
from sightline.features.keypoints import Features
from sightline.image.gradient import as_gray

RADIUS = 3  # of the circle; so wide is the rim without corners
_LINE = WIDE + 2 * RADIUS  # what a narrow row is copied into


@method(task="corners", paper="Rosten & Drummond 2006", lesson="w3d1")
def fast(
    image: Image,
    threshold: Annotated[int, Range(1, 254, 1)] = 10,
    *,
    nonmax: bool = True,
) -> Features:
    """Return the FAST-9 corners of an image, from top to bottom.

    An image without texture, or of fewer than 7×7 pixels, has none. NaN and infinity are refused.

    Parameters
    ----------
    image
        H×W, or H×W×3, which is turned to grey first; uint8, uint16 or float32, brought to 0–255.
    threshold
        By how many grey levels of 0–255 nine neighbours must differ, more than, 1–254.
    nonmax
        Keep only those whose response is greater than that of each of the eight neighbours.

    Returns
    -------
    Features
        ``responses`` are the largest threshold at which each is a corner; scales are 1, angles 0, descriptors None.

    References
    ----------
    E. Rosten, T. Drummond, "Machine Learning for High-Speed Corner Detection", ECCV, 2006.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.zeros((20, 20), np.uint8)
    >>> image[10, 10] = 200
    >>> found = fast(image, 50)
    >>> found.points.tolist(), found.responses.tolist()
    ([[10.0, 10.0]], [199.0])
    """
    threshold = integer("fast", "threshold", threshold, 1, 254)
    flag("fast", "nonmax", nonmax)
    gray = to_uint8(as_gray("fast", image, finite=True))
    return _features(corner_map(gray, threshold, nonmax))


@fast.steps
def _steps(image: Image, threshold: int = 10, *, nonmax: bool = True) -> Iterator[Step]:
    gray = to_uint8(as_gray("fast", image, finite=True))
    yield Step("grey", Picture(gray))
    scores = corner_map(gray, threshold, False)
    yield Step("score", Heat(scores.astype(np.float32)), note="The largest threshold at which a pixel is a corner.")
    every = _features(scores).points
    yield Step("corners", Points(every), Picture(gray), Points(every), note=f"{len(every)} pixels pass the test.")
    found = fast(image, threshold, nonmax=nonmax)
    yield Step("features", Value(found), Picture(gray), Lines(found.outlines()), note=f"{len(found)} corners.")


def _features(scores: Array) -> Features:
    places = nonzero(scores)
    y, x = np.divmod(places, scores.shape[1])
    none = np.zeros(len(places), np.float32)
    responses = scores.ravel()[places].astype(np.float32) - 1
    return Features(np.stack([x, y], axis=1), none + 1, none, None, responses)


def corner_map(gray: Array, threshold: int, nonmax: bool) -> Array:
    """Return H×W uint8: 0 where there is no corner, else by how much its nine neighbours differ at least."""
    if min(gray.shape) <= 2 * RADIUS:
        return np.zeros(gray.shape, np.uint8)
    gray = np.ascontiguousarray(gray)
    scores = empty(gray.shape, np.uint8)
    over_rows(_score, len(gray), gray, np.uint8(threshold), scores)
    if not nonmax:
        return scores
    peaks = empty(gray.shape, np.uint8)
    over_rows(_suppress, len(gray), scores, peaks)
    return peaks


def nonzero(scores: Array) -> Array:
    """Return the places of what is not 0 in an H×W uint8 map, eight at a time, as indices of the flat map, N int64."""
    flat = scores.reshape(-1)
    whole = flat.size // 8 * 8
    found = over_rows(_places, whole // 8, flat[:whole].view(np.uint64), flat, strip=1 << 14)
    return np.concatenate([*found, whole + np.flatnonzero(flat[whole:])])


@kernel
def _places(words, flat, y0, y1):
    count = 0
    for word in range(y0, y1):
        count += words[word] != 0
    found, n = np.empty(8 * count, np.int64), 0
    for word in range(y0, y1):
        if words[word] != 0:
            for place in range(8 * word, 8 * word + 8):
                if flat[place] != 0:
                    found[n] = place
                    n += 1
    return found[:n]


@kernel
def _score(image, threshold, scores, y0, y1):
    height, width = image.shape
    for y in range(y0, y1):
        if y < RADIUS or y >= height - RADIUS:
            scores[y] = 0
            continue
        scores[y, :RADIUS] = 0
        scores[y, width - RADIUS :] = 0
        rows, out = image[y - RADIUS : y + RADIUS + 1], scores[y, RADIUS : width - RADIUS]
        score_row(rows[0], rows[1], rows[2], rows[3], rows[4], rows[5], rows[6], threshold, out)


@kernel
def score_row(r0, r1, r2, r3, r4, r5, r6, threshold, out):
    """Write the scores of a row's pixels, from the seven rows of their circles, which begin three pixels before.

    Return whether one may not be 0.
    """
    into, size = out, out.size
    if size < WIDE:
        lines = np.empty(8 * _LINE, np.uint8)
        for x in range(lines.size):
            lines[x] = 0
        for x in range(size + 2 * RADIUS):
            lines[x], lines[x + _LINE], lines[x + 2 * _LINE], lines[x + 3 * _LINE] = r0[x], r1[x], r2[x], r3[x]
            lines[x + 4 * _LINE], lines[x + 5 * _LINE], lines[x + 6 * _LINE] = r4[x], r5[x], r6[x]
        r0, r1, r2, r3 = lines, lines[_LINE:], lines[2 * _LINE :], lines[3 * _LINE :]
        r4, r5, r6, into = lines[4 * _LINE :], lines[5 * _LINE :], lines[6 * _LINE :], lines[7 * _LINE :][:WIDE]
    some = _score_wide(r0, r1, r2, r3, r4, r5, r6, threshold, into)
    for x in range(size if size < WIDE else 0):
        out[x] = into[x]
    return some


@kernel
def _score_wide(r0, r1, r2, r3, r4, r5, r6, threshold, out):
    """Do so for 32 pixels or more; the last 32 may overlap with those before."""
    least, some = thirty_two_times(threshold), False
    for begin in range(0, out.size, WIDE):
        x = min(begin, out.size - WIDE)
        north, south, west, east = octets(r0, x + 3), octets(r6, x + 3), octets(r3, x), octets(r3, x + 6)
        here = octets(r3, x + 3)
        # No score is greater: of two opposite pairs of the sixteen, a corner has one of each.
        high = less(more(north, south), more(west, east))
        low = more(less(north, south), less(west, east))
        bound = more(beyond(high, here), beyond(here, low))
        if are_zero(beyond(bound, least)):
            put_octets(beyond(here, here), out, x)
            continue
        some = True
        low, high = _arcs(
            north, octets(r0, x + 4), octets(r1, x + 5), octets(r2, x + 6),
            east, octets(r4, x + 6), octets(r5, x + 5), octets(r6, x + 4),
            south, octets(r6, x + 2), octets(r5, x + 1), octets(r4, x),
            west, octets(r2, x), octets(r1, x + 1), octets(r0, x + 2),
        )  # fmt: skip
        put_octets(where_above(more(beyond(low, here), beyond(here, high)), least), out, x)
    return some


@kernel
def _arcs(a, b, c, d, e, f, g, h, i, j, k, m, n, o, p, q):
    """Return the greatest least, and the least greatest, of nine neighbours on a circle of sixteen."""
    ab, cd, ef, gh = less(b, c), less(d, e), less(f, g), less(h, i)
    ij, km, no, pq = less(j, k), less(m, n), less(o, p), less(q, a)
    s0, s1, s2, s3 = less(ab, cd), less(cd, ef), less(ef, gh), less(gh, ij)
    s4, s5, s6, s7 = less(ij, km), less(km, no), less(no, pq), less(pq, ab)
    t0, t1, t2, t3 = less(s0, s2), less(s1, s3), less(s2, s4), less(s3, s5)
    t4, t5, t6, t7 = less(s4, s6), less(s5, s7), less(s6, s0), less(s7, s1)
    # Each run of eight, b … i and so on, has a ninth on either side: the better of the two.
    u0, u1 = less(t0, more(a, j)), less(t1, more(c, m))
    u2, u3 = less(t2, more(e, o)), less(t3, more(g, q))
    u4, u5 = less(t4, more(i, b)), less(t5, more(k, d))
    u6, u7 = less(t6, more(n, f)), less(t7, more(p, h))
    low = more(more(more(u0, u1), more(u2, u3)), more(more(u4, u5), more(u6, u7)))
    ab, cd, ef, gh = more(b, c), more(d, e), more(f, g), more(h, i)
    ij, km, no, pq = more(j, k), more(m, n), more(o, p), more(q, a)
    s0, s1, s2, s3 = more(ab, cd), more(cd, ef), more(ef, gh), more(gh, ij)
    s4, s5, s6, s7 = more(ij, km), more(km, no), more(no, pq), more(pq, ab)
    t0, t1, t2, t3 = more(s0, s2), more(s1, s3), more(s2, s4), more(s3, s5)
    t4, t5, t6, t7 = more(s4, s6), more(s5, s7), more(s6, s0), more(s7, s1)
    u0, u1 = more(t0, less(a, j)), more(t1, less(c, m))
    u2, u3 = more(t2, less(e, o)), more(t3, less(g, q))
    u4, u5 = more(t4, less(i, b)), more(t5, less(k, d))
    u6, u7 = more(t6, less(n, f)), more(t7, less(p, h))
    high = less(less(less(u0, u1), less(u2, u3)), less(less(u4, u5), less(u6, u7)))
    return low, high


@kernel
def _suppress(scores, peaks, y0, y1):
    height = len(scores)
    for y in range(y0, y1):
        if y < RADIUS or y >= height - RADIUS:
            peaks[y] = 0
        else:
            peaks[y, 0] = peaks[y, -1] = 0
            suppress_row(scores[y - 1], scores[y], scores[y + 1], peaks[y, 1:])


@kernel
def suppress_row(above, row, below, out):
    """Write the scores of a row that are greater than all eight around them, else 0; ``out`` begins one pixel after."""
    zero, last = np.uint8(0), row.size - 2 - WIDE
    for begin in range(0, last + WIDE, WIDE):
        if last < 0:
            break
        x = min(begin, last)
        here = octets(row, x + 1)
        over = more(more(octets(above, x), octets(above, x + 1)), octets(above, x + 2))
        under = more(more(octets(below, x), octets(below, x + 1)), octets(below, x + 2))
        put_octets(where_above(here, more(more(over, under), more(octets(row, x), octets(row, x + 2)))), out, x)
    for x in range(0 if last < 0 else last + WIDE, row.size - 2):  # of a row too short
        here = row[x + 1]
        over = max(above[x], above[x + 1], above[x + 2], below[x], below[x + 1], below[x + 2], row[x], row[x + 2])
        out[x] = here if here > over else zero
