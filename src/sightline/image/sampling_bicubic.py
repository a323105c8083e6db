"""Sampling by a weighted mean of 4×4 pixels, as :mod:`sightline.image.sampling` asks for it.

Keys 1981, "Cubic convolution interpolation for digital image processing", IEEE Transactions on Acoustics, Speech and
Signal Processing 29(6).
"""

from __future__ import annotations

import numpy as np

from sightline.core.gathers import copy_same, fetch_four, fetch_one, put_apart, put_one, put_three
from sightline.core.kernels import kernel
from sightline.core.vectors import LANES, load
from sightline.image.sampling_borders import find_windows, pull_inside
from sightline.image.sampling_places import (
    COLUMNS,
    CONSTANT,
    ROWS,
    TILE,
    call_for,
    course,
    fill,
    is_blank,
    lift_of,
    limits,
    places_across,
    places_inside,
    places_of,
    scratch,
    tile_at,
)

# A row, and its columns, of one group; literals would be types of their own, for which functions are compiled anew.
_NONE, _ONE, _GROUP = np.int64(0), np.int64(1), np.int64(LANES)


@kernel
def bicubic(source, frame, matrix, field, colours, result, y0, y1):
    """Fill rows ``y0`` to ``y1`` of ``result`` with a weighted mean of 4×4 pixels of ``source``."""
    (xs, ys, fractions, at, groups), channels, points = scratch(), frame[2], field.reshape(-1)
    windows, pitch, lift = np.empty(16 * LANES * channels, source.dtype), frame[5] * channels, lift_of(frame)
    down = frame[1] * channels
    for y in range(y0, y1, ROWS):
        end = 0
        while end < frame[5]:
            x, columns, rows, start = tile_at(frame, end, y, y1)
            end = x + columns
            tile = x, y, columns, rows
            run, near, sure, blank = course(matrix, frame, tile, points.size > 0)
            inner, outer, strides = limits(frame, near)
            if blank:
                fill(colours, columns, rows, result, start, pitch, channels)
                continue
            rest = np.int64(0)
            if sure:
                places_inside(run, lift, strides, True, tile, fractions, at, _NONE)
            elif points.size == 0:
                rest = places_across(run, lift, strides, inner, tile, xs, ys, fractions, at, groups)
            else:
                wide = field.shape[1]
                rest = places_of(points, wide, lift, strides, inner, tile, xs, ys, fractions, at, groups)
            rest = pull_inside(frame, near, inner, strides, groups, rest, xs, ys, fractions, at)
            if rest * LANES < rows * columns:
                call_for(source, columns, rows, at, _NONE)
                _weigh(source, channels, down, at, fractions, _NONE, rows, columns, result, start, pitch)
            for k in range(rest):
                g = groups[k]
                to = start + g // COLUMNS * pitch + g % COLUMNS * channels
                if frame[3] == CONSTANT and is_blank(load(xs, g), load(ys, g), outer):
                    copy_same(colours, channels, result, to)
                else:
                    find_windows(source, frame, colours, near, g, xs, ys, fractions, at, windows)
                    _weigh(windows, channels, 4 * channels, at, fractions, g, _ONE, _GROUP, result, to, pitch)


@kernel(contract=True)
def _weigh(source, right, down, at, fractions, first, rows, columns, result, start, pitch):
    for r in range(rows):
        for i in range(0, columns, LANES):
            g, to = first + r * COLUMNS + i, start + r * pitch + i * right
            across, upright = _cubic(load(fractions, g)), _cubic(load(fractions, g + TILE))
            if right == 1:
                upper = upright[0] * _sum(across, fetch_four(source, 0, at, g))
                upper = upper + upright[1] * _sum(across, fetch_four(source, down, at, g))
                lower = upright[2] * _sum(across, fetch_four(source, 2 * down, at, g))
                lower = lower + upright[3] * _sum(across, fetch_four(source, 3 * down, at, g))
                put_one(upper + lower, result, to)
            elif right == 3:
                a, b, c = _sums(source, 0, at, g, across)
                a, b, c = upright[0] * a, upright[0] * b, upright[0] * c
                d, e, f = _sums(source, down, at, g, across)
                a, b, c = a + upright[1] * d, b + upright[1] * e, c + upright[1] * f
                d, e, f = _sums(source, 2 * down, at, g, across)
                a, b, c = a + upright[2] * d, b + upright[2] * e, c + upright[2] * f
                d, e, f = _sums(source, 3 * down, at, g, across)
                put_three(a + upright[3] * d, b + upright[3] * e, c + upright[3] * f, result, to)
            else:
                for k in range(right):
                    upper = upright[0] * _sum(across, _four(source, k, right, at, g))
                    upper = upper + upright[1] * _sum(across, _four(source, k + down, right, at, g))
                    lower = upright[2] * _sum(across, _four(source, k + 2 * down, right, at, g))
                    lower = lower + upright[3] * _sum(across, _four(source, k + 3 * down, right, at, g))
                    put_apart(upper + lower, result, to + k, right)


@kernel(inline=True)
def _sum(weights, values):
    return weights[0] * values[0] + weights[1] * values[1] + (weights[2] * values[2] + weights[3] * values[3])


@kernel(inline=True)
def _sums(source, start, at, g, weights):
    """Return the weighted sum of four neighbours of a row, for each of three channels."""
    p, q = fetch_four(source, start, at, g), fetch_four(source, start + 3, at, g)
    r, s = fetch_four(source, start + 6, at, g), fetch_four(source, start + 8, at, g)
    return (
        _sum(weights, (p[0], q[0], r[0], s[1])),
        _sum(weights, (p[1], q[1], r[1], s[2])),
        _sum(weights, (p[2], q[2], r[2], s[3])),
    )


@kernel(inline=True)
def _four(source, start, step, at, g):
    a, b = fetch_one(source, start, at, g), fetch_one(source, start + step, at, g)
    return a, b, fetch_one(source, start + 2 * step, at, g), fetch_one(source, start + 3 * step, at, g)


@kernel(inline=True)
def _cubic(t):
    """Return the four weights of Keys's cubic with a = −¾ for pixels −1, 0, 1 and 2 at fractions ``t``."""
    a, b, one = np.float32(-0.75), np.float32(1.25), np.float32(1)
    r = one - t
    return (
        a * t * r * r,
        (b * t - np.float32(2.25)) * t * t + one,
        (b * r - np.float32(2.25)) * r * r + one,
        a * r * t * t,
    )
