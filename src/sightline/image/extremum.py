"""The kernels of dilation and erosion: the largest, or smallest, value under a footprint.

Rectangles cost the same at every size: along the rows each pass makes the reach of a maximum five times as long, down
the columns the running maxima of van Herk 1992, "A fast algorithm for local minimum and maximum filters on rectangular
and octagonal kernels", Pattern Recognition Letters 13(7). Others are stacks of chords (Urbach & Wilkinson 2008,
"Efficient 2-D Grayscale Morphological Transformations With Arbitrary Flat Structuring Elements", IEEE TIP 17(1)): the
maxima of each chord length are computed once per row and shared by all chords of that length.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from sightline.core.checks import as_image, describe, integer, output, size_2d
from sightline.core.errors import InputError
from sightline.core.kernels import kernel, over_rows
from sightline.core.types import Array

_SMALL = 7  # rows and columns that are compared quicker than by running maxima
_FEW, _MANY, _CHORDS = 0, 1, 2  # rectangles up to that size, larger ones, and what is none
_LARGE = 1 << 22  # bytes of an image that is taken band by band
_BLOCKS = 16  # windows in a strip of bands: one and a half of them are computed once more for the next one
_DTYPES = ("uint8", "uint16", "float32", "bool")


def extremum(
    function: str, image: Any, footprint: Any, out: Array | None, *, largest: bool, mirrored: bool = False
) -> Array:
    """Return the largest (or smallest) value of each channel under ``footprint``; what lies outside is ignored.

    Parameters
    ----------
    function
        Name for errors.
    image, footprint, out
        As :func:`sightline.image.dilate` takes them.
    largest
        Maximum, or else minimum.
    mirrored
        Turn the footprint round its anchor: a dilation that undoes an erosion looks the other way.
    """
    image, result = prepared(function, image, out)
    (source, to), step = _flat(image, result)
    way = _way(function, image, footprint, largest, mirrored)
    if way.kind == _CHORDS:
        given = (source, to, way.identity, largest, way.chords, way.lengths, *way.window[::2], step)
        over_rows(_chords, len(source), *given, strip=way.strip)
    else:
        pass_over = _small if way.kind == _FEW else _rectangle
        over_rows(pass_over, len(source), source, to, way.identity, largest, *way.window, step, strip=way.strip)
    return result


def extremum_twice(function: str, image: Any, footprint: Any, out: Array | None, *, first_largest: bool) -> Array:
    """Return an extremum, and of that the other one by the footprint turned round: an opening, or a closing.

    A large image is taken band by band, so that what is between the two is never there as a whole.

    Parameters
    ----------
    function, image, footprint, out
        As :func:`extremum` takes them.
    first_largest
        Maximum, then minimum, or else the other way round.
    """
    image, result = prepared(function, image, out)
    first = _way(function, image, footprint, first_largest, False)
    second = _way(function, image, footprint, not first_largest, True)
    strip = first.strip * max(2, round(_BLOCKS * first.rows / first.strip))
    if first.kind == _CHORDS or image.nbytes < _LARGE or len(image) < 2 * strip:
        between = extremum(function, image, footprint, None, largest=first_largest)
        return extremum(function, between, footprint, result, largest=not first_largest, mirrored=True)
    (source, to), step = _flat(image, result)
    identities, windows = (first.identity, second.identity), (first.window, second.window)
    few = first.kind == second.kind == _FEW
    over_rows(_bands, len(source), source, to, identities, first_largest, few, windows, step, first.strip, strip=strip)
    return result


class _Way(NamedTuple):
    """How an extremum is taken: the kernel, its window, and the chords of what is no rectangle.

    Parameters
    ----------
    identity
        What loses against every other value.
    kind
        ``_FEW``, ``_MANY`` or ``_CHORDS``: which kernel.
    window
        Its rows, those above the anchor, its columns, and those before the anchor.
    strip
        Rows to make at a time; a multiple of the window's for ``_MANY``, which takes them in blocks.
    chords, lengths
        Of :func:`_chords_of`; empty for a rectangle.
    """

    identity: Any
    kind: int
    window: tuple[int, int, int, int]
    strip: int
    chords: Array = np.zeros((0, 3), np.int64)
    lengths: Array = np.zeros(0, np.int64)

    @property
    def rows(self) -> int:
        """Rows of the window."""
        return self.window[0]


def _way(function: str, image: Array, footprint: Any, largest: bool, mirrored: bool) -> _Way:
    shape, chords = _footprint(function, footprint, mirrored)
    kind = np.uint8 if image.dtype == np.bool_ else image.dtype.type
    identity = kind(_identity(image.dtype, largest))
    if chords is not None:
        tall, broad = shape
        return _Way(identity, _CHORDS, (tall, tall // 2, broad, broad // 2), max(64, 2 * tall), *chords)
    # The part of a window that reaches beyond both ends of the image changes nothing.
    above, before = ((side - mirrored) // 2 for side in shape)  # rows and columns on that side of the anchor
    up, left = min(above, len(image) - 1), min(before, image.shape[1] - 1)
    rows = up + 1 + min(shape[0] - 1 - above, len(image) - 1)
    columns = left + 1 + min(shape[1] - 1 - before, image.shape[1] - 1)
    few = rows <= _SMALL and columns <= _SMALL
    strip = 128 if few else rows * max(1, round(128 / rows))
    return _Way(identity, _FEW if few else _MANY, (rows, up, columns, left), strip)


def _flat(image: Array, result: Array) -> tuple[tuple[Array, Array], int]:
    """Return both as rows of numbers, and the step from a pixel to its right neighbour."""
    step = image.shape[2] if image.ndim == 3 else 1
    source, to = (array.reshape(len(image), -1) for array in (image, result))
    return (source.view(np.uint8), to.view(np.uint8)) if image.dtype == np.bool_ else (source, to), step


def prepared(function: str, image: Any, out: Array | None) -> tuple[Array, Array]:
    """Return the checked image, and the array to write to, for what takes more than one extremum."""
    image = as_image(function, image, channels=(), dtypes=_DTYPES)
    return image, output(function, out, image.shape, image.dtype, [image])


def _identity(dtype: np.dtype[Any], largest: bool) -> Any:
    """Return the value that loses against every other one."""
    if dtype == np.float32:
        return -np.inf if largest else np.inf
    highest = 1 if dtype == np.bool_ else np.iinfo(dtype).max
    return 0 if largest else highest


def _footprint(function: str, footprint: Any, mirrored: bool) -> tuple[tuple[int, int], tuple[Array, Array] | None]:
    """Return its height and width, and the chords of anything but a full rectangle."""
    if isinstance(footprint, tuple):
        return size_2d(function, "footprint", footprint), None
    if not isinstance(footprint, np.ndarray):
        if not isinstance(footprint, (int, np.integer)):
            raise InputError(
                f"{function}: footprint must be a whole number ≥ 1, (height, width) or an H×W bool array; "
                f"got {describe(footprint)}."
            )
        size = integer(function, "footprint", footprint, 1)
        return (size, size), None
    footprint = as_footprint(function, footprint)
    if footprint.all():
        return footprint.shape, None
    if mirrored:  # the anchor of even sizes goes to the other side of the middle: a row or column more brings it back
        footprint = np.pad(footprint[::-1, ::-1], [(1 - side % 2, 0) for side in footprint.shape])
    return footprint.shape, _chords_of(footprint)


def as_footprint(function: str, footprint: Array, *, argument: str = "footprint") -> Array:
    """Return an H×W bool array with a true pixel, or raise."""
    if footprint.ndim != 2 or footprint.dtype != np.bool_:
        hint = f" Compare first: {argument} > 0." if footprint.ndim == 2 else ""
        raise InputError(f"{function}: {argument} must be H×W bool; got {describe(footprint)}.{hint}")
    if not footprint.any():
        raise InputError(f"{function}: {argument} must have a true pixel; got {describe(footprint)} of false ones.")
    return footprint


def _chords_of(footprint: Array) -> tuple[Array, Array]:
    """Return the chords as rows (dy, dx, index of its length), and the lengths: each at most thrice the one before."""
    edges = np.diff(np.pad(footprint, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    (rows, starts), (_, stops) = np.nonzero(edges == 1), np.nonzero(edges == -1)
    lengths = [1]
    for length in np.unique(stops - starts):
        while length > 3 * lengths[-1]:
            lengths.append(3 * lengths[-1])
        if length > lengths[-1]:
            lengths.append(int(length))
    table = np.array(lengths, np.int64)
    anchor_y, anchor_x = footprint.shape[0] // 2, footprint.shape[1] // 2
    chords = np.stack([rows - anchor_y, starts - anchor_x, np.searchsorted(table, stops - starts)], axis=1)
    return chords.astype(np.int64), table


# Inlined, because a row handed to a compiled function costs two atomic counts of its references.
@kernel(inline=True)
def _best(a, b, c, largest, out):
    """Write the largest (smallest) of three rows; a NaN in any of them stays."""
    if largest:
        for x in range(out.size):
            p, q, r = a[x], b[x], c[x]
            p = p if (p > q) | (p != p) else q
            out[x] = p if (p > r) | (p != p) else r
    else:
        for x in range(out.size):
            p, q, r = a[x], b[x], c[x]
            p = p if (p < q) | (p != p) else q
            out[x] = p if (p < r) | (p != p) else r


@kernel(inline=True)
def _best_of_five(a, b, c, d, e, largest, out):
    if largest:
        for x in range(out.size):
            p, q, r, s, t = a[x], b[x], c[x], d[x], e[x]
            p, r = p if (p > q) | (p != p) else q, r if (r > s) | (r != r) else s
            p = p if (p > r) | (p != p) else r
            out[x] = p if (p > t) | (p != p) else t
    else:
        for x in range(out.size):
            p, q, r, s, t = a[x], b[x], c[x], d[x], e[x]
            p, r = p if (p < q) | (p != p) else q, r if (r < s) | (r != r) else s
            p = p if (p < r) | (p != p) else r
            out[x] = p if (p < t) | (p != p) else t


@kernel
def _rectangle(image, out, identity, largest, rows, up, columns, left, step, y0, y1):
    """Down the columns in blocks of ``rows`` rows, then along each row.

    A window that begins in one block ends in the next: the maximum over it is that of the first block's rest
    (``rest``, computed from its bottom) and the next one's beginning (``front``, which grows row by row).
    """
    height, n = image.shape
    margin = left * step
    reach = (columns - 1) * step
    line, spare = np.full(n + reach, identity, image.dtype), np.empty((2, n + reach), image.dtype)
    inner = line[margin : margin + n]
    rest, front = np.empty((rows, n), image.dtype), np.empty((2, n), image.dtype)
    for top in range(y0, y1, rows):
        row = image[min(max(top - up + rows - 1, 0), height - 1)]
        _best(row, row, row, largest, rest[rows - 1])
        for i in range(rows - 2, -1, -1):
            row = image[min(max(top - up + i, 0), height - 1)]
            _best(rest[i + 1], row, row, largest, rest[i])
        front[0, :] = identity
        for i in range(min(rows, y1 - top)):
            if i > 0:
                row = image[min(top - up + i + rows - 1, height - 1)]
                _best(front[(i - 1) & 1], row, row, largest, front[i & 1])
            _best(rest[i], front[i & 1], front[i & 1], largest, inner)
            _along(line, spare, columns, step, largest, out[top + i])


@kernel(inline=True)
def _best_of_seven(a, b, c, d, e, f, g, largest, out):
    if largest:
        for x in range(out.size):
            p, q, r, s, t, u, v = a[x], b[x], c[x], d[x], e[x], f[x], g[x]
            p, r, t = p if (p > q) | (p != p) else q, r if (r > s) | (r != r) else s, t if (t > u) | (t != t) else u
            p = p if (p > r) | (p != p) else r
            p = p if (p > t) | (p != p) else t
            out[x] = p if (p > v) | (p != p) else v
    else:
        for x in range(out.size):
            p, q, r, s, t, u, v = a[x], b[x], c[x], d[x], e[x], f[x], g[x]
            p, r, t = p if (p < q) | (p != p) else q, r if (r < s) | (r != r) else s, t if (t < u) | (t != t) else u
            p = p if (p < r) | (p != p) else r
            p = p if (p < t) | (p != p) else t
            out[x] = p if (p < v) | (p != p) else v


@kernel
def _small(image, out, identity, largest, rows, up, columns, left, step, y0, y1):
    """Do what :func:`_rectangle` does for up to seven rows and columns: they are compared directly."""
    height, n = image.shape
    line = np.full(n + (columns - 1) * step, identity, image.dtype)
    inner = line[left * step : left * step + n]
    i, j, k = min(1, columns - 1) * step, min(2, columns - 1) * step, min(3, columns - 1) * step
    h, m, w = min(4, columns - 1) * step, min(5, columns - 1) * step, (columns - 1) * step
    p, q, r, s = line[:n], line[i : i + n], line[j : j + n], line[k : k + n]
    t, u, v = line[h : h + n], line[m : m + n], line[w : w + n]
    for y in range(y0, y1):
        first, last = max(y - up, 0), min(y - up + rows, height) - 1
        a, b, c = image[first], image[min(first + 1, last)], image[min(first + 2, last)]
        d, e = image[min(first + 3, last)], image[last]
        if rows <= 5:
            _best_of_five(a, b, c, d, e, largest, inner)
        else:
            f, g = image[min(first + 4, last)], image[min(first + 5, last)]
            _best_of_seven(a, b, c, d, f, g, e, largest, inner)
        if columns <= 5:
            _best_of_five(p, q, r, s, v, largest, out[y])
        else:
            _best_of_seven(p, q, r, s, t, u, v, largest, out[y])


@kernel
def _along(line, spare, columns, step, largest, out):
    """Write the maxima over ``columns`` pixels of a padded row; each pass makes the window up to five times as wide."""
    wide, turn = 1, 0
    source = line
    while True:
        further = columns - wide
        b, c = min(wide, further) * step, min(2 * wide, further) * step
        d, e = min(3 * wide, further) * step, min(4 * wide, further) * step
        wide = min(5 * wide, columns)
        count = out.size + (columns - wide) * step
        target = out if wide == columns else spare[turn, :count]
        p, q, r = source[:count], source[b : b + count], source[c : c + count]
        _best_of_five(p, q, r, source[d : d + count], source[e : e + count], largest, target)
        if wide == columns:
            return
        source, turn = target, 1 - turn


@kernel
def _chords(image, out, identity, largest, chords, lengths, tall, broad, step, y0, y1):
    """Take the maximum over chords; ``tables`` keeps, of the last ``tall`` rows, the maxima of every chord length."""
    height, n = image.shape
    margin = broad * step
    tables = np.full((tall, lengths.size, n + 2 * margin), identity, image.dtype)
    best = np.empty((2, n), image.dtype)
    below = tall - 1 - tall // 2
    for y in range(y0 - tall // 2 - below, y1):
        fresh = y + below  # the lowest row under the footprint
        if 0 <= fresh < height and fresh >= y0 - tall // 2:
            table = tables[fresh % tall]
            row = image[fresh]
            for x in range(n):
                table[0, margin + x] = row[x]
            for k in range(1, lengths.size):
                count = n + 2 * margin - (lengths[k] - 1) * step
                a = min(lengths[k - 1], lengths[k] - lengths[k - 1]) * step
                b = (lengths[k] - lengths[k - 1]) * step
                source = table[k - 1]
                _best(source[0:count], source[a : a + count], source[b : b + count], largest, table[k][0:count])
        if y < y0:
            continue
        turn, held = 0, -1
        best[0, :] = identity
        for c in range(chords.shape[0]):
            if 0 <= y + chords[c, 0] < height:
                if held < 0:
                    held = c  # waits for another one: two at a time
                    continue
                p = tables[(y + chords[held, 0]) % tall, chords[held, 2]][margin + chords[held, 1] * step :]
                q = tables[(y + chords[c, 0]) % tall, chords[c, 2]][margin + chords[c, 1] * step :]
                _best(best[turn], p[0:n], q[0:n], largest, best[1 - turn])
                turn, held = 1 - turn, -1
        p = best[turn]
        if held >= 0:
            p = tables[(y + chords[held, 0]) % tall, chords[held, 2]][margin + chords[held, 1] * step :]
        _best(best[turn], best[turn], p[0:n], largest, out[y])


@kernel
def _bands(image, out, identities, first_largest, few, windows, step, band, y0, y1):
    """Write the rows ``y0`` to ``y1`` of the second extremum of the first, a band at a time.

    Rows are seen as in the whole image and blocks begin where they do there: each bit is that of two whole passes.
    """
    height, n = image.shape
    (rows, up, columns, left), (_, up_again, columns_again, left_again) = windows
    reach, reach_again, block = rows - 1 - up, rows - 1 - up_again, 1 if few else rows
    # What is kept of the first one lies behind as many rows as it may read above those that it writes.
    between = np.empty((band + 3 * rows, n), image.dtype)
    low = done = max(0, (y0 - up_again) // block * block)
    for y in range(y0, y1, band):
        end, begin = min(y + band, y1), max(0, (y - up_again) // block * block)
        for k in range(rows, rows + done - begin):
            between[k] = between[k + begin - low]
        need, low = min(end + reach_again, height), begin
        if end < y1:
            need = min((need + block - 1) // block * block, height)
        above, below = max(0, done - up), min(height, need + reach)
        part, to, a, b = image[above:below], between[rows + above - low :], done - above, need - above
        if few:
            _small(part, to, identities[0], first_largest, rows, up, columns, left, step, a, b)
        else:
            _rectangle(part, to, identities[0], first_largest, rows, up, columns, left, step, a, b)
        part, to, a, b, done = between[rows : rows + need - low], out[low:need], y - low, end - low, need
        largest = not first_largest
        if few:
            _small(part, to, identities[1], largest, rows, up_again, columns_again, left_again, step, a, b)
        else:
            _rectangle(part, to, identities[1], largest, rows, up_again, columns_again, left_again, step, a, b)
