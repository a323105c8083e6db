"""What every stereo method is given: two rectified pictures of one size, and the disparities to try."""

from __future__ import annotations

from typing import Any

import numpy as np

from sightline.core.checks import describe, integer
from sightline.core.conversions import to_uint8
from sightline.core.errors import InputError
from sightline.core.types import Array
from sightline.image.gradient import as_gray

_MOST = 1024


def as_pair(function: str, left: Any, right: Any) -> tuple[Array, Array]:
    """Return both pictures as H×W uint8 brightness, or raise."""
    a, b = (to_uint8(as_gray(function, picture, finite=True)) for picture in (left, right))
    if a.shape != b.shape:
        size = "×".join(map(str, a.shape))
        raise InputError(
            f"{function}: right must have the height and width of left, {size}; got {describe(right)}. "
            "Rectify the pair first: sightline.geometry.rectify."
        )
    return a, b


def as_bright(picture: Array, other: Array) -> Array:
    """Return ``picture`` (uint8) with the mean and the spread of ``other``'s brightness: another exposure undone."""
    spread = float(picture.std())
    gain = float(other.std()) / spread if spread > 0 else 1.0
    levels = (np.arange(256) - float(picture.mean())) * gain + float(other.mean())
    return np.rint(levels).clip(0, 255).astype(np.uint8)[picture]


def as_disparities(function: str, disparities: Any) -> tuple[int, int]:
    """Return the first disparity and how many there are."""
    if isinstance(disparities, (tuple, list)) and len(disparities) == 2:
        first, end = (integer(function, "disparities", value, 0) for value in disparities)
    else:
        first, end = 0, integer(function, "disparities", disparities, 2, _MOST)
    if not 2 <= end - first <= _MOST:
        raise InputError(f"{function}: disparities must be a range of 2 to {_MOST}; got {disparities!r}.")
    return first, end - first


def example_right(left: Any) -> Array:
    """Return a right picture to an example's left one: everything 4 pixels away."""
    return np.roll(left, -4, axis=1)
