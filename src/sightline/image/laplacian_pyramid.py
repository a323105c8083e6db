"""The Laplacian pyramid: what each halving of the resolution loses, kept band by band, so that nothing is lost.

Burt & Adelson 1983, "The Laplacian pyramid as a compact image code", IEEE Transactions on Communications 31(4), which
the code follows in its order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Annotated, Any

import numpy as np
from jaxtyping import Float32

from sightline.core.buffers import empty
from sightline.core.catalogue import method
from sightline.core.checks import as_image, choice, describe, integer
from sightline.core.errors import InputError
from sightline.core.layers import Heat, Picture, Value
from sightline.core.trace import Step
from sightline.core.types import AnyImage, Array, Choice, Image, Range
from sightline.image.gaussian_pyramid import MOST, expand, pyramid_of, reduce, side_by_side

Band = Float32[np.ndarray, "_ _ ..."]


def _two_flat_levels(_: Any) -> list[Array]:
    return [np.zeros((4, 6), np.float32), np.full((2, 3), 0.5, np.float32)]


@method(task="multi-resolution", paper="Burt & Adelson 1983", lesson="w2d1")
def laplacian_pyramid(image: Image, levels: Annotated[int, Range(1, MOST, 1)] = 5) -> list[Array]:
    """Return an image as bands of detail, from the finest to the coarsest, and what remains.

    Each band is a level of the Gaussian pyramid less the next one at twice its size; :func:`collapse` adds them up
    again. NaN and infinity spread to the pixels of each band whose neighbourhood holds them.

    Parameters
    ----------
    image
        H×W or H×W×C; uint8, uint16 or float32.
    levels
        How many arrays to return, 1–32: ``levels - 1`` bands and the coarsest level of the Gaussian pyramid.

    Returns
    -------
    ``levels`` float32 arrays in the image's units, each of half the rows and columns of the one before, rounded up. The
    bands are of either sign; nothing is rounded to whole numbers on the way.

    References
    ----------
    P. J. Burt, E. H. Adelson, "The Laplacian pyramid as a compact image code", IEEE Transactions on Communications
    31(4), 1983.

    Examples
    --------
    >>> import numpy as np
    >>> bands = laplacian_pyramid(np.full((4, 4), 9, np.uint8), 2)
    >>> bands[0].max().item(), bands[1].tolist()
    (0.0, [[9.0, 9.0], [9.0, 9.0]])
    """
    image = as_image("laplacian_pyramid", image, channels=())
    return bands_of(image, integer("laplacian_pyramid", "levels", levels, 1, MOST))


@method(
    task="multi-resolution",
    paper="Burt & Adelson 1983",
    lesson="w2d1",
    example={"pyramid": _two_flat_levels},
)
def collapse(
    pyramid: Sequence[Band], *, dtype: Annotated[str, Choice("float32", "uint8", "uint16")] = "float32"
) -> AnyImage:
    """Return the image whose Laplacian pyramid this is: from the coarsest level on, double and add the next band.

    NaN and infinity spread to what is doubled from them.

    Parameters
    ----------
    pyramid
        Float32 arrays as :func:`laplacian_pyramid` returns them, H×W or H×W×C, finest first, at least one; each has
        half the rows and columns of the one before, rounded up.
    dtype
        Of the result, as a word: ``"float32"`` as summed; ``"uint8"`` or ``"uint16"`` rounded and clipped.

    Returns
    -------
    The image, of the first band's shape, in the pyramid's units.

    Raises
    ------
    InputError
        When the levels do not fit one another.

    References
    ----------
    P. J. Burt, E. H. Adelson, "The Laplacian pyramid as a compact image code", IEEE Transactions on Communications
    31(4), 1983.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.arange(35, dtype=np.uint8).reshape(5, 7)
    >>> collapse(laplacian_pyramid(image, 3), dtype="uint8")[2]
    array([14, 15, 16, 17, 18, 19, 20], dtype=uint8)
    """
    levels = _checked_levels(pyramid)
    choice("collapse", "dtype", dtype, ("float32", "uint8", "uint16"))
    if dtype == "float32":
        return sum_of_bands(levels)
    finest, result = levels[0], empty(levels[0].shape, dtype)
    if len(levels) > 1:
        coarse = sum_of_bands(levels[1:])
    else:
        height, width, *channels = finest.shape
        coarse = np.zeros(((height + 1) // 2, (width + 1) // 2, *channels), np.float32)
    expand(coarse, finest, 1, result)
    return result


@laplacian_pyramid.steps
def _(image: Image, levels: int = 5) -> Iterator[Step]:
    pyramid = laplacian_pyramid(image, levels)
    for index, band in enumerate(pyramid[:-1]):
        yield Step(f"band {index}", Heat(_flat(band)), note="What half the resolution cannot show.")
    yield Step("rest", Heat(_flat(pyramid[-1])), note="The coarsest level of the Gaussian pyramid.")
    yield Step("pyramid", Value(pyramid), Heat(side_by_side([_flat(band) for band in pyramid[:-1]] or pyramid)))


@collapse.steps
def _(pyramid: Sequence[Band], *, dtype: str = "float32") -> Iterator[Step]:
    levels = _checked_levels(pyramid)
    for index in range(len(levels) - 1, 0, -1):
        yield Step(f"from level {index}", Heat(_flat(sum_of_bands(levels[index:]))), note="All bands up to here.")
    yield Step("collapsed", Picture(collapse(pyramid, dtype=dtype)))


def bands_of(image: Array, levels: int) -> list[Array]:
    """Return the Laplacian pyramid of an image, in arrays of its own."""
    finest = empty(image.shape, np.float32)
    if levels == 1:
        np.copyto(finest, image)
        return [finest]
    gaussian = pyramid_of(reduce(image, real=True), levels - 1)
    expand(gaussian[0], image, -1, finest)
    for fine, coarse in pairwise(gaussian):
        expand(coarse, fine, -1, fine)  # the finer ones first: no level is needed once its band is there
    return [finest, *gaussian]


def sum_of_bands(levels: Sequence[Array]) -> Array:
    """Return the image of a Laplacian pyramid."""
    total = levels[-1].copy()
    for band in levels[-2::-1]:
        finer = empty(band.shape, np.float32)
        expand(total, band, 1, finer)
        total = finer
    return total


def _flat(band: Array) -> Array:
    return band if band.ndim == 2 else band.mean(axis=2)


def _checked_levels(pyramid: Any) -> list[Array]:
    if not isinstance(pyramid, (list, tuple)) or not pyramid:
        raise InputError(f"collapse: pyramid must be a list of float32 arrays; got {describe(pyramid)}.")
    levels = [
        as_image("collapse", level, argument=f"pyramid[{index}]", channels=(), dtypes=("float32",))
        for index, level in enumerate(pyramid)
    ]
    for index, (fine, coarse) in enumerate(pairwise(levels)):
        wanted = (fine.shape[0] + 1) // 2, (fine.shape[1] + 1) // 2, *fine.shape[2:]
        if coarse.shape != wanted:
            size = "×".join(map(str, wanted))
            raise InputError(f"collapse: pyramid[{index + 1}] must be {size}; got {describe(coarse)}.")
    return levels
