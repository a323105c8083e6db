"""Cutout: hide a square, so that no single part decides.

DeVries, Taylor 2017, "Improved regularization of convolutional neural networks with Cutout", arXiv:1708.04552.
"""

from __future__ import annotations

from typing import Annotated

from sightline.core.catalogue import method
from sightline.core.checks import as_image, integer, number
from sightline.core.seeds import generator
from sightline.core.types import Image, Range, Seed


@method(task="augmentation", paper="DeVries & Taylor 2017", lesson="w5d2")
def cutout(
    image: Image,
    *,
    size: Annotated[float, Range(0, 1)] = 0.5,
    count: Annotated[int, Range(1, 16)] = 1,
    fill: Annotated[int, Range(0, 255)] = 128,
    seed: Seed = 0,
) -> Image:
    """Return the image with random squares painted over.

    The centre of a square is any pixel, so that a square may lie partly outside.

    Parameters
    ----------
    image
        H×W or H×W×3, uint8.
    size
        Side of a square as a share of the image's shorter side, 0–1 (the paper: 0.5 for CIFAR-10, 0.25 for CIFAR-100).
    count
        Number of squares, 1–16.
    fill
        Value that is painted, 0–255.
    seed
        Whole number ≥ 0 or a generator.

    Returns
    -------
    Image
        A new array of the same shape and dtype.

    References
    ----------
    T. DeVries, G. Taylor, "Improved regularization of convolutional neural networks with Cutout", arXiv:1708.04552,
    2017.

    Examples
    --------
    >>> import numpy as np
    >>> int((cutout(np.zeros((8, 8), np.uint8), fill=1, seed=2) == 1).sum())
    16
    """
    image = as_image("cutout", image, dtypes=("uint8",))
    size = number("cutout", "size", size, 0, 1)
    count, fill = integer("cutout", "count", count, 1, 16), integer("cutout", "fill", fill, 0, 255)
    height, width = image.shape[:2]
    side = round(size * min(height, width))
    random = generator(seed)
    out = image.copy()
    for _ in range(count):
        top = int(random.integers(height)) - side // 2
        left = int(random.integers(width)) - side // 2
        out[max(top, 0) : max(top + side, 0), max(left, 0) : max(left + side, 0)] = fill
    return out
