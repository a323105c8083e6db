"""Rank filter: each pixel becomes the value of a given rank in its neighbourhood, from the smallest to the largest.

Nodes and Gallagher 1982, "Median Filters: Some Modifications and Their Properties", IEEE Transactions on Acoustics,
Speech and Signal Processing 30(5). The median is the middle rank; squares on bytes take its histograms
(``median_blur.py``), all else is sorted in blocks (``window_rank.py``).
"""

from __future__ import annotations

from typing import Annotated

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import as_image, choice, integer, number, output
from sightline.core.errors import InputError
from sightline.core.kernels import over_rows
from sightline.core.types import Array, Choice, Footprint, Image, Range
from sightline.image.border import BORDERS, interleaved, source_indices
from sightline.image.median_blur import STEPS, rank_by_histogram
from sightline.image.min_filter import neighbourhood
from sightline.image.window_rank import rank_by_sorting

_LARGEST_BYTE_SQUARE = 255


@method(task="order statistics", paper="Nodes & Gallagher 1982", lesson="w1d4", example={"rank": 2})
def rank_filter(
    image: Image,
    rank: int | None = None,
    size: Annotated[int, Range(1, 51, 1)] | tuple[int, int] | Footprint = 3,
    *,
    percentile: Annotated[float, Range(0, 100, 1)] | None = None,
    footprint: Footprint | None = None,
    border: Annotated[str, Choice("symmetric", "reflect", "edge", "wrap")] = "symmetric",
    out: Array | None = None,
) -> Image:
    """Return the value of a given rank in each pixel's neighbourhood, every channel by itself.

    NaN has no rank, so that an image with NaN or infinity is refused.

    Parameters
    ----------
    image
        H×W or H×W×C; uint8, uint16 or finite float32.
    rank
        0 for the smallest of the n neighbours, n − 1 or −1 for the largest, −2 for the one before it, and so on.
    size
        Side of the neighbourhood in pixels, 1–255, or (height, width), or a footprint. Where it is even, there is one
        more pixel above and to the left than below and to the right.
    percentile
        In place of ``rank``: how many per cent of the neighbours are smaller, 0–100; 50 gives the median.
    footprint
        H×W bool array, true where a neighbour counts, in place of ``size``; its anchor is pixel (H // 2, W // 2).
    border
        What lies beyond the border: ``"symmetric"`` (1 0 | 0 1 2), ``"reflect"`` (2 1 | 0 1 2), ``"edge"``
        (0 0 | 0 1 2) or ``"wrap"`` (8 9 | 0 1 2).
    out
        Array to write to, of the image's shape and dtype; None for a new one.

    Returns
    -------
    The filtered image, same shape and dtype.

    Examples
    --------
    >>> import numpy as np
    >>> row = np.array([[5, 5, 9, 7, 8, 8]], np.uint8)
    >>> rank_filter(row, 1, (1, 3)).tolist(), rank_filter(row, -1, (1, 3)).tolist()
    ([[5, 5, 7, 8, 8, 8]], [[5, 9, 9, 9, 8, 8]])

    References
    ----------
    T. A. Nodes, N. C. Gallagher, "Median Filters: Some Modifications and Their Properties", IEEE Transactions on
    Acoustics, Speech and Signal Processing 30(5), 1982.
    """
    image = as_image("rank_filter", image, channels=(), finite=True)
    shape = neighbourhood("rank_filter", size, footprint)
    if max(shape.shape) > _LARGEST_BYTE_SQUARE:
        raise InputError(f"rank_filter: size must be ≤ {_LARGEST_BYTE_SQUARE} pixels; got {max(shape.shape)}.")
    place = _rank(rank, percentile, int(np.count_nonzero(shape)))
    choice("rank_filter", "border", border, BORDERS)
    result = output("rank_filter", out, image.shape, image.dtype, [image])
    height, width = image.shape[:2]
    rows = source_indices(height, shape.shape[0] // 2, border)
    columns = source_indices(width, shape.shape[1] // 2, border)
    if image.dtype == np.uint8 and shape.shape[0] == shape.shape[1] and shape.all():
        channels = image.shape[2] if image.ndim == 3 else 1
        flat = image.reshape(height, -1), result.reshape(height, -1)
        columns = interleaved(columns, channels)
        over_rows(rank_by_histogram, height, *flat, rows, columns, STEPS, channels, len(shape), place, strip=128)
    else:
        rank_by_sorting(image, rows, columns, shape, place, result)
    return result


def _rank(rank: int | None, percentile: float | None, count: int) -> int:
    """Return the rank from 0 for the smallest, of ``count`` values."""
    if (rank is None) == (percentile is None):
        got = "neither" if rank is None else "both"
        raise InputError(f"rank_filter: rank must be given, or else percentile; got {got}.")
    if percentile is not None:
        percentile = number("rank_filter", "percentile", percentile, 0, 100)
        return min(int(count * percentile / 100), count - 1)
    place = integer("rank_filter", "rank", rank, -count, count - 1)
    return place if place >= 0 else count + place
