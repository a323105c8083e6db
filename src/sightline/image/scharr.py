"""Scharr edges: Sobel's idea with the weights 3, 10, 3, whose length hardly depends on the direction.

Scharr 2000, "Optimale Operatoren in der digitalen Bildverarbeitung" (thesis, Heidelberg).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from jaxtyping import Float32

from sightline.core.catalogue import method
from sightline.core.trace import Step
from sightline.core.types import Image
from sightline.image.sobel import derivatives_and_magnitude, magnitude


@method(task="edges", paper="Scharr 2000", lesson="w1d6")
def scharr(image: Image, *, out: np.ndarray | None = None) -> Float32[np.ndarray, "h w"]:
    """Return how strongly brightness changes at each pixel: the length of the Scharr gradient.

    The length is √(dx² + dy²) with the derivatives that :func:`gradient` gives for the operator "scharr": not
    normalised, in the image's units, so that it can exceed the image's range and is float32 for every image.
    A ramp of one grey level per pixel gives 32. NaN and infinity spread to the eight neighbours.

    Parameters
    ----------
    image
        H×W, or H×W×3, which is turned to grey first; uint8, uint16 or float32.
    out
        H×W float32 array to write to; None makes a new one.

    Returns
    -------
    magnitude
        H×W float32, ≥ 0. ``scharr(image) / 4080`` lies in 0–√2 for uint8.

    References
    ----------
    H. Scharr, "Optimale Operatoren in der digitalen Bildverarbeitung", thesis, Universität Heidelberg, 2000.

    Examples
    --------
    >>> import numpy as np
    >>> step = np.zeros((3, 4), np.uint8)
    >>> step[:, 2:] = 100
    >>> scharr(step)[1]
    array([   0., 1600., 1600.,    0.], dtype=float32)
    """
    return magnitude("scharr", image, out)


@scharr.steps
def _(image: Image, *, out: Any = None) -> Iterator[Step]:
    yield from derivatives_and_magnitude("scharr", image, out)
