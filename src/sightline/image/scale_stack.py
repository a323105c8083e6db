"""Stacks of filtered images, one a scale, and the maxima in them.

The cosine transform of an image mirrored at its border turns a symmetric filter of any size into one product a number:
the image is transformed once, and back once a scale (Martucci 1994, "Symmetric convolution and the discrete sine and
cosine transforms", IEEE Transactions on Signal Processing 42(5)).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator

import numpy as np
import scipy.fft

from sightline.core.buffers import empty
from sightline.core.kernels import kernel, over_rows
from sightline.image.bits import trailing_zeros, true_bits
from sightline.image.border import source_indices
from sightline.image.gaussian_blur import correlate_separable

TAILS = 4.0  # standard deviations at which filters end
TILE = (1280, 1280)  # pixels of a tile's sides, at most
_BAND = 1 << 19  # pixels of a band of whole rows
_WORD = 64  # marks that are looked at together
_STRIP = 64  # rows that are blurred together
_WHOLE = slice(None)
Gains = list[tuple[np.ndarray, np.ndarray]]
Levels = Callable[[slice, slice], Iterator[np.ndarray]]


def filtered(image: np.ndarray, gains: list[Gains]) -> np.ndarray:
    """Return the image under each filter, S×H×W float32; a filter is a sum of products (gain down, gain across)."""
    return np.stack([level.copy() for level in filtered_levels(image, gains)])


def filtered_levels(
    image: np.ndarray, gains: list[Gains], rows: slice = _WHOLE, columns: slice = _WHOLE
) -> Iterator[np.ndarray]:
    """Yield some rows and columns of the image under each filter, float32; the next one may overwrite it."""
    height, spectrum = len(image), scipy.fft.dctn(image)
    del image  # nobody else may hold it any more
    changed = np.empty_like(spectrum)
    for filter_ in gains:
        down, across = (np.stack(parts) for parts in zip(*filter_, strict=True))
        over_rows(_multiply, height, spectrum, down, across, changed)
        inner = scipy.fft.idct(changed, axis=0, overwrite_x=True)[rows]
        yield scipy.fft.idct(inner, axis=1, overwrite_x=True)[:, columns]


@kernel
def _multiply(spectrum, down, across, changed, y0, y1):
    """Write the spectrum times Σ down · across, a gain for each number, in single precision."""
    for y in range(y0, y1):
        row, out = spectrum[y], changed[y]
        out[:] = np.float32(0)
        for k in range(len(down)):
            d, line = down[k, y], across[k]
            for x in range(row.size):
                out[x] += np.float32(d * line[x])
        for x in range(row.size):
            out[x] *= row[x]


def gaussian_gains(shape: tuple[int, ...], sigma: float) -> Gains:
    """Return the gains of a Gaussian."""
    bell, _ = _taps(sigma)
    return [(_gain(bell, shape[0]), _gain(bell, shape[1]))]


def laplacian_gains(shape: tuple[int, ...], sigma: float) -> Gains:
    """Return the gains of −σ² times the Laplacian of a Gaussian."""
    bell, bend = _taps(sigma)
    bend = -sigma * sigma * bend
    return [(_gain(bend, shape[0]), _gain(bell, shape[1])), (_gain(bell, shape[0]), _gain(bend, shape[1]))]


def _taps(sigma: float) -> tuple[np.ndarray, np.ndarray]:
    """Return a Gaussian that sums to 1, and its second derivative, from the centre outwards."""
    x = np.arange(int(TAILS * sigma + 0.5) + 1)
    bell = np.exp(-0.5 * (x / sigma) ** 2)
    bell /= bell[0] + 2 * bell[1:].sum()
    return bell, bell * (x * x / sigma**4 - 1 / sigma**2)


def _gain(taps: np.ndarray, size: int) -> np.ndarray:
    """Return by how much a symmetric filter multiplies each of ``size`` cosines."""
    ring = np.zeros(2 * size)  # the mirrored image repeats after this many pixels
    np.add.at(ring, np.arange(1, taps.size) % (2 * size), taps[1:])
    np.add.at(ring, -np.arange(1, taps.size) % (2 * size), taps[1:])
    ring[0] += taps[0]
    return scipy.fft.rfft(ring).real[:size]


def filtered_parts(
    image: np.ndarray, gains_of: Callable[[tuple[int, ...], float], Gains], sigmas: np.ndarray
) -> Levels:
    """Return what yields part of the image, as 0 to 1, under the filter of each scale, float32.

    Of the image, it takes in what the widest filter reaches.
    """
    margin = math.ceil(TAILS * sigmas[-1]) + 1

    def levels(rows: slice, columns: slice) -> Iterator[np.ndarray]:
        seen = [_seen(part, margin, size) for part, size in zip((rows, columns), image.shape, strict=True)]
        part = image[tuple(seen)].astype(np.float32)
        part /= brightest(image.dtype)
        gains = [gains_of(part.shape, sigma) for sigma in sigmas]
        inner = (slice(a.start - b.start, a.stop - b.start) for a, b in zip((rows, columns), seen, strict=True))
        answers = filtered_levels(part, gains, *inner)
        del part  # nobody else may hold it
        return map(np.copy, answers)

    return levels


def _seen(part: slice, margin: int, size: int) -> slice:
    """Return a part of an axis with a margin, of a length that is quickly transformed."""
    first = max(part.start - margin, 0)
    length = scipy.fft.next_fast_len(min(part.stop + margin, size) - first, True)
    return slice(first, min(first + length, size))


def blurred_levels(image: np.ndarray, sigmas: np.ndarray) -> Levels:
    """Return what yields part of the image, as 0 to 1, blurred by each Gaussian, float32."""
    height, width = image.shape

    def levels(rows: slice, columns: slice) -> Iterator[np.ndarray]:
        for sigma in sigmas:
            bell, _ = _taps(sigma)
            down, across = (bell / brightest(image.dtype)).astype(np.float32), bell.astype(np.float32)
            sources = source_indices(height, bell.size - 1, "symmetric")[rows.start : rows.stop + 2 * bell.size - 2]
            level = empty((rows.stop - rows.start, width), np.float32)
            correlate_separable(image, down, across, "symmetric", level, sources)
            yield np.ascontiguousarray(level[:, columns])

    return levels


def difference_levels(image: np.ndarray, sigmas: np.ndarray, ratio: float) -> Levels:
    """Return what yields part of the image, as 0 to 1, blurred by each Gaussian less by the next, over ratio − 1.

    What is one tile needs no margin: there, transforms are quicker than sums of weighted rows.
    """
    blurs = filtered_parts(image, gaussian_gains, sigmas) if is_tile(image.shape) else blurred_levels(image, sigmas)

    def levels(rows: slice, columns: slice) -> Iterator[np.ndarray]:
        for sharper, softer in itertools.pairwise(blurs(rows, columns)):
            over_rows(_differ, len(sharper), sharper, softer, np.float32(ratio - 1))
            yield sharper

    return levels


@kernel
def _differ(sharper, softer, step, y0, y1):
    for y in range(y0, y1):
        row, other = sharper[y], softer[y]
        for x in range(row.size):
            row[x] = np.float32(row[x] - other[x]) / step


def brightest(dtype: np.dtype) -> np.float32:
    """Return the number that stands for white."""
    return np.float32(np.iinfo(dtype).max if dtype.kind == "u" else 1)


def is_tile(shape: tuple[int, ...]) -> bool:
    """Return whether an image is a single tile."""
    return shape[0] <= TILE[0] and shape[1] <= TILE[1]


def bands(shape: tuple[int, ...]) -> tuple[int, int]:
    """Return the sides of tiles of whole rows: few, so that three scales of them take little memory."""
    return _STRIP * max(2, _BAND // (_STRIP * shape[1])) - 2, shape[1]  # neighbours above and below make it whole


def peaks(
    shape: tuple[int, ...], levels: Levels, threshold: float, sigmas: np.ndarray, tile: tuple[int, int]
) -> np.ndarray:
    """Return N×3 (x, y, sigma) float32 of the maxima above ``threshold``, the strongest first.

    The image is looked at tile by tile, row by row of them, and three scales at a time.

    Parameters
    ----------
    shape
        H×W of the image.
    levels
        Called with slices of its rows and columns: yields the answer there at each scale, contiguous float32 that
        nobody writes to any more.
    threshold
        What a maximum must exceed.
    sigmas
        The scales.
    tile
        Sides of a tile in pixels, at most: rows, columns.
    """
    with np.errstate(over="ignore"):  # nothing is above infinity
        limit = np.float32(threshold)
    narrow = np.uint16 if max(shape) < 1 << 16 else np.int32  # of a picture of noise there are millions of maxima
    parts = [(np.empty(0, np.float32), np.empty(0, np.int16), *[np.empty(0, narrow)] * 2)]
    for (y0, y1), (x0, x1) in itertools.product(_spans(shape[0], tile[0]), _spans(shape[1], tile[1])):
        rows, columns = slice(max(y0 - 1, 0), min(y1 + 1, shape[0])), slice(max(x0 - 1, 0), min(x1 + 1, shape[1]))
        for value, level, y, x in _maxima(levels(rows, columns), limit):
            y, x = y + rows.start, x + columns.start  # neighbours of the tile are compared, and not its own
            own = (y >= y0) & (y < y1) & (x >= x0) & (x < x1)
            many = np.full(int(own.sum()), level, np.int16)
            parts.append((value[own], many, y[own].astype(narrow), x[own].astype(narrow)))
    every = [np.concatenate(column) for column in zip(*parts, strict=True)]
    del parts
    order = np.lexsort((every[3], every[2], every[1], np.negative(every[0], out=every[0])))
    found = np.empty((len(order), 3), np.float32)
    for place in (0, 1):  # each column is gone when it is told
        found[:, place] = every.pop()[order]
    found[:, 2] = sigmas.astype(np.float32)[every.pop()[order]]
    return found


def _spans(size: int, most: int) -> Iterator[tuple[int, int]]:
    """Return the first pixel and the end of each tile along an axis."""
    count = -(-size // most)
    return itertools.pairwise(size * i // count for i in range(count + 1))


def _maxima(
    levels: Iterator[np.ndarray], limit: np.float32
) -> Iterator[tuple[np.ndarray, int, np.ndarray, np.ndarray]]:
    """Yield values, scale, y and x of the maxima of each scale."""
    after = next(levels)
    here, s = after[:0], 0
    width = -(-after.shape[1] // _WORD) * _WORD
    marks = np.zeros((len(after), width), np.uint8)
    while len(after):
        before, here, after = here, after, next(levels, after[:0])
        over_rows(_mark, len(here), before, here, after, limit, marks)
        y, x = np.divmod(np.flatnonzero(marks), width)
        yield here[y, x], s, y, x
        s += 1


@kernel
def _mark(before, here, after, threshold, marks, y0, y1):
    """Mark what exceeds the threshold and the neighbours before it, and is no less than those after it.

    Rows of marks are whole words, of which those beyond the image are 0. Scales that there are not have no rows.
    """
    height, width = here.shape
    for y in range(y0, y1):
        row, out = here[y], marks[y]
        above, below = here[max(y - 1, 0)], here[min(y + 1, height - 1)]
        out[0], out[width - 1] = row[0] > threshold, row[width - 1] > threshold
        inner, left, middle, right = out[1 : width - 1], row[: width - 2], row[1 : width - 1], row[2:]
        upper, lower = above[1 : width - 1], below[1 : width - 1]
        for x in range(inner.size):  # few are no less than these four, which many are looked at at a time
            value = middle[x]
            most = max(max(left[x], right[x]), max(upper[x], lower[x]))
            inner[x] = (value > threshold) & (value >= most)
        for first in range(0, out.size, _WORD):
            marked = true_bits(out, first)
            while marked != np.uint64(0):
                x = first + np.int64(trailing_zeros(marked))
                marked &= marked - np.uint64(1)
                out[x] = _exceeds(before, True, row[x], y, x) and _exceeds(after, False, row[x], y, x)
                for v in range(max(y - 1, 0), min(y + 2, height)):
                    for u in range(max(x - 1, 0), min(x + 2, width)):
                        earlier = (v < y) | ((v == y) & (u < x))
                        out[x] &= (row[x] > here[v, u]) | ((row[x] == here[v, u]) & (not earlier))


@kernel
def _exceeds(level, strictly, value, y, x):
    """Return whether a value exceeds nine neighbours in a level, or is no less than they are."""
    height, width = level.shape
    for v in range(max(y - 1, 0), min(y + 2, height)):
        for u in range(max(x - 1, 0), min(x + 2, width)):
            if value < level[v, u] or (strictly and value == level[v, u]):
                return False
    return True
