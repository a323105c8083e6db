"""Colours in grey levels 0–255 for every dtype: what segmentation by colour measures its distances in."""

from __future__ import annotations

from typing import Any

import numpy as np

from sightline.core.checks import as_image
from sightline.core.types import Array

_LEVELS = {"uint8": 1.0, "uint16": 1 / 257, "float32": 255.0}  # grey levels for one unit of the dtype


def as_grey_levels(function: str, image: Any) -> Array:
    """Return an H×W or H×W×3 image as H×W×C float32 in grey levels 0–255, or raise in the name of ``function``."""
    image = as_image(function, image, finite=True, most=1e12)
    image = image.reshape(*image.shape[:2], -1)
    return image.astype(np.float32) * np.float32(_LEVELS[image.dtype.name])


def as_planes(function: str, image: Any) -> Array:
    """Return an image as C×H×W float32 in grey levels: a plane per channel, whose rows a kernel reads at once."""
    return np.ascontiguousarray(np.moveaxis(as_grey_levels(function, image), 2, 0))
