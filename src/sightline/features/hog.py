"""Histograms of oriented gradients: which way the brightness changes in each cell, made free of contrast by blocks.

Dalal & Triggs 2005, "Histograms of Oriented Gradients for Human Detection", CVPR, section 6, which the code follows:
gradients, votes of the pixels of a cell for their orientation, blocks of cells that are normalised together. A pixel
votes for its own cell and its own bin alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import numpy as np
from jaxtyping import Float32

from sightline.core.buffers import empty
from sightline.core.catalogue import method
from sightline.core.checks import as_image, choice, flag, integer
from sightline.core.kernels import kernel, over_rows
from sightline.core.layers import Grid, Heat, Picture, Value
from sightline.core.trace import Step
from sightline.core.types import Array, Choice, Image, NewImage, Range

NORMS = ("l2_hys", "l2", "l1", "l1_sqrt")
_TOP = {"uint8": 255, "uint16": 65535, "float32": 1}

Descriptor = Float32[np.ndarray, "length"]


@method(task="descriptor", paper="Dalal & Triggs 2005", lesson="w3d2")
def hog(
    image: Image,
    cell: Annotated[int, Range(2, 64, 1)] = 8,
    block: Annotated[int, Range(1, 8, 1)] = 2,
    bins: Annotated[int, Range(2, 36, 1)] = 9,
    *,
    norm: Annotated[str, Choice(*NORMS)] = "l2_hys",
    root: bool = False,
) -> Descriptor:
    """Return one vector that says which way the edges run all over an image.

    Orientations are from 0 to 180°: light to dark and dark to light are one. NaN and infinity are refused.

    Parameters
    ----------
    image
        H×W or H×W×3; uint8, uint16 or float32, all taken as 0–1. Of three channels, each pixel takes the one that
        changes most.
    cell
        Side of a cell in pixels, 2–64. Rows and columns that fill no whole cell are left out.
    block
        Side of a block in cells, 1–8; blocks overlap, one begins at each cell.
    bins
        Number of orientations, 2–36.
    norm
        How a block is made free of contrast: ``l2_hys`` (length 1, cut off at 0.2, length 1 again), ``l2``, ``l1``
        (sum 1) or ``l1_sqrt`` (the square root of that).
    root
        Take the square root of the image first, which evens out shadows.

    Returns
    -------
    descriptor
        Float32, rows · columns · block · block · bins long: :func:`hog_blocks` in one line. Empty for an image
        smaller than a block.

    References
    ----------
    N. Dalal, B. Triggs, "Histograms of Oriented Gradients for Human Detection", IEEE Conference on Computer Vision
    and Pattern Recognition, 2005.

    Examples
    --------
    >>> import numpy as np
    >>> stripes = np.tile(np.array([0, 0, 255, 255], np.uint8), (16, 4))
    >>> hog(stripes, bins=4).reshape(2, 2, 4)[0, 0].tolist()
    [0.5, 0.0, 0.0, 0.0]
    """
    return blocks_of("hog", image, cell, block, bins, norm=norm, root=root).reshape(-1)


def hog_blocks(
    image: Image,
    cell: int = 8,
    block: int = 2,
    bins: int = 9,
    *,
    norm: str = "l2_hys",
    root: bool = False,
) -> Array:
    """Return the block map of :func:`hog`, which a detector slides its window over.

    Parameters
    ----------
    image, cell, block, bins, norm, root
        As in :func:`hog`.

    Returns
    -------
    blocks
        Rows×columns×block×block×bins float32: element (i, j) is for the block whose first cell is in row i and
        column j of the cells. A window of m×n cells whose first cell is (i, j) has the descriptor
        ``blocks[i : i + m - block + 1, j : j + n - block + 1].ravel()``.
    """
    return blocks_of("hog_blocks", image, cell, block, bins, norm=norm, root=root)


@method(task="descriptor", paper="Dalal & Triggs 2005", lesson="w3d2")
def hog_picture(
    image: Image,
    cell: Annotated[int, Range(2, 64, 1)] = 8,
    bins: Annotated[int, Range(2, 36, 1)] = 9,
) -> NewImage:
    """Return a picture of the histograms of oriented gradients: in each cell a star of strokes along its edges.

    NaN and infinity are refused.

    Parameters
    ----------
    image
        H×W or H×W×3; uint8, uint16 or float32, all taken as 0–1.
    cell
        Side of a cell in pixels, 2–64.
    bins
        Number of orientations, 2–36.

    Returns
    -------
    picture
        Rows · cell × columns · cell, in the image's dtype: the longest vote is white. 1×1 and black for an image
        smaller than a cell.

    References
    ----------
    N. Dalal, B. Triggs, "Histograms of Oriented Gradients for Human Detection", IEEE Conference on Computer Vision
    and Pattern Recognition, 2005.

    Examples
    --------
    >>> import numpy as np
    >>> ramp = np.tile(np.arange(16, dtype=np.uint8), (16, 1))
    >>> picture = hog_picture(ramp)
    >>> picture.shape, int(picture.max())
    ((16, 16), 255)
    """
    image = as_image("hog_picture", image, finite=True)
    cell, bins = integer("hog_picture", "cell", cell, 2, 64), integer("hog_picture", "bins", bins, 2, 36)
    drawn = star_strokes(_cells(image, cell, bins), cell)
    top = _TOP[image.dtype.name]
    return (drawn * np.float32(top) + np.float32(0.5 if top > 1 else 0)).astype(image.dtype)


@hog.steps
def _steps(
    image: Image, cell: int = 8, block: int = 2, bins: int = 9, *, norm: str = "l2_hys", root: bool = False
) -> Iterator[Step]:
    yield Step("image", Picture(image))
    picture = _rooted(as_image("hog", image, finite=True), root)
    cells, length = _cells(picture, cell, bins, lengths=True)
    yield Step("gradients", Heat(length), note="How much the brightness changes at each pixel.")
    votes = np.ascontiguousarray(np.moveaxis(cells, 2, 0)) if cells.size else np.zeros((bins, 1, 1), np.float32)
    yield Step("votes", Grid(votes), note=f"A map for each of {bins} orientations: how strongly its cells vote for it.")
    strokes = star_strokes(cells, cell)
    yield Step("cells", Picture(strokes), note="Each cell as a star of strokes along its edges.")
    descriptor = hog(image, cell, block, bins, norm=norm, root=root)
    blocks = descriptor.reshape(-1, block, block, bins) if descriptor.size else np.zeros((1, 1, 1, bins), np.float32)
    rows, columns = max(len(cells) - block + 1, 1), max(cells.shape[1] - block + 1, 1)
    even = star_strokes(blocks.mean(axis=(1, 2)).reshape(rows, columns, bins), cell)
    note = f"{len(descriptor)} numbers. Blocks of {block}×{block} cells, free of contrast: weak edges count as well."
    yield Step("blocks", Value(descriptor), Picture(even), note=note)


def blocks_of(function: str, image: Any, cell: int, block: int, bins: int, *, norm: str, root: bool) -> Array:
    """Check the arguments in the name of ``function``; return the block map of :func:`hog_blocks`."""
    image = as_image(function, image, finite=True)
    cell, block = integer(function, "cell", cell, 2, 64), integer(function, "block", block, 1, 8)
    bins, norm = integer(function, "bins", bins, 2, 36), choice(function, "norm", norm, NORMS)
    cells = _cells(_rooted(image, flag(function, "root", root)), cell, bins)
    rows, columns = max(len(cells) - block + 1, 0), max(cells.shape[1] - block + 1, 0)
    blocks = empty((rows, columns, block, block, bins), np.float32)
    if blocks.size:
        over_rows(
            _normalise,
            rows,
            cells,
            block,
            NORMS.index(norm),
            blocks.reshape(rows, columns, -1),
            strip=max(1, 640 // columns),
        )
    return blocks


def _rooted(image: Array, root: bool) -> Array:
    if not root:
        return image
    return np.sqrt(np.maximum(image.astype(np.float32) / np.float32(_TOP[image.dtype.name]), 0))


def _cells(image: Array, cell: int, bins: int, *, lengths: bool = False) -> Any:
    """Return rows×columns×bins mean votes of each cell for each orientation; with ``lengths`` the gradients', too."""
    scale = np.float32(1 / _TOP[image.dtype.name])
    if image.dtype == np.uint16:
        image = image.astype(np.float32)
    height, width = image.shape[:2]
    rows, columns = height // cell, width // cell
    votes = empty((rows, columns, bins), np.float32)
    angles = np.arange(1, bins) * (np.pi / bins)
    edges = np.ascontiguousarray(np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32))
    if bins % 2 == 0:
        edges[bins // 2 - 1, 0] = 0  # 90° exactly
    length = np.zeros((height if lengths else rows * cell, width), np.float32) if lengths else np.empty((0, 0), "f4")
    if rows and columns:
        planes = np.ascontiguousarray(np.moveaxis(np.atleast_3d(image), 2, 0))
        over_rows(_vote, rows, planes, cell, edges, scale, votes, length, strip=max(1, 20480 // (cell * width)))
    return (votes, length) if lengths else votes


@kernel
def _vote(planes, cell, edges, scale, votes, lengths, y0, y1):
    """Add up the lengths of the gradients of each cell by orientation."""
    (_, height, width), zero = planes.shape, np.float32(0)
    columns, last = votes.shape[1], np.int64(len(edges))
    dx, dy, size = np.empty(width, np.float32), np.empty(width, np.float32), np.empty(width, np.float32)
    sides = np.empty((2, width), np.float32)
    bin_of, totals = np.empty(width, np.int32), np.empty((columns, last + 1), np.float32)
    share = scale / np.float32(cell * cell)
    for row in range(y0, y1):
        totals[:] = 0
        for y in range(row * cell, row * cell + cell):
            inner = np.int64(1 if 0 < y < height - 1 else 0)
            dx[:], dy[:], size[:] = zero, zero, zero
            for plane in planes:
                _derive(plane[y - inner], plane[y], plane[y + inner], sides, dx, dy, size)
            _classify(dx, dy, edges, bin_of)
            for x in range(columns * cell):
                size[x] = np.sqrt(size[x])
            if lengths.size:
                lengths[y] = np.sqrt(dx * dx + dy * dy) * scale
            x = 0
            for column in range(columns):
                total = totals[column]
                for _ in range(cell):
                    total[np.uint32(bin_of[x])] += size[x]
                    x += 1
        out = votes[row]
        for column in range(columns):
            for k in range(last + 1):
                out[column, k] = totals[column, k] * share


@kernel
def _derive(above, here, below, sides, dx, dy, size):
    """Write a channel's derivatives where they are longer than those of the channels before."""
    width, zero = dx.size, np.float32(0)
    left, right = here[0 : width - 2], here[2:width]
    u, v = sides[0], sides[1]
    u[0], u[width - 1] = zero, zero
    for x in range(width - 2):
        u[x + 1] = np.float32(right[x]) - np.float32(left[x])
    for x in range(width):
        v[x] = np.float32(below[x]) - np.float32(above[x])
    for x in range(width):
        new, old = u[x] * u[x] + v[x] * v[x], size[x]
        longer = new > old
        dx[x] = u[x] if longer else dx[x]
        dy[x] = v[x] if longer else dy[x]
        size[x] = new if longer else old


@kernel
def _classify(dx, dy, edges, bin_of):
    """Write which of the sectors between the ``edges`` (cosine, sine; 0–180°) each gradient's orientation lies in."""
    zero, one = np.float32(0), np.int32(1)
    for x in range(dx.size):
        u, v = dx[x], dy[x]
        down = (v < zero) | ((v == zero) & (u < zero))
        dx[x], dy[x] = -u if down else u, -v if down else v
        bin_of[x] = 0
    for k in range(len(edges)):
        cosine, sine = edges[k, 0], edges[k, 1]
        for x in range(dx.size):
            bin_of[x] += one if dx[x] * sine <= dy[x] * cosine else np.int32(0)


@kernel
def _normalise(cells, block, norm, blocks, y0, y1):
    """Copy the cells of each block and divide them by their common length (``norm`` is a number in NORMS)."""
    bins, eps, top = cells.shape[2], np.float32(1e-5), np.float32(0.2)
    for y in range(y0, y1):
        for x in range(blocks.shape[1]):
            out = blocks[y, x]
            for i in range(block):
                for j in range(block):
                    source, at = cells[y + i, x + j], (i * block + j) * bins
                    for k in range(bins):
                        out[at + k] = source[k]
            total = np.float32(0)
            for k in range(out.size):
                total += out[k] * out[k] if norm < 2 else out[k]
            scale = 1 / (np.sqrt(total + eps * eps) if norm < 2 else total + eps)
            for k in range(out.size):
                out[k] = min(out[k] * scale, top) if norm == 0 else out[k] * scale
            if norm == 0:
                total = np.float32(0)
                for k in range(out.size):
                    total += out[k] * out[k]
                scale = 1 / np.sqrt(total + eps * eps)
                for k in range(out.size):
                    out[k] *= scale
            elif norm == 3:
                for k in range(out.size):
                    out[k] = np.sqrt(out[k])


def star_strokes(votes: Array, cell: int) -> Array:
    """Return rows·cell × columns·cell float32: each cell's votes as strokes across the gradient, the longest white."""
    rows, columns, bins = votes.shape
    if not rows * columns:
        return np.zeros((1, 1), np.float32)
    middle = (cell - 1) / 2
    y, x = np.mgrid[0:cell, 0:cell] - middle
    angles = (np.arange(bins) + 0.5)[:, None, None] * (np.pi / bins)
    off = np.abs(x * np.cos(angles) + y * np.sin(angles))  # from the line across the gradient
    masks = np.clip(1.2 - off, 0, 1) * (np.hypot(x, y) <= cell / 2)
    picture = (votes.reshape(-1, bins) @ masks.reshape(bins, -1).astype(np.float32)).reshape(rows, columns, cell, cell)
    picture = picture.transpose(0, 2, 1, 3).reshape(rows * cell, columns * cell)
    return picture / max(float(picture.max()), 1e-12)
