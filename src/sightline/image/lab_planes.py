"""The planes of CIE L*a*b*, in which equal distances look about equally different: what segmentation compares."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from sightline.core.buffers import empty
from sightline.core.checks import as_image
from sightline.core.conversions import to_float
from sightline.core.types import Array
from sightline.image.convert import convert

_BAND = 1 << 16  # pixels of rows that are converted together


def as_lab_planes(function: str, image: Any) -> Array:
    """Return an H×W or H×W×3 image as 3×H×W float32 L* 0–100, a*, b*, or raise in the name of ``function``.

    A grey image has a* and b* of 0.
    """
    image = as_lab_source(function, image)
    planes = empty((3, *image.shape[:2]), np.float32)
    for y0, y1, band in lab_bands(image):
        planes[:, y0:y1] = band
    return planes


def as_lab_source(function: str, image: Any) -> Array:
    """Return an image whose rows :func:`lab_rows` can convert, or raise in the name of ``function``."""
    return as_image(function, image, finite=True, most=1e12)


def lab_bands(image: Array) -> Iterator[tuple[int, int, Array]]:
    """Yield rows y0 to y1 of an image, and their planes, 3×(y1 − y0)×W float32, from the top to the bottom."""
    height, width = image.shape[:2]
    rows = max(1, _BAND // width)
    for y0 in range(0, height, rows):
        y1 = min(y0 + rows, height)
        yield y0, y1, lab_rows(image, y0, y1)


def lab_rows(image: Array, y0: int, y1: int) -> Array:
    """Return the planes of rows y0 to y1, 3×(y1 − y0)×W float32."""
    part = to_float(image[y0:y1])
    rgb = part if part.ndim == 3 else np.repeat(part[..., None], 3, axis=2)
    planes = np.ascontiguousarray(np.moveaxis(convert(rgb, "rgb", "lab"), 2, 0))
    if part.ndim == 2:
        planes[1:] = 0
    return planes
