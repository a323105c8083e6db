"""The kernels of linear filtering: every result is a weighted sum of the pixels under a window.

Three ways lead to it. A window of rank one is the product of a column and a row of weights: two passes. Other windows
are summed weight by weight while they are small, and multiplied in the frequency domain, block by block, when they are
large (Stockham 1966, "High-speed convolution and correlation", AFIPS Spring Joint Computer Conference).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from sightline.core.buffers import empty
from sightline.core.kernels import kernel, over_rows
from sightline.core.weighted_sums import ALONE, PAIR, weigh_alone, weigh_pair
from sightline.image.border import interleaved, source_indices
from sightline.image.template_products import Products
from sightline.image.three_rows import sum_at, sum_three_rows

Array = np.ndarray
_RANK = 1e-6  # second singular value, relative to the first, that is taken for rounding
_DIRECT = 400  # weights of an inseparable window beyond which blocks of Fourier transforms are cheaper
_PIXELS = 1 << 20  # of a strip that is multiplied in the frequency domain
_FEW = 9  # weights that are not worth two passes
_NO_ROW = np.zeros(0, np.float32), np.zeros(0, np.int64)


class Frame(NamedTuple):
    """Where windows lie: what surrounds the image, how far one window is from the next."""

    before: tuple[int, int]  # rows above and columns left of the image that windows reach
    after: tuple[int, int]
    stride: tuple[int, int]
    border: str  # of sightline.image.border, or "constant"
    value: float  # what the border "constant" consists of


def frame_around(size: tuple[int, int], anchor: tuple[int, int], border: str) -> Frame:
    """Return the frame that gives one value a pixel, for windows of ``size`` whose ``anchor`` lies on the pixel."""
    after = size[0] - 1 - anchor[0], size[1] - 1 - anchor[1]
    return Frame(anchor, after, (1, 1), border, 0.0)


def result_shape(shape: tuple[int, ...], size: tuple[int, int], frame: Frame) -> tuple[int, ...]:
    """Return the shape of the sums over windows of ``size`` on an image of ``shape``."""
    room = (shape[i] + frame.before[i] + frame.after[i] - size[i] for i in (0, 1))
    return *(free // stride + 1 for free, stride in zip(room, frame.stride, strict=True)), *shape[2:]


def factors(window: Array) -> tuple[Array, Array] | None:
    """Return the column and the row whose product ``window`` is; None when it is no product."""
    if 1 in window.shape:
        flat = window.ravel()
        return (flat, np.ones(1)) if window.shape[1] == 1 else (np.ones(1), flat)
    left, singular, right = np.linalg.svd(window, full_matrices=False)
    if singular[1] > _RANK * singular[0]:
        return None
    root = np.sqrt(singular[0])
    column, row = left[:, 0] * root, right[0] * root
    # What is zero in the window is zero in a factor, so that no NaN passes it.
    return np.where(window.any(axis=1), column, 0), np.where(window.any(axis=0), row, 0)


def correlate_window(image: Array, window: Array, frame: Frame, result: Array) -> None:
    """Write the sums of ``image`` under ``window`` to ``result``, rounded and clipped when that holds integers.

    Parameters
    ----------
    image
        H×W or H×W×C; uint8, uint16 or float32, C-contiguous.
    window
        Weights as float64, not flipped.
    frame
        Where windows lie.
    result
        Array of :func:`result_shape`; float32 or the image's dtype.
    """
    count = np.count_nonzero(window)
    pair = factors(window) if count > _FEW and 1 not in window.shape else None
    if pair is not None:
        correlate_pair(image, *pair, frame, result)
    # Transforms spread what is not finite everywhere.
    elif count > _DIRECT and (image.dtype != np.float32 or bool(np.isfinite(image).all())):
        _by_blocks(image, window, frame, result)
    else:
        _run(image, frame, result, window.shape, (*_shared(window.tobytes(), window.shape, frame.stride[0]), *_NO_ROW))


def correlate_pair(image: Array, down: Array, across: Array, frame: Frame, result: Array) -> None:
    """Write the sums of ``image`` under the product of a column and a row of weights to ``result``."""
    at = np.flatnonzero(across)
    taps = *_shared(down.tobytes(), (down.size, 1), frame.stride[0]), across[at].astype(np.float32), at
    _run(image, frame, result, (down.size, across.size), taps)


@lru_cache(64)
def _shared(octets: bytes, size: tuple[int, ...], stride: int) -> tuple[Array, Array, int, int, Array, Array]:
    """Return the weights of two results, one above the other: rows, columns, where both begin and end, weights each."""
    window = np.frombuffer(octets).reshape(size)
    tall, broad = size
    upper, lower = np.zeros((2, tall + stride, broad), np.float32)
    upper[:tall], lower[stride:] = window, window
    above, below = upper != 0, lower != 0
    parts = [np.flatnonzero(part) for part in (above & ~below, above & below, below & ~above)]
    at = np.concatenate(parts)
    first = len(parts[0])
    return *np.divmod(at, broad), first, first + len(parts[1]), upper.ravel()[at], lower.ravel()[at]


def _sources(size: int, before: int, after: int, border: str) -> Array:
    """Return which row (column) stands for each one from ``before`` the first to ``after`` the last; -1 for none."""
    if border == "constant":
        index = np.arange(-before, size + after)
        return np.where((index < 0) | (index >= size), -1, index)
    reach = max(before, after)
    return source_indices(size, reach, border)[reach - before : reach + size + after]


@lru_cache(64)
def _places(height: int, width: int, step: int, frame: Frame, dtype: Any) -> tuple[Array, Array, Array]:
    """Return which row, and which value of a flat row, stands for each that windows reach; -1 for none, and its row."""
    rows, columns = _reached((height, width), frame)
    flat = np.where(np.repeat(columns < 0, step), -1, interleaved(columns, step))
    return rows, flat, np.full(width * step, frame.value, dtype)


def _run(image: Array, frame: Frame, result: Array, size: tuple[int, ...], taps: Any) -> None:
    """Run the kernel below. It knows uint8 and float32; uint16 goes through float32."""
    height, width = image.shape[:2]
    step = image.shape[2] if image.ndim == 3 else 1  # from a pixel to its right neighbour
    target = empty(result.shape, np.float32) if result.dtype == np.uint16 else result
    source = image.astype(np.float32) if image.dtype == np.uint16 else image
    flat = source.reshape(height, -1), target.reshape(len(target), -1)
    rows, columns, blank = _places(height, width, step, frame, source.dtype)
    direct = target.dtype == np.float32 and frame.stride == (1, 1) and flat[1].shape[1] >= ALONE
    sums = flat[1] if direct else np.empty((0, 0), np.float32)  # where sums are made that stay
    within = width * step - (size[1] - 1) * step  # sums whose windows lie within the row
    bare = direct and source.dtype == np.float32 and frame.border != "constant" and within >= PAIR
    plain = frame.stride == (1, 1) and frame.border != "constant" and not len(taps[-1])
    if plain and sum_three_rows(*flat, size, rows, columns, step, step * frame.before[1], taps[:6]):
        if target is not result:
            finish(target, result)
        return
    # Few weights do not pay for lines of their own.
    pixels = source.reshape(-1) if bare and len(taps[0]) <= 2 * _FEW and not len(taps[-1]) else _NO_ROW[0]
    arrays = flat[0], pixels, flat[1], sums, blank, rows, columns
    scalars = size[0], size[1], step, step * frame.before[1], *frame.stride
    over_rows(_windows, len(result), *arrays, *scalars, taps, strip=max(64, 2 * size[0]))
    if target is not result:
        finish(target, result)


def finish(sums: Array, result: Array) -> None:
    """Write float32 ``sums`` (which is lost) to an array of integers, rounded and clipped, or of float32."""
    if result.dtype.kind == "u":
        np.clip(np.rint(sums, out=sums), 0, np.iinfo(result.dtype).max, out=sums)
    np.copyto(result, sums, casting="unsafe")


@kernel
def _windows(
    image, pixels, out, sums, blank, rows, columns, tall, broad, step, margin, stride_y, stride_x, taps, y0, y1
):  # fmt: skip
    """Two rows of sums at a time, then across each when the window is a product.

    They are read from ``pixels``, all of the image, or if that is empty from ``lines``, the rows under both windows as
    float32, padded at both ends. What lies behind the last number of a line is summed along, and never kept.
    """
    dy, dx, first, last, upper, lower, across, left_right = taps
    depth, width, m = tall + stride_y, columns.size + ALONE, columns.size - (broad - 1) * step
    lines, halves, spare = (
        np.zeros((0 if pixels.size else depth, width), np.float32),
        np.zeros((2, width), np.float32),
        np.zeros(width, np.float32),
    )
    numbers, places, aside = (
        pixels if pixels.size else lines.reshape(-1),
        np.empty(dy.size, np.int64),
        left_right * step,
    )
    n = image.shape[1]
    low = margin if pixels.size else 0
    high = low + n - (broad - 1) * step if pixels.size else columns.size if across.size else m
    fresh = y0 * stride_y
    for y in range(y0, y1, 2):
        top = y * stride_y
        for row in range(max(fresh, top), 0 if pixels.size else top + depth):
            source = rows[min(row, rows.size - 1)]
            _fill_line(lines[row % depth], image[source] if source >= 0 else blank, columns, margin, blank)
        fresh = top + depth
        for k in range(dy.size):
            row = rows[min(top + dy[k], rows.size - 1)] * n - margin if pixels.size else (top + dy[k]) % depth * width
            places[k] = row + dx[k] * step
        here = sums.size > 0 and across.size == 0
        a, b = sums[y] if here else halves[0], sums[y + 1] if here and y + 1 < y1 else halves[1]
        for x in range(low, high, PAIR):
            at = max(min(x, high - PAIR), low)
            weigh_pair(numbers, at, places, first, last, upper, lower, a, b, at)
        if pixels.size:
            for k in range(low + m - high):
                x = k if k < low else high + k - low
                a[x] = sum_at(pixels, places, dx, columns, upper, np.int64(0), last, x, step, margin)
                b[x] = sum_at(pixels, places, dx, columns, lower, first, dx.size, x, step, margin)
        for i in range(min(2, y1 - y)):
            total = halves[i]
            if across.size:
                total = sums[y + i] if sums.size else spare
                for x in range(0, m, ALONE):
                    at = max(min(x, m - ALONE), 0)
                    weigh_alone(halves[i], at, aside, across, total, at)
            if sums.size == 0:
                _write(total[:m], step, stride_x, out[y + i])


@kernel
def _fill_line(line, source, columns, margin, blank):
    inner = line[margin : margin + source.size]
    for x in range(source.size):
        inner[x] = np.float32(source[x])
    outside = np.float32(blank[0])
    for i in range(margin):
        line[i] = inner[columns[i]] if columns[i] >= 0 else outside
    for i in range(margin + inner.size, columns.size):
        line[i] = inner[columns[i]] if columns[i] >= 0 else outside


@kernel
def _write(total, step, stride, row):
    """Write every ``stride``-th pixel: sums as they are, or rounded and clipped to bytes."""
    number = row.dtype.type
    if number(0.5) != number(0):
        if stride == 1:
            row[:] = total
        else:
            for x in range(row.size // step):
                for c in range(step):
                    row[x * step + c] = number(total[x * stride * step + c])
        return
    low, high, half = np.float32(0), np.float32(255), np.float32(0.5)
    if stride == 1:
        for x in range(row.size):
            row[x] = number(np.int32(min(max(total[x], low), high) + half))
    else:
        for x in range(row.size // step):
            for c in range(step):
                row[x * step + c] = number(np.int32(min(max(total[x * stride * step + c], low), high) + half))


def _by_blocks(image: Array, window: Array, frame: Frame, result: Array) -> None:
    """Multiply spectra block by block, one channel after the other, of as many rows of blocks as a strip has."""
    rows, columns = _reached(image.shape, frame)
    template = Products("correlate", (len(rows), len(columns)), window.astype(np.float32))
    tall, height = len(window), len(rows) - len(window) + 1
    strip, stride = template.rows(max(_PIXELS // len(columns), 4 * tall)), frame.stride[0]
    strip = min(strip, height)
    padded = empty((strip + tall - 1, len(columns)), np.float32)
    products = empty((strip, len(columns) - window.shape[1] + 1), np.float32)
    target = empty(result.shape, np.float32) if result.dtype == np.uint16 else result
    for channel in np.ndindex(image.shape[2:]):
        plane = image[(slice(None), slice(None), *channel)]
        to = target[(slice(None), slice(None), *channel)]
        for y in range(0, height, strip):
            stop = min(y + strip, height)
            sums, lines = products[: stop - y], padded[: stop - y + tall - 1]
            _pad(plane, rows[y : stop + tall - 1], columns, frame, lines)
            sums[...] = 0
            template.add(lines, sums)
            first, last = -(-y // stride), -(-stop // stride)  # of the rows that are written
            part = to[first:last] if to.flags.c_contiguous else empty(to[first:last].shape, to.dtype)
            over_rows(_write_rows, len(part), sums[first * stride - y :], *frame.stride, part)
            if not to.flags.c_contiguous:
                to[first:last] = part
    if target is not result:
        finish(target, result)


def _pad(plane: Array, rows: Array, columns: Array, frame: Frame, padded: Array) -> None:
    """Write rows of a plane to ``padded``, with what lies beyond its borders."""
    left, width = frame.before[1], plane.shape[1]
    inner = padded[:, left : left + width]
    inner[...] = plane[rows]
    outside = np.r_[0:left, left + width : len(columns)]
    padded[:, outside] = inner[:, columns[outside]]
    if frame.border == "constant":
        padded[rows < 0], padded[:, columns < 0] = frame.value, frame.value


def _reached(shape: tuple[int, ...], frame: Frame) -> list[Array]:
    """Return which row (column) stands for each that windows reach; -1 for none."""
    return [_sources(shape[i], frame.before[i], frame.after[i], frame.border) for i in (0, 1)]


@kernel
def _write_rows(sums, stride_y, stride_x, out, y0, y1):
    """Write every ``stride_y``-th row."""
    for y in range(y0, y1):
        _write(sums[y * stride_y], 1, stride_x, out[y])
