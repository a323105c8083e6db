"""Erosion: each pixel becomes the smallest value under a footprint, so that what is dark grows.

Serra 1982, "Image Analysis and Mathematical Morphology"; the kernels are in ``extremum.py``.
"""

from __future__ import annotations

from typing import Annotated

from sightline.core.catalogue import method
from sightline.core.checks import integer
from sightline.core.types import Array, Footprint, Image, Mask, Range
from sightline.image.extremum import extremum


@method(task="morphology", paper="Serra 1982", lesson="w1d5")
def erode(
    image: Image | Mask,
    footprint: int | tuple[int, int] | Footprint = 3,
    *,
    iterations: Annotated[int, Range(1, 100, 1)] = 1,
    out: Array | None = None,
) -> Image | Mask:
    """Return ``image`` with each pixel replaced by the smallest value under the footprint around it.

    What lies outside the image is ignored; where no pixel of the image lies under the footprint the result is
    the dtype's highest value, True or +∞. Every channel is taken on its own. NaN spreads over the footprint.

    Parameters
    ----------
    image
        H×W or H×W×C; uint8, uint16, float32, or a bool mask.
    footprint
        Side of a square in pixels, ≥ 1; (height, width) of a rectangle; or an H×W bool array with at least one true
        pixel, which is laid over the image as it is drawn. Its anchor is pixel (H // 2, W // 2): the centre, of odd
        sizes.
    iterations
        How often to do so, ≥ 1: each time on what came out before.
    out
        Array to write to, of the shape and dtype of ``image``; None for a new one.

    Returns
    -------
    Image or mask of the same shape and dtype.

    References
    ----------
    J. Serra, "Image Analysis and Mathematical Morphology", Academic Press, 1982.

    Examples
    --------
    >>> import numpy as np
    >>> row = np.array([[0, 0, 9, 5, 5, 0]], np.uint8)
    >>> erode(row).tolist()
    [[0, 0, 0, 5, 0, 0]]
    """
    for _ in range(integer("erode", "iterations", iterations, 1) - 1):
        image = extremum("erode", image, footprint, None, largest=False)
    return extremum("erode", image, footprint, out, largest=False)
