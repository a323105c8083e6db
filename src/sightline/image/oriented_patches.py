"""Multi-scale oriented patches: a corner's neighbourhood, turned upright, blurred, and made free of light and contrast.

Brown, Szeliski & Winder 2005, "Multi-Image Matching Using Multi-Scale Oriented Patches", CVPR, sections 2, 4 and 5,
which the code follows: corners at every level of a pyramid, 8×8 samples that lie 5 pixels apart, less their mean.
Matches are held against the second-best by Lowe's ratio.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sightline.core.buffers import empty
from sightline.core.conversions import to_float
from sightline.core.kernels import kernel, over_rows
from sightline.core.types import Array
from sightline.core.weighted_sums import ALONE
from sightline.image.border import source_indices
from sightline.image.corners import Rows, band_of, bands_of, corners_of, planes_for, read_rows
from sightline.image.gaussian_blur import blurred_rows, gaussian_blur, reached
from sightline.image.gaussian_pyramid import reduce, reduce_read
from sightline.image.gradient import gradient

SIDE, SPACING = 8, 5.0  # samples along a side of a patch, and pixels of the level between them
_ORIENTATION, _PATCH = 4.5, 2.0  # σ in pixels of the level: for the angle, and for samples that lie 5 pixels apart
_SMALLEST = 24  # pixels along the shorter side of the coarsest level
_LEVELS = 5
_SMALL = 1 << 20  # pixels of a picture that is turned to float32 at once, not part by part whenever it is read
_ALIKE = 4096  # descriptors that are compared with all others at a time: products of matrices wake threads each time
_WORTH = 600  # pixels of a level to a corner from which on it pays to blur around the corners alone


@dataclass(frozen=True, eq=False)
class Patches:
    """Corners of a picture with what they look like.

    Parameters
    ----------
    points
        N×2 float64 (x, y), in pixels of the picture.
    descriptors
        N×64 float32 of length 1.
    """

    points: Array
    descriptors: Array


def patches_of(gray: Rows, count: int) -> Patches:
    """Return the corners of an H×W picture: ``count`` of them, shared out among the levels.

    Its rows are float32 0–1, or uint8 or uint16, which are read as such.
    """
    levels = 1
    while levels < _LEVELS and min(gray.shape) >> levels >= _SMALLEST:
        levels += 1
    found, codes = [np.empty((0, 2))], [np.empty((0, SIDE * SIDE), np.float32)]
    shares = np.array([max(0.4**k, 0.05) for k in range(levels)])
    level = to_float(gray) if isinstance(gray, np.ndarray) and gray.size <= _SMALL else gray
    for k in range(levels):
        if k > 0:
            level = _halved(level)
        points = corners_of(level, max(8, round(count * shares[k] / shares.sum())))
        if len(points):
            codes.append(_describe(level, points))
            found.append(points * 2.0**k)
    return Patches(np.concatenate(found), np.concatenate(codes))


def _halved(level: Rows) -> Array:
    """Return the next smaller level, float32."""
    if isinstance(level, np.ndarray) and level.dtype == np.float32:
        return reduce(level)
    height, width = level.shape
    return reduce_read(lambda y0, y1: read_rows(level, y0, y1, empty((y1 - y0, width), np.float32)), (height, width))


def _describe(level: Rows, points: Array) -> Array:
    """Return the patch of each corner: its samples are read from blurred rows, of which few are held at once."""
    slopes = _slopes(level, points)
    values = np.empty((len(points), SIDE * SIDE))
    height, width = level.shape
    for y0, y1 in bands_of(level.shape):
        end = min(y1 + 1, height)  # a sample lies between two rows
        first, last = reached(_PATCH, y0, end, height)
        blurred = planes_for(end - y0, width)
        blurred_rows(band_of(level, first, last), first, _PATCH, y0, end, height, blurred)
        over_rows(_sample_rows, len(points), blurred, y0, y1, height, points, slopes, values, strip=128)
    codes = np.empty((len(points), SIDE * SIDE), np.float32)
    over_rows(_even_out, len(points), values, codes, strip=128)
    return codes


def _slopes(level: Rows, points: Array) -> Array:
    """Return the derivatives (along x and y) of the blurred level at the pixel nearest each corner, N×2 float32."""
    height, width = level.shape
    x, y = np.ascontiguousarray(np.clip((points + 0.5).astype(np.int64), 0, (width - 1, height - 1)).T)
    if width < ALONE or height * width < _WORTH * len(points):  # a narrow picture is blurred by another kernel
        dx, dy = gradient(gaussian_blur(band_of(level, 0, height), _ORIENTATION))
        return np.stack([dx[y, x], dy[y, x]], axis=1)
    slopes = np.empty((len(points), 2), np.float32)

    def blur(first: int, last: int) -> None:
        slopes[first:last] = _slopes_at(level, x[first:last], y[first:last])

    over_rows(blur, len(points), strip=128)
    return slopes


def _slopes_at(level: Rows, x: Array, y: Array) -> Array:
    """Return the same where corners are few: windows around them lie side by side and are blurred as one picture."""
    reach = reached(_ORIENTATION, 0, 1, 1 << 20)[1]  # a derivative takes a pixel more than the blur
    side = 2 * reach + 1
    windows = empty((side, side * max(len(x), -(-ALONE // side))), np.float32)
    down, across = (source_indices(size, reach, "reflect") for size in level.shape)
    if isinstance(level, np.ndarray):
        top = np.float32(1 if level.dtype == np.float32 else np.iinfo(level.dtype).max)
        _cut_windows(level, top, x, y, down, across, windows)
    else:
        level.windows(x, y, down, across, windows)
    blurred = blurred_rows(windows, 0, _ORIENTATION, reach - 1, reach + 2, side)
    dx, dy = (part[1, reach::side][: len(x)] for part in gradient(blurred))
    return np.stack([dx, dy], axis=1)


@kernel
def _cut_windows(level, top, xs, ys, down, across, windows):
    side = windows.shape[0]
    for k in range(windows.shape[1] // side):  # the last one again where that is too narrow
        x, y = xs[min(k, xs.size - 1)], ys[min(k, ys.size - 1)]
        for i in range(side):
            row, line = level[down[y + i]], windows[i]
            for j in range(side):
                line[k * side + j] = np.float32(row[across[x + j]]) / top


@kernel
def _sample_rows(image, first, last, height, points, slopes, values, y0, y1):
    """Write the samples that lie in rows ``first`` to ``last``, of patches that are turned along their gradient.

    ``image`` begins with the first of these and holds the row after them; beyond the border, its pixels go on.
    """
    width, middle = image.shape[1], (SIDE - 1) / 2
    far = middle * SPACING * 1.5  # half a diagonal is 1.42 sides
    for i in range(y0, y1):
        x, y = points[i, 0], points[i, 1]
        if y < first - far or y > last + far:
            continue
        u, v = np.float64(slopes[i, 0]), np.float64(slopes[i, 1])
        length = np.sqrt(u * u + v * v)
        cosine, sine = (u / length, v / length) if length > 0 else (1.0, 0.0)
        for k in range(SIDE * SIDE):
            a, b = (k % SIDE - middle) * SPACING, (k // SIDE - middle) * SPACING
            sx = min(max(x + cosine * a - sine * b, 0.0), width - 1.0)
            sy = min(max(y + sine * a + cosine * b, 0.0), height - 1.0)
            left, top = np.int64(sx), np.int64(sy)
            if top < first or top >= last:
                continue
            right, below = min(left + 1, width - 1), min(top + 1, height - 1)
            fx, fy = sx - left, sy - top
            above_value = image[top - first, left] * (1 - fx) + image[top - first, right] * fx
            below_value = image[below - first, left] * (1 - fx) + image[below - first, right] * fx
            values[i, k] = above_value * (1 - fy) + below_value * fy


@kernel
def _even_out(values, out, y0, y1):
    """Write the samples less their mean, of length 1."""
    for i in range(y0, y1):
        total, squares = 0.0, 0.0
        for k in range(SIDE * SIDE):
            value = values[i, k]
            total += value
            squares += value * value
        mean = total / (SIDE * SIDE)
        norm = np.sqrt(max(squares - total * mean, 1e-12))
        for k in range(SIDE * SIDE):
            out[i, k] = (np.float32(values[i, k]) - mean) / norm


def match(a: Array, b: Array, ratio: float) -> Array:
    """Return N×2 positions (in ``a``, in ``b``) of descriptors that are each other's nearest, and clearly so.

    Parameters
    ----------
    a, b
        N×64 and M×64 float32 of length 1.
    ratio
        Greatest distance to the nearest, as a share of the distance to the second nearest.
    """
    if len(a) < 1 or len(b) < 2:
        return np.empty((0, 2), np.int64)
    first, best, second = np.empty(len(a), np.int64), np.empty(len(a), np.float32), np.empty(len(a), np.float32)
    columns, held = [], empty((min(len(a), _ALIKE), len(b)), np.float32)
    for i in range(0, len(a), _ALIKE):
        alike = np.matmul(a[i : i + _ALIKE], b.T, out=held[: len(a) - i])
        columns += over_rows(_two_best, len(alike), alike, i, first, best, second, strip=128)
    tops = np.stack([top for top, _ in columns])
    back = np.stack([at for _, at in columns])[tops.argmax(axis=0), np.arange(len(b))]
    mutual = back[first] == np.arange(len(a))
    # For vectors of length 1, the squared distance is 2 − 2 · product.
    clear = (1 - best) < ratio * ratio * (1 - second)
    kept = np.flatnonzero(mutual & clear)
    return np.stack([kept, first[kept]], axis=1)


@kernel(fastmath=True)
def _two_best(alike, before, first, best, second, y0, y1):
    """Write each row's greatest product, its place and the second greatest; return each column's and its row.

    Rows are numbered from ``before`` on.
    """
    width = alike.shape[1]
    top, at = np.full(width, np.float32(-2)), np.zeros(width, np.int32)
    for y in range(y0, y1):
        row = alike[y]
        greatest = np.float32(-2)
        for x in range(width):
            value, number = row[x], np.int32(y + before)
            at[x] = number if value > top[x] else at[x]
            top[x] = max(top[x], value)
            greatest = max(greatest, value)
        place = 0
        while row[place] != greatest:
            place += 1
        row[place] = np.float32(-2)
        after = np.float32(-2)
        for x in range(width):
            after = max(after, row[x])
        first[y + before], best[y + before], second[y + before] = place, greatest, after
    return top, at
