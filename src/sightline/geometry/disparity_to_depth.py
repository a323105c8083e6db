"""Depth from disparity: similar triangles.

Hartley & Zisserman 2004, "Multiple View Geometry in Computer Vision", 2nd ed., section 11.12.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float32

from sightline.core.catalogue import method
from sightline.core.checks import describe, number
from sightline.core.errors import InputError
from sightline.core.types import Array


@method(task="stereo", paper="Hartley & Zisserman 2004", lesson="w3d5", example={"focal": 500.0, "baseline": 0.1})
def disparity_to_depth(
    disparity: Float32[np.ndarray, "h w"], focal: float, baseline: float, offset: float = 0.0
) -> Float32[np.ndarray, "h w"]:
    """Return how far away each pixel is: focal · baseline / (disparity + offset).

    NaN stays NaN; what is not nearer than infinity (a sum of 0 or less) becomes infinity.

    Parameters
    ----------
    disparity
        H×W float32 in pixels, as :func:`sgm` gives it.
    focal
        Focal length in pixels, greater than 0.
    baseline
        Distance of the two cameras, greater than 0, in the unit that the depth shall have.
    offset
        Column of the right camera's principal point less that of the left one's, in pixels: 0 for most rectified pairs.

    Returns
    -------
    ndarray
        H×W float32, along the camera's axis.

    Examples
    --------
    >>> import numpy as np
    >>> disparity_to_depth(np.float32([[10, 0]]), 500, 0.1).tolist()
    [[5.0, inf]]

    References
    ----------
    R. Hartley, A. Zisserman, "Multiple View Geometry in Computer Vision", 2nd ed., Cambridge 2004.
    """
    values = as_disparity_map("disparity_to_depth", disparity)
    focal = number("disparity_to_depth", "focal", focal, 0, np.inf, above=0)
    baseline = number("disparity_to_depth", "baseline", baseline, 0, np.inf, above=0)
    total = values + np.float32(number("disparity_to_depth", "offset", offset, -np.inf, np.inf))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(total <= 0, np.float32(np.inf), np.float32(focal * baseline) / total)


def as_disparity_map(function: str, disparity: Any) -> Array:
    """Return an H×W float32 map, or raise."""
    if not isinstance(disparity, np.ndarray) or disparity.ndim != 2 or disparity.dtype != np.float32:
        raise InputError(f"{function}: disparity must be H×W float32, as sgm gives it; got {describe(disparity)}.")
    return np.ascontiguousarray(disparity)
