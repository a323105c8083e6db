"""Box blur: every pixel becomes the mean of the rectangle around it, at the same cost for every size.

McDonnell 1981, "Box-filtering techniques", Computer Graphics and Image Processing 17(1), sums a rectangle down the
columns, then across the rows. Down the columns, two partial sums meet as the running maxima do in van Herk 1992, "A
fast algorithm for local minimum and maximum filters", Pattern Recognition Letters 13(7): nothing is ever subtracted,
so that no rounding error runs along and NaN stays in its window. Across the rows, sums of 4, 16, 64 … neighbours make
up any width.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import as_image, choice, integer, output, size_2d
from sightline.core.kernels import kernel, over_rows
from sightline.core.layers import Picture
from sightline.core.trace import Step
from sightline.core.types import Array, Choice, Image, Range
from sightline.image.border import BORDERS, interleaved, source_indices

LARGEST = 10_000  # rows or columns of a box
_BYTES, _BYTE_AREA = 257, 1 << 23  # how many bytes a uint16 and an int32 can sum


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
    if image.dtype == np.uint8 and rows * columns <= _BYTES:
        _run(image, rows, columns, border, result, np.uint16, np.uint16)
    elif image.dtype == np.uint8 and rows <= _BYTES and rows * columns <= _BYTE_AREA:
        _run(image, rows, columns, border, result, np.uint16, np.int32)
    elif image.dtype == np.float32:
        _run(image, rows, columns, border, result, np.float32, np.float32)
    else:
        means = np.empty(image.shape, np.float32)
        _run(image.astype(np.float32), rows, columns, border, means, np.float32, np.float32)
        top = np.float32(np.iinfo(image.dtype).max)  # rounding errors may exceed it
        np.minimum(np.rint(means, out=means), top, out=result, casting="unsafe")


def _run(image: Array, rows: int, columns: int, border: str, result: Array, narrow: type, wide: type) -> None:
    """Sum down the columns in type ``narrow`` and across the rows in type ``wide``."""
    height, width = image.shape[:2]
    step = image.shape[2] if image.ndim == 3 else 1  # from a pixel to its right neighbour
    up, left = rows // 2, columns // 2
    sources = source_indices(height, up, border)
    beyond = interleaved(source_indices(width, left, border), step)
    flat = image.reshape(height, -1), result.reshape(height, -1)
    scale = np.float32(1 / (rows * columns))
    strip = rows * max(1, round(128 / rows))
    over_rows(_means, height, *flat, sources, rows, beyond, columns, step, scale, narrow, wide, strip=strip)


# Scratch memory is handed over: loops over arrays that are made in the same function are not vectorised.
@kernel
def _means(image, out, sources, rows, beyond, columns, step, scale, narrow, wide, y0, y1):
    n = image.shape[1]
    padded = n + 2 * step * (columns // 2)
    line, spare, total = np.empty(padded, wide), np.empty((2, padded), wide), np.empty(n, wide)
    rest, front = np.empty((rows, n), narrow), np.empty(n, narrow)
    _block_sums(image, out, sources, rows, beyond, columns, step, scale, line, spare, total, rest, front, y0, y1)


@kernel
def _block_sums(image, out, sources, rows, beyond, columns, step, scale, line, spare, total, rest, front, y0, y1):
    """Down the columns in blocks of ``rows`` rows, then along each row.

    A box that begins in one block ends in the next: its column sums are those of the first block's rest (``rest``,
    summed from its bottom) and the next one's beginning (``front``, which grows row by row).
    """
    n = image.shape[1]
    margin = step * (columns // 2)
    inner = line[margin : margin + n]
    for top in range(y0, y1, rows):
        front[:] = 0
        for i in range(rows - 1, -1, -1):
            _add_and_keep(front, image[sources[top + i]], rest[i])
        front[:] = 0
        for i in range(min(rows, y1 - top)):
            if i > 0:
                _add(front, image[sources[top + i + rows - 1]])
            _sum(rest[i], front, inner)
            for x in range(margin):
                line[x] = inner[beyond[x]]
                line[margin + n + x] = inner[beyond[margin + n + x]]
            _across(line, spare, columns, step, total)
            _write(total, scale, out[top + i])


# Inlined, because a row handed to a compiled function costs two atomic counts of its references.
@kernel(inline=True)
def _sum(a, b, out):
    number = out.dtype.type
    for x in range(out.size):
        out[x] = number(number(a[x]) + number(b[x]))


@kernel(inline=True)
def _add(total, row):  # said with one name for both: with two, the compiler suspects that they overlap
    number = total.dtype.type
    for x in range(total.size):
        total[x] = number(total[x] + number(row[x]))


@kernel(inline=True)
def _add_three(total, a, b, c):
    number = total.dtype.type
    for x in range(total.size):
        total[x] = number(number(total[x] + a[x]) + number(b[x] + c[x]))


@kernel(inline=True)
def _add_and_keep(total, row, kept):
    number = total.dtype.type
    for x in range(total.size):
        total[x] = kept[x] = number(total[x] + number(row[x]))


@kernel(inline=True)
def _sum_of_four(a, b, c, d, out):
    number = out.dtype.type
    for x in range(out.size):
        out[x] = number(number(a[x] + b[x]) + number(c[x] + d[x]))


@kernel
def _write(total, scale, row):
    number = row.dtype.type
    if number(0.5) == number(0):
        half = np.float32(0.5)
        for x in range(row.size):
            row[x] = number(np.int32(np.float32(total[x]) * scale + half))
    else:
        for x in range(row.size):
            row[x] = number(np.float32(total[x]) * scale)


@kernel
def _across(line, spare, columns, step, total):
    """Write the sums over ``columns`` pixels of a padded row, made up of sums over 1, 4, 16 … pixels."""
    total[:] = 0
    n = total.size
    source, wide, start, turn = line, 1, 0, 0
    while True:
        a, count = wide * step, (columns // wide) % 4
        if count == 3:
            _add_three(total, source[start : start + n], source[start + a :], source[start + 2 * a :])
        else:
            for i in range(count):
                _add(total, source[start + i * a : start + i * a + n])
        start += count * a
        if columns < 4 * wide:
            return
        target = spare[turn, : source.size - 3 * a]
        _sum_of_four(source, source[a:], source[2 * a :], source[3 * a :], target)
        source, wide, turn = target, 4 * wide, 1 - turn
