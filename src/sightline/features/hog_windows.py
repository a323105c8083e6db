"""A linear machine's window slid over a pyramid of histograms of gradients: scores of all windows, and their peaks.

Dalal & Triggs 2005, "Histograms of Oriented Gradients for Human Detection", CVPR, sections 4 and 6; what is kept of
boxes that lie on one another is chosen as in Neubeck & Van Gool 2006, "Efficient Non-Maximum Suppression", ICPR.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from sightline.core.box_suppression import suppress
from sightline.core.types import Array
from sightline.features.hog import hog_blocks
from sightline.image.resize import resize

BLOCK = 2  # cells on a side of a block
_LEAST = 0.25  # smallest factor: the picture is enlarged by four at most


@dataclass(frozen=True, eq=False)
class Level:
    """One size of the window: the block map of the picture at that size.

    Parameters
    ----------
    blocks
        Rows×columns×D float32: the block that begins at each cell.
    factors
        Pixels of the picture for one of the level, down and across.
    """

    blocks: Array
    factors: tuple[float, float]


def levels_of(
    gray: Array,
    size: tuple[int, int],
    cell: int,
    bins: int,
    scale: float,
    low: tuple[int, int] | None = None,
    high: tuple[int, int] | None = None,
) -> Iterator[Level]:
    """Yield the block maps of a picture for each size of the window, the smallest window first.

    Parameters
    ----------
    gray
        H×W uint8.
    size
        Height and width of the window.
    cell, bins
        Of the histograms.
    scale
        Factor from one size to the next, > 1.
    low, high
        Least and greatest height and width of a box; the window's and the picture's when None.
    """
    factor = 1.0 if low is None else max(_LEAST, *(side / own for side, own in zip(low, size, strict=True)))
    ends = gray.shape if high is None else np.minimum(high, gray.shape)
    while size[0] * factor <= ends[0] + 1e-9 and size[1] * factor <= ends[1] + 1e-9:
        height, width = (max(round(side / factor), own) for side, own in zip(gray.shape, size, strict=True))
        shrunk = gray if (height, width) == gray.shape else resize(gray, (height, width), _way(factor))
        blocks = hog_blocks(shrunk, cell, BLOCK, bins)
        flat = blocks.reshape(*blocks.shape[:2], -1)
        yield Level(flat, (gray.shape[0] / height, gray.shape[1] / width))
        factor *= scale


def _way(factor: float) -> str:
    return "area" if factor >= 1.5 else "bilinear"


def score_map(blocks: Array, weights: Array, offset: float) -> Array:
    """Return the score of the window that begins at each cell, as float32: windows' rows × columns.

    One product of matrices gives what each block counts at each place of the window; a window's score is the sum of
    those that it is made of.

    Parameters
    ----------
    blocks
        R×C×D float32, at least as large as the window.
    weights
        M×N×D float32.
    offset
        Added to each score.
    """
    m, n, depth = weights.shape
    rows, columns = blocks.shape[0] - m + 1, blocks.shape[1] - n + 1
    if rows < 1 or columns < 1:
        return np.zeros((max(rows, 0), max(columns, 0)), np.float32)
    # row by row: so small a product wakes no threads, which would cost more than they help on a busy machine
    counted = np.matmul(weights.reshape(m * n, depth), blocks.transpose(0, 2, 1)).reshape(len(blocks), m, n, -1)
    scores = np.full((rows, columns), offset, np.float32)
    for i in range(m):
        for j in range(n):
            scores += counted[i : i + rows, i, j, j : j + columns]
    return scores


def windows_at(blocks: Array, size: tuple[int, int], rows: Array, columns: Array) -> Array:
    """Return the descriptors of the K windows of ``size`` (in blocks) that begin at these cells, K×D float32."""
    views = sliding_window_view(blocks, size, axis=(0, 1))[rows, columns]  # K×D×M×N
    return np.moveaxis(views, 1, 3).reshape(len(rows), size[0] * size[1] * blocks.shape[2])


def boxes_at(rows: Array, columns: Array, level: Level, size: tuple[int, int], cell: int) -> Array:
    """Return the N×4 float32 boxes, in the picture, of the windows that begin at these cells."""
    down, across = level.factors
    x, y = columns * (cell * across), rows * (cell * down)
    return np.stack([x, y, x + size[1] * across, y + size[0] * down], axis=1).astype(np.float32)


def peaks(boxes: Array, scores: Array, overlap: float, most: int = 2000) -> Array:
    """Return which boxes are kept, the best first: each drops all that overlap it by more than ``overlap``.

    Parameters
    ----------
    boxes
        N×4.
    scores
        N.
    overlap
        Intersection over union.
    most
        Only so many of the best are looked at.
    """
    best = np.argsort(-scores, kind="stable")[:most]
    return best[suppress(boxes[best], scores[best], overlap)]
