"""The sheet of a panorama: pictures laid on it, and made equally bright.

Brown & Lowe 2007, "Automatic Panoramic Image Stitching using Invariant Features", IJCV 74(1): gain compensation
(section 6).
"""

from __future__ import annotations

from functools import lru_cache
from itertools import combinations
from typing import Any

import numpy as np

from sightline.core.kernels import kernel, over_rows
from sightline.core.types import Array
from sightline.image.panorama import Placement

_BAND = 128  # rows of the sheet that are laid at once; the overlaps' sums are those of 64 each
_STEEPEST = 1.4  # radians off the axis of a cylinder, beyond which nothing is read
_NOISE, _SPREAD = 10 / 255, 0.1  # σ of brightness and of gains, Brown and Lowe's


def lay(image: Array, placement: Placement, rows: tuple[int, int], columns: tuple[int, int]) -> Array:
    """Return a picture on a part of the sheet, float32 0–1; uint8 and uint16 are read as such.

    Its border goes on beyond it: blurs see no edge. It may be cut out of a larger picture.
    """
    shape = rows[1] - rows[0], columns[1] - columns[0]
    laid = np.empty((*shape, *image.shape[2:]), np.float32)
    over_rows(_lay, shape[0], *_start(placement, rows, columns), *_numbers(image), laid.reshape(shape[0], -1), strip=16)
    return laid


def _numbers(image: Array) -> tuple[Array, Array, int, int]:
    """Return what whole numbers stand for, all from a picture's first to its last, those from row to row, channels."""
    step, channels = image.strides[0] // image.itemsize, image[0, 0].size
    count = (len(image) - 1) * step + image.shape[1] * channels  # of a cut, what lies between its rows, too
    flat = np.lib.stride_tricks.as_strided(image, (count,), (image.itemsize,), writeable=image.flags.writeable)
    return _brightness_of(image.dtype.name), flat, step, channels


@lru_cache(4)
def _brightness_of(dtype: str) -> Array:
    """Return what each whole number of a type stands for, float32; a single 0 for floats."""
    if dtype == "float32":
        return np.zeros(1, np.float32)
    top = np.iinfo(dtype).max
    return np.arange(top + 1, dtype=np.float32) / np.float32(top)


class LaidRows:
    """A grey picture on a plane, of which rows are laid when they are asked for, float32 0–1.

    Parameters
    ----------
    image, placement
        As :func:`lay` takes them.
    shape
        (height, width) of the sheet.
    """

    def __init__(self, image: Array, placement: Placement, shape: tuple[int, ...]) -> None:
        self.image, self.placement, self.shape = image, placement, shape

    def write(self, y0: int, y1: int, out: Array) -> None:
        """Write rows ``y0`` to ``y1``, by the thread that asks for them."""
        first, _, inverse, _, right, bottom = _start(self.placement, (y0, y1), (0, self.shape[1]))
        given = (first, inverse, right, bottom, *_numbers(self.image)[:3], out)
        over_rows(_lay_grey, y1 - y0, *given, strip=y1 - y0)

    def windows(self, x: Array, y: Array, down: Array, across: Array, out: Array) -> None:
        """Write squares side by side, of the pixels in rows ``down[y]``, ``down[y + 1]`` …, and such columns."""
        start = _start(self.placement, (0, 0), (0, 0))
        inverse, right, bottom = start[2], start[4], start[5]
        _lay_windows(inverse, right, bottom, *_numbers(self.image)[:3], x, y, down, across, out)


def cover(placement: Placement, rows: tuple[int, int], columns: tuple[int, int]) -> Array:
    """Return where a picture lies on a part of the sheet, h×w bool."""
    inside = np.empty((rows[1] - rows[0], columns[1] - columns[0]), np.bool_)
    over_rows(_cover, len(inside), *_start(placement, rows, columns), inside, strip=16)
    return inside


def _start(placement: Placement, rows: tuple[int, int], columns: tuple[int, int]) -> tuple[Any, ...]:
    height, width = placement.shape
    return rows[0], columns[0], np.linalg.inv(placement.matrix), float(placement.focal), width - 1.0, height - 1.0


@kernel(inline=True)
def _position(inverse, focal, right, bottom, widest, x, a0, b0, c0):
    """Return where :meth:`Placement.forward` puts a pixel of the sheet from, and whether it is seen."""
    depth = inverse[2, 0] * x + c0
    seen = depth > 1e-9
    away = 1 / depth if seen else 0.0
    u, v = (inverse[0, 0] * x + a0) * away, (inverse[1, 0] * x + b0) * away
    if focal > 0:
        angle, level = (u - right / 2) / focal, (v - bottom / 2) / focal
        seen &= abs(angle) < widest
        angle = angle if seen else 0.0
        u, v = np.tan(angle) * focal + right / 2, level / np.cos(angle) * focal + bottom / 2
    return u, v, seen


@kernel
def _cover(first_row, first_column, inverse, focal, right, bottom, inside, y0, y1):
    # No tangent is worked out of what is clearly beside the picture.
    widest = min(_STEEPEST, np.arctan((right / 2 + 0.5) / focal) + 1e-6) if focal > 0 else _STEEPEST
    for r in range(y0, y1):
        line, y = inside[r], r + first_row
        a0, b0 = inverse[0, 1] * y + inverse[0, 2], inverse[1, 1] * y + inverse[1, 2]
        c0 = inverse[2, 1] * y + inverse[2, 2]
        for c in range(line.size):
            u, v, seen = _position(inverse, focal, right, bottom, widest, c + first_column, a0, b0, c0)
            line[c] = seen & (u >= -0.5) & (v >= -0.5) & (u <= right + 0.5) & (v <= bottom + 0.5)


@kernel
def _lay(first_row, first_column, inverse, focal, right, bottom, table, picture, step, channels, laid, y0, y1):
    """Read the picture between its pixels; ``table`` says what whole numbers stand for, ``step`` leads a row on."""
    height, width = np.int64(bottom) + 1, np.int64(right) + 1
    widest = _STEEPEST
    whole = picture.itemsize < 4
    for r in range(y0, y1):
        row, y = laid[r], r + first_row
        a0, b0 = inverse[0, 1] * y + inverse[0, 2], inverse[1, 1] * y + inverse[1, 2]
        c0 = inverse[2, 1] * y + inverse[2, 2]
        for c in range(row.size // channels):
            u, v, _ = _position(inverse, focal, right, bottom, widest, c + first_column, a0, b0, c0)
            u, v = min(max(u, 0.0), right), min(max(v, 0.0), bottom)
            i, j = np.int64(u), np.int64(v)
            fx, fy = np.float32(u - i), np.float32(v - j)
            p, beside = j * step + i * channels, channels if i + 1 < width else 0
            q = p + (step if j + 1 < height else 0)
            for k in range(channels):
                row[c * channels + k] = _between(picture, p + k, q + k, beside, fx, fy, table, whole)


@kernel
def _lay_grey(first_row, inverse, right, bottom, table, picture, step, laid, y0, y1):
    """Do what :func:`_lay` does for a grey picture on a plane, its places first: they are found eight at a time."""
    height, width, n = np.int64(bottom) + 1, np.int64(right) + 1, laid.shape[1]
    columns, rows = np.empty(n, np.int32), np.empty(n, np.int32)
    shares = np.empty((2, n), np.float32)
    fx, fy, whole = shares[0], shares[1], picture.itemsize < 4
    a, b, c = inverse[0, 0], inverse[1, 0], inverse[2, 0]
    for r in range(y0, y1):
        row, y = laid[r], r + first_row
        a0, b0 = inverse[0, 1] * y + inverse[0, 2], inverse[1, 1] * y + inverse[1, 2]
        c0 = inverse[2, 1] * y + inverse[2, 2]
        for x in range(n):
            depth = c * x + c0
            away = 1 / depth if depth > 1e-9 else 0.0
            u, v = (a * x + a0) * away, (b * x + b0) * away
            u, v = u if u > 0.0 else 0.0, v if v > 0.0 else 0.0
            u, v = u if u < right else right, v if v < bottom else bottom
            i, j = np.int32(u), np.int32(v)
            fx[x], fy[x], columns[x], rows[x] = np.float32(u - i), np.float32(v - j), i, j
        for x in range(n):
            i, j = np.int64(columns[x]), np.int64(rows[x])
            p, beside = j * step + i, np.int64(i + 1 < width)
            q = p + (step if j + 1 < height else 0)
            row[x] = _between(picture, p, q, beside, fx[x], fy[x], table, whole)


@kernel(inline=True)
def _between(picture, p, q, beside, fx, fy, table, whole):
    """Return the mean of the numbers at ``p``, below it at ``q``, and ``beside`` each, weighted by distance."""
    e, f, g, h = picture[p], picture[p + beside], picture[q], picture[q + beside]
    if whole:
        e, f, g, h = table[np.int64(e)], table[np.int64(f)], table[np.int64(g)], table[np.int64(h)]
    else:
        e, f, g, h = np.float32(e), np.float32(f), np.float32(g), np.float32(h)
    one = np.float32(1)
    upper, lower = e * (one - fx) + f * fx, g * (one - fx) + h * fx
    return upper + fy * (lower - upper)


@kernel
def _lay_windows(inverse, right, bottom, table, picture, step, xs, ys, down, across, windows):
    """Lay windows side by side that begin at row ``down[y]`` and column ``across[x]`` of a sheet that is a plane."""
    height, width = np.int64(bottom) + 1, np.int64(right) + 1
    side, whole = windows.shape[0], picture.itemsize < 4
    for k in range(windows.shape[1] // side):  # the last one again where that is too narrow
        x, y = xs[min(k, xs.size - 1)], ys[min(k, ys.size - 1)]
        for i in range(side):
            line, at = windows[i], down[y + i]
            a0, b0 = inverse[0, 1] * at + inverse[0, 2], inverse[1, 1] * at + inverse[1, 2]
            c0 = inverse[2, 1] * at + inverse[2, 2]
            for j in range(side):
                u, v, _ = _position(inverse, 0.0, right, bottom, _STEEPEST, across[x + j], a0, b0, c0)
                u, v = min(max(u, 0.0), right), min(max(v, 0.0), bottom)
                p, q = np.int64(u), np.int64(v)
                fx, fy = np.float32(u - p), np.float32(v - q)
                beside, under = int(p + 1 < width), min(q + 1, height - 1) * step
                line[k * side + j] = _between(picture, q * step + p, under + p, beside, fx, fy, table, whole)


def survey(pictures: list[Array], placements: list[Placement], sheet: tuple[int, int]) -> tuple[list[Array], Array]:
    """Return where each picture is on the sheet, and the factors of :func:`gains_of`; few rows are held at once."""
    inside, overlaps = [np.empty(sheet, np.bool_) for _ in pictures], _no_overlaps(len(pictures))
    laid = [np.zeros((_BAND, sheet[1], *picture.shape[2:]), np.float32) for picture in pictures]
    for y0 in range(0, sheet[0], _BAND):
        rows = y0, min(y0 + _BAND, sheet[0])
        for mask, placement in zip(inside, placements, strict=True):
            mask[slice(*rows)] = cover(placement, rows, (0, sheet[1]))
        masks = [mask[slice(*rows)] for mask in inside]
        shared = np.flatnonzero((np.sum(masks, axis=0, dtype=np.uint16) > 1).any(axis=0))
        if shared.size:  # brightness matters there alone
            columns = int(shared[0]), int(shared[-1]) + 1
            for part, picture, placement in zip(laid, pictures, placements, strict=True):
                part[: rows[1] - y0, slice(*columns)] = lay(picture, placement, rows, columns)
            _add_overlaps(overlaps, [part[: rows[1] - y0] for part in laid], masks)
    return inside, _gains(overlaps, len(pictures))


def gains_of(laid: list[Array], inside: list[Array]) -> Array:
    """Return a factor for each picture under which the overlaps are equally bright, and all are near 1."""
    overlaps = _no_overlaps(len(laid))
    _add_overlaps(overlaps, laid, inside)
    return _gains(overlaps, len(laid))


def _no_overlaps(count: int) -> dict[tuple[int, int], Array]:
    """Return zeros for what :func:`_overlap` sums of each pair of pictures."""
    return {pair: np.zeros(3) for pair in combinations(range(count), 2)}


def _add_overlaps(overlaps: dict[tuple[int, int], Array], laid: list[Array], inside: list[Array]) -> None:
    flat = [picture.reshape(len(picture), -1) for picture in laid]
    for (i, j), sums in overlaps.items():
        for part in over_rows(_overlap, len(inside[i]), inside[i], inside[j], flat[i], flat[j]):
            sums += part


def _gains(overlaps: dict[tuple[int, int], Array], count: int) -> Array:
    left, right = np.zeros((count, count)), np.zeros(count)
    for (i, j), (n, first, second) in overlaps.items():
        if n == 0:
            continue
        a, b = first / n, second / n
        for p, q, own, other in ((i, j, a, b), (j, i, b, a)):
            left[p, p] += n * (2 * own * own / _NOISE**2 + 1 / _SPREAD**2)
            left[p, q] -= 2 * n * own * other / _NOISE**2
            right[p] += n / _SPREAD**2
    alone = np.diag(left) == 0
    left[alone, alone] = right[alone] = 1
    return np.linalg.solve(left, right)


@kernel(fastmath=True)
def _overlap(inside, other_inside, picture, other, y0, y1):
    """Return how many pixels both pictures share, and the sum of the mean brightness of each one's channels there."""
    count, first, second = 0, 0.0, 0.0
    channels = picture.shape[1] // inside.shape[1]
    for y in range(y0, y1):
        for x in range(inside.shape[1]):
            if inside[y, x] and other_inside[y, x]:
                count += 1
                for k in range(x * channels, (x + 1) * channels):
                    first += picture[y, k]
                    second += other[y, k]
    return count, first / channels, second / channels
