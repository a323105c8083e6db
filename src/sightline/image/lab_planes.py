"""The planes of CIE L*a*b*, in which equal distances look about equally different: what segmentation compares."""

from __future__ import annotations

from typing import Any

import numpy as np

from sightline.core.checks import as_image
from sightline.core.conversions import to_float
from sightline.core.types import Array
from sightline.image.convert import convert


def as_lab_planes(function: str, image: Any) -> Array:
    """Return an H×W or H×W×3 image as 3×H×W float32 L* 0–100, a*, b*, or raise in the name of ``function``.

    A grey image has a* and b* of 0.
    """
    image = to_float(as_image(function, image, finite=True, most=1e12))
    rgb = image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2)
    planes = np.ascontiguousarray(np.moveaxis(convert(rgb, "rgb", "lab"), 2, 0))
    if image.ndim == 2:
        planes[1:] = 0
    return planes
