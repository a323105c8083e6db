"""Opening and closing: what the footprint does not fit into goes, and the rest stays as it was.

Serra 1982, "Image Analysis and Mathematical Morphology": an opening is an erosion and then a dilation by the footprint
turned round, a closing is the same the other way round. To apply one twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from sightline.core.catalogue import method
from sightline.core.checks import integer
from sightline.core.layers import Layer, Picture
from sightline.core.layers import Mask as MaskLayer
from sightline.core.trace import Step
from sightline.core.types import Array, Footprint, Image, Mask, Range
from sightline.image.extremum import extremum, extremum_twice, prepared


@method(task="morphology", paper="Serra 1982", lesson="w1d5")
def opening(
    image: Image | Mask,
    footprint: int | tuple[int, int] | Footprint = 3,
    *,
    iterations: Annotated[int, Range(1, 100, 1)] = 1,
    out: Array | None = None,
) -> Image | Mask:
    """Return ``image`` without what is bright and smaller than the footprint.

    It is an erosion, then a dilation by the footprint turned round its anchor, so that nothing moves. What lies
    outside the image is ignored. Every channel is taken on its own. NaN spreads over the footprint, twice.

    Parameters
    ----------
    image
        H×W or H×W×C; uint8, uint16, float32, or a bool mask.
    footprint
        Side of a square in pixels, ≥ 1; (height, width) of a rectangle; or an H×W bool array with at least one true
        pixel, as :func:`footprint` makes them.
    iterations
        So many erosions, then as many dilations, ≥ 1.
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
    >>> opening(np.array([[0, 9, 0, 5, 6, 7, 0]], np.uint8), (1, 3)).tolist()
    [[0, 0, 0, 5, 5, 5, 0]]
    """
    return _repeated("opening", image, footprint, iterations, out, first_largest=False)


@method(task="morphology", paper="Serra 1982", lesson="w1d5")
def closing(
    image: Image | Mask,
    footprint: int | tuple[int, int] | Footprint = 3,
    *,
    iterations: Annotated[int, Range(1, 100, 1)] = 1,
    out: Array | None = None,
) -> Image | Mask:
    """Return ``image`` without what is dark and smaller than the footprint: gaps and holes are filled.

    It is a dilation, then an erosion by the footprint turned round its anchor, so that nothing moves. What lies
    outside the image is ignored. Every channel is taken on its own. NaN spreads over the footprint, twice.

    Parameters
    ----------
    image
        H×W or H×W×C; uint8, uint16, float32, or a bool mask.
    footprint
        Side of a square in pixels, ≥ 1; (height, width) of a rectangle; or an H×W bool array with at least one true
        pixel, as :func:`footprint` makes them.
    iterations
        So many dilations, then as many erosions, ≥ 1.
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
    >>> closing(np.array([[9, 9, 0, 9, 9, 0, 0, 0]], np.uint8), (1, 3)).tolist()
    [[9, 9, 9, 9, 9, 0, 0, 0]]
    """
    return _repeated("closing", image, footprint, iterations, out, first_largest=True)


def _repeated(function: str, image: Any, footprint: Any, iterations: Any, out: Any, *, first_largest: bool) -> Array:
    """Return so many extrema, and as many of the other kind by the footprint turned round."""
    times = integer(function, "iterations", iterations, 1)
    if times == 1:
        return extremum_twice(function, image, footprint, out, first_largest=first_largest)
    image, result = prepared(function, image, out)
    for _ in range(times - 1):
        image = extremum(function, image, footprint, None, largest=first_largest)
    image = extremum_twice(function, image, footprint, None, first_largest=first_largest)
    for number in range(times - 1):
        target = result if number == times - 2 else None
        image = extremum(function, image, footprint, target, largest=not first_largest, mirrored=True)
    return image


def _once(function: str, image: Any, footprint: Any, iterations: Any, *, largest: bool) -> Array:
    """Return what is between the two: the extrema of one kind."""
    for _ in range(integer(function, "iterations", iterations, 1)):
        image = extremum(function, image, footprint, None, largest=largest)
    return image


def _layer(image: Array) -> Layer:
    return MaskLayer(image) if image.dtype == bool else Picture(image)


@opening.steps
def _opening_steps(image: Image | Mask, footprint: Any = 3, *, iterations: int = 1, out: Any = None) -> Iterator[Step]:
    yield Step("image", _layer(image))
    eroded = _once("opening", image, footprint, iterations, largest=False)
    yield Step(
        "eroded", _layer(eroded), note="The smallest value under the footprint: what is small and bright is gone."
    )
    opened = opening(image, footprint, iterations=iterations, out=out)
    yield Step("opened", _layer(opened), note="The largest value of that: what is left grows back to its size.")


@closing.steps
def _closing_steps(image: Image | Mask, footprint: Any = 3, *, iterations: int = 1, out: Any = None) -> Iterator[Step]:
    yield Step("image", _layer(image))
    dilated = _once("closing", image, footprint, iterations, largest=True)
    yield Step(
        "dilated", _layer(dilated), note="The largest value under the footprint: what is small and dark is gone."
    )
    closed = closing(image, footprint, iterations=iterations, out=out)
    yield Step("closed", _layer(closed), note="The smallest value of that: the outlines go back to where they were.")
