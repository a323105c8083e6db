"""Gaussian blur: the bell curve weighs the neighbours, first down the columns, then across the rows.

The two-dimensional Gaussian is the product of two one-dimensional ones, so that 2·n products per pixel do the work of
n². Witkin 1983, "Scale-space filtering", IJCAI; Koenderink 1984, "The structure of images", Biological Cybernetics 50.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import numpy as np

from sightline.core.buffers import empty
from sightline.core.catalogue import method
from sightline.core.checks import as_image, choice, number, output
from sightline.core.kernels import kernel, over_rows
from sightline.core.layers import Curve, Picture
from sightline.core.trace import Step
from sightline.core.types import Array, Choice, Image, Range
from sightline.core.weighted_sums import ALONE, weigh_mirrored
from sightline.image.border import BORDERS, interleaved, source_indices

_GROUP = 4  # pairs of taps that one pass over a row takes in
_WHOLE = 256  # what the weights of the uint8 path sum to
_NO_SUMS = np.empty((0, 0), np.float32)
_BYTE_SIGMA = 16.0  # beyond it 1/256 is too coarse a step for weights


@method(task="smoothing", paper="Koenderink 1984", lesson="w1d4", example={"sigma": 2.0})
def gaussian_blur(
    image: Image,
    sigma: Annotated[float, Range(0, 50, 0.1)] | tuple[float, float],
    *,
    border: Annotated[str, Choice("reflect", "symmetric", "edge", "wrap")] = "reflect",
    out: Array | None = None,
) -> Image:
    """Return ``image`` blurred with a Gaussian.

    The kernel ends at 3 sigma for uint8 and at 4 sigma otherwise: ``round(6·sigma + 1)`` or ``round(8·sigma + 1)``
    taps, the next odd number when that is even. For uint8 up to sigma = 16 the weights are multiples of 1/256, with the
    rounding error carried inwards so that a flat image stays as it is. NaN and infinity spoil the pixels within the
    kernel's reach.

    Parameters
    ----------
    image
        H×W or H×W×C; uint8, uint16 or float32.
    sigma
        Standard deviation in pixels, 0–1000; 0 returns an equal copy. A pair is (down the columns, across the rows), as
        sizes are (height, width).
    border
        What lies beyond the border: ``"reflect"`` (2 1 | 0 1 2), ``"symmetric"`` (1 0 | 0 1 2), ``"edge"``
        (0 0 | 0 1 2) or ``"wrap"`` (8 9 | 0 1 2).
    out
        Array to write to, of the image's shape and dtype; None for a new one.

    Returns
    -------
    The blurred image, same shape and dtype.

    Examples
    --------
    >>> import numpy as np
    >>> import sightline as sl
    >>> dot = np.zeros((3, 5), np.uint8)
    >>> dot[1, 2] = 255
    >>> sl.image.gaussian_blur(dot, 0.5)
    array([[  0,   6,  43,   6,   0],
           [  0,  21, 159,  21,   0],
           [  0,   6,  43,   6,   0]], dtype=uint8)

    References
    ----------
    J. J. Koenderink, "The structure of images", Biological Cybernetics 50, 1984.
    """
    image, down, across = _checked(image, sigma, border)
    result = output("gaussian_blur", out, image.shape, image.dtype, [image])
    correlate_separable(image, *_both_weights(down, across, image.dtype), border, result)
    return result


@gaussian_blur.steps
def _(
    image: Image, sigma: float | tuple[float, float], *, border: str = "reflect", out: Array | None = None
) -> Iterator[Step]:
    image, sigma_down, sigma_across = _checked(image, sigma, border)
    weights, across = _both_weights(sigma_down, sigma_across, image.dtype)
    yield Step("kernel", Curve(_bell(weights), ("pixels", "weight")), note=f"{2 * weights.size - 1} weights of sum 1.")
    between = np.empty_like(image)
    alone = weights[:1] * 0 + weights.dtype.type(_WHOLE if weights.dtype == np.uint16 else 1)
    correlate_separable(image, weights, alone, border, between)
    yield Step("down", Picture(between), note="Each pixel becomes the weighted mean of its column.")
    note = "The same across the rows."
    if sigma_across != sigma_down:
        kernel_across = Curve(_bell(across), ("pixels", "weight"))
        yield Step("kernel across", kernel_across, note=f"{2 * across.size - 1} weights of sum 1.")
        note = "The weighted means of the rows of that."
    yield Step("result", Picture(gaussian_blur(image, sigma, border=border, out=out)), note=note)


def _bell(weights: Array) -> Array:
    """Return the weights on both sides of the centre as points of a curve, their sum 1."""
    bell = np.concatenate([weights[:0:-1], weights]).astype(np.float64) / (2 * weights[1:].sum() + weights[0])
    return np.stack([np.arange(bell.size) - bell.size // 2, bell], axis=1)


def _checked(image: Image, sigma: Any, border: str) -> tuple[Array, float, float]:
    """Return the image, and sigma down and across."""
    choice("gaussian_blur", "border", border, BORDERS)
    image = as_image("gaussian_blur", image, channels=())
    if isinstance(sigma, (tuple, list)) and len(sigma) == 2:
        names = ("sigma[0] (down)", "sigma[1] (across)")
        down, across = (
            number("gaussian_blur", name, one, 0, 1000, unit="pixels") for name, one in zip(names, sigma, strict=True)
        )
        return image, down, across
    both = number("gaussian_blur", "sigma", sigma, 0, 1000, unit="pixels")
    return image, both, both


def _both_weights(down: float, across: float, dtype: np.dtype) -> tuple[Array, Array]:
    """Return the weights down and across, of one dtype: floats where either sigma needs them."""
    if dtype == np.uint8 and max(down, across) > _BYTE_SIGMA:
        reach = [(round(6 * sigma + 1) | 1) // 2 for sigma in (down, across)]
        return _floats(down, reach[0]), _floats(across, reach[1])
    weights = _weights(down, dtype)
    return weights, weights if across == down else _weights(across, dtype)


def _floats(sigma: float, reach: int) -> Array:
    """Return float32 weights of sum 1 on both sides together, from the centre to ``reach`` pixels away."""
    if sigma == 0:
        return np.ones(1, np.float32)
    bell = np.exp(-0.5 * (np.arange(reach + 1) / sigma) ** 2)
    return (bell / (bell[0] + 2 * bell[1:].sum())).astype(np.float32)


def _weights(sigma: float, dtype: np.dtype) -> Array:
    """Return the weights from the centre outwards: uint16 that sum to 256 on both sides together, or float32 to 1."""
    reach = (round((6 if dtype == np.uint8 else 8) * sigma + 1) | 1) // 2
    if dtype != np.uint8 or sigma > _BYTE_SIGMA:
        return _floats(sigma, reach)
    if sigma == 0:
        return np.array([_WHOLE], np.uint16)
    bell = np.exp(-0.5 * (np.arange(reach + 1) / sigma) ** 2)
    bell /= bell[0] + 2 * bell[1:].sum()
    whole, error = np.zeros(reach + 1, np.uint16), 0.0
    for k in range(reach, 0, -1):
        wanted = bell[k] * _WHOLE + error
        whole[k] = round(wanted)
        error = wanted - whole[k]
    whole[0] = _WHOLE - 2 * int(whole.sum())
    return whole


def correlate_separable(
    image: Array, down: Array, across: Array, border: str, result: Array, rows: Array | None = None
) -> None:
    """Write the correlation of each channel with odd weights, down and then across, into result of the same shape.

    Of an image that is a part of another one, ``rows`` are those that stand for the rows of the result, from
    ``down.size - 1`` above to as many below; the result then has as many rows as are asked for.
    """
    height, width = result.shape[:2]
    channels = image.shape[2] if image.ndim == 3 else 1
    rows = source_indices(height, down.size - 1, border) if rows is None else rows
    columns = interleaved(source_indices(width, across.size - 1, border), channels)
    flat = image.reshape(len(image), -1), result.reshape(height, -1)
    if down.dtype == np.float32 and width * channels >= ALONE:
        sums = flat[1] if result.dtype == np.float32 else _NO_SUMS
        taps = down, np.arange(down.size), rows, across, np.arange(across.size) * channels, columns
        over_rows(_correlate_blocks, height, flat[0].reshape(-1), flat[1], sums, *taps, strip=64)
        return
    function = _correlate_bytes if down.dtype == np.uint16 else _correlate_floats
    over_rows(function, height, *flat, *_grouped(down), rows, *_grouped(across), columns, channels, strip=32)


def reached(sigma: float, y0: int, y1: int, height: int) -> tuple[int, int]:
    """Return the first of the rows that ``y0`` to ``y1`` of a blurred float32 picture depend on, and their end."""
    reach = _weights(sigma, np.dtype(np.float32)).size - 1
    return max(0, y0 - reach), min(height, y1 + reach)


def blurred_rows(
    rows: Array, first: int, sigma: float, y0: int, y1: int, height: int, out: Array | None = None
) -> Array:
    """Return rows of a float32 picture as :func:`gaussian_blur` makes them of the whole, bit for bit.

    Parameters
    ----------
    rows
        Rows of the picture from number ``first`` on, h×W or h×W×C float32, as many as :func:`reached` asks for.
    first
        Number of the first of them.
    sigma
        Standard deviation in pixels, > 0.
    y0, y1
        Rows wanted.
    height
        Rows of the whole picture, at whose ends it is mirrored.
    out
        Contiguous float32 array for the result; None for a new one.
    """
    weights = _weights(sigma, rows.dtype)
    sources = source_indices(height, weights.size - 1, "reflect")[y0 : y1 + 2 * weights.size - 2]
    result = empty((y1 - y0, *rows.shape[1:]), np.float32) if out is None else out
    correlate_separable(rows, weights, weights, "reflect", result, sources - first)
    return result


def _grouped(weights: Array) -> tuple[Array, Array]:
    """Return weights and offsets; a weightless tap, reaching no further than the last, makes a group of three whole."""
    pairs = weights.size - 1
    offsets = np.minimum(np.arange(weights.size + (pairs % _GROUP == _GROUP - 1)), pairs)
    filled = np.zeros(offsets.size, weights.dtype)
    filled[: weights.size] = weights
    return filled, offsets


@kernel
def _correlate_bytes(image, result, down, up_down, rows, across, left_right, columns, channels, y0, y1):
    # All in uint16: the weights sum to 256, so that no sum exceeds 255 · 256 + 128.
    width, reach = image.shape[1], up_down[-1]
    margin = channels * left_right[-1]
    total = np.empty(width, np.uint16)
    line = np.empty(width + 2 * margin, np.uint8)
    inner = line[margin : margin + width]
    half = np.uint16(128)
    for y in range(y0, y1):
        _start(total, image[rows[y + reach]], down[0], half)
        _add_rows(total, image, y + reach, down, up_down, rows)
        for x in range(width):
            inner[x] = np.uint8(total[x] >> np.uint16(8))
        _fill_margins(line, inner, columns, margin)
        _start(total, inner, across[0], half)
        _add_shifts(total, line, margin, across, left_right, channels)
        row = result[y]
        for x in range(width):
            row[x] = np.uint8(total[x] >> np.uint16(8))


@kernel
def _correlate_blocks(pixels, result, sums, down, up_down, rows, across, left_right, columns, y0, y1):
    """Sum block by block, of rows that are long enough; to ``sums`` where these are the result."""
    n, reach, margin = result.shape[1], up_down[-1], left_right[-1]
    line, spare = np.empty(n + 2 * margin, np.float32), np.empty(n, np.float32)
    above, below = np.empty((2, down.size), np.int64)
    left, right = margin - left_right, margin + left_right
    half = np.float32(0 if sums.size else 0.5)
    for y in range(y0, y1):
        for k in range(down.size):
            above[k], below[k] = rows[y + reach - up_down[k]] * n, rows[y + reach + up_down[k]] * n
        for x in range(0, n, ALONE):
            at = min(x, n - ALONE)
            weigh_mirrored(pixels, at, above, below, down, np.float32(0), line, margin + at)
        _fill_margins(line, line[margin : margin + n], columns, margin)
        total = sums[y] if sums.size else spare
        for x in range(0, n, ALONE):
            at = min(x, n - ALONE)
            weigh_mirrored(line, at, left, right, across, half, total, at)
        if sums.size == 0:
            row = result[y]
            for x in range(n):
                row[x] = result.dtype.type(total[x])


@kernel(contract=True)
def _correlate_floats(image, result, down, up_down, rows, across, left_right, columns, channels, y0, y1):
    width, reach = image.shape[1], up_down[-1]
    margin = channels * left_right[-1]
    total = np.empty(width, np.float32)
    line = np.empty(width + 2 * margin, np.float32)
    inner = line[margin : margin + width]
    integer = result.dtype.type(0.5) == result.dtype.type(0)
    half = np.float32(0.5) if integer else np.float32(0)
    for y in range(y0, y1):
        _start(inner, image[rows[y + reach]], down[0], np.float32(0))
        _add_rows(inner, image, y + reach, down, up_down, rows)
        _fill_margins(line, inner, columns, margin)
        _start(total, inner, across[0], half)
        _add_shifts(total, line, margin, across, left_right, channels)
        row = result[y]
        for x in range(width):
            row[x] = result.dtype.type(total[x])


@kernel
def _start(total, row, weight, half):
    number = total.dtype.type
    for x in range(total.size):
        total[x] = number(weight * number(row[x]) + half)


@kernel(inline=True)
def _add_rows(total, image, y, weights, offsets, rows):
    whole = 1 + (weights.size - 1) // 4 * 4
    for k in range(1, whole, 4):
        i, j, m, n = offsets[k], offsets[k + 1], offsets[k + 2], offsets[k + 3]
        _add_pairs(
            total,
            image[rows[y - i]], image[rows[y + i]], weights[k],
            image[rows[y - j]], image[rows[y + j]], weights[k + 1],
            image[rows[y - m]], image[rows[y + m]], weights[k + 2],
            image[rows[y - n]], image[rows[y + n]], weights[k + 3],
        )  # fmt: skip
    for k in range(whole, weights.size):
        _add_pair(total, image[rows[y - offsets[k]]], image[rows[y + offsets[k]]], weights[k])


@kernel(inline=True)
def _add_shifts(total, line, start, weights, offsets, channels):
    width, whole = total.size, 1 + (weights.size - 1) // 4 * 4
    for k in range(1, whole, 4):
        i, j = channels * offsets[k], channels * offsets[k + 1]
        m, n = channels * offsets[k + 2], channels * offsets[k + 3]
        _add_pairs(
            total,
            line[start - i : start - i + width], line[start + i : start + i + width], weights[k],
            line[start - j : start - j + width], line[start + j : start + j + width], weights[k + 1],
            line[start - m : start - m + width], line[start + m : start + m + width], weights[k + 2],
            line[start - n : start - n + width], line[start + n : start + n + width], weights[k + 3],
        )  # fmt: skip
    for k in range(whole, weights.size):
        i = channels * offsets[k]
        _add_pair(total, line[start - i : start - i + width], line[start + i : start + i + width], weights[k])


@kernel(contract=True, inline=True)
def _add_pairs(total, a, b, v, c, d, w, e, f, p, g, h, q):
    # Four pairs at equal distance from the centre: total += v (a + b) + w (c + d) + p (e + f) + q (g + h).
    number = total.dtype.type
    for x in range(total.size):
        total[x] = number(
            total[x]
            + v * number(number(a[x]) + number(b[x]))
            + w * number(number(c[x]) + number(d[x]))
            + p * number(number(e[x]) + number(f[x]))
            + q * number(number(g[x]) + number(h[x]))
        )


@kernel(contract=True, inline=True)
def _add_pair(total, a, b, v):
    number = total.dtype.type
    for x in range(total.size):
        total[x] = number(total[x] + v * number(number(a[x]) + number(b[x])))


@kernel
def _fill_margins(line, inner, columns, margin):
    for i in range(margin):
        line[i] = inner[columns[i]]
        line[margin + inner.size + i] = inner[columns[margin + inner.size + i]]
