"""Multi-scale oriented patches: a corner's neighbourhood, turned upright, blurred, and made free of light and contrast.

Brown, Szeliski & Winder 2005, "Multi-Image Matching Using Multi-Scale Oriented Patches", CVPR, sections 2, 4 and 5,
which the code follows: corners at every level of a pyramid, 8×8 samples that lie 5 pixels apart, less their mean.
Matches are held against the second-best by Lowe's ratio.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sightline.core.buffers import empty
from sightline.core.kernels import kernel, over_rows
from sightline.core.types import Array
from sightline.image.corners import corners_of
from sightline.image.gaussian_blur import gaussian_blur
from sightline.image.gaussian_pyramid import pyramid_of
from sightline.image.gradient import gradient

SIDE, SPACING = 8, 5.0  # samples along a side of a patch, and pixels of the level between them
_ORIENTATION, _PATCH = 4.5, 2.0  # σ in pixels of the level: for the angle, and for samples that lie 5 pixels apart
_SMALLEST = 24  # pixels along the shorter side of the coarsest level
_LEVELS = 5


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


def patches_of(gray: Array, count: int) -> Patches:
    """Return the corners of an H×W float32 image (brightness 0–1): ``count`` of them, shared out among the levels."""
    levels = 1
    while levels < _LEVELS and min(gray.shape) >> levels >= _SMALLEST:
        levels += 1
    found, codes = [np.empty((0, 2))], [np.empty((0, SIDE * SIDE), np.float32)]
    shares = np.array([max(0.4**k, 0.05) for k in range(levels)])
    for k, level in enumerate(pyramid_of(gray, levels)):
        points = corners_of(level, max(8, round(count * shares[k] / shares.sum())))
        if len(points):
            codes.append(_describe(level, points))
            found.append(points * 2.0**k)
    return Patches(np.concatenate(found), np.concatenate(codes))


def _describe(level: Array, points: Array) -> Array:
    dx, dy = gradient(gaussian_blur(level, _ORIENTATION))
    blurred = gaussian_blur(level, _PATCH)
    codes = np.empty((len(points), SIDE * SIDE), np.float32)
    over_rows(_sample_patches, len(points), blurred, dx, dy, points, codes, strip=128)
    return codes


@kernel
def _sample_patches(image, dx, dy, points, out, y0, y1):
    """Write the patch of each corner, sampled along its gradient; beyond the border lies the border pixel again."""
    height, width = image.shape
    middle = (SIDE - 1) / 2
    for i in range(y0, y1):
        x, y = points[i, 0], points[i, 1]
        px, py = min(max(np.int64(x + 0.5), 0), width - 1), min(max(np.int64(y + 0.5), 0), height - 1)
        u, v = np.float64(dx[py, px]), np.float64(dy[py, px])
        length = np.sqrt(u * u + v * v)
        cosine, sine = (u / length, v / length) if length > 0 else (1.0, 0.0)
        total, squares = 0.0, 0.0
        for k in range(SIDE * SIDE):
            a, b = (k % SIDE - middle) * SPACING, (k // SIDE - middle) * SPACING
            sx = min(max(x + cosine * a - sine * b, 0.0), width - 1.0)
            sy = min(max(y + sine * a + cosine * b, 0.0), height - 1.0)
            left, top = np.int64(sx), np.int64(sy)
            right, below = min(left + 1, width - 1), min(top + 1, height - 1)
            fx, fy = sx - left, sy - top
            above_value = image[top, left] * (1 - fx) + image[top, right] * fx
            below_value = image[below, left] * (1 - fx) + image[below, right] * fx
            value = above_value * (1 - fy) + below_value * fy
            out[i, k] = value
            total += value
            squares += value * value
        mean = total / (SIDE * SIDE)
        norm = np.sqrt(max(squares - total * mean, 1e-12))
        for k in range(SIDE * SIDE):
            out[i, k] = (out[i, k] - mean) / norm


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
    alike = empty((len(a), len(b)), np.float32)
    np.matmul(a, b.T, out=alike)
    first, best, second = np.empty(len(a), np.int64), np.empty(len(a), np.float32), np.empty(len(a), np.float32)
    columns = over_rows(_two_best, len(a), alike, first, best, second, strip=128)
    tops = np.stack([top for top, _ in columns])
    back = np.stack([at for _, at in columns])[tops.argmax(axis=0), np.arange(len(b))]
    mutual = back[first] == np.arange(len(a))
    # For vectors of length 1, the squared distance is 2 − 2 · product.
    clear = (1 - best) < ratio * ratio * (1 - second)
    kept = np.flatnonzero(mutual & clear)
    return np.stack([kept, first[kept]], axis=1)


@kernel(fastmath=True)
def _two_best(alike, first, best, second, y0, y1):
    """Write each row's greatest product, its place and the second greatest; return each column's and its row."""
    width = alike.shape[1]
    top, at = np.full(width, np.float32(-2)), np.zeros(width, np.int32)
    for y in range(y0, y1):
        row = alike[y]
        greatest = np.float32(-2)
        for x in range(width):
            value, number = row[x], np.int32(y)
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
        first[y], best[y], second[y] = place, greatest, after
    return top, at
