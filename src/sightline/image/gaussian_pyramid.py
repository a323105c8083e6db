"""The Gaussian pyramid: each level is the one below it, smoothed and sampled at every second pixel.

Burt & Adelson 1983, "The Laplacian pyramid as a compact image code", IEEE Transactions on Communications 31(4), whose
REDUCE and EXPAND, with the weights (1, 4, 6, 4, 1) / 16, are :func:`reduce` and :func:`expand` here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Annotated

import numpy as np

from sightline.core.buffers import empty
from sightline.core.catalogue import method
from sightline.core.checks import as_image, integer
from sightline.core.kernels import kernel, over_rows
from sightline.core.lanes import copy_four
from sightline.core.layers import Picture, Value
from sightline.core.trace import Step
from sightline.core.triples import copy_every_second
from sightline.core.types import Array, Image, Range
from sightline.core.vectors import LANES, load_pairs, store

MOST = 32  # levels; any image is one pixel long before
_STRIP = 32  # rows that are read anew
_TILE = 512  # pixels of a row that are doubled at a time, and stay in the first-level cache until they are added


@method(task="multi-resolution", paper="Burt & Adelson 1983", lesson="w2d1")
def gaussian_pyramid(image: Image, levels: Annotated[int, Range(1, MOST, 1)] = 5) -> list[Array]:
    """Return an image at full, half, quarter … resolution.

    Each level has half the rows and columns of the one before, rounded up. Beyond the border the image is mirrored at
    its outermost pixels. NaN and infinity spread to the pixels whose 5×5 neighbourhood holds them.

    Parameters
    ----------
    image
        H×W or H×W×C; uint8, uint16 or float32.
    levels
        How many images to return, 1–32; the first one is an equal copy of ``image``.

    Returns
    -------
    ``levels`` images of the given dtype, from the finest to the coarsest; integers are rounded at each level.

    References
    ----------
    P. J. Burt, E. H. Adelson, "The Laplacian pyramid as a compact image code", IEEE Transactions on Communications
    31(4), 1983.

    Examples
    --------
    >>> import numpy as np
    >>> [level.shape for level in gaussian_pyramid(np.zeros((9, 16), np.uint8), 3)]
    [(9, 16), (5, 8), (3, 4)]
    """
    image = as_image("gaussian_pyramid", image, channels=())
    levels = integer("gaussian_pyramid", "levels", levels, 1, MOST)
    return pyramid_of(image, levels, empty(image.shape, image.dtype))


@gaussian_pyramid.steps
def _(image: Image, levels: int = 5) -> Iterator[Step]:
    pyramid = gaussian_pyramid(image, levels)
    for index, level in enumerate(pyramid):
        yield Step(f"level {index}", Picture(level), note=f"{level.shape[1]}×{level.shape[0]} pixels.")
    yield Step("pyramid", Value(pyramid), Picture(side_by_side(pyramid)))


def pyramid_of(image: Array, levels: int, first: Array | None = None) -> list[Array]:
    """Return ``image`` itself, or its copy in ``first`` (of its shape), and ``levels - 1`` ever smaller ones."""
    if first is None:
        pyramid = [image]
    elif levels > 1 and first.dtype == image.dtype != np.uint16:
        pyramid = [first, reduce(image, first)]
    else:
        np.copyto(first, image)
        pyramid = [first]
    while len(pyramid) < levels:
        pyramid.append(reduce(pyramid[-1]))
    return pyramid


def reduce(image: Array, copy: Array | None = None, *, real: bool = False) -> Array:
    """Return ``image`` (uint8, uint16 or float32) smoothed, at every second row and column; as float32 where ``real``.

    A ``copy`` of the image, of bytes or floats, is made strip by strip or row by row: both find it in the cache.
    """
    height, width = image.shape[:2]
    result = empty(((height + 1) // 2, (width + 1) // 2, *image.shape[2:]), np.float32 if real else image.dtype)
    step = image.shape[2] if image.ndim == 3 else 1
    if image.dtype == np.uint16 and not real:
        smoothed = reduce_read(lambda y0, y1: image[y0:y1].astype(np.float32), image.shape)
        np.copyto(result, np.rint(smoothed, out=smoothed), casting="unsafe")
        return result
    function = _reduce_bytes if result.dtype == np.uint8 else _reduce_floats
    flat, small = image.reshape(height, -1), result.reshape(len(result), -1)
    twin = flat[:0] if copy is None else copy.reshape(flat.shape)
    over_rows(function, len(result), flat, twin, small, step, strip=strip_of(small))
    return result


def reduce_read(read: Callable[[int, int], Array], shape: tuple[int, ...]) -> Array:
    """Return what :func:`reduce` makes of float32 values of that shape, which ``read(y0, y1)`` returns by rows."""
    result = empty(((shape[0] + 1) // 2, (shape[1] + 1) // 2, *shape[2:]), np.float32)
    small, step = result.reshape(len(result), -1), shape[2] if len(shape) == 3 else 1

    def strip(y0: int, y1: int) -> None:
        first = max(
            0, y0 - 1
        )  # of the smaller rows; a kernel mirrors at the ends, which but for the outermost it skips
        rows = read(2 * first, min(2 * y1 + 1, shape[0]))
        rows = rows.reshape(len(rows), -1)
        _reduce_floats(rows, rows[:0], small[first:], step, y0 - first, y1 - first)

    over_rows(strip, len(result), strip=_STRIP)
    return result


def strip_of(rows: Array) -> int:
    """Return how many of these rows are worth a strip of their own: small levels are not worth waking anybody."""
    return max(8, (1 << 17) // (rows.shape[1] * rows.itemsize))


def expand(image: Array, to: Array, sign: int, out: Array) -> None:
    """Write ``to + sign · (image at twice the size)`` to ``out``, of the shape of ``to``; rounded where it is whole.

    The image is float32, the others of any dtype of images. Between the samples that :func:`reduce` left are put new
    ones: each is a mean of two old ones, (1, 1) / 2; each old one becomes (1, 6, 1) / 8 of its neighbourhood.
    """
    step = image.shape[2] if image.ndim == 3 else 1
    flat = [array.reshape(len(array), -1) for array in (image, to, out)]
    top = np.float32(np.iinfo(out.dtype).max if out.dtype.kind == "u" else 0)
    over_rows(_expand, len(out), *flat, np.float32(sign), top, step, strip=strip_of(flat[2]))


def side_by_side(levels: Sequence[Array]) -> Array:
    """Return one picture of all levels: the first at the left, the others below one another beside it."""
    first = levels[0]
    height = max(len(first), sum(len(level) for level in levels[1:]))
    width = first.shape[1] + (levels[1].shape[1] if len(levels) > 1 else 0)
    canvas = np.zeros((height, width, *first.shape[2:]), first.dtype)
    canvas[: len(first), : first.shape[1]] = first
    top = 0
    for level in levels[1:]:
        canvas[top : top + len(level), first.shape[1] : first.shape[1] + level.shape[1]] = level
        top += len(level)
    return canvas


# Scratch memory is handed over: loops over arrays that are made in the same function are not vectorised. Rows are
# smoothed at every pixel before every other one is taken: to part them first takes as long, and a loop more.
@kernel
def _reduce_bytes(image, copy, out, step, y0, y1):
    n = image.shape[1]
    _reduce_byte_rows(image, copy, out, step, np.empty(n + 4 * step, np.uint16), np.empty(n, np.uint8), y0, y1)


@kernel
def _reduce_byte_rows(image, copy, out, step, line, whole, y0, y1):
    """Sums of bytes fill uint16 exactly: 255 · 16 · 16 + 128 = 65408."""
    n, half, eight = image.shape[1], np.uint16(128), np.uint16(8)
    a, b, c = line[:n], line[step : n + step], line[2 * step : n + 2 * step]
    d, e = line[3 * step : n + 3 * step], line[4 * step :]
    for y in range(y0, y1):
        _smooth_down(image, 2 * y, step, line)
        _copy_rows(image, copy, 2 * y)
        for x in range(n):
            whole[x] = np.uint8(np.uint16(_weighted(a[x], b[x], c[x], d[x], e[x]) + half) >> eight)
        row, x = out[y], 0
        if step == 3:
            while x + 16 <= row.size:
                copy_every_second(whole, 2 * x, row, x)
                x += 9
        _take_every_other(whole, row, step, x)


@kernel
def _reduce_floats(image, copy, out, step, y0, y1):
    n = image.shape[1]
    _reduce_float_rows(image, copy, out, step, np.empty(n + 4 * step, np.float32), np.empty(n, np.float32), y0, y1)


@kernel
def _reduce_float_rows(image, copy, out, step, line, whole, y0, y1):
    n, scale = image.shape[1], np.float32(1 / 256)
    a, b, c = line[:n], line[step : n + step], line[2 * step : n + 2 * step]
    d, e = line[3 * step : n + 3 * step], line[4 * step :]
    for y in range(y0, y1):  # a strip is copied first: it stays in the cache, and fewer rows are at work at once
        _copy_rows(image, copy, 2 * y)
    for y in range(y0, y1):
        _smooth_down(image, 2 * y, step, line)
        row = out[y]
        if step == 1:
            eights = max(0, row.size - 1) // LANES * LANES  # the last pixel's neighbours end the line
            for x in range(0, eights, LANES):
                _reduce_eight(line, 2 * x, scale, row, x)
            for x in range(eights, row.size):
                k = 2 * x
                row[x] = _weighted(line[k], line[k + 1], line[k + 2], line[k + 3], line[k + 4]) * scale
            continue
        x = 0
        for k in range(n):
            whole[k] = _weighted(a[k], b[k], c[k], d[k], e[k]) * scale
        if step == 3:
            while x + 4 <= row.size:  # the fourth number is one too much: the next pixel overwrites it
                copy_four(whole, 2 * x, row, x)
                x += 3
        _take_every_other(whole, row, step, x)


@kernel(inline=True)
def _reduce_eight(line, at, scale, row, x):
    """Write eight greys: every other one of a line alone is smoothed."""
    (a, b), (c, d), (e, _) = load_pairs(line, at), load_pairs(line, at + 2), load_pairs(line, at + 4)
    store((((a + e) + np.float32(4) * (b + d)) + np.float32(6) * c) * scale, row, x)


# Inlined, because a row handed to a compiled function costs two atomic counts of its references.
@kernel(inline=True)
def _smooth_down(image, middle, step, line):
    """Write the weighted sums of five rows to a line with two pixels more on either side."""
    number, (height, n), margin = line.dtype.type, image.shape, 2 * step
    inner = line[margin : margin + n]
    a, b, c = image[_mirrored(middle - 2, height)], image[_mirrored(middle - 1, height)], image[middle]
    d, e = image[_mirrored(middle + 1, height)], image[_mirrored(middle + 2, height)]
    for x in range(n):
        inner[x] = _weighted(number(a[x]), number(b[x]), number(c[x]), number(d[x]), number(e[x]))
    for x in range(margin):
        pixel, channel = x // step, x % step
        line[x] = inner[_mirrored(pixel - 2, n // step) * step + channel]
        line[margin + n + x] = inner[_mirrored(n // step + pixel, n // step) * step + channel]


@kernel(inline=True)
def _copy_rows(image, copy, y):
    for k in range(y, min(y + 2, copy.shape[0])):
        row, twin = image[k], copy[k]
        for x in range(row.size):
            twin[x] = row[x]


@kernel(inline=True)
def _mirrored(index, size):
    """Return the index that stands for one up to two beyond either end."""
    index = abs(index)
    return min(index if index < size else abs(2 * size - 2 - index), size - 1)


@kernel(inline=True)
def _weighted(a, b, c, d, e):
    number = type(a)
    return number(number(number(a + e) + number(number(4) * number(b + d))) + number(number(6) * c))


@kernel(inline=True)
def _take_every_other(whole, row, step, first):
    """Copy every other pixel of a row, from number ``first`` of the shorter one on."""
    if step == 1:
        for x in range(row.size):
            row[x] = whole[2 * x]
    else:
        for k in range(first, row.size):
            row[k] = whole[2 * k - k % step]


@kernel
def _expand(image, to, out, sign, top, step, y0, y1):
    n = image.shape[1]
    line, tile = np.empty(n + 2 * step, np.float32), min(n, _TILE * step)
    wide, old, new = np.empty(2 * tile, np.float32), np.empty(tile, np.float32), np.empty(tile, np.float32)
    _expand_rows(image, to, out, sign, top, step, line, wide, old, new, y0, y1)


@kernel
def _expand_rows(image, to, out, sign, top, step, line, wide, old, new, y0, y1):
    n, tile = image.shape[1], old.size
    for y in range(y0, y1):
        _expand_down(image, y, step, line)
        for first in range(0, n, tile):
            last = min(first + tile, n)
            _expand_across(line, first, last, step, wide, old, new)
            base, result = to[y, 2 * first : 2 * last], out[y, 2 * first : 2 * last]
            _add(base, sign, wide, top, result)


@kernel(inline=True)
def _add(base, sign, wide, top, result):
    """Write the sums; whole numbers are cut off at 0, as is NaN, and at ``top``."""
    kind = result.dtype.type
    if kind(0.5) == kind(0):
        for x in range(result.size):
            number = np.rint(np.float32(base[x]) + sign * wide[x])
            result[x] = kind(np.int32(min(top, max(np.float32(0), number))))
    else:
        for x in range(result.size):
            result[x] = np.float32(base[x]) + sign * wide[x]


@kernel(inline=True)
def expand_row(image, y, step, line, wide, old, new):
    """Write row ``y`` of the image at twice the size to ``wide``, of twice its length.

    Scratch: ``line`` has a pixel more on either side than a row of the image, ``old`` and ``new`` are as long as one.
    """
    _expand_down(image, y, step, line)
    _expand_across(line, 0, image.shape[1], step, wide, old, new)


@kernel(inline=True)
def _expand_down(image, y, step, line):
    """Write row ``y`` of the image at twice the height, with a pixel more on either side."""
    height, n = image.shape
    inner = line[step : step + n]
    half, eighth, six = np.float32(0.5), np.float32(0.125), np.float32(6)
    row, below = image[y // 2], image[min(y // 2 + 1, height - 1)]
    if y & 1:
        for x in range(n):
            inner[x] = half * (row[x] + below[x])
    else:
        above = image[y // 2 - 1 if y > 1 else min(1, height - 1)]
        for x in range(n):
            inner[x] = eighth * ((above[x] + below[x]) + six * row[x])
    for k in range(step):  # mirrored at the left, repeated at the right: as if the zeros between were mirrored
        line[k] = inner[min(step, n - step) + k]
        line[step + n + k] = inner[n - step + k]


@kernel(inline=True)
def _expand_across(line, first, last, step, wide, old, new):
    """Write the numbers from ``first`` to ``last`` of such a row at twice the width."""
    count, half, eighth, six = last - first, np.float32(0.5), np.float32(0.125), np.float32(6)
    left, inner, right = line[first:last], line[first + step : last + step], line[first + 2 * step : last + 2 * step]
    for x in range(count):
        old[x] = eighth * ((left[x] + right[x]) + six * inner[x])
        new[x] = half * (inner[x] + right[x])
    if step == 1:
        for x in range(count):
            wide[2 * x], wide[2 * x + 1] = old[x], new[x]
    else:
        for x in range(count // step):
            for k in range(step):
                wide[2 * x * step + k] = old[x * step + k]
                wide[(2 * x + 1) * step + k] = new[x * step + k]
