"""SIFT's descriptor: histograms of gradient angles in 4×4 cells around a keypoint, turned with it.

Lowe 2004, "Distinctive Image Features from Scale-Invariant Keypoints", International Journal of Computer Vision 60(2),
section 6, which the code follows; the square root is that of Arandjelović & Zisserman 2012, "Three Things Everyone
Should Know to Improve Object Retrieval", CVPR.
"""

from __future__ import annotations

import math

import numpy as np

from sightline.core.kernels import kernel, over_rows
from sightline.core.types import Array
from sightline.features.dog_keypoints import Found
from sightline.features.sift_orientation import ROW, angle_of, whole_groups

CELLS, BINS = 4, 8  # cells along a side, directions in each
LENGTH = CELLS * CELLS * BINS
_CELL = 3.0  # side of a cell, in scales
_CLIP = np.float32(0.2)
_STRIDE = BINS + 1  # the ninth direction is the first one again, and is added to it at the end
_PADDED = CELLS + 2  # cells along a side with those just outside
_HISTOGRAM = (_PADDED + 1) * _PADDED * _STRIDE + 2 * _STRIDE  # a row more for what has no weight


def descriptors(found: Found, rows: Array, angles: Array, root: bool) -> Array:
    """Return M×128 float32 of length 1: one descriptor for each keypoint ``found[rows]`` at its angle.

    Numbers run over directions first (counter-clockwise on the screen, from the keypoint's own), then cells along it,
    then cells across.
    """
    codes = np.empty((len(rows), LENGTH), np.float32)
    points, scales, layers = found.points[rows], found.scales[rows], found.layers[rows]
    over_rows(_describe, len(rows), found.octave.levels, layers, points, scales, angles, root, codes, strip=32)
    return codes


@kernel
def _describe(levels, layers, points, scales, angles, root, codes, y0, y1):
    buffer, weights = np.empty(5 * ROW, np.float32), np.empty(ROW, np.float32)
    histogram = np.empty(2 * _HISTOGRAM, np.float32)
    for i in range(y0, y1):
        histogram[:] = 0
        _collect(levels[layers[i]], points[i, 0], points[i, 1], scales[i], angles[i], buffer, weights, histogram)
        _finish(histogram, root, codes[i])


@kernel
def _collect(image, x, y, scale, angle, buffer, weights, histogram):
    """Share out the gradients around (x, y) among cells and directions."""
    height, width = image.shape
    cell = _CELL * scale
    along, across = math.cos(angle) / cell, math.sin(angle) / cell
    half = (CELLS + 1) / 2  # cells from the middle to where the last weight is 0
    reach = half * cell * (abs(math.cos(angle)) + abs(math.sin(angle)))
    left, right = max(math.ceil(x - reach), 1), min(math.floor(x + reach), width - 2)
    fall = -1 / (2 * (CELLS / 2 * cell) ** 2)
    start, total = whole_groups(left, right, 1, width - 1)
    for k in range(total):
        weights[k] = math.exp(fall * (start + k - x) ** 2)
    for row in range(max(math.ceil(y - reach), 1), min(math.floor(y + reach), height - 2) + 1):
        dy = row - y
        low, high = _chord(along, across * dy, half)
        other_low, other_high = _chord(-across, along * dy, half)
        begin = max(left, math.ceil(x + max(low, other_low)))
        end = min(right, math.floor(x + min(high, other_high)))
        if begin > end:
            continue
        first, count = whole_groups(begin, end, start, start + total)
        middle, above, below = image[row, first - 1 :], image[row - 1, first:], image[row + 1, first:]
        _sample_row(
            middle, above, below, weights[first - start : first - start + count], np.float32(math.exp(fall * dy * dy)),
            np.float32(angle), np.float32(along), np.float32(across), np.float32(first - x), np.float32(dy), buffer,
        )  # fmt: skip
        _share_out(buffer, begin - first, end - first + 1, histogram)


@kernel
def _chord(slope, offset, half):
    """Return where slope · t + offset lies strictly between -half and half."""
    if abs(slope) < 1e-9:
        return (-1e9, 1e9) if abs(offset) < half else (1.0, 0.0)
    a, b = (-half - offset) / slope, (half - offset) / slope
    return min(a, b), max(a, b)


@kernel(contract=True)
def _sample_row(middle, above, below, weights, weight, angle, along, across, dx, dy, out):
    """Write for each pixel the length of its gradient, the parts beyond its place in the histogram, and that place."""
    turn, scale = np.float32(2 * math.pi), np.float32(BINS / (2 * math.pi))
    centre, last, bins = np.float32(CELLS / 2 + 0.5), np.float32(CELLS + 1), np.float32(BINS)
    zero = np.float32(0)
    for k in range(weights.size):
        gx, gy = middle[k + 2] - middle[k], below[k] - above[k]
        out[k] = np.sqrt(gx * gx + gy * gy) * (weights[k] * weight)
        step = dx + np.float32(np.int32(k))
        u, v = along * step + across * dy + centre, along * dy - across * step + centre
        u, v = (u if u > zero else zero), (v if v > zero else zero)
        u, v = (u if u < last else last), (v if v < last else last)
        o = angle - angle_of(gx, gy)
        o = (o + turn if o < zero else o) * scale
        o = o if o < bins else o - bins
        o = o if o > zero else zero
        column, row, bin_ = np.float32(np.int32(u)), np.float32(np.int32(v)), np.float32(np.int32(o))
        out[k + ROW], out[k + 2 * ROW], out[k + 3 * ROW] = v - row, u - column, o - bin_
        out[k + 4 * ROW] = (row * np.float32(_PADDED) + column) * np.float32(_STRIDE) + bin_


@kernel
def _share_out(samples, begin, end, histogram):
    """Add each gradient to the eight bins around its place."""
    one, step = np.float32(1), np.uint64(1)
    for k in range(begin, end):
        length, v, u, o = samples[k], samples[k + ROW], samples[k + 2 * ROW], samples[k + 3 * ROW]
        # Neighbours go to different histograms, for an addition waits for the one before it in the same bin.
        at = np.uint64(np.int32(samples[k + 4 * ROW])) + np.uint64((k & 1) * _HISTOGRAM)
        lower = length * v
        upper = length - lower
        upper_right, lower_right = upper * u, lower * u
        upper_left, lower_left = upper - upper_right, lower - lower_right
        rest = one - o
        right, under = at + np.uint64(_STRIDE), at + np.uint64(_PADDED * _STRIDE)
        corner = under + np.uint64(_STRIDE)
        histogram[at] += upper_left * rest
        histogram[at + step] += upper_left * o
        histogram[right] += upper_right * rest
        histogram[right + step] += upper_right * o
        histogram[under] += lower_left * rest
        histogram[under + step] += lower_left * o
        histogram[corner] += lower_right * rest
        histogram[corner + step] += lower_right * o


@kernel
def _finish(histogram, root, code):
    """Write the histogram without its rim: of length 1, no number above 0.2, and of length 1 again."""
    for r in range(CELLS):
        for c in range(CELLS):
            at, to = ((r + 1) * _PADDED + c + 1) * _STRIDE, (r * CELLS + c) * BINS
            for k in range(BINS):
                code[to + k] = histogram[at + k] + histogram[at + k + _HISTOGRAM]
            code[to] += histogram[at + BINS] + histogram[at + BINS + _HISTOGRAM]
    total = np.float32(0)
    for k in range(LENGTH):
        total += code[k] * code[k]
    most, squares, sums = _CLIP * np.sqrt(total), np.float32(1e-20), np.float32(1e-20)
    for k in range(LENGTH):
        value = min(code[k], most)
        code[k] = value
        squares += value * value
        sums += value
    for k in range(LENGTH):
        code[k] = np.sqrt(code[k] / sums) if root else code[k] / np.sqrt(squares)
