"""Spatial pyramid: words counted in the whole picture, in its quarters, and in their quarters.

Lazebnik, Schmid & Ponce 2006, "Beyond Bags of Features: Spatial Pyramid Matching for Recognizing Natural Scene
Categories", CVPR, section 3.2.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
from jaxtyping import Float32, Integer, Real

from sightline.core.catalogue import method
from sightline.core.checks import describe, integer, size_2d
from sightline.core.errors import InputError
from sightline.core.types import Range


@method(
    task="descriptor",
    paper="Lazebnik et al. 2006",
    lesson="w3d2",
    example={
        "points": np.array([[1.0, 1.0], [30.0, 5.0]]),
        "words": np.array([0, 1]),
        "size": (32, 48),
        "count": 2,
    },
)
def spatial_pyramid(
    points: Real[np.ndarray, "n 2"],
    words: Integer[np.ndarray, " n"],
    size: tuple[int, int],
    count: Annotated[int, Range(1, 1_000_000, 1)],
    levels: Annotated[int, Range(0, 4, 1)] = 2,
) -> Float32[np.ndarray, " length"]:
    """Return how often each word occurs in each part of a picture, weighed so that finer parts count for more.

    Parameters
    ----------
    points
        N×2 (x, y) where the words lie. NaN and infinity are refused; what lies outside counts for the nearest part.
    words
        N whole numbers from 0 to ``count`` − 1.
    size
        Height and width of the picture, in pixels.
    count
        Number of words in the vocabulary, ≥ 1.
    levels
        How often parts are divided into quarters, 0–4; 0 counts in the whole picture only.

    Returns
    -------
    histogram
        Float32, ``count`` · (1 + 4 + 16 + …) long, of sum 1 (of zeros when there are no points). The overlap of two
        of them, the sum of the smaller of each pair of numbers, is the paper's pyramid match kernel.

    Raises
    ------
    InputError
        When points and words are not of one length, or a word is out of range.

    References
    ----------
    S. Lazebnik, C. Schmid, J. Ponce, "Beyond Bags of Features: Spatial Pyramid Matching for Recognizing Natural Scene
    Categories", IEEE Conference on Computer Vision and Pattern Recognition, 2006.

    Examples
    --------
    >>> import numpy as np
    >>> points, words = np.array([[0, 0], [9, 9], [9, 0]]), np.array([0, 0, 1])
    >>> (6 * spatial_pyramid(points, words, (10, 10), 2, levels=1)).round().reshape(5, 2).tolist()
    [[2.0, 1.0], [1.0, 0.0], [0.0, 1.0], [0.0, 0.0], [1.0, 0.0]]
    """
    height, width = size_2d("spatial_pyramid", "size", size)
    count, levels = (
        integer("spatial_pyramid", "count", count, 1, 1_000_000),
        integer("spatial_pyramid", "levels", levels, 0, 4),
    )
    if not isinstance(points, np.ndarray) or points.ndim != 2 or points.shape[1] != 2 or points.dtype.kind not in "iuf":
        raise InputError(f"spatial_pyramid: points must be N×2 numbers; got {describe(points)}.")
    if not np.isfinite(points).all():
        raise InputError("spatial_pyramid: points must be finite; got NaN or infinite values. Leave them out.")
    if not isinstance(words, np.ndarray) or words.shape != (len(points),) or words.dtype.kind not in "iu":
        raise InputError(f"spatial_pyramid: words must be {len(points)} whole numbers; got {describe(words)}.")
    if len(words) and not 0 <= int(words.min()) <= int(words.max()) < count:
        raise InputError(f"spatial_pyramid: words must be in 0–{count - 1}; got {words.min()} to {words.max()}.")
    shares = (points.astype(np.float64) + 0.5) / (width, height)
    parts = []
    for level in range(levels + 1):
        side = 1 << level
        x, y = np.clip((shares * side).astype(np.int64), 0, side - 1).T
        cells = np.bincount((y * side + x) * count + words.astype(np.int64), minlength=side * side * count)
        # A match is found first at the finest level where two points share a part; the paper's weights.
        parts.append(cells * (0.5**levels if level == 0 else 0.5 ** (levels - level + 1)))
    return (np.concatenate(parts) / max(len(points), 1)).astype(np.float32)
