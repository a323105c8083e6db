"""Samples of the Gaussian and of its second derivative, as the filters that differentiate and sharpen use them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from sightline.core.buffers import empty
from sightline.image.border import source_indices
from sightline.image.correlation import Frame, correlate_pair, frame_around

TRUNCATE = 4.0  # standard deviations from the centre to the last sample
STEEPEST = 200.0  # pixels: the largest standard deviation of these filters
_PIXELS = 1 << 20  # in a strip
_SMALL = 1 << 21  # numbers of a picture, of which there are fewer in one of 1080p, that is done as a whole


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


def blurred_strips(image: np.ndarray, sigma: float, border: str) -> Iterator[tuple[slice, np.ndarray]]:
    """Yield rows of the image, and these rows blurred: what is blurred need not be held as a whole.

    Each is as in the whole image blurred by :func:`~sightline.image.correlation.correlate_pair`, bit for bit.

    Parameters
    ----------
    image
        H×W or H×W×C; uint8, uint16 or float32, C-contiguous.
    sigma
        Standard deviation of the blur in pixels; 0 blurs nothing.
    border
        Of :mod:`sightline.image.border`.
    """
    weights = bell(sigma) if sigma > 0 else np.ones(1)
    return correlated_strips(image, weights, weights, border)


def correlated_strips(
    image: np.ndarray, down: np.ndarray, across: np.ndarray, border: str
) -> Iterator[tuple[slice, np.ndarray]]:
    """Yield rows of the image, and these rows under the product of a column and a row of as many weights.

    It is done as above; all strips are in the memory of one.
    """
    height, reach = len(image), down.size // 2
    # Rows are summed two by two: strips begin at even ones. What lies around a strip is read once more.
    size = max(2 * (_PIXELS // (2 * max(1, image[0].size))), 4 * down.size, 64)
    if height <= size or image.size < _SMALL:
        blurred = empty(image.shape, np.float32)
        correlate_pair(image, down, across, frame_of(down, border), blurred)
        yield slice(0, height), blurred
        return
    frame = Frame((0, reach), (0, reach), (1, 1), border, 0.0)
    sources, strip = source_indices(height, reach, border), empty((size, *image.shape[1:]), np.float32)
    for y in range(0, height, size):
        stop = min(y + size, height)
        inner = reach <= y and stop + reach <= height
        lines = image[y - reach : stop + reach] if inner else image[sources[y : stop + 2 * reach]]
        blurred = strip[: stop - y]
        correlate_pair(lines, down, across, frame, blurred)
        yield slice(y, stop), blurred
