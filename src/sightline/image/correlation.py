"""The kernels of linear filtering: every result is a weighted sum of the pixels under a window.

Three ways lead to it. A window of rank one is the product of a column and a row of weights: two passes. Other windows
are summed weight by weight while they are small, and multiplied in the frequency domain, block by block, when they are
large (Stockham 1966, "High-speed convolution and correlation", AFIPS Spring Joint Computer Conference).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import scipy.fft

from sightline.core.buffers import empty
from sightline.core.kernels import kernel, over_rows
from sightline.image.border import interleaved, source_indices

Array = np.ndarray
_RANK = 1e-6  # second singular value, relative to the first, that is taken for rounding
_DIRECT = 400  # weights of an inseparable window beyond which blocks of Fourier transforms are cheaper
_FEW, _GROUP = 9, 7  # weights that are summed in one go: at any places, and in a row
_BLOCK = 256  # least side of such a block; four times the window's otherwise


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
    dy, dx = np.nonzero(window)
    size = window.shape
    if 0 < len(dy) <= _FEW and frame.stride == (1, 1):
        _run(_few, image, frame, result, size, _grouped(5 if len(dy) <= 5 else _FEW, window[dy, dx], dy, dx))
        return
    pair = factors(window)
    if pair is not None:
        correlate_pair(image, *pair, frame, result)
        return
    # Transforms spread what is not finite everywhere, weights of zero to where they lie.
    safe = image.dtype != np.float32 or (len(dy) == window.size <= _DIRECT) or bool(np.isfinite(image).all())
    if len(dy) > _DIRECT and safe:
        _by_blocks(image, window, frame, result)
    elif 2 * len(dy) > window.size and safe and frame.stride == (1, 1):
        rows = [_grouped(_GROUP, row, np.arange(size[1])) for row in window]
        _run(_dense, image, frame, result, size, (np.stack([row[0] for row in rows]), rows[0][1]))
    else:
        _run(_windows, image, frame, result, size, _grouped(_FEW, window[dy, dx], dy, dx))


def correlate_pair(image: Array, down: Array, across: Array, frame: Frame, result: Array) -> None:
    """Write the sums of ``image`` under the product of a column and a row of weights to ``result``."""
    places = [np.flatnonzero(weights) for weights in (down, across)]
    places = [place if place.size else np.zeros(1, np.int64) for place in places]
    taps = [_grouped(_GROUP, w[at], at) for w, at in zip((down, across), places, strict=True)]
    outside = np.float32(frame.value * down.sum())
    _run(_products, image, frame, result, (down.size, across.size), (*taps[0], *taps[1], outside))


def _grouped(group: int, weights: Array, *offsets: Array) -> tuple[Array, ...]:
    """Return weights and offsets, filled up to whole groups by weightless copies of the last."""
    filled = np.zeros(max(1, -(-weights.size // group)) * group, np.float32)
    filled[: weights.size] = weights
    index = np.minimum(np.arange(filled.size), weights.size - 1)
    return filled, *(offset[index].astype(np.int64) for offset in offsets)


def _sources(size: int, before: int, after: int, border: str) -> Array:
    """Return which row (column) stands for each one from ``before`` the first to ``after`` the last; -1 for none."""
    if border == "constant":
        index = np.arange(-before, size + after)
        return np.where((index < 0) | (index >= size), -1, index)
    reach = max(before, after)
    return source_indices(size, reach, border)[reach - before : reach + size + after]


@lru_cache(64)
def _places(height: int, width: int, step: int, frame: Frame) -> tuple[Array, Array]:
    """Return which row, and which value of a flat row, stands for each that windows reach; -1 for none. To be read."""
    rows, columns = (
        _sources(size, frame.before[i], frame.after[i], frame.border) for i, size in enumerate((height, width))
    )
    flat = interleaved(columns, step)
    flat[np.repeat(columns < 0, step)] = -1
    return rows, flat


def _run(function: Any, image: Array, frame: Frame, result: Array, size: tuple[int, int], taps: Any) -> None:
    """Run one of the kernels below. Those know uint8 and float32; uint16 goes through float32."""
    height, width = image.shape[:2]
    step = image.shape[2] if image.ndim == 3 else 1  # from a pixel to its right neighbour
    rows, columns = _places(height, width, step, frame)
    target = empty(result.shape, np.float32) if result.dtype == np.uint16 else result
    source = image.astype(np.float32) if image.dtype == np.uint16 else image
    flat = source.reshape(height, -1), target.reshape(len(target), -1)
    blank = np.full(flat[0].shape[1], frame.value, source.dtype)
    direct = target.dtype == np.float32 and frame.stride == (1, 1)  # sums are made where they stay
    sums = flat[1] if direct else np.empty((0, 0), np.float32)
    scalars = size[0], size[1], step, step * frame.before[1], *frame.stride
    over_rows(function, len(result), *flat, sums, blank, rows, columns, *scalars, taps, strip=max(32, 2 * size[0]))
    if target is not result:
        finish(target, result)


def finish(sums: Array, result: Array) -> None:
    """Write float32 ``sums`` (which is lost) to an array of integers, rounded and clipped, or of float32."""
    if result.dtype.kind == "u":
        np.clip(np.rint(sums, out=sums), 0, np.iinfo(result.dtype).max, out=sums)
    np.copyto(result, sums, casting="unsafe")


@kernel(contract=True)
def _few(
    image, out, sums, blank, rows, columns, tall, broad, step, margin, stride_y, stride_x, taps, y0, y1
):  # fmt: skip
    """Up to nine weights at any places: the sums go straight from the pixels to the result."""
    weights, dy, dx = taps
    n, m = image.shape[1], out.shape[1]
    count = max(n - (broad - 1) * step, 0)  # results whose window lies within the row
    number, outside = out.dtype.type, np.float32(blank[0])
    left, end = min(margin, m), min(margin + count, m)
    for y in range(y0, y1):
        result = out[y]
        inner = result[left:end]
        a, b = (
            _under(image, blank, rows[y + dy[0]], dx[0] * step, count),
            _under(image, blank, rows[y + dy[1]], dx[1] * step, count),
        )
        c, d = (
            _under(image, blank, rows[y + dy[2]], dx[2] * step, count),
            _under(image, blank, rows[y + dy[3]], dx[3] * step, count),
        )
        e = _under(image, blank, rows[y + dy[4]], dx[4] * step, count)
        p, q, r, s, t = weights[0], weights[1], weights[2], weights[3], weights[4]
        if weights.size == 5:
            for x in range(inner.size):
                upper = p * np.float32(a[x]) + q * np.float32(b[x])
                inner[x] = _pixel(upper + r * np.float32(c[x]) + (s * np.float32(d[x]) + t * np.float32(e[x])), number)
        else:
            f, g = (
                _under(image, blank, rows[y + dy[5]], dx[5] * step, count),
                _under(image, blank, rows[y + dy[6]], dx[6] * step, count),
            )
            h, i = (
                _under(image, blank, rows[y + dy[7]], dx[7] * step, count),
                _under(image, blank, rows[y + dy[8]], dx[8] * step, count),
            )
            u, v, w, z = weights[5], weights[6], weights[7], weights[8]
            if number(0.5) == number(0):
                for x in range(inner.size):
                    upper = p * np.float32(a[x]) + q * np.float32(b[x]) + r * np.float32(c[x])
                    middle = s * np.float32(d[x]) + t * np.float32(e[x]) + u * np.float32(f[x])
                    lower = v * np.float32(g[x]) + w * np.float32(h[x]) + z * np.float32(i[x])
                    inner[x] = _pixel(upper + middle + lower, number)
            else:  # in two goes: with ten rows of floats at once, the compiler gives up
                for x in range(inner.size):
                    upper = p * np.float32(a[x]) + q * np.float32(b[x])
                    inner[x] = number(upper + r * np.float32(c[x]) + (s * np.float32(d[x]) + t * np.float32(e[x])))
                for x in range(inner.size):
                    lower = u * np.float32(f[x]) + v * np.float32(g[x]) + number(inner[x])
                    inner[x] = number(lower + (w * np.float32(h[x]) + z * np.float32(i[x])))
        for k in range(left + m - end):
            x = k if k < left else end + k - left
            total = np.float32(0)
            for j in range(weights.size):
                column, row = columns[x + dx[j] * step], rows[y + dy[j]]
                total += weights[j] * (np.float32(image[row, column]) if min(row, column) >= 0 else outside)
            result[x] = _pixel(total, number)


@kernel(inline=True)
def _under(image, blank, row, start, count):
    return (image[row] if row >= 0 else blank)[start : start + count]


@kernel
def _pixel(total, number):
    """Return a sum as it is, or rounded and clipped to a byte."""
    if number(0.5) != number(0):
        return number(total)
    return number(np.int32(min(max(total, np.float32(0)), np.float32(255)) + np.float32(0.5)))


# Scratch memory is handed over: loops over arrays that are made in the same function are not vectorised.
@kernel(contract=True)
def _products(
    image, out, sums, blank, rows, columns, tall, broad, step, margin, stride_y, stride_x, taps, y0, y1
):  # fmt: skip
    """Down the columns into a padded line, then across it."""
    line, spare = np.empty(columns.size, np.float32), np.empty(columns.size - (broad - 1) * step, np.float32)
    down, up_down, across, left_right, outside = taps
    _products_of(
        image, out, sums, blank, rows, columns, step, margin, stride_y, stride_x,
        down, up_down, across, left_right, outside, line, spare, y0, y1
    )  # fmt: skip


@kernel(contract=True)
def _products_of(
    image, out, sums, blank, rows, columns, step, margin, stride_y, stride_x,
    down, up_down, across, left_right, outside, line, spare, y0, y1
):  # fmt: skip
    n, m = image.shape[1], spare.size
    inner = line[margin : margin + n]
    for y in range(y0, y1):
        top = y * stride_y
        inner[:] = 0
        for k in range(0, down.size, 7):
            _add_seven(
                inner, down, k,
                _row(image, blank, rows[top + up_down[k]]), _row(image, blank, rows[top + up_down[k + 1]]),
                _row(image, blank, rows[top + up_down[k + 2]]), _row(image, blank, rows[top + up_down[k + 3]]),
                _row(image, blank, rows[top + up_down[k + 4]]), _row(image, blank, rows[top + up_down[k + 5]]),
                _row(image, blank, rows[top + up_down[k + 6]]),
            )  # fmt: skip
        _fill_margins(line, inner, columns, margin, outside)
        total = sums[y] if sums.size else spare
        total[:] = 0
        for k in range(0, across.size, 7):
            _add_seven(
                total, across, k,
                _from(line, left_right[k] * step, m), _from(line, left_right[k + 1] * step, m),
                _from(line, left_right[k + 2] * step, m), _from(line, left_right[k + 3] * step, m),
                _from(line, left_right[k + 4] * step, m), _from(line, left_right[k + 5] * step, m),
                _from(line, left_right[k + 6] * step, m),
            )  # fmt: skip
        if sums.size == 0:
            _write(total, step, stride_x, out[y])


@kernel(contract=True)
def _dense(
    image, out, sums, blank, rows, columns, tall, broad, step, margin, stride_y, stride_x, taps, y0, y1
):  # fmt: skip
    """Weight by weight, two rows of results at a time; ``lines`` holds the last ``tall`` + 1 rows, padded."""
    m = columns.size - (broad - 1) * step
    lines, spare = np.empty((tall + 1, columns.size), np.float32), np.empty((2, m), np.float32)
    weights, dx = taps
    _dense_of(image, out, sums, blank, rows, columns, step, margin, weights, dx, lines, spare, y0, y1)


@kernel(contract=True)
def _dense_of(image, out, sums, blank, rows, columns, step, margin, weights, dx, lines, spare, y0, y1):
    tall, m = len(weights), spare.shape[1]
    fresh = y0
    for y in range(y0, y1, 2):
        for row in range(max(fresh, y), y + tall + 1):
            source = rows[min(row, rows.size - 1)]
            _fill_line(lines[row % (tall + 1)], image[source] if source >= 0 else blank, columns, margin, blank)
        fresh = y + tall + 1
        upper = sums[y] if sums.size else spare[0]
        lower = sums[y + 1] if sums.size and y + 1 < y1 else spare[1]
        upper[:] = 0
        lower[:] = 0
        for j in range(tall + 1):
            line = lines[(y + j) % (tall + 1)]
            for k in range(0, dx.size, 7):
                a, b, c = (
                    _from(line, dx[k] * step, m),
                    _from(line, dx[k + 1] * step, m),
                    _from(line, dx[k + 2] * step, m),
                )
                d, e = _from(line, dx[k + 3] * step, m), _from(line, dx[k + 4] * step, m)
                f, g = _from(line, dx[k + 5] * step, m), _from(line, dx[k + 6] * step, m)
                if 0 < j < tall:
                    _add_seven_to_both(upper, lower, weights[j], weights[j - 1], k, a, b, c, d, e, f, g)
                elif j == 0:
                    _add_seven(upper, weights[0], k, a, b, c, d, e, f, g)
                else:
                    _add_seven(lower, weights[tall - 1], k, a, b, c, d, e, f, g)
        if sums.size == 0:
            _write(upper, step, 1, out[y])
            if y + 1 < y1:
                _write(lower, step, 1, out[y + 1])


@kernel(contract=True)
def _windows(
    image, out, sums, blank, rows, columns, tall, broad, step, margin, stride_y, stride_x, taps, y0, y1
):  # fmt: skip
    """Weight by weight; ``lines`` holds the last ``tall`` rows, padded."""
    lines, total = np.empty((tall, columns.size), np.float32), np.empty(columns.size - (broad - 1) * step, np.float32)
    weights, dy, dx = taps
    _windows_of(
        image, out, blank, rows, columns, step, margin, stride_y, stride_x, weights, dy, dx, lines, total, y0, y1
    )


@kernel(contract=True)
def _windows_of(
    image, out, blank, rows, columns, step, margin, stride_y, stride_x, weights, dy, dx, lines, total, y0, y1
):  # fmt: skip
    tall, m = len(lines), total.size
    fresh = y0 * stride_y
    for y in range(y0, y1):
        top = y * stride_y
        for row in range(max(fresh, top), top + tall):
            _fill_line(lines[row % tall], _row(image, blank, rows[row]), columns, margin, blank)
        fresh = top + tall
        total[:] = 0
        for k in range(0, weights.size, 9):
            _add_nine(
                total,
                _below(lines, top, k, dy, dx, tall, step, m), weights[k],
                _below(lines, top, k + 1, dy, dx, tall, step, m), weights[k + 1],
                _below(lines, top, k + 2, dy, dx, tall, step, m), weights[k + 2],
                _below(lines, top, k + 3, dy, dx, tall, step, m), weights[k + 3],
                _below(lines, top, k + 4, dy, dx, tall, step, m), weights[k + 4],
                _below(lines, top, k + 5, dy, dx, tall, step, m), weights[k + 5],
                _below(lines, top, k + 6, dy, dx, tall, step, m), weights[k + 6],
                _below(lines, top, k + 7, dy, dx, tall, step, m), weights[k + 7],
                _below(lines, top, k + 8, dy, dx, tall, step, m), weights[k + 8],
            )  # fmt: skip
        _write(total, step, stride_x, out[y])


# Inlined, because a row handed to a compiled function costs two atomic counts of its references.
@kernel(inline=True)
def _add_seven(total, weights, k, a, b, c, d, e, f, g):
    p, q, r, s = weights[k], weights[k + 1], weights[k + 2], weights[k + 3]
    t, u, v = weights[k + 4], weights[k + 5], weights[k + 6]
    number = total.dtype.type
    for x in range(total.size):
        one = p * number(a[x]) + q * number(b[x]) + r * number(c[x])
        two = s * number(d[x]) + t * number(e[x]) + u * number(f[x])
        total[x] = v * number(g[x]) + total[x] + one + two


@kernel(inline=True)
def _add_seven_to_both(total, other, weights, others, k, a, b, c, d, e, f, g):
    p, q, r, s = weights[k], weights[k + 1], weights[k + 2], weights[k + 3]
    t, u, v = weights[k + 4], weights[k + 5], weights[k + 6]
    h, i, j, m = others[k], others[k + 1], others[k + 2], others[k + 3]
    n, o, w = others[k + 4], others[k + 5], others[k + 6]
    for x in range(total.size):
        one, two = p * a[x] + q * b[x] + r * c[x], s * d[x] + t * e[x] + u * f[x]
        three, four = h * a[x] + i * b[x] + j * c[x], m * d[x] + n * e[x] + o * f[x]
        total[x] = v * g[x] + total[x] + one + two
        other[x] = w * g[x] + other[x] + three + four


@kernel(inline=True)
def _row(image, blank, row):
    return image[row] if row >= 0 else blank


@kernel(inline=True)
def _from(line, start, count):
    return line[start : start + count]


@kernel(inline=True)
def _below(lines, top, k, dy, dx, tall, step, m):
    return lines[(top + dy[k]) % tall][dx[k] * step : dx[k] * step + m]


@kernel(inline=True)
def _add_nine(total, a, p, b, q, c, r, d, s, e, t, f, u, g, v, h, w, i, z):
    for x in range(total.size):
        upper = p * a[x] + q * b[x] + r * c[x]
        middle = s * d[x] + t * e[x] + u * f[x]
        total[x] = total[x] + upper + middle + (v * g[x] + w * h[x] + z * i[x])


@kernel
def _fill_line(line, source, columns, margin, blank):
    inner = line[margin : margin + source.size]
    for x in range(source.size):
        inner[x] = np.float32(source[x])
    _fill_margins(line, inner, columns, margin, np.float32(blank[0]))


@kernel
def _fill_margins(line, inner, columns, margin, outside):
    for i in range(margin):
        line[i] = inner[columns[i]] if columns[i] >= 0 else outside
    for i in range(margin + inner.size, line.size):
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
    """Multiply spectra block by block (overlap–save): of each block, what did not wrap around is kept."""
    tall, broad = window.shape
    rows = _sources(image.shape[0], frame.before[0], frame.after[0], frame.border)
    columns = _sources(image.shape[1], frame.before[1], frame.after[1], frame.border)
    padded = (
        np.take(np.take(image, rows, axis=0), columns, axis=1).astype(np.float32).reshape(len(rows), len(columns), -1)
    )
    if frame.border == "constant":
        padded[rows < 0], padded[:, columns < 0] = frame.value, frame.value
    planes = np.ascontiguousarray(np.moveaxis(padded, 2, 0))
    free = len(rows) - tall + 1, len(columns) - broad + 1  # sums down and across before the stride
    wanted = [min(max(_BLOCK, 4 * size), room + size - 1) for size, room in zip(window.shape, free, strict=True)]
    sides = [scipy.fft.next_fast_len(side, real=True) for side in wanted]
    spectrum = np.conj(scipy.fft.rfft2(window, sides)).astype(np.complex64)
    kept = sides[0] - tall + 1, sides[1] - broad + 1
    sums = empty((*free, len(planes)), np.float32)

    def strip(y0: int, y1: int) -> None:
        for x0 in range(0, free[1], kept[1]):
            product = scipy.fft.rfft2(planes[:, y0 : y0 + sides[0], x0 : x0 + sides[1]], sides)
            product *= spectrum
            inverse = scipy.fft.irfft2(product, sides, overwrite_x=True)[:, : y1 - y0, : min(kept[1], free[1] - x0)]
            sums[y0:y1, x0 : x0 + kept[1]] = np.moveaxis(inverse, 0, 2)

    over_rows(strip, free[0], strip=kept[0])
    finish(np.ascontiguousarray(sums[:: frame.stride[0], :: frame.stride[1]]).reshape(result.shape), result)
