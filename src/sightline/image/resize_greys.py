"""Resampling greys in float32: eight new pixels find their old ones among sixteen neighbours.

Those are read as two vectors and put in order in a register, once for each tap. Where a row's pixels come in a rhythm,
as three old ones for two new ones, its groups of eight share a few patterns of order and weights.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from sightline.core.kernels import kernel, over_rows, quick
from sightline.core.lanes import prefetch
from sightline.core.streaming import is_large
from sightline.core.types import Array
from sightline.core.vectors import LANES, load, store
from sightline.core.windows import picked, plus
from sightline.image.resize_rows import mix_down, write_row
from sightline.image.resize_weights import axis_weights

_NOWHERE = np.empty(0, np.float32)


class Greys(NamedTuple):
    """For each group of eight results where its sixteen old pixels begin in a row, and which pattern is theirs.

    A pattern's ``order`` says where eight first taps are among the sixteen, then where eight second ones are; its
    ``weights`` are those of eight first taps, eight second ones, and so on.
    """

    start: Array
    which: Array
    order: Array
    weights: Array


def resize_greys(image: Array, result: Array, method: str, antialias: bool) -> bool:
    """Fill ``result`` (h×w) from ``image`` (H×W), both contiguous and of one dtype.

    Return False, and do nothing, where the image shrinks so far that the pixels of a group do not share a window.
    """
    across = _greys(image.shape[1], result.shape[1], method, antialias)
    if across is None:
        return False
    down = axis_weights(image.shape[0], result.shape[0], method, antialias)
    past = image.dtype == np.float32 and is_large(image, result)
    direct = image.dtype == np.float32 and not past and result.shape[1] >= LANES
    floats = result.reshape(-1) if direct else _NOWHERE
    top = np.float32(np.iinfo(image.dtype).max if image.dtype.kind == "u" else np.inf)
    arguments = (image, result, floats, down.start, down.weights, *across, top, past)
    share = 4 if result.size <= 1 << 20 else 8  # each strip begins with rows that nobody asked for in time
    over_rows(_resample, len(result), *arguments, strip=max(24, -(-len(result) // share)))
    return True


@lru_cache(maxsize=64)
def _greys(old: int, new: int, method: str, antialias: bool) -> Greys | None:
    """Return how to turn rows of ``old`` greys into ``new`` ones; None where they would not fit the windows."""
    axis = axis_weights(old, new, method, antialias)
    first = np.minimum(np.arange(0, new, LANES), max(0, new - LANES))  # the last group may overlap the one before
    pixels = np.minimum(first[:, None] + np.arange(LANES), new - 1)
    start = axis.start[pixels[:, 0]].astype(np.int32)
    order = axis.start[pixels].astype(np.int32) - start[:, None]
    if order.max() >= 2 * LANES - 1:
        return None
    order = np.hstack([order, order + np.int32(1)])
    weights = axis.weights[pixels].transpose(0, 2, 1).reshape(len(start), -1)
    patterns, which = np.unique(np.hstack([order, weights.view(np.int32)]), axis=0, return_inverse=True)
    order, weights = (np.ascontiguousarray(part) for part in np.hsplit(patterns, [2 * LANES]))
    return Greys(start, which.reshape(-1).astype(np.int32), order, weights.view(np.float32))


@quick
@kernel(contract=True)
def _resample(image, result, floats, start, down, begin, which, order, across, top, past, y0, y1):
    width, size, taps = image.shape[1], result.shape[1], across.shape[1] // LANES
    line = np.zeros(width + 2 * LANES + taps, np.float32)  # weightless taps may reach beyond the end
    room, flat = np.empty(size + LANES, np.float32), image.reshape(-1)
    direct = floats.size > 0
    place = floats if direct else room
    for y in range(y0, y1):
        mix_down(image, line[:width], start[y], down[y])
        # The next rows are asked for while this one is at work along x.
        ahead, wanted = (start[y] + down.shape[1]) * width, (start[min(y + 1, y1 - 1)] - start[y]) * width
        to = y * size if direct else 0
        if taps == 2:  # a number that the compiler knows: no loop
            _weigh(line, begin, which, order.reshape(-1), across.reshape(-1), 2, place, to, size, flat, ahead, wanted)
        else:
            _weigh(
                line, begin, which, order.reshape(-1), across.reshape(-1), taps, place, to, size, flat, ahead, wanted
            )
        if not direct:
            write_row(room[:size], result, y, top, past)


@kernel(inline=True)
def _weigh(line, begin, which, order, across, taps, place, to, size, flat, ahead, wanted):
    pace = wanted // begin.size + 1
    for g in range(begin.size):
        prefetch(flat, ahead + pace * g)
        prefetch(flat, ahead + pace * g + 16)
        i, x, w = np.int64(begin[g]), np.int64(which[g]) * (2 * LANES), np.int64(which[g]) * (taps * LANES)
        p, q, a, b = load(order, x), load(order, x + LANES), load(line, i), load(line, i + LANES)
        first, second = load(across, w) * picked(a, b, p), load(across, w + LANES) * picked(a, b, q)
        for k in range(2, taps, 2):
            w += 2 * LANES
            a, b = load(line, i + k), load(line, i + k + LANES)
            first = first + load(across, w) * picked(a, b, p)
            second = second + load(across, w + LANES) * picked(a, b, q)
        store(plus(first, second), place, to + max(0, min(g * LANES, size - LANES)))
