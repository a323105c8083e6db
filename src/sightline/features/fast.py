"""FAST: a pixel is a corner when nine in a row of the sixteen on a circle around it are all brighter, or all darker.

Rosten & Drummond 2006, "Machine Learning for High-Speed Corner Detection", ECCV; the score is that of Rosten, Porter &
Drummond 2010, "Faster and Better", IEEE PAMI 32(1): the largest threshold at which the pixel is still a corner. Where
they learn which pixels to look at first, all sixteen are looked at here, for thirty-two pixels at once.
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
        rows = image[y - RADIUS : y + RADIUS + 1]
        _score_row(rows[0], rows[1], rows[2], rows[3], rows[4], rows[5], rows[6], threshold, scores[y, RADIUS:])


# Of functions of their own, unlike of `min` and `max`, the compiler makes one instruction for 32 bytes.
@kernel
def _less(a, b):
    return a if a < b else b


@kernel
def _more(a, b):
    return a if a > b else b


@kernel
def _score_row(r0, r1, r2, r3, r4, r5, r6, threshold, out):
    zero = np.uint8(0)
    for x in range(r0.size - 2 * RADIUS):
        a, b, c, d = r0[x + 3], r0[x + 4], r1[x + 5], r2[x + 6]
        e, f, g, h = r3[x + 6], r4[x + 6], r5[x + 5], r6[x + 4]
        i, j, k, m = r6[x + 3], r6[x + 2], r5[x + 1], r4[x]
        n, o, p, q = r3[x], r2[x], r1[x + 1], r0[x + 2]
        low, high = _arcs(a, b, c, d, e, f, g, h, i, j, k, m, n, o, p, q)
        here = r3[x + 3]
        brighter, darker = np.uint8(low - here), np.uint8(here - high)
        brighter, darker = (brighter if low > here else zero), (darker if here > high else zero)
        score = _more(brighter, darker)
        out[x] = score if score > threshold else zero


@kernel
def _arcs(a, b, c, d, e, f, g, h, i, j, k, m, n, o, p, q):
    """Return the greatest least, and the least greatest, of nine neighbours on a circle of sixteen."""
    ab, cd, ef, gh = _less(b, c), _less(d, e), _less(f, g), _less(h, i)
    ij, km, no, pq = _less(j, k), _less(m, n), _less(o, p), _less(q, a)
    s0, s1, s2, s3 = _less(ab, cd), _less(cd, ef), _less(ef, gh), _less(gh, ij)
    s4, s5, s6, s7 = _less(ij, km), _less(km, no), _less(no, pq), _less(pq, ab)
    t0, t1, t2, t3 = _less(s0, s2), _less(s1, s3), _less(s2, s4), _less(s3, s5)
    t4, t5, t6, t7 = _less(s4, s6), _less(s5, s7), _less(s6, s0), _less(s7, s1)
    # Each run of eight, b … i and so on, has a ninth on either side: the better of the two.
    u0, u1 = _less(t0, _more(a, j)), _less(t1, _more(c, m))
    u2, u3 = _less(t2, _more(e, o)), _less(t3, _more(g, q))
    u4, u5 = _less(t4, _more(i, b)), _less(t5, _more(k, d))
    u6, u7 = _less(t6, _more(n, f)), _less(t7, _more(p, h))
    low = _more(_more(_more(u0, u1), _more(u2, u3)), _more(_more(u4, u5), _more(u6, u7)))
    ab, cd, ef, gh = _more(b, c), _more(d, e), _more(f, g), _more(h, i)
    ij, km, no, pq = _more(j, k), _more(m, n), _more(o, p), _more(q, a)
    s0, s1, s2, s3 = _more(ab, cd), _more(cd, ef), _more(ef, gh), _more(gh, ij)
    s4, s5, s6, s7 = _more(ij, km), _more(km, no), _more(no, pq), _more(pq, ab)
    t0, t1, t2, t3 = _more(s0, s2), _more(s1, s3), _more(s2, s4), _more(s3, s5)
    t4, t5, t6, t7 = _more(s4, s6), _more(s5, s7), _more(s6, s0), _more(s7, s1)
    u0, u1 = _more(t0, _less(a, j)), _more(t1, _less(c, m))
    u2, u3 = _more(t2, _less(e, o)), _more(t3, _less(g, q))
    u4, u5 = _more(t4, _less(i, b)), _more(t5, _less(k, d))
    u6, u7 = _more(t6, _less(n, f)), _more(t7, _less(p, h))
    high = _less(_less(_less(u0, u1), _less(u2, u3)), _less(_less(u4, u5), _less(u6, u7)))
    return low, high


@kernel
def _suppress(scores, peaks, y0, y1):
    height = len(scores)
    for y in range(y0, y1):
        if y < RADIUS or y >= height - RADIUS:
            peaks[y] = 0
        else:
            peaks[y, 0] = peaks[y, -1] = 0
            _suppress_row(scores[y - 1], scores[y], scores[y + 1], peaks[y, 1:])


@kernel
def _suppress_row(above, row, below, out):
    for x in range(row.size - 2):
        here = row[x + 1]
        over = _more(_more(above[x], above[x + 1]), above[x + 2])
        under = _more(_more(below[x], below[x + 1]), below[x + 2])
        around = _more(_more(over, under), _more(row[x], row[x + 2]))
        out[x] = here if here > around else np.uint8(0)
