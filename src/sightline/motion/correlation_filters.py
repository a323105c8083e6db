"""Filters that answer with one peak where the target is: MOSSE on grey levels, KCF on oriented gradients.

Bolme, Beveridge, Draper & Lui 2010, "Visual Object Tracking using Adaptive Correlation Filters", CVPR; Henriques,
Caseiro, Martins & Batista 2015, "High-Speed Tracking with Kernelized Correlation Filters", PAMI 37(3). Transforms are
half ones, of real values; sums over pixels become products of transforms, so a frame costs a few of these.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from sightline.core.kernels import kernel
from sightline.core.types import Array
from sightline.features.hog import hog_blocks
from sightline.image.fft import from_half_transform, half_transform
from sightline.image.warp_affine import warp_affine

Shape = tuple[int, int]
CELL = 4  # pixels of a cell of gradients


def cosine_window(shape: Shape) -> Array:
    """Return weights that fall to 0 at the border, H×W float32."""
    return np.outer(np.hanning(shape[0] + 2)[1:-1], np.hanning(shape[1] + 2)[1:-1]).astype(np.float32)


def wanted_response(shape: Shape, sigma: float) -> Array:
    """Return the half transform of a Gaussian peak at (0, 0) that wraps around."""
    y, x = (np.fft.fftfreq(n, 1 / n) for n in shape)
    return half_transform(np.exp(-0.5 * (y[:, None] ** 2 + x**2) / sigma**2).astype(np.float32))


class CorrelationFilter(ABC):
    """A filter over patches of one shape.

    Parameters
    ----------
    shape
        Height and width of its patches in pixels.
    """

    cell = 1  # pixels of a patch between two places of the response
    gray = False  # whether its patches are grey, whatever the frames are

    def __init__(self, shape: Shape) -> None:
        self.shape = shape

    @abstractmethod
    def learn(self, patch: Array, rate: float) -> None:
        """Learn a patch with the target in its middle, at this rate; the first one must come with a rate of 1."""

    @abstractmethod
    def respond(self, patch: Array) -> Array:
        """Return the response, float32: its peak lies as far from (0, 0), wrapped around, as the target moved."""

    @abstractmethod
    def certainty(self, response: Array) -> float:
        """Return how sure the peak of a response is."""


class Mosse(CorrelationFilter):
    """Minimum output sum of squared error: one linear filter, equations 5 and 10 to 12 of Bolme et al.

    Parameters
    ----------
    shape
        As in :class:`CorrelationFilter`.
    random
        Draws the turns under which the first patch is learned.
    """

    _SIGMA, _DAMPING, _TURNS = 2.0, 1e-2, 8
    _AROUND = 5  # pixels around the peak that are no sidelobe
    gray = True

    def __init__(self, shape: Shape, random: np.random.Generator) -> None:
        super().__init__(shape)
        self._random = random
        self._window, self._goal = cosine_window(shape), wanted_response(shape, self._SIGMA)
        self._levels = np.log1p(np.arange(256, dtype=np.float32))
        self._above, self._below = np.zeros_like(self._goal), np.zeros(self._goal.shape, np.float32)

    def learn(self, patch: Array, rate: float) -> None:
        """Learn a patch; the first one also turned, scaled and sheared a little."""
        keep = 1 - rate
        for view in (patch, *(self._turned(patch) for _ in range(self._TURNS if rate == 1 else 0))):
            transform = half_transform(self._prepared(view))
            _take_in(transform, self._goal, np.float32(keep), np.float32(rate), self._above, self._below)
            keep = 1.0  # sums of all views

    def respond(self, patch: Array) -> Array:
        """Return the correlation of the patch with the filter."""
        transform = half_transform(self._prepared(patch))
        _filter(transform, self._above, self._below, np.float32(self._DAMPING))
        return from_half_transform(transform, self.shape)

    def certainty(self, response: Array) -> float:
        """Return the ratio of the peak to its sidelobes: their standard deviations between it and their mean."""
        return float(_peak_to_sidelobes(response, int(response.argmax()), self._AROUND))

    def _prepared(self, patch: Array) -> Array:
        """Return an H×W uint8 patch as its logarithms, of mean 0 and length 1, that fall to 0 at the border."""
        out = np.empty(patch.shape, np.float32)
        _normalise(patch, self._levels, self._window, out)
        return out

    def _turned(self, patch: Array) -> Array:
        matrix = np.eye(2) + self._random.uniform(-0.1, 0.1, (2, 2))
        centre = (np.array(patch.shape[1::-1]) - 1) / 2
        return warp_affine(patch, np.column_stack([matrix, centre - matrix @ centre]), border="edge")


class Kcf(CorrelationFilter):
    """Kernelized correlation filter with a Gaussian kernel over gradients, equations 17, 22 and 31 of Henriques et al.

    Parameters
    ----------
    shape
        Multiples of 4, at least 12.
    target
        Height and width of the target within a patch, in pixels.
    """

    _SIGMA, _RIDGE, _PEAK = 0.5, 1e-4, 0.1
    cell = CELL

    def __init__(self, shape: Shape, target: Shape) -> None:
        super().__init__(shape)
        self._grid = shape[0] // CELL - 1, shape[1] // CELL - 1
        sigma = self._PEAK * np.sqrt(target[0] * target[1]) / CELL
        self._window, self._goal = cosine_window(self._grid)[..., None], wanted_response(self._grid, sigma)
        self._seen: Array = np.zeros(0, np.complex64)
        self._weights: Array = self._seen
        self._energy = 0.0

    def learn(self, patch: Array, rate: float) -> None:
        """Learn a patch: its features, and the weights of its shifts."""
        features = self._features(patch)
        transform, energy = half_transform(features), float((features**2).sum())
        kernel = half_transform(self._kernel(transform, energy, transform, energy))
        weights = self._goal / (kernel + np.float32(self._RIDGE))
        if rate == 1:
            self._seen, self._weights, self._energy = transform, weights, energy
            return
        new, old = np.float32(rate), np.float32(1 - rate)
        self._seen = new * transform + old * self._seen
        self._weights = new * weights + old * self._weights
        self._energy = rate * energy + (1 - rate) * self._energy

    def respond(self, patch: Array) -> Array:
        """Return the response of all shifts of the patch at once."""
        features = self._features(patch)
        kernel = self._kernel(self._seen, self._energy, half_transform(features), float((features**2).sum()))
        return from_half_transform(half_transform(kernel) * self._weights, self._grid)

    def certainty(self, response: Array) -> float:
        """Return the height of the peak: 1 for the patch that was learned."""
        return float(response.max())

    def _features(self, patch: Array) -> Array:
        blocks = hog_blocks(patch, CELL)
        return np.ascontiguousarray(blocks.reshape(*blocks.shape[:2], -1) * self._window)

    def _kernel(self, a: Array, a_energy: float, b: Array, b_energy: float) -> Array:
        """Return exp(-|a - b shifted|² / σ²) for all shifts, the distance as a mean over the features."""
        shared = from_half_transform((a.conj() * b).sum(axis=2), self._grid)
        distance = np.maximum(0, a_energy + b_energy - 2 * shared) / np.float32(
            self._grid[0] * self._grid[1] * a.shape[2]
        )
        return np.exp(-distance / np.float32(self._SIGMA**2)).astype(np.float32)


@kernel
def _normalise(patch, levels, window, out):
    total, squares = np.float64(0), np.float64(0)
    for y in range(patch.shape[0]):
        for x in range(patch.shape[1]):
            value = levels[patch[y, x]]
            out[y, x] = value
            total += value
            squares += np.float64(value) * value
    mean = total / patch.size
    length = np.sqrt(max(squares - total * mean, 0.0))
    middle, scale = np.float32(mean), np.float32(1 / (length + 1e-5))
    for y in range(patch.shape[0]):
        for x in range(patch.shape[1]):
            out[y, x] = (out[y, x] - middle) * scale * window[y, x]


@kernel
def _take_in(transform, goal, keep, rate, above, below):
    """Add a view to the filter's numerator and denominator, at a rate, of which the old ones keep a share."""
    for v in range(transform.shape[0]):
        for u in range(transform.shape[1]):
            value = transform[v, u]
            above[v, u] = rate * (goal[v, u] * np.conj(value)) + keep * above[v, u]
            below[v, u] = rate * (value.real * value.real + value.imag * value.imag) + keep * below[v, u]


@kernel
def _filter(transform, above, below, damping):
    for v in range(transform.shape[0]):
        for u in range(transform.shape[1]):
            transform[v, u] = transform[v, u] * above[v, u] * (np.float32(1) / (below[v, u] + damping))


@kernel
def _peak_to_sidelobes(response, place, around):
    height, width = response.shape
    y, x = place // width, place % width
    total, squares, lobe, lobe_squares = 0.0, 0.0, 0.0, 0.0
    for v in range(height):
        for u in range(width):
            value = np.float64(response[v, u])
            total += value
            squares += value * value
    high, wide = min(2 * around + 1, height), min(2 * around + 1, width)
    for i in range(high):
        for j in range(wide):
            value = np.float64(response[(y - around + i) % height, (x - around + j) % width])
            lobe += value
            lobe_squares += value * value
    count = response.size - high * wide
    if count == 0:
        return 0.0
    mean = (total - lobe) / count
    variance = (squares - lobe_squares) / count - mean * mean
    return (response[y, x] - mean) / (np.sqrt(max(variance, 0.0)) + 1e-12)


def peak_of(response: Array) -> tuple[float, float]:
    """Return how far (dx, dy) the peak lies from (0, 0), wrapped around, between places by a parabola."""
    height, width = response.shape
    y, x = (int(i) for i in np.unravel_index(response.argmax(), response.shape))
    across = response[y, [x - 1, x, (x + 1) % width]]
    down = response[[y - 1, y, (y + 1) % height], x]
    dx, dy = x + _vertex(across), y + _vertex(down)
    return (dx - width if x > width // 2 else dx), (dy - height if y > height // 2 else dy)


def _vertex(values: Array) -> float:
    before, here, after = (float(v) for v in values)
    bend = before - 2 * here + after
    return 0.0 if bend >= 0 else float(np.clip(0.5 * (before - after) / bend, -0.5, 0.5))
