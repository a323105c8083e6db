"""Stacks of filtered images, one a scale, and the maxima in them.

The cosine transform of an image mirrored at its border turns a symmetric filter of any size into one product a number:
the image is transformed once, and back once a scale (Martucci 1994, "Symmetric convolution and the discrete sine and
cosine transforms", IEEE Transactions on Signal Processing 42(5)).
"""

from __future__ import annotations

import math

import numpy as np
import scipy.fft

from sightline.core.buffers import empty
from sightline.core.kernels import kernel, over_rows

_TAILS = 4.0  # standard deviations at which filters end
Gains = list[tuple[np.ndarray, np.ndarray]]


def filtered(image: np.ndarray, gains: list[Gains]) -> np.ndarray:
    """Return the image under each filter, S×H×W float32; a filter is a sum of products (gain down, gain across)."""
    spectrum = scipy.fft.dctn(image)
    stack = empty((len(gains), *image.shape), np.float32)
    for level, filter_ in zip(stack, gains, strict=True):
        gain = np.sum([np.outer(down, across) for down, across in filter_], axis=0, dtype=np.float32)
        level[...] = scipy.fft.idctn(spectrum * gain, overwrite_x=True)
    return stack


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
    x = np.arange(int(_TAILS * sigma + 0.5) + 1)
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
    sums = np.pad(image.astype(np.float64).cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
    stack = empty((len(sigmas), *image.shape), np.float32)
    for level, sigma in zip(stack, sigmas, strict=True):
        size = int(3 * sigma)
        padded = np.pad(sums, size + 1, mode="edge")  # nothing is added beyond the border
        over_rows(_determinants, len(image), padded, size, 1.0 / (size * size), level)
    return stack


@kernel
def _determinants(sums, size, scale, out, y0, y1):
    """Write the determinants dxx·dyy − (0.9·dxy)² of rows ``y0`` to ``y1``; boxes are a third of ``size`` wide."""
    half, third, margin = (size - 1) // 2, size // 3, size + 1
    wide = 2 * third - 1
    for y in range(y0, y1):
        row = out[y]
        for x in range(row.size):
            r, c = y + margin, x + margin
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


def peaks(stack: np.ndarray, threshold: float, sigmas: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return N×3 (x, y, sigma) float32 of the maxima above ``threshold``, the strongest first, and their values."""
    marks = np.zeros(stack.shape, np.bool_)
    with np.errstate(over="ignore"):  # nothing is above infinity
        limit = np.float32(threshold)
    over_rows(_mark, stack.shape[1], stack, limit, marks)
    level, y, x = np.nonzero(marks)
    values = stack[level, y, x]
    order = np.argsort(-values, kind="stable")
    found = np.stack([x[order], y[order], sigmas[level[order]]], axis=1).astype(np.float32)
    return found, values[order]


@kernel
def _mark(stack, threshold, marks, y0, y1):
    """Mark what exceeds the threshold and the neighbours before it, and is no less than those after it."""
    levels, height, width = stack.shape
    for s in range(levels):
        for y in range(y0, y1):
            row = stack[s, y]
            for x in range(width):
                value = row[x]
                if value <= threshold:
                    continue
                best = True
                for t in range(max(s - 1, 0), min(s + 2, levels)):
                    for v in range(max(y - 1, 0), min(y + 2, height)):
                        for u in range(max(x - 1, 0), min(x + 2, width)):
                            before = (t < s) | ((t == s) & ((v < y) | ((v == y) & (u < x))))
                            other = stack[t, v, u]
                            best = best & ((value > other) | ((value == other) & (not before)))
                marks[s, y, x] = best


def pruned(blobs: np.ndarray, values: np.ndarray, overlap: float) -> np.ndarray:
    """Return the blobs without those that share more than ``overlap`` of their area with a larger one."""
    order = np.lexsort((-values, -blobs[:, 2]))
    alive = np.ones(len(blobs), np.bool_)
    sorted_ = blobs[order].astype(np.float64)
    for i in range(len(sorted_)):
        if alive[i]:
            later = sorted_[i + 1 :]
            alive[i + 1 :] &= _shared(sorted_[i], later) <= overlap
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
