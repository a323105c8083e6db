"""Watershed: water rises from the markers, and what each one floods is its segment.

Meyer 1994, "Topographic distance and watershed lines", Signal Processing 38(1): the pixels that water touches wait in
an ordered queue, the lowest first, those of one height in the order in which they were reached.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import numpy as np

from sightline.core.buffers import empty
from sightline.core.catalogue import method
from sightline.core.checks import as_image, as_mask, describe, flag, output
from sightline.core.conversions import to_uint8
from sightline.core.errors import InputError
from sightline.core.kernels import kernel, over_rows
from sightline.core.layers import Heat, Picture, Value
from sightline.core.trace import Step
from sightline.core.types import Array, Image, Labels, Mask, Range
from sightline.image.bits import trailing_zeros
from sightline.image.flood_colours import HEIGHTS, LINE, OUTSIDE, PAIR, WAITING, flood_colours, prepare_colours

CELL, HEIGHT, AFTER = 4, 1, 2  # numbers that a pixel of a relief has, and which is what; the label comes first
_FULL = 1 << 30  # higher than any water
_one, _zero = np.uint64(1), np.uint64(0)


def _corners(image: Any) -> Array:
    """Return a marker in each of two corners of an image."""
    markers = np.zeros(np.shape(image)[:2] or (1, 1), np.int32)
    if markers.size:
        markers[0, 0], markers[-1, -1] = 1, 2
    return markers


@method(task="segmentation", paper="Meyer 1994", lesson="w2d3", example={"markers": _corners})
def watershed(
    image: Image,
    markers: Labels,
    *,
    mask: Mask | None = None,
    connectivity: Annotated[int, Range(4, 8, 4)] = 4,
    lines: bool = False,
    out: Array | None = None,
) -> Labels:
    """Return the label map that grows from markers when an image is flooded like a landscape.

    A grey image is a relief: usually the length of the gradient, so that segments meet at edges. In a colour image the
    height between two neighbours is their greatest difference of a channel, in whole grey levels of 0–255, and water
    never falls below its own level again. NaN and infinity are refused.

    Parameters
    ----------
    image
        H×W relief or H×W×3 colours; uint8, uint16 or float32.
    markers
        H×W int32, 1 … N where a segment starts and 0 elsewhere; at least one pixel is a marker.
    mask
        H×W bool, true where water may go; None lets it go everywhere. Elsewhere the label is 0.
    connectivity
        Neighbours that water flows to: 4 or 8.
    lines
        Leave pixels where two segments meet at 0, a line between them; otherwise every pixel that can be reached
        belongs to a segment.
    out
        H×W int32 array to write to; None makes a new one.

    Returns
    -------
    labels
        H×W int32: a marker's number where its water came first, 0 on lines and where none came.

    Raises
    ------
    InputError
        When the markers have another shape, are negative or all 0.

    References
    ----------
    F. Meyer, "Topographic distance and watershed lines", Signal Processing 38(1), 1994.

    Examples
    --------
    >>> import numpy as np
    >>> relief = np.array([[1, 2, 9, 3, 1]], np.uint8)
    >>> markers = np.array([[1, 0, 0, 0, 2]], np.int32)
    >>> watershed(relief, markers).tolist()
    [[1, 1, 1, 2, 2]]
    >>> watershed(relief, markers, lines=True).tolist()
    [[1, 1, 0, 2, 2]]
    """
    basin = _Basin(image, markers, mask, connectivity)
    basin.flood(flag("watershed", "lines", lines), _FULL)
    labels = output("watershed", out, basin.labels.shape, np.int32)
    return np.maximum(basin.labels, 0, out=labels)


@watershed.steps
def _steps(
    image: Image, markers: Labels, *, mask: Any = None, connectivity: int = 4, lines: bool = False, out: Any = None
) -> Iterator[Step]:
    picture = as_image("watershed", image, finite=True)
    start = Heat(_Basin(image, markers, mask, connectivity).labels.clip(0).astype(np.float32))
    yield Step("image", Picture(picture))
    yield Step("markers", start, note="Water springs from here.")
    top = _Basin(image, markers, mask, connectivity).buckets
    for quarter in (1, 2, 3):
        basin = _Basin(image, markers, mask, connectivity)
        basin.flood(lines, top * quarter // 4)
        flooded = np.maximum(basin.labels, 0)
        yield Step(f"water at {quarter}/4", Heat(flooded.astype(np.float32)), note="What is below this height.")
    labels = watershed(image, markers, mask=mask, connectivity=connectivity, lines=lines, out=out)
    yield Step("segments", Value(labels), Heat(labels.astype(np.float32)), note="Each label is one marker's water.")


class _Basin:
    """The landscape with a wall around it, and the labels that water has brought so far."""

    def __init__(self, image: Any, markers: Any, mask: Any, connectivity: int) -> None:
        image = as_image("watershed", image, finite=True)
        height, width = image.shape[:2]
        markers = _as_markers(markers, (height, width))
        if isinstance(connectivity, (bool, np.ndarray)) or connectivity not in (4, 8):
            raise InputError(f"watershed: connectivity must be 4 or 8; got {describe(connectivity)}.")
        if mask is not None:
            markers = np.where(as_mask("watershed", mask, shape=(height, width)), markers, np.int32(OUTSIDE))
        self.colour = image.ndim == 3
        cell = PAIR if self.colour else CELL
        size = (height + 2) * (width + 2) * cell
        self.cells = empty((size + (int(HEIGHTS) if self.colour else 0),), np.int32)
        lines = self.cells[:size].reshape(height + 2, -1)
        self.labels = lines.reshape(height + 2, width + 2, cell)[1:-1, 1:-1, 0]
        if self.colour:
            self.buckets = 256
            over_rows(prepare_colours, height + 2, markers, to_uint8(image), connectivity == 8, lines)
        else:
            ranks, self.buckets = _ranks(image)
            over_rows(_prepare_relief, height + 2, markers, ranks, lines)
        ways = [(0, -1), (0, 1), (-1, 0), (1, 0)] if self.colour else [(-1, 0), (0, -1), (0, 1), (1, 0)]
        ways += [(-1, -1), (-1, 1), (1, -1), (1, 1)]
        self.around = np.array([cell * (dy * (width + 2) + dx) for dy, dx in ways[:connectivity]], np.int64)

    def flood(self, lines: bool, level: int) -> None:
        """Let the water rise to a level, a position in the order of heights."""
        if self.colour:
            flood_colours(self.cells, self.around.view(np.uint64), bool(lines), level)
            return
        ends = np.full(2 * self.buckets, -1, np.int32)
        floor1 = (self.buckets >> 6) + 1
        floor2 = floor1 + (self.buckets >> 12) + 1
        bits = np.zeros(floor2 + (self.buckets >> 18) + 1, np.uint64)
        _flood_relief(self.cells, self.around, bool(lines), level, ends, bits, floor1, floor2)


def _as_markers(markers: Any, shape: tuple[int, int]) -> Array:
    if not isinstance(markers, np.ndarray) or markers.shape != shape or markers.dtype.kind not in "iu":
        wanted = "×".join(map(str, shape))
        raise InputError(
            f"watershed: markers must be whole numbers of the image's shape {wanted}; got {describe(markers)}."
        )
    low, high = int(markers.min()), int(markers.max())
    if low < 0 or high == 0 or high > np.iinfo(np.int32).max:
        raise InputError(f"watershed: markers must be 0 or 1 … N with at least one above 0; got {low} … {high}.")
    return np.ascontiguousarray(markers, np.int32)


def _ranks(relief: Array) -> tuple[Array, int]:
    """Return each pixel's place in the order of heights, and how many places there are."""
    if relief.dtype == np.float32:
        levels, ranks = np.unique(relief, return_inverse=True)
        return ranks.reshape(relief.shape).astype(np.int32), len(levels)
    return relief, int(relief.max()) + 1


# --- the landscape ---
# What belongs to a pixel lies together, in one line of the processor's cache: its label, its height, and the pixel
# behind it in the queue.


@kernel
def _prepare_relief(markers, heights, cells, y0, y1):
    """Write labels and heights within a wall of one pixel."""
    height, width = markers.shape
    for y in range(y0, y1):
        line = cells[y]
        if y == 0 or y == height + 1:
            for x in range(width + 2):
                line[CELL * x] = OUTSIDE
            continue
        line[0], line[CELL * (width + 1)] = OUTSIDE, OUTSIDE
        labels, values = markers[y - 1], heights[y - 1]
        for x in range(width):
            line[CELL * (x + 1)], line[CELL * (x + 1) + HEIGHT] = labels[x], np.int32(values[x])


# --- the ordered queue ---
# `ends` holds the first and the last pixel of each height's list, and three floors of `bits` say which lists hold
# something. The kernel spells the queue out: handing its arrays to a function costs more than the function does.


@kernel
def _flood_relief(cells, around, lines, level, ends, bits, floor1, floor2):
    """Flood a relief: a pixel waits at its own height, or at the water's where that is higher."""
    waiting = 0
    for pixel in range(0, cells.size, CELL):
        if cells[pixel] <= 0:
            continue
        inner = True  # within a marker there is nothing to flood
        for way in range(around.size):
            inner &= cells[pixel + around[way]] != 0
        if inner:
            continue
        height = np.int64(cells[pixel + HEIGHT])
        cells[pixel + AFTER] = -1
        if ends[2 * height] < 0:
            ends[2 * height] = pixel
            bits[height >> 6] |= _one << np.uint64(height & 63)
            bits[floor1 + (height >> 12)] |= _one << np.uint64(height >> 6 & 63)
            bits[floor2 + (height >> 18)] |= _one << np.uint64(height >> 12 & 63)
        else:
            cells[ends[2 * height + 1] + AFTER] = pixel
        ends[2 * height + 1] = pixel
        waiting += 1
    while waiting > 0:
        i = floor2  # the lowest height that has a pixel waiting
        while bits[i] == _zero:
            i += 1
        i = (i - floor2 << 6) + np.int64(trailing_zeros(bits[i]))
        i = (i << 6) + np.int64(trailing_zeros(bits[floor1 + i]))
        height = (i << 6) + np.int64(trailing_zeros(bits[i]))
        if height > level:
            return
        water, pixel = height, np.int64(ends[2 * height])
        ends[2 * height] = cells[pixel + AFTER]
        waiting -= 1
        if ends[2 * height] < 0:
            bits[height >> 6] ^= _one << np.uint64(height & 63)
            if bits[height >> 6] == _zero:
                bits[floor1 + (height >> 12)] ^= _one << np.uint64(height >> 6 & 63)
                if bits[floor1 + (height >> 12)] == _zero:
                    bits[floor2 + (height >> 18)] ^= _one << np.uint64(height >> 12 & 63)
        label, meets = cells[pixel], False
        if lines:
            for way in range(around.size):
                other = cells[pixel + around[way]]
                if other > 0:
                    meets |= label > 0 and other != label
                    label = other if label <= 0 else label
            cells[pixel] = LINE if meets else label
        if meets:
            continue
        for way in range(around.size):
            near = pixel + around[way]
            if cells[near] != 0:
                continue
            cells[near] = WAITING if lines else label
            height = max(water, np.int64(cells[near + HEIGHT]))
            cells[near + AFTER] = -1
            if ends[2 * height] < 0:
                ends[2 * height] = near
                bits[height >> 6] |= _one << np.uint64(height & 63)
                bits[floor1 + (height >> 12)] |= _one << np.uint64(height >> 6 & 63)
                bits[floor2 + (height >> 18)] |= _one << np.uint64(height >> 12 & 63)
            else:
                cells[ends[2 * height + 1] + AFTER] = near
            ends[2 * height + 1] = near
            waiting += 1
