"""Samples of the Gaussian and of its second derivative, as the filters that differentiate and sharpen use them."""

from __future__ import annotations

import numpy as np

from sightline.image.correlation import Frame, frame_around

TRUNCATE = 4.0  # standard deviations from the centre to the last sample
STEEPEST = 200.0  # pixels: the largest standard deviation of these filters


def bell(sigma: float) -> np.ndarray:
    """Return the Gaussian of ``sigma`` pixels (> 0) at whole numbers, with the sum 1."""
    reach = int(TRUNCATE * sigma + 0.5)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    return weights / weights.sum()


def curvature(sigma: float) -> np.ndarray:
    """Return the second derivative of :func:`bell`."""
    weights = bell(sigma)
    x = np.arange(weights.size) - weights.size // 2
    return weights * (x * x / sigma**2 - 1) / sigma**2


def frame_of(weights: np.ndarray, border: str) -> Frame:
    """Return the frame of a square window with ``weights`` down and across."""
    return frame_around((weights.size, weights.size), (weights.size // 2, weights.size // 2), border)
