"""What lies beyond the border of an image, as the index of the pixel that stands in for it."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

BORDERS = ("reflect", "symmetric", "edge", "wrap")  # NumPy's words


@lru_cache(128)
def source_indices(size: int, reach: int, border: str) -> np.ndarray:
    """Return the index in ``0 … size - 1`` that stands for each of ``-reach … size + reach - 1``.

    The array is kept and given to others as well: nobody writes to it.

    Parameters
    ----------
    size
        Rows or columns of the image, ≥ 1.
    reach
        How far beyond the border to go, in pixels.
    border
        ``reflect`` (2 1 | 0 1 2), ``symmetric`` (1 0 | 0 1 2), ``edge`` (0 0 | 0 1 2) or ``wrap`` (8 9 | 0 1 2).
    """
    index = np.arange(-reach, size + reach)
    if border == "edge":
        return np.clip(index, 0, size - 1)
    if border == "wrap":
        return index % size
    if border == "symmetric":
        index = index % (2 * size)
        return np.minimum(index, 2 * size - 1 - index)
    period = max(1, 2 * size - 2)
    index = index % period
    return np.minimum(index, period - index) if size > 1 else index


def interleaved(index: np.ndarray, channels: int) -> np.ndarray:
    """Return pixel indices as indices of a flat row of ``channels`` values a pixel; of one, the same array."""
    if channels == 1:
        return index
    return (index[:, None] * channels + np.arange(channels)).ravel()
