"""Where the pictures of a panorama meet: seams, and how pictures are blended there.

Brown & Lowe 2007, "Automatic Panoramic Image Stitching using Invariant Features", IJCV 74(1): multi-band blending
(section 7).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sightline.core.buffers import empty, release
from sightline.core.kernels import kernel, over_rows
from sightline.core.types import Array
from sightline.image.distance_transform import BAND, along_the_rows, around_bands
from sightline.image.gaussian_pyramid import pyramid_of
from sightline.image.laplacian_pyramid import bands_of, sum_of_bands

_BAND = 128  # rows of the sheet that are worked on at once
_PIXELS = 11 << 16  # around seams that are blended at once
_LARGE = 1 << 22  # pixels: what waits for a new owner takes more than fresh memory is worth
_TALL = 512  # rows whose distances to borders are held at once

Laying = Callable[[int, slice, slice], Array]  # a picture's number, rows and columns of the sheet: it there, float32


class _Reach:
    """How far the border of a picture is from each of its pixels.

    Parameters
    ----------
    mask
        Where the picture is on the sheet, H×W bool; some pixel is.
    """

    def __init__(self, mask: Array) -> None:
        down, across = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
        self.top, self.left = int(down[0]) - 1, int(across[0])
        self.framed = np.pad(mask[down[0] : down[-1] + 1, across[0] : across[-1] + 1], 1)
        self.around = around_bands(self.framed)

    def deepen(self, number: int, y0: int, deepest: Array, owner: Array) -> None:
        """Hand pixels of rows from ``y0`` on to the picture of this number, where its border is farther."""
        first, last = max(0, y0 - self.top), min(len(self.framed), y0 - self.top + len(owner))
        if first < last:
            start, stop = first // BAND * BAND, -(-last // BAND) * BAND  # distances are those of whole bands
            mask, around = self.framed[start:stop].view(np.uint8), (part[start // BAND :] for part in self.around)
            depth = empty(mask.shape, np.float32)
            over_rows(along_the_rows, len(mask), mask, *around, depth, strip=BAND)
            rows = slice(first + self.top - y0, last + self.top - y0)
            over_rows(_deepen, last - first, depth[first - start :], number, self.left, deepest[rows], owner[rows])


def seams_of(inside: list[Array]) -> Array:
    """Return which picture each pixel of the sheet is taken from: the one whose border is farthest; −1 for none.

    ``inside`` tells for each picture where it is on the sheet, H×W bool; the list is emptied.
    """
    height, width = inside[0].shape
    reaches: list[tuple[int, _Reach]] = []
    for number in range(len(inside)):
        mask = inside.pop(0)
        if mask.any():
            reaches.append((number, _Reach(mask)))
        del mask
    count = max((number for number, _ in reaches), default=0)
    owner = np.full((height, width), -1, np.int8 if count <= np.iinfo(np.int8).max else np.int16)
    deepest = empty((min(_TALL, height), width), np.float32)
    for y0 in range(0, height, _TALL):
        rows = owner[y0 : y0 + _TALL]
        deepest[...] = 0
        for number, reach in reaches:
            reach.deepen(number, y0, deepest[: len(rows)], rows)
    return owner


@kernel
def _deepen(depth, number, left, deepest, owner, y0, y1):
    """Hand pixels over to a picture that goes on farther around them; ``depth`` has a column more on either side."""
    for y in range(y0, y1):
        values = depth[y, 1:-1]
        most, of = deepest[y, left : left + values.size], owner[y, left : left + values.size]
        for x in range(of.size):
            of[x] = of.dtype.type(number) if values[x] > most[x] else of[x]
            most[x] = max(most[x], values[x])


def blended(
    laying: Laying, owner: Array, levels: int, channels: tuple[int, ...], dtype: np.dtype, window: tuple[slice, slice]
) -> Array:
    """Return a window of the sheet with the pictures on it: each band of detail is mixed as far as its waves are long.

    Farther from the seams than the longest waves reach, that is the picture itself. It is of ``dtype``, rounded and
    clipped, and black where there is no picture.
    """
    down, across = window
    result, count = empty((down.stop - down.start, across.stop - across.start, *channels), dtype), int(owner.max()) + 1
    for y0 in range(down.start, down.stop, _BAND):
        rows = slice(y0, min(y0 + _BAND, down.stop))
        cut = _cut(laying, owner, count, rows, across, channels)
        result[y0 - down.start : rows.stop - down.start] = as_pixels(cut, owner[rows, across] >= 0, dtype)
    rows, columns = _around_seams(owner, levels)
    first, last = max(columns.start, across.start), min(columns.stop, across.stop)
    if first >= last:
        return result
    reach, step = 2 << levels, 1 << (levels - 1)
    tall = max(reach, _PIXELS // (columns.stop - columns.start)) // step * step
    for y0 in range(rows.start, rows.stop, tall):
        if owner.size > _LARGE:
            release()  # the parts, and what came before, are of different sizes
        stop = min(y0 + tall, rows.stop)
        part = slice(max(rows.start, y0 - reach), min(stop + reach, rows.stop))
        top, end = max(y0, down.start), min(stop, down.stop)
        there = owner[top:end, first:last] >= 0
        if there.any():
            mixed = _mixed(laying, owner, count, levels, part, columns)
            mixed = mixed[top - part.start : end - part.start, first - columns.start : last - columns.start]
            place = slice(top - down.start, end - down.start), slice(first - across.start, last - across.start)
            result[place] = as_pixels(mixed, there, dtype)
            del mixed  # the next part needs the memory
    return result


def _cut(laying: Laying, owner: Array, count: int, rows: slice, columns: slice, channels: tuple[int, ...]) -> Array:
    """Return a part of the sheet with each picture where it is taken from, float32."""
    band = empty((rows.stop - rows.start, columns.stop - columns.start, *channels), np.float32)
    of = owner[rows, columns]
    for i in range(count):
        owned = np.flatnonzero((of == i).any(axis=0))
        if owned.size:
            left, right = int(owned[0]), int(owned[-1]) + 1
            part = laying(i, rows, slice(columns.start + left, columns.start + right))
            there, own = band[:, left:right], of[:, left:right]
            if (own == i).all():
                there[...] = part
            else:
                over_rows(_take, len(part), own, i, part, there)
    return band


def _mixed(laying: Laying, owner: Array, count: int, levels: int, rows: slice, columns: slice) -> Array:
    """Return the bands of all pictures on a part of the sheet, mixed and summed, float32."""
    near = owner[rows, columns]
    whole = pyramid_of((near >= 0).astype(np.float32), levels)
    total: list[Array] = []
    for i in range(count):
        share = (near == i).astype(np.float32)
        if not share.any():
            continue
        bands = bands_of(laying(i, rows, columns), levels)
        total = total or [np.zeros_like(band) for band in bands]
        for band, part, weight, mixed in zip(bands, pyramid_of(share, levels), whole, total, strict=True):
            flat = band.reshape(len(band), -1), mixed.reshape(len(band), -1)
            over_rows(_mix, len(band), *flat, part, weight)
    return sum_of_bands(total)


def _around_seams(owner: Array, levels: int) -> tuple[slice, slice]:
    """Return the rows and columns of a sheet that the pictures beyond a seam have a share in; they may be none."""
    ends = np.array(over_rows(_seam_box, len(owner), owner))
    if ends[:, 2:].max() < 0:
        return slice(0, 0), slice(0, 0)
    # Twice the reach of the coarsest level; a start that halves evenly, so that the levels' pixels stay in place.
    reach, step = 2 << levels, 1 << (levels - 1)
    starts, stops = ends[:, :2].min(axis=0) - reach, ends[:, 2:].max(axis=0) + 1 + reach
    rows, columns = (
        slice(max(0, int(a)) // step * step, min(int(b), size))
        for a, b, size in zip(starts, stops, owner.shape, strict=True)
    )
    return rows, columns


@kernel
def _seam_box(owner, y0, y1):
    """Return the first row and column where two pictures meet, and the last ones; (size, size, -1, -1) for none."""
    height, width = owner.shape
    top, left, bottom, right = height, width, -1, -1
    for y in range(y0, y1):
        row, below = owner[y], owner[min(y + 1, height - 1)]
        for x in range(width):
            here, beside, under = row[x], row[min(x + 1, width - 1)], below[x]
            if (here != beside and min(here, beside) >= 0) or (here != under and min(here, under) >= 0):
                top, bottom = min(top, y), max(bottom, y + 1)
                left, right = min(left, x), max(right, x + 1)
    return top, left, bottom, right


@kernel
def _take(owner, number, picture, result, y0, y1):
    """Copy the pixels that belong to a picture."""
    for y in range(y0, y1):
        for x in range(owner.shape[1]):
            if owner[y, x] == number:
                result[y, x] = picture[y, x]


@kernel
def _mix(band, total, share, weight, y0, y1):
    """Add a picture's share of all that is there, times its band."""
    channels = band.shape[1] // share.shape[1]
    for y in range(y0, y1):
        values, sums, of, whole = band[y], total[y], share[y], weight[y]
        for x in range(of.size):
            part = of[x] / max(whole[x], np.float32(1e-6))
            for k in range(x * channels, (x + 1) * channels):
                sums[k] += values[k] * part


def as_pixels(panorama: Array, filled: Array, dtype: np.dtype) -> Array:
    """Return a panorama of float32 0–1 in another dtype, rounded and clipped, and black where it is not filled."""
    result = empty(panorama.shape, dtype)
    top = np.float32(1 if dtype.kind == "f" else np.iinfo(dtype).max)
    write = _write_floats if dtype.kind == "f" else _write_integers
    for y0 in range(0, len(result), _BAND):
        parts = (np.ascontiguousarray(array[y0 : y0 + _BAND]) for array in (panorama, filled))
        values, there = (part.reshape(len(part), -1) for part in parts)
        over_rows(write, len(there), values, there, top, result[y0 : y0 + _BAND].reshape(len(there), -1))
    return result


@kernel
def _write_floats(panorama, filled, top, out, y0, y1):
    channels = panorama.shape[1] // filled.shape[1]
    for y in range(y0, y1):
        for k in range(out.shape[1]):
            out[y, k] = panorama[y, k] if filled[y, k // channels] else np.float32(0)


@kernel
def _write_integers(panorama, filled, top, out, y0, y1):
    channels = panorama.shape[1] // filled.shape[1]
    zero = np.float32(0)
    for y in range(y0, y1):
        values, row, there = panorama[y], out[y], filled[y]
        for x in range(there.size):
            for k in range(x * channels, (x + 1) * channels):
                value = min(max(values[k] * top, zero), top) if there[x] else zero
                row[k] = np.int32(np.rint(value))


def largest_rectangle(mask: Array) -> tuple[slice, slice]:
    """Return the rows and columns of the largest upright rectangle of true pixels, by a stack of rising columns."""
    y0, y1, x0, x1 = _largest_rectangle(mask)
    return (slice(y0, y1), slice(x0, x1)) if y1 > y0 else (slice(0, mask.shape[0]), slice(0, mask.shape[1]))


@kernel
def _largest_rectangle(mask):
    height, width = mask.shape
    columns, starts, tops = np.zeros(width, np.int64), np.empty(width, np.int64), np.empty(width, np.int64)
    best, y0, y1, x0, x1 = 0, 0, 0, 0, 0
    for y in range(height):
        for x in range(width):
            columns[x] = columns[x] + 1 if mask[y, x] else 0
        size = 0
        for x in range(width + 1):
            start, tall = x, columns[x] if x < width else 0
            while size > 0 and tops[size - 1] >= tall:
                size -= 1
                start, top = starts[size], tops[size]
                if top * (x - start) > best:
                    best, y0, y1, x0, x1 = top * (x - start), y + 1 - top, y + 1, start, x
            if x < width:
                starts[size], tops[size] = start, tall
                size += 1
    return y0, y1, x0, x1
