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

TAILS = 4.0  # standard deviations at which filters end
_TILE = 1280  # pixels of a tile's side, at most
_WHOLE = slice(None)
Gains = list[tuple[np.ndarray, np.ndarray]]
Levels = Callable[[np.ndarray, slice, slice], Iterator[np.ndarray]]


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


def boxed_determinants(image: np.ndarray, sigmas: np.ndarray) -> np.ndarray:
    """Return the determinant of the Hessian by boxes at each scale, S×H×W float32."""
    return np.stack([level.copy() for level in boxed_levels(image, sigmas)])


def boxed_levels(
    image: np.ndarray, sigmas: np.ndarray, rows: slice = _WHOLE, columns: slice = _WHOLE
) -> Iterator[np.ndarray]:
    """Yield some rows and columns of the determinants at each scale; the array is the same one each time."""
    margin = int(3 * max(sigmas)) + 1
    height, width = image.shape
    sums = np.empty((height + 1 + 2 * margin, width + 1 + 2 * margin))
    inner = sums[margin:-margin, margin:-margin]
    inner[0], inner[:, 0] = 0, 0
    _integrate(image, inner[1:, 1:])
    del image
    sums[:margin], sums[-margin:] = sums[margin], sums[-margin - 1]  # nothing is added beyond the border
    sums[:, :margin], sums[:, -margin:] = sums[:, margin, None], sums[:, -margin - 1, None]
    top, bottom, _ = rows.indices(height)
    left, right, _ = columns.indices(width)
    level = empty((bottom - top, right - left), np.float32)
    for sigma in sigmas:
        size = int(3 * sigma)
        over_rows(_determinants, len(level), sums, size, 1.0 / (size * size), margin + top, margin + left, level)
        yield level


@kernel
def _integrate(image, sums):
    """Write the sums of all pixels up to each one, along columns first."""
    line = np.zeros(image.shape[1])
    for y in range(len(image)):
        row, out, total = image[y], sums[y], 0.0
        for x in range(row.size):
            line[x] += row[x]
        for x in range(row.size):
            total += line[x]
            out[x] = total


@kernel
def _determinants(sums, size, scale, top, left, out, y0, y1):
    """Write the determinants dxx·dyy − (0.9·dxy)² of rows ``y0`` to ``y1``; boxes are a third of ``size`` wide.

    The first one is at ``top`` and ``left`` in the sums.
    """
    half, third = (size - 1) // 2, size // 3
    wide = 2 * third - 1
    for y in range(y0, y1):
        row = out[y]
        for x in range(row.size):
            r, c = y + top, x + left
            one = _box(sums, r - third, c - third, third, third) + _box(sums, r + 1, c + 1, third, third)
            other = _box(sums, r - third, c + 1, third, third) + _box(sums, r + 1, c - third, third, third)
            dxy = (one - other) * scale
            whole = _box(sums, r - third + 1, c - half, wide, size)
            dxx = (3 * _box(sums, r - third + 1, c - third // 2, wide, third) - whole) * scale
            whole = _box(sums, r - half, c - third + 1, size, wide)
            dyy = (3 * _box(sums, r - third // 2, c - third + 1, third, wide) - whole) * scale
            row[x] = dxx * dyy - 0.81 * (dxy * dxy)


@kernel(inline=True)
def _box(sums, y, x, tall, wide):
    top, bottom = np.uint64(y), np.uint64(y + tall)
    left, right = np.uint64(x), np.uint64(x + wide)
    return max(0.0, sums[top, left] + sums[bottom, right] - sums[top, right] - sums[bottom, left])


def peaks(
    image: np.ndarray, levels: Levels, reach: float, threshold: float, sigmas: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return N×3 (x, y, sigma) float32 of the maxima above ``threshold``, the strongest first, and their values.

    The image is looked at in tiles, with what their filters reach around them, and three scales at a time.

    Parameters
    ----------
    image
        H×W uint8, uint16 or float32.
    levels
        Called with part of the image, as float32 from 0 to 1, and slices of its rows and columns: yields the answer
        there at each scale.
    reach
        How far an answer sees, in pixels.
    threshold
        What a maximum must exceed.
    sigmas
        The scales.
    """
    with np.errstate(over="ignore"):  # nothing is above infinity
        limit = np.float32(threshold)
    margin = math.ceil(reach) + 2
    parts = [(np.empty(0), *[np.empty(0, np.int64)] * 3)]
    for y0, y1, above, below in _spans(image.shape[0], margin):
        for x0, x1, left, right in _spans(image.shape[1], margin):
            first_row, first_column = max(y0 - 1, 0), max(x0 - 1, 0)  # neighbours are compared
            rows, columns = slice(first_row - above, y1 + 1 - above), slice(first_column - left, x1 + 1 - left)
            answers = levels(_scaled(image[above:below, left:right]), rows, columns)
            for value, level, y, x in _maxima(answers, len(sigmas), limit):
                y, x = y + first_row, x + first_column
                own = (y >= y0) & (y < y1) & (x >= x0) & (x < x1)
                parts.append((value[own], np.full(int(own.sum()), level), y[own], x[own]))
    value, level, y, x = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.lexsort((x, y, level, -value))
    found = np.stack([x[order], y[order], sigmas[level[order]]], axis=1).astype(np.float32)
    return found, value[order]


def _scaled(part: np.ndarray) -> np.ndarray:
    """Return grey levels as float32 from 0 to 1."""
    window = part.astype(np.float32)
    window /= np.float32(np.iinfo(part.dtype).max if part.dtype.kind == "u" else 1)
    return window


def _spans(size: int, margin: int) -> Iterator[tuple[int, int, int, int]]:
    """Yield the tiles along an axis, first to last pixel, and the larger parts of the image that they are seen in."""
    count = -(-size // _TILE)
    edges = [size * i // count for i in range(count + 1)]
    for start, stop in itertools.pairwise(edges):
        first = max(start - margin, 0)
        length = scipy.fft.next_fast_len(min(stop + margin, size) - first, True)
        yield start, stop, first, min(first + length, size)


def _maxima(
    levels: Iterator[np.ndarray], count: int, limit: np.float32
) -> Iterator[tuple[np.ndarray, int, np.ndarray, np.ndarray]]:
    """Yield values, scale, y and x of the maxima of each scale."""
    ring, marks = np.empty((0, 0, 0), np.float32), np.empty((0, 0), np.bool_)
    for s in range(count + 1):
        if s < count:
            level = next(levels)
            if s == 0:
                ring, marks = empty((3, *level.shape), np.float32), empty(level.shape, np.bool_)
            ring[s % 3] = level
        if s > 0:
            over_rows(_mark, len(marks), ring, s - 1, count, limit, marks)
            y, x = np.nonzero(marks)
            yield ring[(s - 1) % 3, y, x], s - 1, y, x


@kernel
def _mark(ring, s, levels, threshold, marks, y0, y1):
    """Mark what exceeds the threshold and the neighbours before it, and is no less than those after it."""
    _, height, width = ring.shape
    here = ring[s % 3]
    for y in range(y0, y1):
        row, out = here[y], marks[y]
        for x in range(width):
            value = row[x]
            best = value > threshold
            if best:
                for t in range(max(s - 1, 0), min(s + 2, levels)):
                    for v in range(max(y - 1, 0), min(y + 2, height)):
                        for u in range(max(x - 1, 0), min(x + 2, width)):
                            before = (t < s) | ((t == s) & ((v < y) | ((v == y) & (u < x))))
                            other = ring[t % 3, v, u]
                            best = best & ((value > other) | ((value == other) & (not before)))
            out[x] = best


def pruned(blobs: np.ndarray, values: np.ndarray, overlap: float) -> np.ndarray:
    """Return the blobs without those that share more than ``overlap`` of their area with a larger one."""
    order = np.lexsort((-values, -blobs[:, 2]))
    alive = np.ones(len(blobs), np.bool_)
    sorted_ = blobs[order].astype(np.float64)
    by_x = np.argsort(sorted_[:, 0])
    places = sorted_[by_x, 0]
    for i in range(len(sorted_)):
        if alive[i]:
            reach = 3 * sorted_[i, 2]  # more than twice its radius: nothing beyond is shared with a smaller one
            first, last = np.searchsorted(places, (sorted_[i, 0] - reach, sorted_[i, 0] + reach))
            near = by_x[first:last]
            near = near[(near > i) & alive[near]]
            alive[near] = _shared(sorted_[i], sorted_[near]) <= overlap
    kept = np.sort(order[alive])
    return blobs[kept]


def _shared(blob: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return the share of each smaller disc that lies in a larger one; their radii are √2·sigma."""
    large, small = math.sqrt(2) * blob[2], math.sqrt(2) * others[:, 2]
    distance = np.hypot(others[:, 0] - blob[0], others[:, 1] - blob[1])
    away = np.maximum(distance, 1e-9)
    a = np.arccos(np.clip((away**2 + large**2 - small**2) / (2 * away * large), -1, 1))
    b = np.arccos(np.clip((away**2 + small**2 - large**2) / (2 * away * small), -1, 1))
    root = (small + large - away) * (away + large - small) * (away + small - large) * (away + small + large)
    lens = large**2 * a + small**2 * b - 0.5 * np.sqrt(np.maximum(root, 0))
    share = lens / (math.pi * small**2)
    return np.where(distance >= large + small, 0.0, np.where(distance <= large - small, 1.0, share))
