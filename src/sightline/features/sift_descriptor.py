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
_TURN, _LEAST = 2 * math.pi, 1e-9
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
    over_rows(_describe, len(rows), found.octave.levels, layers, points, scales, angles, root, codes, strip=16)
    return codes


@kernel(contract=True)
def _describe(levels, layers, points, scales, angles, root, codes, y0, y1):
    _, height, width = levels.shape
    buffer, histogram = np.empty(6 * ROW, np.float32), np.empty(2 * _HISTOGRAM, np.float32)
    weights, half, zero, one = buffer[5 * ROW :], (CELLS + 1) / 2, np.float32(0), np.float32(1)
    to_bins, bins, centre, last = np.float32(BINS / _TURN), np.float32(BINS), np.float32(half), np.float32(CELLS + 1)
    for i in range(y0, y1):
        image, x, y, cell = levels[layers[i]], points[i, 0], points[i, 1], _CELL * scales[i]
        cosine, sine, angle = math.cos(angles[i]), math.sin(angles[i]), angles[i]
        along, across = np.float32(cosine / cell), np.float32(sine / cell)
        for k in range(len(histogram)):
            histogram[k] = zero
        reach = half * cell * (abs(cosine) + abs(sine))
        left, right = max(math.ceil(x - reach), 1), min(math.floor(x + reach), width - 2)
        fall = -2 / (CELLS * cell * CELLS * cell)
        start, total = whole_groups(left, right, 1, width - 1)
        for k in range(total):
            weights[k] = math.exp(fall * (start + k - x) * (start + k - x))
        cosine, sine = (cosine if abs(cosine) > _LEAST else _LEAST), (sine if abs(sine) > _LEAST else _LEAST)
        steep, flat = half * cell / abs(cosine), half * cell / abs(sine)
        for row in range(max(math.ceil(y - reach), 1), min(math.floor(y + reach), height - 2) + 1):
            # Of the row, what lies between both pairs of sides of the turned square.
            from_y = row - y
            one_, other = x - from_y * sine / cosine, x + from_y * cosine / sine
            begin = max(left, math.ceil(max(one_ - steep, other - flat)))
            end = min(right, math.floor(min(one_ + steep, other + flat)))
            if begin > end:
                continue
            first, count = whole_groups(begin, end, start, start + total)
            middle, above, below = image[row, first - 1 :], image[row - 1, first:], image[row + 1, first:]
            near, weight = weights[first - start :], np.float32(math.exp(fall * from_y * from_y))
            from_x, from_y = np.float32(first - x), np.float32(from_y)
            for k in range(count):  # a gradient's length, its place in the histogram, and how far beyond it is
                gx, gy = middle[k + 2] - middle[k], below[k] - above[k]
                step = from_x + np.float32(np.int32(k))
                u, v = along * step + across * from_y + centre, along * from_y - across * step + centre
                u, v = (u if u > zero else zero), (v if v > zero else zero)
                u, v = (u if u < last else last), (v if v < last else last)
                o = angle - angle_of(gx, gy)
                o = (o + np.float32(_TURN) if o < zero else o) * to_bins
                o = o if o < bins else o - bins
                o = o if o > zero else zero
                c, r, b = np.float32(np.int32(u)), np.float32(np.int32(v)), np.float32(np.int32(o))
                buffer[k] = np.sqrt(gx * gx + gy * gy) * (near[k] * weight)
                buffer[k + ROW], buffer[k + 2 * ROW], buffer[k + 3 * ROW] = v - r, u - c, o - b
                buffer[k + 4 * ROW] = (r * np.float32(_PADDED) + c) * np.float32(_STRIDE) + b
            for k in range(begin - first, end - first + 1):  # each to the eight bins around its place
                # Neighbours go to different histograms, for an addition waits for the one before it in the same bin.
                at = np.uint64(np.int32(buffer[k + 4 * ROW])) + np.uint64((k & 1) * _HISTOGRAM)
                lower, o = buffer[k] * buffer[k + ROW], buffer[k + 3 * ROW]
                upper, rest = buffer[k] - lower, one - o
                upper_right, lower_right = upper * buffer[k + 2 * ROW], lower * buffer[k + 2 * ROW]
                upper_left, lower_left = upper - upper_right, lower - lower_right
                right_, under = at + np.uint64(_STRIDE), at + np.uint64(_PADDED * _STRIDE)
                corner, next_ = under + np.uint64(_STRIDE), np.uint64(1)
                histogram[at] += upper_left * rest
                histogram[at + next_] += upper_left * o
                histogram[right_] += upper_right * rest
                histogram[right_ + next_] += upper_right * o
                histogram[under] += lower_left * rest
                histogram[under + next_] += lower_left * o
                histogram[corner] += lower_right * rest
                histogram[corner + next_] += lower_right * o
        _finish(histogram, root, codes[i])


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
