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
_BLOCK = 64  # pixels that are looked at together
# A sample is one word: its channels in the three lower bytes, and in the upper one whether it is background.
_BACKGROUND = np.uint32(1 << 24)


@kernel
def _pack(pixels, light):
    """Make words of a row's pixels."""
    width = light.size
    if pixels.size == width:
        for x in range(width):
            light[x] = pixels[x]
        return
    for x in range(width):
        red, green, blue = np.uint32(pixels[3 * x]), np.uint32(pixels[3 * x + 1]), np.uint32(pixels[3 * x + 2])
        light[x] = red | green << np.uint32(8) | blue << np.uint32(16)


@kernel
def _look(light, past, start, n, threshold, alike, known):
    """Count for a block of pixels the samples that are near, and those of them that are background, until all know."""
    byte, one, two, three = np.uint32(255), np.uint32(8), np.uint32(16), np.uint32(24)
    here, alike, known = light[start : start + n], alike[start : start + n], known[start : start + n]
    for x in range(n):
        alike[x] = known[x] = 0
    for i in range(_ALL):
        there, fewest = past[i, start : start + n], np.int32(NEAREST)
        for x in range(n):
            value, sample = here[x], there[x]
            a = np.int32(np.int32(value & byte) - np.int32(sample & byte))
            b = np.int32(np.int32(value >> one & byte) - np.int32(sample >> one & byte))
            c = np.int32(np.int32(value >> two) - np.int32(sample >> two & byte))
            near = np.int32(np.int32(np.int32(a * a) + np.int32(np.int32(b * b) + np.int32(c * c))) < threshold)
            alike[x] += near
            known[x] += near & np.int32(sample >> three)
            fewest = min(fewest, known[x])
        if fewest == NEAREST:
            return


@kernel
def _is_shadow(value, past, x, threshold):
    """Return whether enough background samples are brighter versions of the pixel."""
    near, byte = 0, np.uint32(255)
    for i in range(_ALL):
        sample = past[i, x]
        if sample < _BACKGROUND:
            continue
        seen = full = np.float32(0)
        for shift in (np.uint32(0), np.uint32(8), np.uint32(16)):
            level = np.float32(sample >> shift & byte)
            seen += np.float32(value >> shift & byte) * level
            full += level * level
        if full == 0:
            return False
        if seen > full or seen < DARKEST * full:
            continue
        share, distance = seen / full, np.float32(0)
        for shift in (np.uint32(0), np.uint32(8), np.uint32(16)):
            difference = share * np.float32(sample >> shift & byte) - np.float32(value >> shift & byte)
            distance += difference * difference
        if distance < threshold * share * share:
            near += 1
            if near == NEAREST:
                return True
    return False


@kernel
def _take_up(value, past, x, oldest, due, turns):
    """Let the samples of a pixel move on whose turn it is, those of the long past first."""
    for back in range(3):
        part = 2 - back
        if due[part, x] != turns[part]:
            continue
        moved = past[(part - 1) * SAMPLES + oldest[part - 1, x], x] if part else value
        past[part * SAMPLES + oldest[part, x], x] = moved
        oldest[part, x] = (oldest[part, x] + 1) % SAMPLES


@kernel
def neighbour_rows(frame, samples, oldest, due, turns, found, threshold, shadows, y0, y1):
    """Write what each pixel of rows is to ``found``, and take up the values whose turn it is.

    ``due`` holds for each set and pixel at which of its turns a sample moves on: into the short past from the frame,
    from there into the middle one, and from there into the long one.
    """
    width, whole = found.shape[1], np.int32(min(np.ceil(threshold), 1 << 20))
    light, counts, listed = np.empty(width, np.uint32), np.empty((2, width), np.int32), np.empty(width, np.int64)
    alike, known = counts[0], counts[1]
    for y in range(y0, y1):
        past, kinds, first, turn = samples[y], found[y], oldest[y], due[y]
        _pack(frame[y], light)
        for start in range(0, width, _BLOCK):
            _look(light, past, start, min(_BLOCK, width - start), whole, alike, known)
        for x in range(width):
            kinds[x] = np.uint8(0) if known[x] >= NEAREST else np.uint8(FOREGROUND)
        # Pixels that need more are listed first: a jump for each that does not would cost more than the list.
        count = 0
        for x in range(width):
            listed[count] = x
            count += kinds[x] == FOREGROUND
        for i in range(count if shadows else 0):
            x = listed[i]
            if _is_shadow(light[x], past, x, threshold):
                kinds[x] = SHADOW
        short, middle, long = turn[0], turn[1], turn[2]
        count = 0
        for x in range(width):
            listed[count] = x
            count += (short[x] == turns[0]) | (middle[x] == turns[1]) | (long[x] == turns[2])
        for i in range(count):
            x = listed[i]
            value = light[x] | _BACKGROUND if alike[x] >= NEAREST else light[x]
            _take_up(value, past, x, first, turn, turns)


def neighbour_model(height: int, width: int) -> tuple[Array, Array]:
    """Return the arrays of a model that has seen nothing: the samples, and the oldest of each set."""
    return np.zeros((height, _ALL, width), np.uint32), np.zeros((height, 3, width), np.uint8)


def background_counts(samples: Array) -> Array:
    """Return how many of each pixel's samples are background, H×W uint8."""
    return (samples >= _BACKGROUND).sum(axis=1, dtype=np.uint8)


def periods(rate: float) -> list[int]:
    """Return in how many frames each set takes up one sample a pixel, at this pace of learning (0 < rate ≤ 1)."""
    ends = [int(math.log(share) / math.log1p(-rate)) if rate < 1 else 0 for share in _FORGOTTEN]
    short = ends[0] + 1
    middle = ends[1] - short + 1
    return [frames // SAMPLES + 1 for frames in (short, middle, ends[2] - short - middle + 1)]


def background_of_samples(samples: Array, oldest: Array, shape: tuple[int, ...]) -> Array:
    """Return the median of each pixel's background samples (all, where none is), in the frame's shape, uint8."""
    known = samples >= _BACKGROUND
    known |= ~known.any(axis=1, keepdims=True)
    levels = (samples[..., None] >> np.array([0, 8, 16][: shape[2] if len(shape) == 3 else 1], np.uint32)) & 255
    unknown = np.broadcast_to(~known[..., None], levels.shape)
    middle = np.ma.median(np.ma.array(levels, mask=unknown), axis=1).filled(0)
    return np.rint(middle).astype(np.uint8).reshape(shape)
