"""Sampling: the value of an image anywhere between its pixels, the one engine under every warp.

Each new pixel asks where it comes from: a matrix answers (affine or perspective), or a field of points. A position is
an old pixel and a fraction of the way to the next one. Positions beyond the border are folded back first, and the image
carries a margin of what lies there, so that reading has no special cases. Keys 1981, "Cubic convolution interpolation
for digital image processing", IEEE Transactions on Acoustics, Speech and Signal Processing 29(6), for bicubic.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from sightline.core.buffers import empty
from sightline.core.checks import choice, describe, number, output, size_2d
from sightline.core.errors import InputError
from sightline.core.kernels import kernel, over_rows
from sightline.core.types import Array
from sightline.image.border import source_indices
from sightline.image.sampling_bytes import bicubic_bytes, bilinear_bytes, nearest_bytes
from sightline.image.sampling_places import (
    BICUBIC,
    BILINEAR,
    COLUMNS,
    MARGIN,
    NEAREST,
    PITCH,
    ROWS,
    bicubic_weights,
    call_for,
    deliver,
    places,
    scratch,
)

METHODS = ("nearest", "bilinear", "bicubic")
BORDERS = ("constant", "reflect", "edge", "wrap")
LARGEST = 1 << 30  # values in a result
NO_FIELD = np.zeros((0, 0), np.float32)
NO_MATRIX = np.eye(3)
STRIP = 48


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
    matrix: Array = NO_MATRIX,
    field: Array = NO_FIELD,
) -> Array:
    """Fill ``result`` with ``image`` at the position that each of its pixels comes from, and return it.

    Parameters
    ----------
    function
        Name for the errors' sentences.
    image
        H×W or H×W×C, checked.
    result
        h×w or h×w×C, from :func:`sampled`.
    method, border, value
        How to read between pixels and beyond the border; checked here.
    matrix
        3×3 float64: maps a new pixel (x, y, 1) to its old position, up to scale.
    field
        h×2w float32: x and y of each new pixel's old position, in turn; it takes the matrix's place.
    """
    method = choice(function, "method", method, METHODS)
    border = choice(function, "border", border, BORDERS)
    colours = border_colours(function, image, value)
    in_bytes = image.dtype == np.uint8 and (image.ndim == 2 or image.shape[2] == 3)
    source = _with_margin(image if in_bytes else image.astype(np.float32, copy=False), border, colours)
    channels = math.prod(image.shape[2:])
    stride = (image.shape[1] + 2 * MARGIN) * channels
    frame = np.array([*image.shape[:2], channels, stride, BORDERS.index(border), channels, COLUMNS])
    flat = result.reshape(len(result), -1)
    if in_bytes:
        kernels = {"nearest": nearest_bytes, "bilinear": bilinear_bytes, "bicubic": bicubic_bytes}
        target = flat
    else:
        kernels = {"nearest": _nearest, "bilinear": _bilinear, "bicubic": _bicubic}
        target = flat if flat.dtype == np.float32 else empty(flat.shape, np.float32)
    over_rows(kernels[method], len(result), source, frame, matrix, field, target, strip=STRIP)
    if target is not flat:
        np.clip(np.rint(target, out=target), 0, np.iinfo(flat.dtype).max, out=target)
        np.copyto(flat, target, casting="unsafe")
    return result


def border_colours(function: str, image: Array, value: Any) -> Array:
    """Return the border's value of each channel in the image's dtype."""
    channels = math.prod(image.shape[2:])
    values = list(value) if isinstance(value, (tuple, list, np.ndarray)) and np.ndim(value) == 1 else [value]
    if len(values) not in (1, channels):
        raise InputError(f"{function}: value must be one number or {channels}, one a channel; got {len(values)}.")
    top = np.inf if image.dtype.kind == "f" else np.iinfo(image.dtype).max
    return np.array([number(function, "value", v, -top if np.isinf(top) else 0, top) for v in values], image.dtype)


def _with_margin(image: Array, border: str, colours: Array) -> Array:
    """Return a flat copy of the image inside a margin of what lies beyond its border, and a word to spare."""
    height, width = image.shape[:2]
    channels = math.prod(image.shape[2:])
    shape = height + 2 * MARGIN, width + 2 * MARGIN, channels
    flat = empty((math.prod(shape) + 16,), image.dtype)
    flat[-16:] = 0
    padded = flat[:-16].reshape(shape)
    inside = padded[MARGIN:-MARGIN, MARGIN:-MARGIN]
    lines = flat[:-16].reshape(shape[0], -1)
    lines[MARGIN:-MARGIN, MARGIN * channels : -MARGIN * channels] = image.reshape(height, -1)
    left, right, above, below = padded[:, :MARGIN], padded[:, -MARGIN:], padded[:MARGIN], padded[-MARGIN:]
    if border == "constant":
        for part in (left, right, above, below):
            part[...] = colours
        return flat
    beside, beyond = source_indices(width, MARGIN, border), source_indices(height, MARGIN, border)
    rows = padded[MARGIN:-MARGIN]
    rows[:, :MARGIN], rows[:, -MARGIN:] = inside[:, beside[:MARGIN]], inside[:, beside[-MARGIN:]]
    above[...], below[...] = rows[beyond[:MARGIN]], rows[beyond[-MARGIN:]]
    return flat


# --- float32 images of any number of channels ---


@kernel
def _nearest(source, frame, matrix, field, result, y0, y1):
    channels = frame[2]
    width, n = result.shape[1] // channels, ROWS * frame[6]
    tile_at, tile_spots = scratch()
    at, picked = tile_at.reshape(-1), np.empty(PITCH, np.float32)
    for y in range(y0, y1, ROWS):
        for x0 in range(0, width, COLUMNS):
            places(matrix, field, frame, NEAREST, y, x0, tile_at, tile_spots)
            call_for(source, tile_at, np.uint32(0))
            for c in range(channels):
                _pick(source, at, np.uint32(c), n, picked)
                _put(picked, result, y, y1, x0, c, channels)


@kernel
def _pick(source, at, start, n, picked):
    for i in range(n):
        picked[i] = source[np.uint32(at[i] + start)]


@kernel(contract=True)
def _bilinear(source, frame, matrix, field, result, y0, y1):
    channels, down = frame[2], np.uint32(frame[3])
    width, n, right = result.shape[1] // channels, ROWS * frame[6], np.uint32(channels)
    tile_at, tile_spots = scratch()
    at, spots, mixed = tile_at.reshape(-1), tile_spots.reshape(-1), np.empty(PITCH, np.float32)
    for y in range(y0, y1, ROWS):
        for x0 in range(0, width, COLUMNS):
            places(matrix, field, frame, BILINEAR, y, x0, tile_at, tile_spots)
            call_for(source, tile_at, down)
            for c in range(channels):
                _mix(source, at, np.uint32(c), right, down, spots, n, mixed)
                _put(mixed, result, y, y1, x0, c, channels)


@kernel(contract=True)
def _mix(source, at, start, right, down, spots, n, mixed):
    for i in range(n):
        j = np.uint32(at[i] + start)
        k = np.uint32(j + down)
        a, b = source[j], source[np.uint32(j + right)]
        c, d = source[k], source[np.uint32(k + right)]
        upper, lower = a + spots[i] * (b - a), c + spots[i] * (d - c)
        mixed[i] = upper + spots[i + PITCH] * (lower - upper)


@kernel
def _put(values, result, y0, y1, x0, channel, channels):
    """Write one channel of a tile to its place in ``result`` above row ``y1``."""
    if channels == 1:
        deliver(values, result, y0, y1, x0, 1)
        return
    size = min(COLUMNS, result.shape[1] // channels - x0)
    for y in range(y0, min(y0 + ROWS, y1)):
        row, part = result[y, x0 * channels + channel :], values[(y - y0) * COLUMNS :]
        for i in range(size):
            row[i * channels] = part[i]


@kernel(contract=True)
def _bicubic(source, frame, matrix, field, result, y0, y1):
    channels, down = frame[2], np.uint32(frame[3])
    width, n, right = result.shape[1] // channels, ROWS * frame[6], np.uint32(channels)
    tile_at, tile_spots = scratch()
    at, spots, total = tile_at.reshape(-1), tile_spots.reshape(-1), np.empty(PITCH, np.float32)
    across, upright = np.empty(4 * PITCH, np.float32), np.empty(4 * PITCH, np.float32)
    for y in range(y0, y1, ROWS):
        for x0 in range(0, width, COLUMNS):
            places(matrix, field, frame, BICUBIC, y, x0, tile_at, tile_spots)
            call_for(source, tile_at, np.uint32(3) * down)
            bicubic_weights(spots, n, across)
            bicubic_weights(spots[PITCH:], n, upright)
            for c in range(channels):
                total[:] = 0
                for k in range(4):
                    start = np.uint32(np.uint32(k) * down + np.uint32(c))
                    _weigh(source, at, start, right, across, upright[k * PITCH :], n, total)
                _put(total, result, y, y1, x0, c, channels)


@kernel(contract=True)
def _weigh(source, at, start, right, across, weight, n, total):
    for i in range(n):
        j = np.uint32(at[i] + start)
        k = np.uint32(j + right + right)
        left = across[i] * source[j] + across[i + PITCH] * source[np.uint32(j + right)]
        rest = across[i + 2 * PITCH] * source[k] + across[i + 3 * PITCH] * source[np.uint32(k + right)]
        total[i] += weight[i] * (left + rest)
