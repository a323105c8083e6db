"""Local maxima: pixels that no neighbour exceeds, a given distance apart.

Neubeck & Van Gool 2006, "Efficient Non-Maximum Suppression", International Conference on Pattern Recognition: a pixel
stays when it is the largest of the square around it. Of equal ones that are too near to each other the first one stays.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated, Any

import numpy as np
from jaxtyping import Int32

from sightline.core.catalogue import method
from sightline.core.checks import integer, number
from sightline.core.kernels import kernel
from sightline.core.layers import Heat, Picture, Points, Value
from sightline.core.layers import Mask as MaskLayer
from sightline.core.trace import Step
from sightline.core.types import Array, Image, Range
from sightline.image.gradient import as_gray
from sightline.image.min_filter import max_filter

Peaks = Int32[np.ndarray, "n 2"]
_FARTHEST = 1000  # pixels


@method(task="blobs", paper="Neubeck & Van Gool 2006", lesson="w2d5")
def local_maxima(
    image: Image,
    distance: Annotated[int, Range(1, _FARTHEST, 1)] = 1,
    *,
    threshold: float | None = None,
    margin: Annotated[int, Range(0, 10000, 1)] = 0,
    most: int | None = None,
) -> Peaks:
    """Return the pixels that are the largest of the square around them, the highest ones first.

    What makes seeds of a distance transform, for one region a thing, or corners of a map of responses. An image that is
    the same everywhere has none. NaN and infinity are refused.

    Parameters
    ----------
    image
        H×W of any range, or H×W×3, which is turned to grey first; uint8, uint16 or float32.
    distance
        How far the square reaches to each side, in pixels, 1–1000; two maxima are as far apart, along x or along y.
    threshold
        Only maxima above it are returned, in the image's units; None takes the image's smallest value.
    margin
        Pixels along the border in which no maximum is looked for, ≥ 0; they still count as neighbours.
    most
        Return at most so many, ≥ 1; None for all.

    Returns
    -------
    points
        N×2 int32 (x, y), by falling value, and from top left to bottom right among equals.

    Raises
    ------
    InputError
        When an argument is out of its range.

    References
    ----------
    A. Neubeck, L. Van Gool, "Efficient Non-Maximum Suppression", International Conference on Pattern Recognition, 2006.

    Examples
    --------
    >>> import numpy as np
    >>> hills = np.array([[1, 2, 1, 1, 9, 1], [1, 1, 1, 1, 1, 5]], np.uint8)
    >>> local_maxima(hills, 2).tolist()
    [[4, 0], [1, 0]]
    """
    return _found(image, distance, threshold, margin, most)[1]


@local_maxima.steps
def _steps(image: Image, distance: int = 1, **options: Any) -> Iterator[Step]:
    chosen: dict[str, Any] = {"threshold": None, "margin": 0, "most": None, **options}
    candidates, points = _found(image, distance, *(chosen[name] for name in ("threshold", "margin", "most")))
    gray = as_gray("local_maxima", image)
    seen = Heat(gray) if gray.dtype == np.float32 else Picture(gray)
    yield Step("image", seen)
    yield Step("largest of its square", MaskLayer(candidates), note="Each pixel that no other one exceeds.")
    note = f"{len(points)} maxima: of equal ones that are near to each other, the first."
    yield Step("maxima", Value(points), seen, Points(points.astype(np.float32)), note=note)


def _found(image: Any, distance: Any, threshold: Any, margin: Any, most: Any) -> tuple[Array, Array]:
    """Return the mask of what is the largest around, and the maxima."""
    image = as_gray("local_maxima", image, finite=True)
    distance = integer("local_maxima", "distance", distance, 1, _FARTHEST)
    margin = integer("local_maxima", "margin", margin, 0)
    limit = image.size if most is None else integer("local_maxima", "most", most, 1)
    least = float(image.min()) if threshold is None else number("local_maxima", "threshold", threshold, -math.inf)
    largest = max_filter(image, 2 * distance + 1, border="edge") == image
    if largest.all():
        largest[...] = False
    largest &= image > least
    inner = largest[margin : image.shape[0] - margin, margin : max(margin, image.shape[1] - margin)]
    y, x = (np.nonzero(inner)[axis] + margin for axis in (0, 1))
    order = np.argsort(-image[y, x].astype(np.float64), kind="stable")
    height, width = image.shape
    kept = _apart(x[order], y[order], height, width, distance, min(limit, len(order)))
    return largest, np.stack([x[order][kept], y[order][kept]], axis=1).astype(np.int32)


@kernel
def _apart(x, y, height, width, distance, limit):
    """Return the numbers of those points, at most ``limit``, that lie in no square around an earlier one."""
    taken = np.zeros((height, width), np.bool_)
    kept, count = np.empty(limit, np.int64), 0
    for i in range(x.size):
        if count == limit:
            break
        if not taken[y[i], x[i]]:
            kept[count] = i
            count += 1
            for row in range(max(0, y[i] - distance + 1), min(height, y[i] + distance)):
                for column in range(max(0, x[i] - distance + 1), min(width, x[i] + distance)):
                    taken[row, column] = True
    return kept[:count]
