"""Kernels of the adaptive mixture: each pixel's history as a few Gaussians, of which the heavy ones are background.

Zivkovic 2004, "Improved Adaptive Gaussian Mixture Model for Background Subtraction", ICPR, equations 4 to 14; shadows
after Prati, Mikic, Trivedi & Cucchiara 2003, "Detecting Moving Shadows", PAMI 25(7).

A row is cut into blocks of 128 pixels that lie in memory by themselves: for each mode (the heaviest first) the weights,
the variances and the planes of the means. All pixels of a block take each step together, with selects for branches.
"""

from __future__ import annotations

import numpy as np

from sightline.core.kernels import kernel
from sightline.core.types import Array

MODES = 5  # Gaussians of a pixel at most
BLOCK = 128
SHADOW, FOREGROUND = 1, 2  # what is written for a pixel; 0 is background
DARKEST = np.float32(0.5)  # a shadow leaves at least this much of the light

_SHARE = np.float32(0.9)  # of the weights that the background's Gaussians make up
_BORN, _LEAST, _MOST = np.float32(15), np.float32(4), np.float32(75)  # variance, in squared grey levels
_NEAR = np.float32(9)  # squared distance in standard deviations, within which a value belongs to a Gaussian
_PRIOR = np.float32(0.05)  # share of its pace at which a Gaussian without support fades beyond plain forgetting

# Places in the scratch array of a block: one array with constant offsets, so that loops need no checks for overlap,
# and unsigned ones, so that they need none for places counted from the end.
_USED, _FITS, _BACK, _TOTAL, _COUNT, _RANK, _UP, _FULL = (np.uint64(BLOCK * i) for i in range(1, 9))
_SCRATCH, _B, _MODES, _1, _2 = 9 * BLOCK, np.uint64(BLOCK), np.uint64(MODES), np.uint64(1), np.uint64(2)


@kernel
def _visit(state, p, light, s, n, planes, mode, rate, threshold):
    """Let the mode at ``p`` forget, and learn the pixels that belong to it and to none before."""
    keep, prune, one, none = np.float32(1) - rate, -rate * _PRIOR, np.float32(1), np.float32(0)
    for x in range(n):
        s[x] = none
    for c in range(planes):
        q, r = p + (_2 + c) * _B, c * _B
        for x in range(n):
            difference = state[q + x] - light[r + x]
            s[x] += difference * difference
    for x in range(n):
        distance, variance = s[x], state[p + _B + x]
        active = s[_USED + x] > mode
        opened = active & (s[_FITS + x] == none)
        hit = opened & (distance < _NEAR * variance)
        weight = keep * state[p + x] + prune
        weight = weight + rate if hit else weight
        gone = active & (weight < -prune)  # by the prior alone
        weight = weight if active & (not gone) else none
        pace = rate / weight if hit else none
        nearer = variance + pace * (distance - variance)
        nearer = nearer if nearer > _LEAST else _LEAST
        nearer = nearer if nearer < _MOST else _MOST
        known = opened & (s[_TOTAL + x] < _SHARE) & (distance < threshold * variance)
        s[_BACK + x] = one if known else s[_BACK + x]
        s[_FITS + x] = one if hit else s[_FITS + x]
        s[_RANK + x] = mode if hit else none
        s[_COUNT + x] -= one if gone else none
        s[_TOTAL + x] += weight
        state[p + x] = weight
        state[p + _B + x] = nearer if hit else variance
        s[x] = pace
    for c in range(planes):
        q, r = p + (_2 + c) * _B, c * _B
        for x in range(n):
            state[q + x] -= s[x] * (state[q + x] - light[r + x])


@kernel
def _sort(state, base, s, n, planes, top):
    """Move the mode of each pixel's rank up past the lighter ones."""
    size, one, none = (_2 + planes) * _B, np.float32(1), np.float32(0)
    for below in range(top):
        mode = top - below
        low, high, moved = base + (mode - _1) * size, base + mode * size, 0
        for x in range(n):
            up = (s[_RANK + x] == np.float32(mode)) & (state[high + x] >= state[low + x])
            s[_UP + x] = one if up else none
            s[_RANK + x] -= one if up else none
            moved += up
        if moved:
            for k in range(_2 + planes):
                p, q = low + k * _B, high + k * _B
                for x in range(n):
                    a, b, up = state[p + x], state[q + x], s[_UP + x] > none
                    state[p + x] = b if up else a
                    state[q + x] = a if up else b


@kernel
def _begin(state, base, light, s, n, planes, top, rate):
    """Begin a Gaussian for values that belong to none, in the place of the lightest one when all are taken."""
    keep, size, one, most = np.float32(1) - rate, (_2 + planes) * _B, np.float32(1), np.float32(MODES)
    for x in range(n):
        new, count = s[_FITS + x] == np.float32(0), s[_COUNT + x]
        full = count == most
        s[_RANK + x] = (most - one if full else count) if new else -one
        s[_COUNT + x] = count if full | (not new) else count + one
    for mode in range(min(top + _1, _MODES)):
        p, number = base + mode * size, np.float32(mode)
        first = rate if mode else one
        for x in range(n):
            rank, weight = s[_RANK + x], state[p + x]
            weight = weight * keep if rank > number else weight
            state[p + x] = first if rank == number else weight
            state[p + _B + x] = _BORN if rank == number else state[p + _B + x]
        for c in range(planes):
            q, r = p + (_2 + c) * _B, c * _B
            for x in range(n):
                state[q + x] = light[r + x] if s[_RANK + x] == number else state[q + x]
    _sort(state, base, s, n, planes, min(top, _MODES - _1))


@kernel
def _shade(state, base, light, s, n, planes, top, threshold):
    """Mark in ``_UP`` what is a darker version of a background mode; ``_RANK`` holds which pixels are still open."""
    size, one, none = (_2 + planes) * _B, np.float32(1), np.float32(0)
    for x in range(n):
        s[_RANK + x] = one - s[_BACK + x]
        s[_UP + x] = s[_TOTAL + x] = none
    for mode in range(top):
        p = base + mode * size
        for x in range(n):
            s[x] = s[_FULL + x] = none
        for c in range(planes):
            q, r = p + (_2 + c) * _B, c * _B
            for x in range(n):
                s[x] += light[r + x] * state[q + x]
                s[_FULL + x] += state[q + x] * state[q + x]
        for x in range(n):
            seen, full = s[x], s[_FULL + x]
            fits = (full > none) & (seen <= full) & (seen >= DARKEST * full)
            s[_RANK + x] = s[_RANK + x] if (full > none) & (s[_COUNT + x] > np.float32(mode)) else none
            s[x] = seen / full if fits else none
            s[_FULL + x] = none
        for c in range(planes):
            q, r = p + (_2 + c) * _B, c * _B
            for x in range(n):
                difference = s[x] * state[q + x] - light[r + x]
                s[_FULL + x] += difference * difference
        for x in range(n):
            share, total = s[x], s[_TOTAL + x] + state[p + x]
            near = s[_FULL + x] < threshold * state[p + _B + x] * share * share
            s[_UP + x] = one if near & (s[_RANK + x] > none) else s[_UP + x]
            s[_RANK + x] = none if near | (total > _SHARE) else s[_RANK + x]
            s[_TOTAL + x] = total


@kernel
def mixture_rows(frame, state, used, found, planes, rate, threshold, shadows, y0, y1):
    """Learn rows of a frame (H × W·planes, grey levels 0–255) and write what each pixel is to ``found``."""
    none = np.float32(0)
    deep, blocks = np.uint64(planes), used.shape[1] // BLOCK
    size = (_2 + deep) * _B
    light, s = np.empty(planes * BLOCK, np.float32), np.empty(_SCRATCH, np.float32)
    for turn in range(y0 * blocks, y1 * blocks):
        y, start = turn // blocks, turn % blocks * BLOCK
        count = min(BLOCK, found.shape[1] - start)
        n, base = np.uint64(count), np.uint64(turn) * _MODES * size
        pixels, numbers, kinds = frame[y, start * planes :], used[y, start:], found[y, start:]
        for c in range(planes):
            for x in range(count):
                light[c * BLOCK + x] = pixels[x * planes + c]
        most = none
        for x in range(n):
            s[_FITS + x] = s[_BACK + x] = s[_TOTAL + x] = s[_UP + x] = none
            s[_USED + x] = s[_COUNT + x] = numbers[x]
            most = numbers[x] if numbers[x] > most else most
        top = np.uint64(most)
        for mode in range(top):
            _visit(state, base + mode * size, light, s, n, deep, np.float32(mode), rate, threshold)
            _sort(state, base, s, n, deep, mode)
        fresh = foreground = 0
        for x in range(n):
            total = s[_TOTAL + x]
            s[_TOTAL + x] = np.float32(1) / total if total > none else none
            fresh += s[_FITS + x] == none
            foreground += s[_BACK + x] == none
        for mode in range(top):
            p, number = base + mode * size, np.float32(mode)
            for x in range(n):
                weight = state[p + x]
                state[p + x] = weight * s[_TOTAL + x] if s[_COUNT + x] > number else weight
        if fresh and rate > none:
            _begin(state, base, light, s, n, deep, top, rate)
        if foreground and shadows:
            _shade(state, base, light, s, n, deep, min(top + _1, _MODES), threshold)
        for x in range(n):
            numbers[x] = s[_COUNT + x]
            shade = SHADOW if s[_UP + x] > none else FOREGROUND
            kinds[x] = 0 if s[_BACK + x] > none else shade


def mixture_model(height: int, width: int, planes: int) -> tuple[Array, Array]:
    """Return the arrays of a model that has seen nothing: the blocks, and how many modes each pixel has."""
    blocks = -(-width // BLOCK)
    state = np.zeros(height * blocks * MODES * (2 + planes) * BLOCK, np.float32)
    return state, np.zeros((height, blocks * BLOCK), np.float32)


def background_of_modes(state: Array, used: Array, shape: tuple[int, ...]) -> Array:
    """Return the mean of the background's Gaussians by their weights, in the frame's shape, uint8."""
    height, width = shape[:2]
    blocks = state.reshape(height, -1, MODES, state.size // (used.size * MODES), BLOCK).transpose(2, 3, 0, 1, 4)
    modes = blocks.reshape(MODES, blocks.shape[1], height, -1)[..., :width]
    weights = np.where(np.arange(MODES)[:, None, None] < used[:, :width], modes[:, 0], 0)
    weights = np.where(np.cumsum(weights, axis=0) - weights < _SHARE, weights, 0)  # up to the share, as learned
    means = (modes[:, 2:] * weights[:, None]).sum(axis=0) / np.maximum(weights.sum(axis=0), 1e-12)
    return np.rint(np.moveaxis(means, 0, -1)).clip(0, 255).astype(np.uint8).reshape(shape)
