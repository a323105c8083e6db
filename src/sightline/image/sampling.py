"""Sampling: the value of an image anywhere between its pixels, the one engine under every warp.

Each new pixel asks where it comes from: a matrix answers (affine or perspective), or a field of points. A position is
an old pixel and a fraction of the way to the next one. Positions beyond the border are folded back first, and the image
carries a margin of what lies there, so that reading has no special cases.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from sightline.core.buffers import empty
from sightline.core.checks import array_of, choice, describe, number, output, size_2d
from sightline.core.errors import InputError
from sightline.core.gathers import (
    copy_one,
    copy_same,
    copy_three,
    fetch_four,
    fetch_one,
    fetch_two,
    put_apart,
    put_one,
    put_three,
)
from sightline.core.kernels import kernel, over_rows
from sightline.core.types import Array
from sightline.core.vectors import LANES, load
from sightline.image.sampling_bicubic import bicubic
from sightline.image.sampling_borders import MARGIN, find_windows, pull_inside
from sightline.image.sampling_places import (
    COLUMNS,
    CONSTANT,
    ROWS,
    TILE,
    call_for,
    call_for_rows,
    course,
    fill,
    is_blank,
    lift_of,
    limits,
    pick_or_fill,
    places_across,
    places_inside,
    places_of,
    scratch,
    tile_at,
)

METHODS = ("nearest", "bilinear", "bicubic")
BORDERS = ("constant", "reflect", "edge", "wrap", "symmetric")  # in the order of their numbers
LARGEST = 1 << 30  # values in a result
NO_FIELD = np.zeros((0, 0), np.float32)
NO_MATRIX = tuple(np.eye(3).ravel().tolist())
# Of a border's value.
_RANGES: dict[type, tuple[float, float]] = {
    np.uint8: (0, 255),
    np.uint16: (0, 65535),
    np.float32: (-math.inf, math.inf),
}
# A row, and its columns, of one group; literals would be types of their own, for which functions are compiled anew.
_NONE, _ONE, _GROUP = np.int64(0), np.int64(1), np.int64(LANES)
STRIP, BAND = 96, 24  # rows: a band's field stays in the cache


def sampled(function: str, image: Array, shape: Any, out: Array | None) -> Array:
    """Return the array for a warped ``image``: ``shape`` is (height, width), None for the image's own."""
    height, width = image.shape[:2] if shape is None else size_2d(function, "shape", shape)
    channels = image.shape[2:]
    if height * width * math.prod(channels) > LARGEST or max(height, width) > 1 << 24:
        raise InputError(
            f"{function}: shape must hold at most 2³⁰ values; got {height}×{width} pixels. Check the order and unit."
        )
    if image.size > LARGEST:
        raise InputError(f"{function}: image must hold at most 2³⁰ values; got {describe(image)}.")
    return output(function, out, (height, width, *channels), image.dtype, [image])


def sample(
    function: str,
    image: Array,
    result: Array,
    method: str,
    border: str,
    value: float | Sequence[float],
    *,
    matrix: Array | None = None,
    field: Array = NO_FIELD,
    band: Callable[[int, int], Array] | None = None,
) -> Array:
    """Fill ``result`` with ``image`` at the position that each of its pixels comes from, and return it.

    Parameters
    ----------
    function
        Name for the errors' sentences.
    image
        H×W or H×W×C, checked.
    result
        h×w or h×w×C, from :func:`sampled`; or float32 for bytes as 0–1, which are read bilinearly and not beyond a
        constant border.
    method, border, value
        How to read between pixels and beyond the border; checked here.
    matrix
        3×3 float64: maps a new pixel (x, y, 1) to its old position, up to scale.
    field
        h×2w float32: x and y of each new pixel's old position, in turn; it takes the matrix's place.
    band
        Returns the rows ``y0`` to ``y1`` of a field, which is then never written to memory as a whole.
    """
    method = choice(function, "method", method, METHODS)
    border = choice(function, "border", border, BORDERS)
    kernels = {"nearest": (1, nearest), "bilinear": (2, bilinear), "bicubic": (4, bicubic)}
    size, rows_of = kernels[method]
    height, width = result.shape[:2]
    channels = math.prod(image.shape[2:])
    kind = np.uint8 if image.dtype == np.uint8 else np.float32
    margin = MARGIN if border == "edge" else 0
    if margin:
        image = np.pad(image, ((margin, margin), (margin, margin), *((0, 0),) * (image.ndim - 2)), mode="edge")
    source = np.ascontiguousarray(image, kind).reshape(-1)
    target = np.float32 if result.dtype == np.float32 else kind
    colours = border_colours(function, image, value).astype(target)
    colours = np.concatenate([colours] * (LANES * channels // len(colours)))
    narrow = width < LANES  # than a group of pixels
    if narrow:
        filled = np.empty((height, LANES * channels), target)
        field = _widened(field) if field.size else field
    else:
        filled = result.reshape(height, -1) if result.dtype == target else empty((height, width * channels), target)
    frame = (*image.shape[:2], channels, BORDERS.index(border), size, max(width, LANES), margin)
    if band is None:
        numbers = NO_MATRIX if matrix is None else tuple(matrix.ravel().tolist())
        pairs = -(-height // (2 * STRIP))  # as much for the second thread as for the first
        strip = -(-height // (2 * pairs))
        over_rows(rows_of, height, source, frame, numbers, field, colours, filled.reshape(-1), strip=strip)
    else:
        over_rows(_fill_by_bands, height, source, frame, colours, filled, rows_of, band, strip=BAND)
    if narrow or result.dtype != target:
        values = filled[:, : width * channels].reshape(result.shape)
        if result.dtype != target:
            values = np.clip(np.rint(values), 0, np.iinfo(result.dtype).max)
        np.copyto(result, values, casting="unsafe")
    return result


def _fill_by_bands(
    source: Array, frame: tuple[int, ...], colours: Array, target: Array, rows_of: Any, band: Any, y0: int, y1: int
) -> None:
    field = band(y0, y1)
    field = field if field.shape[1] >= 2 * LANES else _widened(field)
    rows_of(source, frame, NO_MATRIX, field, colours, target[y0:y1].reshape(-1), 0, y1 - y0)


def _widened(field: Array) -> Array:
    """Return a narrow field as wide as a group of pixels."""
    return np.pad(field, ((0, 0), (0, 2 * LANES - field.shape[1])))


def border_colours(function: str, image: Array, value: Any) -> Array:
    """Return the border's value of each channel in the image's dtype."""
    channels = math.prod(image.shape[2:])
    values = list(value) if isinstance(value, (tuple, list, np.ndarray)) and array_of(value).ndim == 1 else [value]
    if len(values) not in (1, channels):
        raise InputError(f"{function}: value must be one number or {channels}, one a channel; got {len(values)}.")
    low, high = _RANGES[image.dtype.type]
    with np.errstate(over="ignore"):  # a number beyond float32 is infinity there
        return np.array([number(function, "value", v, low, high) for v in values], image.dtype)


@kernel
def nearest(source, frame, matrix, field, colours, result, y0, y1):
    """Fill rows ``y0`` to ``y1`` of ``result`` with the nearest pixel of ``source``."""
    (xs, ys, fractions, at, groups), channels, points = scratch(), frame[2], field.reshape(-1)
    windows, pitch, lift = np.empty(LANES * channels + 1, source.dtype), frame[5] * channels, lift_of(frame)
    ahead, half = np.empty(2 * TILE, np.int32), _NONE
    # A tile's old pixels are on their way while the tile before is filled: its half, rows, columns and start are held.
    held = half, half, half, half
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
            if sure:
                places_inside(run, lift, strides, False, tile, fractions, ahead, half)
                call_for(source, columns, rows, ahead, half)
                call_for_rows(result, start, columns * channels, rows, pitch)
            _pick(source, channels, ahead, held[0], held[1], held[2], result, held[3], pitch)
            if sure:
                held, half = (half, rows, columns, start), TILE - half
                continue
            held = half, _NONE, half, half  # tiles may overlap: they are written in order
            if points.size == 0:
                rest = places_across(run, lift, strides, inner, tile, xs, ys, fractions, at, groups)
            else:
                wide = field.shape[1]
                rest = places_of(points, wide, lift, strides, inner, tile, xs, ys, fractions, at, groups)
            rest = pull_inside(frame, near, inner, strides, groups, rest, xs, ys, fractions, at)
            if rest * LANES < rows * columns:
                call_for(source, columns, rows, at, _NONE)
                call_for_rows(result, start + columns * channels, columns * channels, rows, pitch)
                _pick(source, channels, at, _NONE, rows, columns, result, start, pitch)
            for k in range(rest):
                g = groups[k]
                to = start + g // COLUMNS * pitch + g % COLUMNS * channels
                if frame[3] == CONSTANT and is_blank(load(xs, g), load(ys, g), outer):
                    copy_same(colours, channels, result, to)
                elif frame[3] == CONSTANT:
                    pick_or_fill(source, frame, colours, near, g, xs, ys, result, to)
                else:
                    find_windows(source, frame, colours, near, g, xs, ys, fractions, at, windows)
                    _pick(windows, channels, at, g, _ONE, _GROUP, result, to, pitch)
    _pick(source, channels, ahead, held[0], held[1], held[2], result, held[3], pitch)


@kernel
def _pick(source, channels, at, first, rows, columns, result, start, pitch):
    for r in range(rows):
        for i in range(0, columns, LANES):
            g, to = first + r * COLUMNS + i, start + r * pitch + i * channels
            if channels == 1:
                copy_one(source, at, g, result, to)
            elif channels == 3:
                copy_three(source, at, g, result, to)
            else:
                for k in range(LANES):
                    for c in range(channels):
                        result[to + k * channels + c] = source[np.uint32(at[g + k]) + c]


@kernel
def bilinear(source, frame, matrix, field, colours, result, y0, y1):
    """Fill rows ``y0`` to ``y1`` of ``result`` with the mean of 2×2 pixels of ``source``, weighted by distance."""
    (xs, ys, fractions, at, groups), channels, points = scratch(), frame[2], field.reshape(-1)
    windows, pitch, lift = np.empty(4 * LANES * channels, source.dtype), frame[5] * channels, lift_of(frame)
    down = frame[1] * channels
    ahead, shares, half = np.empty(3 * TILE, np.int32), np.empty(4 * TILE, np.float32), _NONE
    held = half, half, half, half
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
            if sure:
                places_inside(run, lift, strides, True, tile, shares, ahead, half)
                call_for(source, columns, rows, ahead, half)
                call_for_rows(result, start, columns * channels, rows, pitch)
            _mix(source, channels, down, ahead, shares, held[0], held[1], held[2], result, held[3], pitch)
            if sure:
                held, half = (half, rows, columns, start), 2 * TILE - half
                continue
            held = half, _NONE, half, half  # tiles may overlap: they are written in order
            if points.size == 0:
                rest = places_across(run, lift, strides, inner, tile, xs, ys, fractions, at, groups)
            else:
                wide = field.shape[1]
                rest = places_of(points, wide, lift, strides, inner, tile, xs, ys, fractions, at, groups)
            rest = pull_inside(frame, near, inner, strides, groups, rest, xs, ys, fractions, at)
            if rest * LANES < rows * columns:
                call_for(source, columns, rows, at, _NONE)
                _mix(source, channels, down, at, fractions, _NONE, rows, columns, result, start, pitch)
            for k in range(rest):
                g = groups[k]
                to = start + g // COLUMNS * pitch + g % COLUMNS * channels
                if frame[3] == CONSTANT and is_blank(load(xs, g), load(ys, g), outer):
                    copy_same(colours, channels, result, to)
                else:
                    find_windows(source, frame, colours, near, g, xs, ys, fractions, at, windows)
                    _mix(windows, channels, 2 * channels, at, fractions, g, _ONE, _GROUP, result, to, pitch)
    _mix(source, channels, down, ahead, shares, held[0], held[1], held[2], result, held[3], pitch)


@kernel(contract=True)
def _mix(source, right, down, at, fractions, first, rows, columns, result, start, pitch):
    of_white = (source.dtype.type(0.5) == source.dtype.type(0)) & (result.dtype.type(0.5) != result.dtype.type(0))
    for r in range(rows):
        for i in range(0, columns, LANES):
            g, to = first + r * COLUMNS + i, start + r * pitch + i * right
            across, upright = load(fractions, g), load(fractions, g + TILE)
            if right == 1:
                (a, b), (c, d) = fetch_two(source, 0, at, g), fetch_two(source, down, at, g)
                put_one(_between(a, b, c, d, across, upright, of_white), result, to)
            elif right == 3:
                # A pixel's three numbers and the one after or, where that may be beyond the last, the one before.
                a, c = fetch_four(source, 0, at, g), fetch_four(source, down, at, g)
                b, d = fetch_four(source, 2, at, g), fetch_four(source, down + 2, at, g)
                put_three(
                    _between(a[0], b[1], c[0], d[1], across, upright, of_white),
                    _between(a[1], b[2], c[1], d[2], across, upright, of_white),
                    _between(a[2], b[3], c[2], d[3], across, upright, of_white),
                    result,
                    to,
                )
            else:
                for k in range(right):
                    a, b = fetch_one(source, k, at, g), fetch_one(source, k + right, at, g)
                    c, d = fetch_one(source, k + down, at, g), fetch_one(source, k + down + right, at, g)
                    put_apart(_between(a, b, c, d, across, upright, of_white), result, to + k, right)


@kernel(inline=True)
def _between(a, b, c, d, across, upright, of_white):
    if of_white:  # bytes become what they are as float32
        white = np.float32(255)
        a, b, c, d = a / white, b / white, c / white, d / white
    upper, lower = a + across * (b - a), c + across * (d - c)
    return upper + upright * (lower - upper)
