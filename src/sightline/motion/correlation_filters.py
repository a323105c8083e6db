"""Filters that answer with one peak where the target is: MOSSE on grey levels, KCF on oriented gradients.

Bolme, Beveridge, Draper & Lui 2010, "Visual Object Tracking using Adaptive Correlation Filters", CVPR; Henriques,
Caseiro, Martins & Batista 2015, "High-Speed Tracking with Kernelized Correlation Filters", PAMI 37(3). Transforms are
half ones, of real values; sums over pixels become products of transforms, so a frame costs a few of these.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

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

    def __init__(self, shape: Shape, random: np.random.Generator) -> None:
        super().__init__(shape)
        self._random = random
        self._window, self._goal = cosine_window(shape), wanted_response(shape, self._SIGMA)
        self._above = self._below = np.zeros_like(self._goal)

    def learn(self, patch: Array, rate: float) -> None:
        """Learn a patch; the first one also turned, scaled and sheared a little."""
        patches = [patch]
        if rate == 1:
            patches += [self._turned(patch) for _ in range(self._TURNS)]
        transforms = [half_transform(self._prepared(view)) for view in patches]
        above = sum(self._goal * f.conj() for f in transforms)
        below = sum(f * f.conj() for f in transforms)
        self._above = rate * above + (1 - rate) * self._above
        self._below = rate * below + (1 - rate) * self._below

    def respond(self, patch: Array) -> Array:
        """Return the correlation of the patch with the filter."""
        transform = half_transform(self._prepared(patch))
        damping = np.float32(self._DAMPING)
        return from_half_transform(transform * self._above / (self._below + damping), self.shape)

    def certainty(self, response: Array) -> float:
        """Return the ratio of the peak to its sidelobes: their standard deviations between it and their mean."""
        y, x = (int(i) for i in np.unravel_index(response.argmax(), response.shape))
        height, width = response.shape
        around = np.arange(-self._AROUND, self._AROUND + 1)
        values = response.astype(np.float64)
        lobe = values[np.unique((y + around) % height)][:, np.unique((x + around) % width)]
        count = values.size - lobe.size
        if count == 0:
            return 0.0
        mean = (values.sum() - lobe.sum()) / count
        square = (np.vdot(values, values) - np.vdot(lobe, lobe)) / count
        return float((values[y, x] - mean) / (np.sqrt(max(square - mean * mean, 0)) + 1e-12))

    def _prepared(self, patch: Array) -> Array:
        gray = patch.astype(np.float32)
        if patch.ndim == 3:
            gray = (gray[..., 0] + gray[..., 1] + gray[..., 2]) * np.float32(1 / 3)
        values = np.log1p(gray)
        values -= values.mean()
        return (values / (np.linalg.norm(values) + np.float32(1e-5)) * self._window).astype(np.float32)

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
