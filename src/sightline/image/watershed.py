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
from sightline.core.kernels import over_rows
from sightline.core.layers import Heat, Picture, Value
from sightline.core.trace import Step
from sightline.core.types import Array, Image, Labels, Mask, Range
from sightline.image.flood_colours import HEIGHTS, PAIR, flood_colours, prepare_colours
from sightline.image.flood_relief import find_springs, flood_relief, prepare_relief, without_wall

_FULL = (1 << 30) - 1  # higher than any water
_LISTS = (1 << 22, 32), (1 << 20, 8), (0, 1)  # of a height, where there are more pixels: memory is slower than caches
_FEW = 1 << 12  # heights that several lists are kept of
_NO_MASK = np.empty((0, 0), np.bool_)


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
    if out is None and not basin.colour:
        return basin.take_labels()
    return np.maximum(basin.labels, 0, out=output("watershed", out, basin.labels.shape, np.int32))


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
        allowed = _NO_MASK if mask is None else as_mask("watershed", mask, shape=(height, width))
        self.colour, wide = image.ndim == 3, width + 2
        ways = [(0, -1), (0, 1), (-1, 0), (1, 0)] if self.colour else [(-1, 0), (0, -1), (0, 1), (1, 0)]
        ways += [(-1, -1), (-1, 1), (1, -1), (1, 1)]
        cell = PAIR if self.colour else 1
        self.around = np.array([cell * (dy * wide + dx) for dy, dx in ways[:connectivity]], np.int64).view(np.uint64)
        size = (height + 2) * wide * cell
        self.cells = empty((size + (int(HEIGHTS) if self.colour else 0),), np.int32)
        self.labels = self.cells[:size].reshape(height + 2, wide, cell)[1:-1, 1:-1, 0]
        lines = self.cells[:size].reshape(height + 2, -1)
        if self.colour:
            self.buckets = 256
            over_rows(prepare_colours, height + 2, markers, allowed, to_uint8(image), connectivity == 8, lines)
        else:
            ranks, self.buckets = _ranks(image)
            self.heights = empty((height + 2, wide), ranks.dtype)
            over_rows(prepare_relief, height + 2, markers, allowed, ranks, lines, self.heights)

    def flood(self, lines: bool, level: int) -> None:
        """Let the water rise to a level, a position in the order of heights."""
        if self.colour:
            flood_colours(self.cells, self.around, bool(lines), level)
            return
        heights = self.heights.reshape(-1)
        springs = find_springs(self.cells, heights, self.around, self.buckets)
        lists = 1 if self.buckets > _FEW else next(many for size, many in _LISTS if heights.size > size)
        ends, turns = np.zeros(2 * lists * self.buckets, np.int32), np.zeros(self.buckets, np.uint8)
        floor1 = (self.buckets >> 6) + 1
        floor2 = floor1 + (self.buckets >> 12) + 1
        bits = np.zeros(floor2 + (self.buckets >> 18) + 1, np.uint64)
        queue = ends, turns, bits, np.uint64(floor1), np.uint64(floor2)
        flood_relief(self.cells, heights, self.around, bool(lines), np.uint64(level), springs, *queue)

    def take_labels(self) -> Array:
        """Return the labels of a relief in the memory that they were found in: the basin has none after that."""
        height, width = self.labels.shape
        without_wall(self.cells, width)
        return self.cells[: height * width].reshape(height, width)


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
