"""The sheet of a panorama: pictures laid on it, made equally bright, cut at seams and blended there.

Brown & Lowe 2007, "Automatic Panoramic Image Stitching using Invariant Features", IJCV 74(1): gain compensation
(section 6) and multi-band blending (section 7).
"""

from __future__ import annotations

from itertools import combinations

import numpy as np

from sightline.core.buffers import empty
from sightline.core.kernels import kernel, over_rows
from sightline.core.types import Array
from sightline.image.distance_transform import distance_transform
from sightline.image.gaussian_pyramid import pyramid_of
from sightline.image.laplacian_pyramid import bands_of, sum_of_bands
from sightline.image.panorama import Placement

_NOISE, _SPREAD = 10 / 255, 0.1  # σ of brightness and of gains, Brown and Lowe's


def lay(image: Array, placement: Placement, sheet: tuple[int, int]) -> tuple[Array, Array]:
    """Return a float32 picture on the sheet, and where it is; its border goes on beyond it: blurs see no edge."""
    laid, inside = empty((*sheet, *image.shape[2:]), np.float32), empty(sheet, np.bool_)
    flat = image.reshape(len(image), -1), laid.reshape(len(laid), -1)
    over_rows(_lay, sheet[0], np.linalg.inv(placement.matrix), float(placement.focal), *flat, inside, strip=16)
    return laid, inside


@kernel
def _lay(inverse, focal, picture, laid, inside, y0, y1):
    """Read the picture between its pixels, where :meth:`Placement.forward` puts those of rows ``y0`` to ``y1``."""
    channels = laid.shape[1] // inside.shape[1]
    height, width = picture.shape[0], picture.shape[1] // channels
    right, bottom, one = width - 1.0, height - 1.0, np.float32(1)
    for y in range(y0, y1):
        row, line = laid[y], inside[y]
        a0, b0 = inverse[0, 1] * y + inverse[0, 2], inverse[1, 1] * y + inverse[1, 2]
        c0 = inverse[2, 1] * y + inverse[2, 2]
        for x in range(line.size):
            depth = inverse[2, 0] * x + c0
            seen = depth > 1e-9
            away = 1 / depth if seen else 0.0
            u, v = (inverse[0, 0] * x + a0) * away, (inverse[1, 0] * x + b0) * away
            if focal > 0:
                angle, level = (u - right / 2) / focal, (v - bottom / 2) / focal
                seen &= abs(angle) < 1.4
                angle = angle if seen else 0.0
                u, v = np.tan(angle) * focal + right / 2, level / np.cos(angle) * focal + bottom / 2
            line[x] = seen & (u >= -0.5) & (v >= -0.5) & (u <= right + 0.5) & (v <= bottom + 0.5)
            u, v = min(max(u, 0.0), right), min(max(v, 0.0), bottom)
            i, j = np.int64(u), np.int64(v)
            fx, fy = np.float32(u - i), np.float32(v - j)
            above, below = picture[j], picture[min(j + 1, height - 1)]
            p, q = i * channels, min(i + 1, width - 1) * channels
            for k in range(channels):
                upper = above[p + k] * (one - fx) + above[q + k] * fx
                lower = below[p + k] * (one - fx) + below[q + k] * fx
                row[x * channels + k] = upper + fy * (lower - upper)


def gains_of(laid: list[Array], inside: list[Array]) -> Array:
    """Return a factor for each picture under which the overlaps are equally bright, and all are near 1."""
    count = len(laid)
    left, right = np.zeros((count, count)), np.zeros(count)
    flat = [picture.reshape(len(picture), -1) for picture in laid]
    for i, j in combinations(range(count), 2):
        sums = over_rows(_overlap, len(inside[i]), inside[i], inside[j], flat[i], flat[j])
        n, first, second = (sum(part) for part in zip(*sums, strict=True))
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


def seams_of(inside: list[Array]) -> Array:
    """Return which picture each pixel of the sheet is taken from: the one whose border is farthest; −1 for none."""
    owner, deepest = np.full(inside[0].shape, -1, np.int32), np.zeros(inside[0].shape, np.float32)
    for i, mask in enumerate(inside):
        depth = distance_transform(np.pad(mask, 1))
        over_rows(_deepen, len(owner), depth, i, deepest, owner)
    return owner


@kernel
def _deepen(depth, number, deepest, owner, y0, y1):
    """Hand pixels over to a picture that goes on farther around them; ``depth`` has a frame of one pixel."""
    for y in range(y0, y1):
        values, most, of = depth[y + 1, 1:-1], deepest[y], owner[y]
        for x in range(of.size):
            of[x] = np.int32(number) if values[x] > most[x] else of[x]
            most[x] = max(most[x], values[x])


def blended(laid: list[Array], owner: Array, levels: int) -> Array:
    """Return the pictures on one sheet, float32: each band of detail is mixed over as far as its waves are long.

    Farther from the seams than the longest waves reach, that is the picture itself.
    """
    result = empty(laid[0].shape, np.float32)
    for i, picture in enumerate(laid):
        over_rows(_take, len(owner), owner, i, picture.reshape(len(owner), -1), result.reshape(len(owner), -1))
    box = _around_seams(owner, levels)
    near = owner[box]
    if not near.size:
        return result
    whole = pyramid_of((near >= 0).astype(np.float32), levels)
    total: list[Array] = []
    for i, picture in enumerate(laid):
        share = (near == i).astype(np.float32)
        if not share.any():
            continue
        bands = bands_of(picture[box], levels)
        total = total or [np.zeros_like(band) for band in bands]
        for band, part, weight, mixed in zip(bands, pyramid_of(share, levels), whole, total, strict=True):
            flat = band.reshape(len(band), -1), mixed.reshape(len(band), -1)
            over_rows(_mix, len(band), *flat, part, weight)
    result[box] = sum_of_bands(total)
    return result


def _around_seams(owner: Array, levels: int) -> tuple[slice, slice]:
    """Return the rows and columns of a sheet that the pictures beyond a seam have a share in; they may be none."""
    ends = np.array(over_rows(_seam_box, len(owner), owner))
    if ends[:, 2:].max() < 0:
        return slice(0), slice(0)
    # Twice the reach of the coarsest level; a start that halves evenly, so that the levels' pixels stay in place.
    reach, step = 2 << levels, 1 << (levels - 1)
    starts, stops = ends[:, :2].min(axis=0) - reach, ends[:, 2:].max(axis=0) + 1 + reach
    rows, columns = (slice(max(0, int(a)) // step * step, int(b)) for a, b in zip(starts, stops, strict=True))
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
    channels = picture.shape[1] // owner.shape[1]
    for y in range(y0, y1):
        of, values, out = owner[y], picture[y], result[y]
        for x in range(of.size):
            if of[x] == number:
                for k in range(x * channels, (x + 1) * channels):
                    out[k] = values[k]


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
    pixels, panorama = result.reshape(len(result), -1), panorama.reshape(len(panorama), -1)
    over_rows(_write_floats if dtype.kind == "f" else _write_integers, len(result), panorama, filled, top, pixels)
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


def largest_rectangle(mask: Array) -> tuple[int, int, int, int]:
    """Return (y0, y1, x0, x1) of the largest upright rectangle of true pixels, by a stack of rising columns."""
    y0, y1, x0, x1 = _largest_rectangle(mask)
    return (y0, y1, x0, x1) if y1 > y0 else (0, mask.shape[0], 0, mask.shape[1])


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
