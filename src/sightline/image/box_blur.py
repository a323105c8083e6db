"""Box blur: every pixel becomes the mean of the rectangle around it, at the same cost for every size.

McDonnell 1981, "Box-filtering techniques", Computer Graphics and Image Processing 17(1), sums a rectangle down the
columns, then across the rows. Sums of bytes are exact: from row to row the columns take in a new pixel and let an old
one go, and the width is the difference of two running sums, or a few sums of 2, 4, 8 neighbours where those are short.
With floats, nothing is ever subtracted, so that no rounding error runs along and NaN stays in its window: down the
columns, two partial sums meet as the running maxima do in van Herk 1992, "A fast algorithm for local minimum and
maximum filters", Pattern Recognition Letters 13(7); across the rows, sums of 2, 4, 8, 16 … neighbours make up any
width.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import as_image, choice, integer, output, size_2d
from sightline.core.kernels import kernel, over_rows
from sightline.core.layers import Picture
from sightline.core.narrow import minus, plus, shifted, upper_half
from sightline.core.trace import Step
from sightline.core.types import Array, Choice, Image, Range
from sightline.image.border import BORDERS, interleaved, source_indices

LARGEST = 10_000  # rows or columns of a box
_BYTES, _BYTE_AREA = 256, 1 << 23  # how many bytes a uint16 (with half a box for rounding) and an int32 can sum
_SHORT = 16  # columns from which on running sums are quicker


@method(task="smoothing", paper="McDonnell 1981", lesson="w1d4", example={"size": 5})
def box_blur(
    image: Image,
    size: Annotated[int, Range(1, LARGEST, 1)] | tuple[int, int],
    *,
    border: Annotated[str, Choice("reflect", "symmetric", "edge", "wrap")] = "reflect",
    out: Array | None = None,
) -> Image:
    """Return the mean of the box around each pixel.

    The box of an even size reaches one pixel further to the left (and up) than to the right. NaN and infinity spoil
    the pixels whose box holds them, and no others.

    Parameters
    ----------
    image
        H×W or H×W×C; uint8, uint16 or float32.
    size
        Side of the box, or (height, width), in pixels; 1–10000. 1 returns an equal copy.
    border
        What lies beyond the border: ``"reflect"`` (2 1 | 0 1 2), ``"symmetric"`` (1 0 | 0 1 2), ``"edge"``
        (0 0 | 0 1 2) or ``"wrap"`` (8 9 | 0 1 2).
    out
        Array to write to, of the image's shape and dtype; None for a new one.

    Returns
    -------
    The blurred image, same shape and dtype; integers are rounded.

    References
    ----------
    M. J. McDonnell, "Box-filtering techniques", Computer Graphics and Image Processing 17(1), 1981.

    Examples
    --------
    >>> import numpy as np
    >>> import sightline as sl
    >>> dot = np.zeros((3, 5), np.uint8)
    >>> dot[1, 2] = 90
    >>> sl.image.box_blur(dot, 3)[1]
    array([ 0, 10, 10, 10,  0], dtype=uint8)
    """
    image, rows, columns = _checked(image, size, border)
    result = output("box_blur", out, image.shape, image.dtype, [image])
    _blur(image, rows, columns, border, result)
    return result


@box_blur.steps
def _(image: Image, size: int, *, border: str = "reflect", out: Array | None = None) -> Iterator[Step]:
    image, rows, columns = _checked(image, size, border)
    down = np.empty_like(image)
    _blur(image, rows, 1, border, down)
    yield Step("down", Picture(down), note=f"Each pixel becomes the mean of {rows} in its column.")
    yield Step("result", Picture(box_blur(image, size, border=border, out=out)), note=f"And of {columns} in its row.")


def _checked(image: Image, size: int | tuple[int, int], border: str) -> tuple[Array, int, int]:
    choice("box_blur", "border", border, BORDERS)
    rows, columns = box_size("box_blur", size)
    return as_image("box_blur", image, channels=()), rows, columns


def box_size(function: str, size: int | tuple[int, int]) -> tuple[int, int]:
    """Return (height, width) of a box given by one whole number or two; raise in the name of ``function``."""
    pair = size_2d(function, "size", size) if isinstance(size, (tuple, list)) else (size, size)
    return integer(function, "size", pair[0], 1, LARGEST), integer(function, "size", pair[1], 1, LARGEST)


def _blur(image: Array, rows: int, columns: int, border: str, result: Array) -> None:
    area = rows * columns
    short = _reciprocal(area) if image.dtype == np.uint8 and columns < _SHORT else None
    if area == 1:
        np.copyto(result, image)
    elif short is not None:
        _run(_short_means, image, rows, columns, border, result, short)
    elif image.dtype == np.uint8 and area <= _BYTE_AREA:
        _run(_byte_means, image, rows, columns, border, result, np.float32(1 / area))
    elif image.dtype == np.float32:
        _run(_float_means, image, rows, columns, border, result, np.float32(1 / area))
    else:
        means = np.empty(image.shape, np.float32)
        _run(_float_means, image.astype(np.float32), rows, columns, border, means, np.float32(1 / area))
        top = np.float32(np.iinfo(image.dtype).max)  # rounding errors may exceed it
        np.minimum(np.rint(means, out=means), top, out=result, casting="unsafe")


def _reciprocal(area: int) -> tuple[np.uint16, np.uint16] | None:
    """Return m and k such that t · m / 2^(16 + k), rounded down, is t / area for all sums t of bytes; None for none."""
    digits = (area - 1).bit_length()
    one = 1 << (15 + digits)
    factor = -(-one // area)  # too large by less than 1, which must not add up to 1 / area
    exact = 1 < area <= _BYTES and _BYTES * area * (factor * area - one) < one
    return (np.uint16(factor), np.uint16(digits - 1)) if exact else None


def _run(function: Any, image: Array, rows: int, columns: int, border: str, result: Array, scale: Any) -> None:
    height, width = image.shape[:2]
    step = image.shape[2] if image.ndim == 3 else 1  # from a pixel to its right neighbour
    up, left = rows // 2, columns // 2
    sources = source_indices(height, up, border)
    beyond = interleaved(source_indices(width, left, border), step)
    flat = image.reshape(height, -1), result.reshape(height, -1)
    strip = rows * max(4, round(128 / rows))
    over_rows(function, height, *flat, sources, rows, beyond, columns, step, scale, strip=strip)


# Scratch memory is handed over: loops over arrays that are made in the same function are not vectorised.
@kernel
def _short_means(image, out, sources, rows, beyond, columns, step, reciprocal, y0, y1):
    n = image.shape[1]
    lines, blank = np.empty((4, n + 2 * step * (columns // 2)), np.uint16), np.zeros(n, np.uint16)
    _short_sums(image, out, sources, rows, beyond, columns, step, reciprocal, lines, blank, y0, y1)


@kernel
def _short_sums(image, out, sources, rows, beyond, columns, step, reciprocal, lines, blank, y0, y1):
    """Column sums, then up to five of them, or sums of 1, 2, 4 and 8: those that the digits of ``columns`` name."""
    n = image.shape[1]
    margin = step * (columns // 2)
    inner = lines[0, margin : margin + n]
    half = np.uint16(rows * columns // 2)
    factor, shift = reciprocal
    few = columns <= 5
    if few:
        a, b, c, d, e = _five_along(lines[0], blank, columns, step)
    else:
        i, j, k = step * (columns & 1), step * (columns & 3), step * (columns & 7)
        a = lines[0, :n] if columns & 1 else blank
        b = lines[1, i : i + n] if columns & 2 else blank
        c = lines[2, j : j + n] if columns & 4 else blank
        d = lines[3, k : k + n] if columns & 8 else blank
        e = blank
    inner[:] = 0
    for i in range(rows):
        _add(inner, image[sources[y0 + i]])
    for y in range(y0, y1):
        if y > y0:
            _slide(inner, image[sources[y + rows - 1]], image[sources[y - 1]])
        _fill_margins(lines[0], inner, beyond, margin)
        for k in range(1, 4):
            wide = 1 << (k - 1)
            if columns >= 2 * wide and not few:
                _plus(lines[k - 1], lines[k - 1, wide * step :], lines[k])
        _write_quotients(a, b, c, d, e, half, factor, shift, out[y])


@kernel
def _byte_means(image, out, sources, rows, beyond, columns, step, scale, y0, y1):
    n = image.shape[1]
    line, sums = np.empty(n + 2 * step * (columns // 2), np.uint32), np.empty(n + step * columns, np.uint32)
    _byte_sums(image, out, sources, rows, beyond, columns, step, scale, line, sums, y0, y1)


@kernel
def _byte_sums(image, out, sources, rows, beyond, columns, step, scale, line, sums, y0, y1):
    """Column sums, then running sums along the row, which may overflow: their differences do not."""
    n = image.shape[1]
    margin = step * (columns // 2)
    inner = line[margin : margin + n]
    half = np.float32(0.5)
    inner[:] = 0
    sums[:step] = 0
    for i in range(rows):
        _add(inner, image[sources[y0 + i]])
    for y in range(y0, y1):
        if y > y0:
            _slide(inner, image[sources[y + rows - 1]], image[sources[y - 1]])
        _fill_margins(line, inner, beyond, margin)
        _run_along(line, sums[step:], step)
        row, ahead = out[y], sums[step * columns :]
        for x in range(n):
            row[x] = np.uint8(np.int32(np.float32(np.int32(ahead[x] - sums[x])) * scale + half))


@kernel
def _float_means(image, out, sources, rows, beyond, columns, step, scale, y0, y1):
    n, levels = image.shape[1], 1
    while columns >> levels:
        levels += 1
    lines = np.empty((levels, n + 2 * step * (columns // 2)), np.float32)
    rest, spare = np.empty((rows, n), np.float32), np.zeros((3, n), np.float32)
    _float_sums(image, out, sources, rows, beyond, columns, step, scale, lines, rest, spare, y0, y1)


@kernel
def _float_sums(image, out, sources, rows, beyond, columns, step, scale, lines, rest, spare, y0, y1):
    """Down the columns in blocks of ``rows`` rows, then along each row.

    A box that begins in one block ends in the next: its column sums are those of the first block's rest (``rest``,
    summed from its bottom) and the next one's beginning (``front``, which grows row by row).
    """
    n = image.shape[1]
    margin = step * (columns // 2)
    inner, blank, front = lines[0, margin : margin + n], spare[0], spare[2]
    for top in range(y0, y1, rows):
        if rows > 5:
            front[:] = 0
            _plus(front, image[sources[top + rows - 1]], rest[rows - 1])
            for i in range(rows - 2, -1, -1):
                _plus(rest[i + 1], image[sources[top + i]], rest[i])
        for i in range(min(rows, y1 - top)):
            y = top + i
            if rows <= 5:
                b = image[sources[y + 1]] if rows > 1 else blank
                c = image[sources[y + 2]] if rows > 2 else blank
                d = image[sources[y + 3]] if rows > 3 else blank
                e = image[sources[y + 4]] if rows > 4 else blank
                _sum_of_five(image[sources[y]], b, c, d, e, inner)
            elif i > 0:
                _grow(front, image[sources[y + rows - 1]], rest[i], inner)
            else:
                _plus(rest[0], front, inner)
            _fill_margins(lines[0], inner, beyond, margin)
            _write_sums(lines, blank, spare[1], columns, step, scale, out[y])


@kernel
def _write_sums(lines, blank, total, columns, step, scale, row):
    """Sum up to five neighbours, or the 1, 2, 4, 8 … that the digits of ``columns`` name, four digits at a time."""
    n, start, k, sums = row.size, 0, 0, blank
    if columns <= 5:
        a, b, c, d, e = _five_along(lines[0], blank, columns, step)
        for x in range(n):
            row[x] = ((a[x] + b[x]) + (c[x] + d[x]) + e[x]) * scale
        return
    while True:
        digits = columns >> k
        i = step << k
        for j in range(k, k + 4):
            if columns >> (j + 1):
                _plus(lines[j], lines[j, step << j :], lines[j + 1])
        a = lines[k, start : start + n] if digits & 1 else blank
        start += i * (digits & 1)
        b = lines[k + 1, start : start + n] if digits & 2 else blank
        start += i * (digits & 2)
        c = lines[k + 2, start : start + n] if digits & 4 else blank
        start += i * (digits & 4)
        d = lines[k + 3, start : start + n] if digits & 8 else blank
        start += i * (digits & 8)
        if digits < 16:
            for x in range(n):
                row[x] = ((a[x] + b[x]) + (c[x] + d[x]) + sums[x]) * scale
            return
        _sum_of_five(a, b, c, d, sums, total)
        sums = total
        k += 4


@kernel(inline=True)
def _five_along(line, blank, columns, step):
    """Return the columns of a line that are summed, one beside the other; ``blank`` for those beyond ``columns``."""
    n = blank.size
    a, b = line[:n], line[step : step + n] if columns > 1 else blank
    c, d = (
        line[2 * step : 2 * step + n] if columns > 2 else blank,
        line[3 * step : 3 * step + n] if columns > 3 else blank,
    )
    return a, b, c, d, line[4 * step : 4 * step + n] if columns > 4 else blank


# Inlined, because a row handed to a compiled function costs two atomic counts of its references.
@kernel(inline=True)
def _plus(a, b, out):
    number = out.dtype.type
    for x in range(b.size):
        out[x] = number(a[x] + b[x])


@kernel(inline=True)
def _add(total, row):  # said with one name for both: with two, the compiler suspects that they overlap
    number = total.dtype.type
    for x in range(total.size):
        total[x] = number(total[x] + number(row[x]))


@kernel(inline=True)
def _slide(total, new, old):
    number = total.dtype.type
    for x in range(total.size):
        total[x] = plus(total[x], minus(number(new[x]), number(old[x])))


@kernel(inline=True)
def _grow(front, row, rest, out):
    for x in range(out.size):
        front[x] = front[x] + row[x]
        out[x] = front[x] + rest[x]


@kernel(inline=True)
def _sum_of_five(a, b, c, d, e, out):
    for x in range(out.size):
        out[x] = (a[x] + b[x]) + (c[x] + d[x]) + e[x]


@kernel(inline=True)
def _fill_margins(line, inner, beyond, margin):
    for x in range(margin):
        line[x] = inner[beyond[x]]
        line[margin + inner.size + x] = inner[beyond[margin + inner.size + x]]


@kernel(inline=True)
def _write_quotients(a, b, c, d, e, half, factor, shift, row):
    for x in range(row.size):
        total = plus(plus(plus(a[x], b[x]), plus(c[x], d[x])), plus(e[x], half))
        row[x] = np.uint8(shifted(upper_half(total, factor), shift))


@kernel(inline=True)
def _run_along(line, sums, step):
    count = min(line.size, sums.size)
    if step == 3:
        a = b = c = np.uint32(0)
        for x in range(count // 3):
            a, b, c = np.uint32(a + line[3 * x]), np.uint32(b + line[3 * x + 1]), np.uint32(c + line[3 * x + 2])
            sums[3 * x], sums[3 * x + 1], sums[3 * x + 2] = a, b, c
        return
    if step == 1:
        total = np.uint32(0)
        for x in range(count):  # the step by its name would cost twice the time
            total = np.uint32(total + line[x])
            sums[x] = total
        return
    for k in range(step):
        total = np.uint32(0)
        for x in range(k, count, step):
            total = np.uint32(total + line[x])
            sums[x] = total
