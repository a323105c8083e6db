"""Histogram equalization: every level is sent to its rank, so that all of them are used equally.

Gonzalez & Woods 2018, "Digital Image Processing", 4th ed., section 3.3: the map is the cumulative histogram itself.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import as_image
from sightline.core.layers import Curve, Picture
from sightline.core.trace import Step
from sightline.core.types import Array, Image
from sightline.image.counting import level_counts, replaced
from sightline.image.lightness import lightness_of, relight


@method(task="tone", paper="Gonzalez & Woods 2018", lesson="w1d3")
def equalize(image: Image, *, out: Array | None = None) -> Image:
    """Return an image whose levels are spread as evenly as whole levels can be.

    The darkest level becomes black, the brightest white. Of a colour image, the lightness L* is equalized and the
    colours stay. Floats are taken in 65536 levels from 0 to 1, what lies outside is clipped. NaN and infinity are
    refused; an image of one value stays as it is.

    Parameters
    ----------
    image
        H×W or H×W×3; uint8, uint16 or float32.
    out
        Array to write to, of the shape and dtype of ``image``; None for a new one.

    Returns
    -------
    Image of the same shape and dtype.

    References
    ----------
    R. C. Gonzalez, R. E. Woods, "Digital Image Processing", 4th ed., Pearson, 2018.

    Examples
    --------
    >>> import numpy as np
    >>> equalize(np.array([[100, 101, 102, 103]], np.uint8)).tolist()
    [[0, 85, 170, 255]]
    """
    image = as_image("equalize", image, finite=True)
    return relight("equalize", image, _equalized, out)


@equalize.steps
def _steps(image: Image, *, out: Array | None = None) -> Iterator[Step]:
    image = as_image("equalize", image, finite=True)
    levels = lightness_of(image)
    counts = level_counts(levels)[0]
    axis = np.arange(counts.size, dtype=np.float64)
    yield Step("lightness", Picture(levels))
    yield Step("histogram", Curve(np.stack([axis, counts], axis=1), ("level", "pixels")), note="How often each occurs.")
    curve = np.stack([axis, _map(counts)], axis=1).astype(np.float64)
    yield Step("cumulative", Curve(curve, ("level", "new level")), note="Steep where there are many pixels.")
    result = equalize(image, out=out)
    yield Step("equalized", Picture(result), note="Each level went where the curve sends it.")


def _equalized(levels: Array, out: Array) -> Array:
    table = _map(level_counts(levels)[0]).astype(levels.dtype)[None]
    return replaced(levels, table, out)


def _map(counts: Array) -> Array:
    """Return the new level of each one: the share of the pixels up to it, those of the darkest left out."""
    darkest = int(np.flatnonzero(counts)[0])
    others = int(counts.sum() - counts[darkest])
    if others == 0:
        return np.arange(counts.size, dtype=np.float64)
    rank = np.cumsum(counts) - counts[darkest]
    scale = np.float32(counts.size - 1) / np.float32(others)
    return np.maximum(np.rint(rank.astype(np.float32) * scale), 0)
