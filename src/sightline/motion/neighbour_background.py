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
from sightline.motion.mixture_background import DARKEST, FOREGROUND, SHADOW

SAMPLES = 7  # in each of the three sets
NEAREST = 2  # samples near enough that say what a pixel is
_ALL = 3 * SAMPLES
_FORGOTTEN = (0.7, 0.4, 0.1)  # weight of the past at which each set ends


@kernel
def _is_shadow(row, place, past, planes, threshold):
    """Return whether enough background samples are brighter versions of the pixel."""
    near = 0
    for i in range(_ALL):
        at = i * (planes + 1)
        if past[at + planes] == 0:
            continue
        seen = full = np.float32(0)
        for c in range(planes):
            value = np.float32(past[at + c])
            seen += np.float32(row[place + c]) * value
            full += value * value
        if full == 0:
            return False
        if seen > full or seen < DARKEST * full:
            continue
        share, distance = seen / full, np.float32(0)
        for c in range(planes):
            difference = share * np.float32(past[at + c]) - np.float32(row[place + c])
            distance += difference * difference
        if distance < threshold * share * share:
            near += 1
            if near == NEAREST:
                return True
    return False


@kernel
def _look(row, place, past, planes, threshold):
    """Return whether a pixel is background, and whether it is like values of its past, background or not."""
    alike = known = 0
    for i in range(_ALL):
        at = i * (planes + 1)
        distance = 0
        for c in range(planes):
            difference = np.int32(row[place + c]) - np.int32(past[at + c])
            distance += difference * difference
        if distance < threshold:
            alike += 1
            known += past[at + planes]
            if known == NEAREST:
                return True, True
    return False, alike >= NEAREST


@kernel
def neighbour_rows(frame, samples, oldest, due, turns, found, planes, threshold, shadows, y0, y1):
    """Write what each pixel of rows is to ``found``, and take up the values whose turn it is.

    ``due`` holds for each set and pixel at which of its turns a sample moves on: into the short past from the frame,
    from there into the middle one, and from there into the long one.
    """
    width = found.shape[1]
    size = planes + 1
    for y in range(y0, y1):
        row = frame[y]
        for x in range(width):
            past, first = samples[y, x], oldest[y, x]
            background, alike = _look(row, x * planes, past, planes, threshold)
            kind = 0 if background else FOREGROUND
            if kind and shadows and _is_shadow(row, x * planes, past, planes, threshold):
                kind = SHADOW
            found[y, x] = kind
            for part in (2, 1, 0):
                if due[part, y, x] != turns[part]:
                    continue
                at = (part * SAMPLES + np.int64(first[part])) * size
                if part:
                    source = ((part - 1) * SAMPLES + np.int64(first[part - 1])) * size
                    for c in range(size):
                        past[at + c] = past[source + c]
                else:
                    for c in range(planes):
                        past[at + c] = row[x * planes + c]
                    past[at + planes] = alike
                first[part] = (first[part] + 1) % SAMPLES


def neighbour_model(height: int, width: int, planes: int) -> tuple[Array, Array]:
    """Return the arrays of a model that has seen nothing: the samples, and the oldest of each set."""
    return np.zeros((height, width, _ALL * (planes + 1)), np.uint8), np.zeros((height, width, 3), np.uint8)


def periods(rate: float) -> list[int]:
    """Return in how many frames each set takes up one sample a pixel, at this pace of learning (0 < rate ≤ 1)."""
    ends = [int(math.log(share) / math.log1p(-rate)) if rate < 1 else 0 for share in _FORGOTTEN]
    short = ends[0] + 1
    middle = ends[1] - short + 1
    return [frames // SAMPLES + 1 for frames in (short, middle, ends[2] - short - middle + 1)]


def background_of_samples(samples: Array, oldest: Array, shape: tuple[int, ...]) -> Array:
    """Return the median of each pixel's background samples (all, where none is), in the frame's shape, uint8."""
    planes = samples.shape[2] // _ALL - 1
    values = samples.reshape(*samples.shape[:2], _ALL, planes + 1)
    known = values[..., planes:] > 0
    known |= ~known.any(axis=2, keepdims=True)
    kept = np.ma.median(np.ma.array(values[..., :planes], mask=np.broadcast_to(~known, values[..., :planes].shape)), 2)
    return np.rint(kept.filled(0)).astype(np.uint8).reshape(shape)
