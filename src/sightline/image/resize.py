"""Resize: every new pixel is a weighted mean of the old ones around its centre.

Sampling follows pixel centres: the new pixel i lies at (i + ½) · old / new − ½. Keys 1981, "Cubic convolution
interpolation for digital image processing", IEEE Transactions on Acoustics, Speech and Signal Processing 29(6);
Turkowski 1990, "Filters for common resampling tasks", Graphics Gems, for widening the filter when an image shrinks.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated

import numpy as np

from sightline.core.catalogue import method as catalogued
from sightline.core.checks import as_image, choice, output, size_2d
from sightline.core.errors import InputError
from sightline.core.gathers import fetch_one, fetch_two
from sightline.core.kernels import kernel, over_rows, quick
from sightline.core.lanes import prefetch, weigh_four
from sightline.core.streaming import is_large
from sightline.core.triples import copy_every_second
from sightline.core.types import Array, Choice, Image, NewImage
from sightline.core.vectors import LANES, load, store
from sightline.core.windows import WINDOW, mean_of_fours
from sightline.image.resize_bytes import resize_bytes
from sightline.image.resize_greys import resize_greys
from sightline.image.resize_rows import mix_down, write_row
from sightline.image.resize_weights import axis_weights

METHODS = ("nearest", "bilinear", "bicubic", "lanczos", "area")


@catalogued(task="sampling", paper="Keys 1981", lesson="w1d3", example={"shape": (48, 64)})
def resize(
    image: Image,
    shape: tuple[int, int],
    method: Annotated[str, Choice("nearest", "bilinear", "bicubic", "lanczos", "area")] = "bilinear",
    antialias: bool | None = None,
    *,
    out: Array | None = None,
) -> NewImage:
    """Return ``image`` with another number of rows and columns.

    With antialiasing the filter widens by the factor of shrinking, so that every old pixel counts; results are
    Pillow's. Without it, results are OpenCV's. The cubic's parameter is -½ with and -¾ without antialiasing, Lanczos
    has 3 and 4 lobes. Nearest (the old pixel that a new one's centre lies in, the later one where it falls between two)
    and area (the exact mean of the covered area) are the same either way. Beyond the border,
    filters are cut off and scaled up (with antialiasing), or the outermost pixel repeats. NaN and infinity spoil the
    new pixels whose window holds them.

    Parameters
    ----------
    image
        H×W or H×W×C; uint8, uint16 or float32.
    shape
        ``(height, width)`` of the result in pixels, each ≥ 1; the image's own shape returns an equal copy.
    method
        ``"nearest"``, ``"bilinear"``, ``"bicubic"``, ``"lanczos"`` or ``"area"``.
    antialias
        Whether to widen the filter; None does so when an axis shrinks.
    out
        Array to write to, of the result's shape and the image's dtype; None for a new one.

    Returns
    -------
    The image at its new size, same dtype. Integers are rounded and clipped, floats may overshoot.

    Examples
    --------
    >>> import numpy as np
    >>> import sightline as sl
    >>> sl.image.resize(np.array([[0, 100]], np.uint8), (1, 4))
    array([[  0,  25,  75, 100]], dtype=uint8)

    References
    ----------
    R. G. Keys, "Cubic convolution interpolation for digital image processing", IEEE Transactions on Acoustics, Speech
    and Signal Processing 29(6), 1981.
    """
    image = as_image("resize", image, channels=())
    height, width = size_2d("resize", "shape", shape)
    method = choice("resize", "method", method, METHODS)
    if antialias is not None and not isinstance(antialias, (bool, np.bool_)):
        raise InputError(f"resize: antialias must be True, False or None; got {antialias!r}.")
    if antialias is None:
        antialias = height < image.shape[0] or width < image.shape[1]
    result = output("resize", out, (height, width, *image.shape[2:]), image.dtype, [image])
    if result.shape == image.shape:
        np.copyto(result, image)
    elif method == "nearest":
        _nearest(image, result)
    elif method == "bilinear" and not antialias and _is_half(image, result):
        function, strip = (_half_gray, _strip(result)) if image.ndim == 2 else (_half_rgb, 68)
        over_rows(function, height, _flat(image), _flat(result), strip=strip)
    else:
        small = method in ("bilinear", "bicubic") and not antialias and image.dtype == np.uint8
        done = small and resize_bytes(image, result, method)
        if not done and image.size == image.shape[0] * image.shape[1]:
            done = resize_greys(_flat(image), _flat(result), method, bool(antialias))
        if not done:
            _weighted(image, result, method, bool(antialias))
    return result


def _flat(image: Array) -> Array:
    return image.reshape(len(image), -1)


def _is_half(image: Array, result: Array) -> bool:
    halves = image.shape[0] == 2 * result.shape[0] and image.shape[1] == 2 * result.shape[1]
    return halves and image.dtype == np.uint8 and (image.ndim == 2 or image.shape[2] == 3)


def _weighted(image: Array, result: Array, method: str, antialias: bool) -> None:
    down = axis_weights(image.shape[0], result.shape[0], method, antialias)
    channels = image.shape[2] if image.ndim == 3 else 1
    across = _interleaved(image.shape[1], result.shape[1], method, antialias, channels)
    top = float(np.iinfo(image.dtype).max) if image.dtype.kind == "u" else np.inf
    past = image.dtype == np.float32 and is_large(image, result)
    arguments = (_flat(image), _flat(result), down.start, down.weights, *across, channels, np.float32(top), past)
    over_rows(_resample, len(result), *arguments, strip=max(24, -(-len(result) // 8)))


@lru_cache(maxsize=64)
def _interleaved(old: int, new: int, method: str, antialias: bool, channels: int) -> tuple[Array, Array]:
    """Return index and weights for a flat row whose pixels have ``channels`` values each.

    There is one index for each pixel when there are three channels; for each value otherwise, in whole groups of eight,
    and weights have taps first.
    """
    axis = axis_weights(old, new, method, antialias)
    if channels == 3:
        return 3 * axis.start.astype(np.int32), axis.weights
    index = (axis.start[:, None] * channels + np.arange(channels)).ravel().astype(np.int32)
    beyond = -index.size % LANES
    weights = np.pad(np.repeat(axis.weights.T, channels, axis=1), ((0, 0), (0, beyond)))
    return np.pad(index, (0, beyond)), weights


@kernel(contract=True)
def _resample(image, result, start, down, index, across, channels, top, past, y0, y1):
    width, size = image.shape[1], result.shape[1]
    taps = across.shape[1] if channels == 3 else across.shape[0]
    line = np.zeros(width + LANES + 2 * taps * channels, np.float32)  # weightless taps may reach beyond the end
    room = np.empty(size + LANES, np.float32)  # three values are written as four, others as eight
    middle, total, flat = line[:width], room[:size], image.reshape(-1)
    for y in range(y0, y1):
        mix_down(image, middle, start[y], down[y])
        if channels == 3:
            # The next rows are asked for while this one is at work along x.
            ahead, wanted = (start[y] + down.shape[1]) * width, (start[min(y + 1, y1 - 1)] - start[y]) * width
            _weigh_triples(line, index, across, room, flat, ahead, wanted)
        else:
            _weigh_any(line, index, across, room, channels)
        write_row(total, result, y, top, past)


@kernel(contract=True)
def _weigh_triples(line, index, across, room, flat, ahead, wanted):
    taps, factors, pace = across.shape[1], across.reshape(-1), wanted // index.size + 1
    if taps == 2:  # a number that the compiler knows: no loop
        for x in range(index.size):
            prefetch(flat, ahead + pace * x)
            weigh_four(line, index[x], 3, factors, 2 * x, 2, room, 3 * x)
    elif taps == 4:
        for x in range(index.size):
            prefetch(flat, ahead + pace * x)
            weigh_four(line, index[x], 3, factors, 4 * x, 4, room, 3 * x)
    else:
        for x in range(index.size):
            weigh_four(line, index[x], 3, factors, x * taps, taps, room, 3 * x)


@kernel(contract=True)
def _weigh_any(line, index, across, room, channels):
    taps, size, factors = across.shape[0], across.shape[1], across.reshape(-1)
    for x in range(0, size, LANES):
        sums = load(factors, x) * fetch_one(line, 0, index, x)
        if channels == 1:
            sums = sums + load(factors, size + x) * fetch_one(line, 1, index, x)
            for k in range(2, taps, 2):
                a, b = fetch_two(line, k, index, x)
                sums = sums + (load(factors, k * size + x) * a + load(factors, (k + 1) * size + x) * b)
        else:
            for k in range(1, taps):
                sums = sums + load(factors, k * size + x) * fetch_one(line, k * channels, index, x)
        store(sums, room, x)


# --- exactly half: the mean of four, in integers ---


def _strip(result: Array) -> int:
    """Return how many rows of a half image of greys a thread takes at a time."""
    # Of two strips, the first is longer: who shares out begins at once, a helper some microseconds later.
    share = 1 << 18 if result.size > 1 << 20 else max(1 << 17, 0.56 * result.size)
    return max(1, round(share / result.shape[1]))


@quick
@kernel
def _half_gray(image, result, y0, y1):
    flat, means, pitch, size = image.reshape(-1), result.reshape(-1), image.shape[1], result.shape[1]
    for y in range(y0, y1):
        upper, to = 2 * y * pitch, y * size
        whole = size // WINDOW * WINDOW
        for x in range(0, whole, WINDOW):
            here = upper + 2 * x
            prefetch(flat, here + 2 * pitch)  # the next row's: two rows are not read in a line
            prefetch(flat, here + 3 * pitch)
            mean_of_fours(flat, here, here + pitch, means, to + x)
        for x in range(whole, size):
            here = upper + 2 * x
            total = np.int32(flat[here]) + flat[here + 1] + flat[here + pitch] + flat[here + pitch + 1]
            means[to + x] = np.uint8((total + 2) >> 2)


@kernel
def _half_rgb(image, result, y0, y1):
    sums, means = np.empty(image.shape[1], np.uint16), np.empty(image.shape[1], np.uint8)
    for y in range(y0, y1):
        _add(image[2 * y], image[2 * y + 1], sums)
        _mean_of_four(sums, sums[3:], means)
        row, x = result[y], 0
        while x + 16 <= row.size:
            copy_every_second(means, 2 * x, row, x)
            x += 9
        for k in range(x, row.size):
            row[k] = means[2 * k - k % 3]


@kernel
def _add(a, b, sums):
    for x in range(sums.size):
        sums[x] = np.uint16(a[x]) + np.uint16(b[x])


@kernel
def _mean_of_four(a, b, row):
    for x in range(b.size):
        row[x] = np.uint8(np.uint16(np.uint16(a[x] + b[x]) + np.uint16(2)) >> np.uint16(2))


# --- nearest ---


def _nearest(image: Array, result: Array) -> None:
    (old_height, old_width), (height, width) = image.shape[:2], result.shape[:2]
    channels = image.shape[2] if image.ndim == 3 else 1
    rows = (2 * np.arange(height) + 1) * old_height // (2 * height)
    columns = channels * ((2 * np.arange(width) + 1) * old_width // (2 * width))
    if channels != 3:
        columns = (columns[:, None] + np.arange(channels)).ravel()
    function = _pick_3 if channels == 3 else _pick
    over_rows(function, height, _flat(image), _flat(result), rows, columns.astype(np.uint32))


@kernel
def _pick(image, result, rows, index, y0, y1):
    for y in range(y0, y1):
        source, row = image[rows[y]], result[y]
        for x in range(row.size):
            row[x] = source[index[x]]


@kernel
def _pick_3(image, result, rows, index, y0, y1):
    for y in range(y0, y1):
        source, row = image[rows[y]], result[y]
        for x in range(index.size):
            i = index[x]
            row[3 * x] = source[i]
            row[3 * x + 1] = source[i + np.uint32(1)]
            row[3 * x + 2] = source[i + np.uint32(2)]
