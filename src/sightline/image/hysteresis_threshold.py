"""Hysteresis threshold: two thresholds, the lower one valid only where it is connected with what is above the higher.

Canny 1986, "A Computational Approach to Edge Detection", IEEE PAMI 8(6), section VI.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import integer, number, output
from sightline.core.errors import InputError
from sightline.core.kernels import kernel, over_rows
from sightline.core.layers import Mask as MaskLayer
from sightline.core.layers import Picture
from sightline.core.trace import Step
from sightline.core.types import Array, Image, Mask, Range
from sightline.image.following import NONE, STRONG, WEAK, follow, framed_labels
from sightline.image.gradient import as_gray


@method(task="segmentation", paper="Canny 1986", lesson="w2d5", example={"low": 0.3, "high": 0.6})
def hysteresis_threshold(
    image: Image,
    low: Annotated[float, Range(0, 255)],
    high: Annotated[float, Range(0, 255)],
    *,
    connectivity: int = 4,
    out: Array | None = None,
) -> Mask:
    """Return which pixels are above a high threshold, or above a low one and connected with such pixels.

    NaN is above nothing; infinity is above or below as its sign says.

    Parameters
    ----------
    image
        H×W, or H×W×3, which is turned to grey first; uint8, uint16 or float32.
    low
        What is above it may belong to a region; any finite number, in the image's own units.
    high
        What is above it makes a region; from ``low`` on, in the same units.
    connectivity
        Neighbours that count as connected: 4 (beside, above and below) or 8 (diagonal ones, too).
    out
        H×W bool array to write to; None makes a new one.

    Returns
    -------
    mask
        H×W bool.

    Raises
    ------
    InputError
        When ``low`` is greater than ``high``.

    References
    ----------
    J. Canny, "A Computational Approach to Edge Detection", IEEE Transactions on Pattern Analysis and Machine
    Intelligence 8(6), 1986.

    Examples
    --------
    >>> import numpy as np
    >>> row = np.array([[9, 60, 90, 60, 9, 60, 60]], np.uint8)
    >>> hysteresis_threshold(row, 50, 80).astype(int).tolist()
    [[0, 1, 1, 1, 0, 0, 0]]
    """
    gray = as_gray("hysteresis_threshold", image)
    low, high = _checked(low, high)
    if integer("hysteresis_threshold", "connectivity", connectivity, 4, 8) not in (4, 8):
        raise InputError(f"hysteresis_threshold: connectivity must be 4 or 8; got {connectivity}.")
    result = output("hysteresis_threshold", out, gray.shape, np.bool_, [gray])
    labels = framed_labels(gray.shape)
    over_rows(_label, len(gray), gray, *_levels(gray, low, high), labels)
    return follow(labels, result, diagonal=connectivity == 8)


@hysteresis_threshold.steps
def _steps(image: Image, low: float, high: float, *, connectivity: int = 4, out: Array | None = None) -> Iterator[Step]:
    gray = as_gray("hysteresis_threshold", image)
    low, high = _checked(low, high)
    yield Step("grey", Picture(gray))
    shades = np.where(gray > high, 255, np.where(gray > low, 110, 0)).astype(np.uint8)
    yield Step("strong and weak", Picture(shades), note=f"White above {high:g}, grey above {low:g}.")
    result = hysteresis_threshold(image, low, high, connectivity=connectivity, out=out)
    yield Step("reached", MaskLayer(result), note="Grey ones stay where they touch white ones.")


def _checked(low: float, high: float) -> tuple[float, float]:
    most = float(np.finfo(np.float32).max)
    low = number("hysteresis_threshold", "low", low, -most, most)
    high = number("hysteresis_threshold", "high", high, -most, most)
    if low > high:
        raise InputError(f"hysteresis_threshold: low must be ≤ high; got low {low:g} and high {high:g}. Swap them.")
    return low, high


def _levels(gray: Array, low: float, high: float) -> tuple[np.float32, np.float32]:
    """Return the thresholds as float32 or, for whole numbers, as what no smaller one is above: x > 3.5 is x > 3."""
    if gray.dtype == np.float32:
        return np.float32(low), np.float32(high)
    return np.float32(np.floor(np.clip(low, -1, 65535))), np.float32(np.floor(np.clip(high, -1, 65535)))


@kernel
def _label(gray, low, high, labels, y0, y1):
    none, strong, weak = np.uint8(NONE), np.uint8(STRONG), np.uint8(WEAK)
    width = gray.shape[1]
    for y in range(y0, y1):
        labels[y + 1] = none
        row, inner = gray[y], labels[y + 1, 1 : width + 1]
        for x in range(width):
            value = np.float32(row[x])
            label = weak if value > low else none
            inner[x] = strong if value > high else label
