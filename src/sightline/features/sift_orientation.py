"""Directions of keypoints: the peaks of a histogram of gradient angles around each.

Lowe 2004, "Distinctive Image Features from Scale-Invariant Keypoints", International Journal of Computer Vision 60(2),
section 5, which the code follows.
"""

from __future__ import annotations

import math

import numpy as np

from sightline.core.kernels import kernel, over_rows
from sightline.core.types import Array
from sightline.features.dog_keypoints import Found

BINS = 36  # of the histogram
_SIGMA = 1.5  # of the Gaussian window, in scales
_REACH = 3.0  # of the window, in its sigmas
_PEAK = 0.8  # of the highest peak: what else is a direction
_MOST = 8  # directions of one keypoint
ROW = 1056  # room for the pixels of a row in a buffer; no power of two, whose multiples share places in the cache


def orientations(found: Found) -> tuple[Array, Array]:
    """Return the row in ``found`` and the angle of each direction of each keypoint: M int64, M float32 radians."""
    angles = turns(found)[1]
    rows, columns = np.nonzero(~np.isnan(angles))
    return rows, angles[rows, columns]


def turns(found: Found) -> tuple[Array, Array]:
    """Return each keypoint's histogram, N×36 float32, and the angles of its peaks, N×8 float32, NaN where none is."""
    angles = np.full((len(found.layers), _MOST), np.nan, np.float32)
    histograms = np.empty((len(found.layers), BINS), np.float32)
    points, scales = found.points, found.scales
    over_rows(_orient, len(points), found.octave.levels, found.layers, points, scales, histograms, angles, strip=32)
    return histograms, angles


@kernel(contract=True)
def _orient(levels, layers, points, scales, histograms, angles, y0, y1):
    _, height, width = levels.shape
    buffer = np.empty(3 * ROW + BINS + 4, np.float32)  # lengths and bins of a row, its weights, the ring of bins
    weights, ring = buffer[2 * ROW : 3 * ROW], buffer[3 * ROW :]
    to_bins, bins, half = np.float32(BINS / (2 * math.pi)), np.float32(BINS), np.float32(0.5)
    for i in range(y0, y1):
        image, histogram, sigma = levels[layers[i]], histograms[i], _SIGMA * scales[i]
        x, y = np.int64(np.rint(points[i, 0])), np.int64(np.rint(points[i, 1]))
        reach, fall = np.int64(np.rint(_REACH * sigma)), -0.5 / (sigma * sigma)
        left, right = max(x - reach, 1), min(x + reach, width - 2)
        first, count = whole_groups(left, right, 1, width - 1)
        for k in range(count):
            weights[k] = math.exp(fall * (first + k - x) * (first + k - x))
        for k in range(BINS):
            histogram[k] = 0
        for row in range(max(y - reach, 1), min(y + reach, height - 2) + 1):
            middle, above, below = image[row, first - 1 :], image[row - 1, first:], image[row + 1, first:]
            weight = np.float32(math.exp(fall * (row - y) * (row - y)))
            for k in range(count):  # a gradient's weighted length, and the bin that its angle is nearest to
                dx, dy = middle[k + 2] - middle[k], below[k] - above[k]
                buffer[k] = np.sqrt(dx * dx + dy * dy) * (weights[k] * weight)
                nearest = np.float32(np.int32(angle_of(dx, dy) * to_bins + half))
                buffer[k + ROW] = nearest - bins if nearest >= bins else nearest
            for k in range(left - first, right - first + 1):
                histogram[np.uint64(np.int32(buffer[k + ROW]))] += buffer[k]
        _peaks(histogram, ring, angles[i])


@kernel
def whole_groups(first, last, low, high):
    """Return where whole groups of eight pixels with first … last among them begin, from ``low`` to below ``high``.

    Pixels that are left over when vectors are full cost as much as two full vectors.
    """
    count = min((last - first + 8) // 8 * 8, high - low)
    return min(first, high - count), count


@kernel(contract=True)
def angle_of(dx, dy):
    """Return the angle of a vector, 0–2π, to 2·10⁻⁶: powers of q² for atan(q)/q, by weighted least squares."""
    a, b = abs(dx), abs(dy)
    low, high = (a if a < b else b), (a if a > b else b)
    q = low / (high + np.float32(1e-30))
    t = q * q
    p = np.float32(0.05264733) + t * np.float32(-0.01171912)
    p = np.float32(0.19354041) + t * (np.float32(-0.1164265) + t * p)
    p = q * (np.float32(0.99997722) + t * (np.float32(-0.33262284) + t * p))
    p = np.float32(math.pi / 2) - p if b > a else p
    p = np.float32(math.pi) - p if dx < np.float32(0) else p
    return np.float32(2 * math.pi) - p if dy < np.float32(0) else p


@kernel(contract=True)
def _peaks(histogram, ring, angles):
    """Smooth a ring of bins by (1, 4, 6, 4, 1) / 16; write the angles of its peaks, placed by a parabola."""
    count, highest, two = 0, np.float32(0), np.float32(2)
    for k in range(BINS):
        ring[k + 2] = histogram[k]
    ring[0], ring[1], ring[BINS + 2], ring[BINS + 3] = ring[BINS], ring[BINS + 1], ring[2], ring[3]
    for k in range(BINS):
        near = np.float32(4) * (ring[k + 1] + ring[k + 3]) + np.float32(6) * ring[k + 2]
        histogram[k] = (ring[k] + ring[k + 4] + near) / np.float32(16)
        highest = max(highest, histogram[k])
    for k in range(BINS):
        before, here, after = histogram[k - 1], histogram[k], histogram[k + 1 - BINS]
        if here > before and here > after and here >= np.float32(_PEAK) * highest and count < _MOST:
            turn = (k + (before - after) / (before - two * here + after) / two) * np.float32(2 * math.pi / BINS)
            angles[count] = turn if turn >= 0 else turn + np.float32(2 * math.pi)
            count += 1
