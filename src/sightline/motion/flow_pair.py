"""What every method of optical flow is given: two pictures of one size, one after the other."""

from __future__ import annotations

from typing import Any

import numpy as np

from sightline.core.checks import describe
from sightline.core.errors import InputError
from sightline.core.types import Array
from sightline.image.gaussian_blur import gaussian_blur
from sightline.image.gradient import as_gray


def as_pair(function: str, a: Any, b: Any) -> tuple[Array, Array]:
    """Return the brightness of both pictures, H×W: uint8, or float32 in grey levels 0–255 where one has finer steps."""
    first = as_gray(function, a, finite=True)
    second = as_gray(function, b, finite=True)
    if first.shape != second.shape:
        size = "×".join(map(str, first.shape))
        raise InputError(
            f"{function}: b must have the height and width of a, {size}; got {describe(b)}. "
            f"Use sightline.image.resize(b, ({first.shape[0]}, {first.shape[1]}))."
        )
    if first.dtype == second.dtype == np.uint8:
        return first, second
    return as_levels(first), as_levels(second)


def as_levels(gray: Array) -> Array:
    """Return brightness as float32 in grey levels 0–255."""
    if gray.dtype == np.float32:
        return gray * np.float32(255)
    return gray.astype(np.float32) * np.float32(1 if gray.dtype == np.uint8 else 1 / 257)


def levels_worth(shape: tuple[int, ...], levels: int, least: int) -> int:
    """Return how many times a picture can be halved and still be wider and higher than ``least``, up to ``levels``."""
    side, count = min(shape[:2]), 0
    while count < levels and (side + 1) // 2 > least:
        side, count = (side + 1) // 2, count + 1
    return count


def example_next(a: Any) -> Array:
    """Return a second picture to an example's first one: everything one pixel further right."""
    return np.roll(a, 1, axis=1)


def grid_of(a: Any) -> Array:
    """Return points all over an example's first picture, every twelve pixels."""
    height, width = a.shape[:2] if isinstance(a, np.ndarray) and a.ndim > 1 else (48, 64)
    y, x = np.mgrid[6 : max(height, 7) : 12, 6 : max(width, 7) : 12].astype(np.float32)
    return np.stack([x, y], axis=2).reshape(-1, 2)


def smoothed(gray: Array, sigma: float) -> Array:
    """Return brightness as float32 in grey levels 0–255, blurred by ``sigma`` pixels."""
    levels = gray.astype(np.float32)  # of bytes: they are grey levels; of floats: a copy
    return gaussian_blur(levels, sigma) if sigma > 0 else levels
