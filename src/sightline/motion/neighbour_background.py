"""Kernels of the nearest neighbours: each pixel's history as values that it had, some of them known as background.

Zivkovic & van der Heijden 2006, "Efficient Adaptive Density Estimation per Image Pixel for the Task of Background
Subtraction", Pattern Recognition Letters 27(7), section 4: three sets of samples, of the last, the middle and the long
past, so that few samples stand for a long time.
"""

from __future__ import annotations

import math

import numpy as np

from sightline.core.kernels import kernel
from sightline.core.types import Array
from sightline.motion.mixture_background import BLOCK, DARKEST, FOREGROUND, SHADOW

SAMPLES = 7  # in each of the three sets
NEAREST = 2  # samples near enough that say what a pixel is
_ALL = 3 * SAMPLES
_FORGOTTEN = (0.7, 0.4, 0.1)  # weight of the past at which each set ends


@kernel
def _look(light, past, first, n, threshold, alike, known):
    """Count for a block of pixels the samples that are near, and those of them that are background, until all know."""
    planes = len(light)
    for x in range(n):
        alike[x] = 0
        known[x] = 0
    distance = np.empty(n, np.int32)
    for i in range(_ALL):
        for x in range(n):
            distance[x] = 0
        for c in range(planes):
            value, sample = light[c], past[i, c, first : first + n]
            for x in range(n):
                difference = np.int32(value[x]) - np.int32(sample[x])
                distance[x] += difference * difference
        flags, fewest = past[i, planes, first : first + n], np.int32(NEAREST)
        for x in range(n):
            near = np.int32(distance[x] < threshold)
            alike[x] += near
            known[x] += near * np.int32(flags[x])
            fewest = min(fewest, known[x])
        if fewest == NEAREST:
            return


@kernel
def _is_shadow(light, past, x, place, threshold):
    """Return whether enough background samples are brighter versions of the pixel."""
    planes, near = len(light), 0
    for i in range(_ALL):
        if past[i, planes, place] == 0:
            continue
        seen = full = np.float32(0)
        for c in range(planes):
            value = np.float32(past[i, c, place])
            seen += np.float32(light[c, x]) * value
            full += value * value
        if full == 0:
            return False
        if seen > full or seen < DARKEST * full:
            continue
        share, distance = seen / full, np.float32(0)
        for c in range(planes):
            difference = share * np.float32(past[i, c, place]) - np.float32(light[c, x])
            distance += difference * difference
        if distance < threshold * share * share:
            near += 1
            if near == NEAREST:
                return True
    return False


@kernel
def _take_up(light, past, x, place, oldest, due, turns, alike):
    """Let the samples of a pixel move on whose turn it is, those of the long past first."""
    planes = len(light)
    for back in range(3):
        part = 2 - back
        if due[part, place] != turns[part]:
            continue
        at = part * SAMPLES + oldest[part, place]
        if part:
            source = (part - 1) * SAMPLES + oldest[part - 1, place]
            for c in range(planes + 1):
                past[at, c, place] = past[source, c, place]
        else:
            for c in range(planes):
                past[at, c, place] = light[c, x]
            past[at, planes, place] = alike
        oldest[part, place] = (oldest[part, place] + 1) % SAMPLES


@kernel
def neighbour_rows(frame, samples, oldest, due, turns, found, planes, threshold, shadows, y0, y1):
    """Write what each pixel of rows is to ``found``, and take up the values whose turn it is.

    ``due`` holds for each set and pixel at which of its turns a sample moves on: into the short past from the frame,
    from there into the middle one, and from there into the long one.
    """
    width, whole = found.shape[1], np.int32(np.ceil(threshold))
    light, near = np.empty((planes, BLOCK), np.uint8), np.empty((3, BLOCK), np.int32)
    alike, known, late = near[0], near[1], near[2]
    for y in range(y0, y1):
        past, first, turn = samples[y], oldest[y], due[y]
        for start in range(0, width, BLOCK):
            n = min(BLOCK, width - start)
            pixels, kinds = frame[y, start * planes :], found[y, start:]
            for c in range(planes):
                for x in range(n):
                    light[c, x] = pixels[x * planes + c]
            _look(light, past, start, n, whole, alike, known)
            a, b, c = turn[0, start:], turn[1, start:], turn[2, start:]
            for x in range(n):
                late[x] = (a[x] == turns[0]) | (b[x] == turns[1]) | (c[x] == turns[2])
            for x in range(n):
                background = known[x] >= NEAREST
                kinds[x] = 0 if background else FOREGROUND
                if not background and shadows and _is_shadow(light, past, x, start + x, threshold):
                    kinds[x] = SHADOW
                if late[x]:
                    _take_up(light, past, x, start + x, first, turn, turns, background | (alike[x] >= NEAREST))


def neighbour_model(height: int, width: int, planes: int) -> tuple[Array, Array]:
    """Return the arrays of a model that has seen nothing: the samples, and the oldest of each set."""
    return np.zeros((height, _ALL, planes + 1, width), np.uint8), np.zeros((height, 3, width), np.uint8)


def periods(rate: float) -> list[int]:
    """Return in how many frames each set takes up one sample a pixel, at this pace of learning (0 < rate ≤ 1)."""
    ends = [int(math.log(share) / math.log1p(-rate)) if rate < 1 else 0 for share in _FORGOTTEN]
    short = ends[0] + 1
    middle = ends[1] - short + 1
    return [frames // SAMPLES + 1 for frames in (short, middle, ends[2] - short - middle + 1)]


def background_of_samples(samples: Array, oldest: Array, shape: tuple[int, ...]) -> Array:
    """Return the median of each pixel's background samples (all, where none is), in the frame's shape, uint8."""
    known = samples[:, :, -1:] > 0
    known |= ~known.any(axis=1, keepdims=True)
    values = samples[:, :, :-1]
    middle = np.ma.median(np.ma.array(values, mask=np.broadcast_to(~known, values.shape)), axis=1).filled(0)
    return np.rint(np.moveaxis(middle, 1, -1)).astype(np.uint8).reshape(shape)
