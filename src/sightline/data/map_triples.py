"""The map of a picture in red, green and blue that data loaders ask for most: bilinear, with black around it.

Along a row of new pixels, old positions run along a line. Where it enters the picture and where it leaves is known
before: inside no pixel has to ask, eight are fetched at a time, and beyond all is black.
"""

from __future__ import annotations

import math

import numpy as np

from sightline.core.kernels import kernel
from sightline.core.mixed_triples import PLACES, mix_triples
from sightline.core.vectors import LANES

_ONE, _SHARE = 1 << PLACES, 15  # a pixel's width, and the binary places of a share


@kernel
def fetch_triples(image, height, width, steps, start, out, first, last):
    """Fill rows ``first`` to ``last`` of ``out`` with the bilinear means of ``image`` where each new pixel was.

    Parameters
    ----------
    image
        Flat uint8, of ``height`` × ``width`` × 3, C-contiguous.
    steps
        How the old position changes by a step to the right and down: (x by right, x by down, y by right, y by down).
    start
        The old position (x, y) of the first new pixel. It and the steps times their number are below 2³⁰ pixels where
        they lie in the picture.
    out
        H×W×3 uint8.
    """
    across, results, step = out.shape[1], out.reshape(-1), (_whole(steps[0]), _whole(steps[2]))
    right, bottom = (width - 2) * _ONE, (height - 1) * _ONE
    for y in range(first, last):
        x, y0, to = start[0] + steps[1] * y, start[1] + steps[3] * y, 3 * across * y
        begin, end = _inside(x, steps[0], -1.0, width, 0, across)
        begin, end = _inside(y0, steps[2], -1.0, height, begin, end)
        inner, outer = _inside(x, steps[0], 0.0, width - 2, begin, end)
        inner, outer = _inside(y0, steps[2], 0.0, height - 1, inner, outer)
        origin = _whole(x), _whole(y0)
        while inner < outer and not _fits(origin, step, inner, right, bottom):
            inner += 1
        while inner < outer and not _fits(origin, step, outer - 1, right, bottom):
            outer -= 1
        if outer - inner < LANES:
            inner, outer = end, end
        results[to : to + 3 * begin] = 0
        _fetch_slowly(image, height, width, origin, step, begin, inner, results, to)
        at = inner
        while at < outer:
            here = origin[0] + step[0] * at, origin[1] + step[1] * at
            mix_triples(image, 3 * width, here, step, results, to + 3 * at)
            at = at + LANES if at + LANES >= outer else min(at + LANES, outer - LANES)
        _fetch_slowly(image, height, width, origin, step, outer, end, results, to)
        results[to + 3 * end : to + 3 * across] = 0


@kernel(inline=True)
def _whole(position):
    return int(np.rint(position * _ONE))


@kernel
def _inside(start, step, low, high, begin, end):
    """Return from which to before which of the numbers begin … end - 1 low ≤ start + step · number < high."""
    if step == 0:
        return (begin, end) if low <= start < high else (begin, begin)
    a, b = (low - start) / step, (high - start) / step
    if step < 0:
        a, b = b, a
    first, beyond = min(max(a, float(begin)), float(end)), min(max(b, float(begin)), float(end))
    return math.ceil(first), math.ceil(max(first, beyond))


@kernel(inline=True)
def _fits(origin, step, at, right, bottom):
    """Return whether the position of pixel ``at`` is that of a pixel with neighbours, to the last of its places."""
    x, y = origin[0] + step[0] * at, origin[1] + step[1] * at
    return 0 <= x < right and 0 <= y < bottom


@kernel
def _fetch_slowly(image, height, width, origin, step, begin, end, results, to):
    """Fetch new pixels of a row one by one: what lies beyond the picture is black."""
    whole = 1 << _SHARE
    for at in range(begin, end):
        x, y = origin[0] + step[0] * at, origin[1] + step[1] * at
        column, row = x >> PLACES, y >> PLACES
        fx, fy = (x >> (PLACES - _SHARE)) & (whole - 1), (y >> (PLACES - _SHARE)) & (whole - 1)
        for channel in range(3):
            total = 1 << (2 * _SHARE - 1)
            for k in range(4):
                i, j = row + k // 2, column + k % 2
                if 0 <= i < height and 0 <= j < width:
                    share = (fx if k % 2 else whole - fx) * (fy if k // 2 else whole - fy)
                    total += share * image[(i * width + j) * 3 + channel]
            results[to + 3 * at + channel] = total >> (2 * _SHARE)
