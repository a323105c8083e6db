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
    width = gray.shape[1]
    wide = max(width, WIDE + 2 * RADIUS)  # so much is looked at at once
    gray = np.pad(gray, ((0, 0), (0, wide - width)), mode="edge") if wide > width else np.ascontiguousarray(gray)
    scores = empty(gray.shape, np.uint8)
    over_rows(_score, len(gray), gray.reshape(-1), wide, np.uint8(threshold), scores.reshape(-1))
    scores[:, width - RADIUS :] = 0
    if nonmax:
        scores, all_scores = empty(gray.shape, np.uint8), scores
        over_rows(_suppress, len(gray), all_scores.reshape(-1), wide, scores.reshape(-1))
    return np.ascontiguousarray(scores[:, :width])


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
def _score(pixels, wide, threshold, scores, y0, y1):
    height = pixels.size // wide
    for y in range(y0, y1):
        at = y * wide
        if RADIUS <= y < height - RADIUS:
            score_row(pixels, at + RADIUS, wide, wide - 2 * RADIUS, threshold, scores, at + RADIUS)
            for x in range(RADIUS):
                scores[at + x] = scores[at + wide - 1 - x] = 0
        else:
            scores[at : at + wide] = 0


@kernel
def score_row(pixels, at, wide, count, threshold, scores, to):
    """Write the scores of ``count`` pixels, 32 or more, from number ``at`` on, in rows of ``wide``; from ``to`` on.

    The last 32 may overlap with those before.
    """
    least = thirty_two_times(threshold)
    for begin in range(0, count, WIDE):
        step = min(begin, count - WIDE)
        row = at + step
        north, south, west, east = row - 3 * wide, row + 3 * wide, row - 3, row + 3
        here, n, s = octets(pixels, row), octets(pixels, north), octets(pixels, south)
        w, e = octets(pixels, west), octets(pixels, east)
        # No score is greater: of two opposite pairs of the sixteen, a corner has one of each.
        high, low = less(more(n, s), more(w, e)), more(less(n, s), less(w, e))
        if are_zero(beyond(more(beyond(high, here), beyond(here, low)), least)):
            put_octets(beyond(here, here), scores, to + step)
            continue
        low, high = _arcs(
            n, octets(pixels, north + 1), octets(pixels, east - 2 * wide - 1), octets(pixels, east - wide),
            e, octets(pixels, east + wide), octets(pixels, east + 2 * wide - 1), octets(pixels, south + 1),
            s, octets(pixels, south - 1), octets(pixels, west + 2 * wide + 1), octets(pixels, west + wide),
            w, octets(pixels, west - wide), octets(pixels, west - 2 * wide + 1), octets(pixels, north - 1),
        )  # fmt: skip
        bound = more(beyond(low, here), beyond(here, high))
        put_octets(where_above(bound, least), scores, to + step)


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
def _suppress(scores, wide, peaks, y0, y1):
    height = scores.size // wide
    for y in range(y0, y1):
        at = y * wide
        if RADIUS <= y < height - RADIUS:
            peaks[at] = peaks[at + wide - 1] = 0
            suppress_row(scores, at + 1 - wide, at + 1, at + 1 + wide, wide - 2, peaks, at + 1)
        else:
            peaks[at : at + wide] = 0


@kernel
def suppress_row(scores, above, row, below, count, peaks, to):
    """Write those of ``count`` scores, 32 or more, that are greater than all eight around them, else 0.

    The scores of a row, of that above and of that below begin at the numbers given. Return whether one is not 0.
    """
    some = False
    for begin in range(0, count, WIDE):
        x = min(begin, count - WIDE)
        here = octets(scores, row + x)
        if are_zero(here):
            put_octets(here, peaks, to + x)
            continue
        some = True
        beside = more(octets(scores, row + x - 1), octets(scores, row + x + 1))
        over = more(more(octets(scores, above + x - 1), octets(scores, above + x)), octets(scores, above + x + 1))
        under = more(more(octets(scores, below + x - 1), octets(scores, below + x)), octets(scores, below + x + 1))
        put_octets(where_above(here, more(more(over, under), beside)), peaks, to + x)
    return some
