"""Prewitt edges: differences of the neighbours on both sides, the plain mean of three rows or columns.

Prewitt 1970, "Object enhancement and extraction", in "Picture Processing and Psychopictorics", Academic Press.
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


@method(task="edges", paper="Prewitt 1970", lesson="w1d6")
def prewitt(image: Image, *, out: np.ndarray | None = None) -> Float32[np.ndarray, "h w"]:
    """Return how strongly brightness changes at each pixel: the length of the Prewitt gradient.

    The length is √(dx² + dy²) with the derivatives that :func:`gradient` gives for the operator "prewitt": not
    normalised, in the image's units, so that it can exceed the image's range and is float32 for every image.
    A ramp of one grey level per pixel gives 6. NaN and infinity spread to the eight neighbours.

    Parameters
    ----------
    image
        H×W, or H×W×3, which is turned to grey first; uint8, uint16 or float32.
    out
        H×W float32 array to write to; None makes a new one.

    Returns
    -------
    magnitude
        H×W float32, ≥ 0. ``prewitt(image) / 765`` lies in 0–√2 for uint8.

    References
    ----------
    J. M. S. Prewitt, "Object enhancement and extraction", in "Picture Processing and Psychopictorics", Academic Press,
    1970.

    Examples
    --------
    >>> import numpy as np
    >>> step = np.zeros((3, 4), np.uint8)
    >>> step[:, 2:] = 100
    >>> prewitt(step)[1]
    array([  0., 300., 300.,   0.], dtype=float32)
    """
    return magnitude("prewitt", image, out)


@prewitt.steps
def _(image: Image, *, out: Any = None) -> Iterator[Step]:
    yield from derivatives_and_magnitude("prewitt", image, out)
