"""Hough segments: edge pixels vote in random order, and a line is taken out as soon as it stands out of the noise.

Matas, Galambos & Kittler 2000, "Robust Detection of Lines Using the Progressive Probabilistic Hough Transform",
Computer Vision and Image Understanding 78(1), which the code follows in its order.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated, Any

import numpy as np
from jaxtyping import Float32

from sightline.core.catalogue import method
from sightline.core.checks import as_mask, integer, number
from sightline.core.kernels import kernel
from sightline.core.layers import Lines
from sightline.core.layers import Mask as MaskLayer
from sightline.core.seeds import generator
from sightline.core.trace import Step
from sightline.core.types import Mask, Range, Seed
from sightline.image.hough_lines import ROUND, ROUND_BITS, angle_table, cells_of, count_angles

EMPTY, WAITING, VOTED = 0, 1, 2  # states of a pixel


@method(task="shapes", paper="Matas et al. 2000", lesson="w2d6")
def hough_segments(
    mask: Mask,
    threshold: Annotated[int, Range(1, 1000, 1)] = 50,
    *,
    min_length: Annotated[float, Range(0, 1000, 1)] = 30.0,
    max_gap: Annotated[int, Range(0, 100, 1)] = 5,
    rho: Annotated[float, Range(0.1, 100, 0.1)] = 1.0,
    theta: Annotated[float, Range(0.0005, math.pi / 2, 0.001)] = math.pi / 180,
    max_segments: int | None = None,
    seed: Seed = 0,
) -> Float32[np.ndarray, "n 4"]:
    """Return the line segments of a mask of edges as (x1, y1, x2, y2), in the order in which they were found.

    Pixels vote one by one in random order. When a cell reaches ``threshold``, its line is followed from the pixel
    that voted last to both sides; the pixels of the segment are taken away, and their votes back. There are no
    floating-point pixels, so NaN cannot come in; a NaN option is refused.

    Parameters
    ----------
    mask
        H×W bool, true on edges.
    threshold
        Votes at which a line is followed, ≥ 1.
    min_length
        Shortest segment that is returned, in pixels from end to end, ≥ 0.
    max_gap
        Pixels that may be missing in a row along a segment, ≥ 0.
    rho
        Width of a cell, in pixels; 0.1–100.
    theta
        Angle between neighbouring cells, in radians; 0.0005–π/2.
    max_segments
        Stop after so many; None finds all.
    seed
        Whole number ≥ 0 or a generator: the order of the votes.

    Returns
    -------
    segments
        N×4 float32, ends included; (0, 0) is the centre of the top-left pixel.

    References
    ----------
    J. Matas, C. Galambos, J. Kittler, "Robust Detection of Lines Using the Progressive Probabilistic Hough
    Transform", Computer Vision and Image Understanding 78(1), 2000.

    Examples
    --------
    >>> import numpy as np
    >>> mask = np.zeros((60, 80), bool)
    >>> mask[10:50, 30] = True
    >>> [sorted(segment) for segment in hough_segments(mask, 20).reshape(-1, 2, 2).tolist()]
    [[[30.0, 10.0], [30.0, 49.0]]]
    """
    mask = as_mask("hough_segments", mask)
    threshold = integer("hough_segments", "threshold", threshold, 1)
    length = number("hough_segments", "min_length", min_length, 0, unit="pixels")
    gap = integer("hough_segments", "max_gap", max_gap, 0, 1 << 30)
    rho = number("hough_segments", "rho", rho, 0.1, 100, unit="pixels")
    theta = number("hough_segments", "theta", theta, 0.0005, math.pi / 2, unit="radians")
    most = mask.size if max_segments is None else integer("hough_segments", "max_segments", max_segments, 1)
    angles = count_angles("hough_segments", theta, 0.0, math.pi)
    reach = cells_of("hough_segments", mask.shape, angles, rho)
    order = generator(seed).permutation(np.flatnonzero(mask).astype(np.int32))
    found = np.empty((min(most, order.size), 4), np.int32)
    accumulator = np.zeros(angles * (2 * reach + 1), _cell_type(mask.shape, rho, order.size))
    zeros = (reach + (2 * reach + 1) * np.arange(angles)).astype(np.uint32)  # the cell of rho = 0 of each angle
    table = angle_table(angles, rho, theta)
    state = mask.astype(np.uint8)
    count = _vote_and_follow(order, state, accumulator, table, zeros, threshold, length * length, gap, found)
    return found[:count].astype(np.float32)


def _cell_type(shape: tuple[int, ...], rho: float, count: int) -> type[np.uint16] | type[np.int32]:
    """Return the narrowest type for the votes of a cell: of the pixels in a strip of the image, ``rho`` wide."""
    longest = math.hypot(*shape) + 2
    strip = (rho + 2) * longest + 4  # the unit squares around the pixels lie within it
    return np.uint16 if min(count, strip) < 1 << 16 else np.int32  # half the memory is half the cache misses


@hough_segments.steps
def _steps(mask: Mask, threshold: int = 50, **options: Any) -> Iterator[Step]:
    mask = as_mask("hough_segments", mask)
    yield Step("edges", MaskLayer(mask), note="These pixels vote in random order.")
    most = options.pop("max_segments", None)
    few = min(8, most or 8)
    first = hough_segments(mask, threshold, **options, max_segments=few)
    yield Step("first segments", Lines(first), MaskLayer(mask), Lines(first), note="Long lines stand out first.")
    segments = hough_segments(mask, threshold, **options, max_segments=most)
    yield Step("segments", Lines(segments), MaskLayer(mask), Lines(segments), note="All of them.")


@kernel
def _vote_and_follow(order, state, accumulator, table, zeros, threshold, shortest, gap, found):
    """Write the segments' ends to ``found``; return how many there are."""
    width = state.shape[1]
    cosines, sines = table[0], table[1]
    cells, votes, one = (
        np.empty(zeros.size, np.uint32),
        np.empty(zeros.size, accumulator.dtype),
        accumulator.dtype.type(1),
    )
    ends, count = np.empty((2, 2), np.int64), 0
    for pixel in order:
        y, x = pixel // width, pixel % width
        if state[y, x] == EMPTY:  # a segment went through it
            continue
        state[y, x] = VOTED
        _cells(x, y, table, zeros, cells)
        for a in range(cells.size):
            now = accumulator[cells[a]] + one
            accumulator[cells[a]] = now
            votes[a] = now
        most = votes[0]
        for a in range(votes.size):
            most = max(most, votes[a])
        if most < threshold:
            continue
        best = np.argmax(votes)
        # Along the line by whole pixels in its steeper direction, by fractions of 1/65536 in the other one.
        along_x = abs(sines[best]) > abs(cosines[best])
        dx, dy = -sines[best], cosines[best]
        step = max(abs(dx), abs(dy))
        dx, dy = np.int64(np.rint(65536 * dx / step)), np.int64(np.rint(65536 * dy / step))
        for side in range(2):
            ends[side, 0], ends[side, 1] = _walk(state, x, y, dx, dy, gap)
            dx, dy = -dx, -dy
        long = (ends[0, 0] - ends[1, 0]) ** 2 + (ends[0, 1] - ends[1, 1]) ** 2 >= shortest
        for side in range(2):
            steps = abs(ends[side, 0] - x) if along_x else abs(ends[side, 1] - y)
            for k in range(steps + 1):
                px, py = x + ((k * dx + 32768) >> 16), y + ((k * dy + 32768) >> 16)
                if state[py, px] == VOTED and long:
                    _cells(px, py, table, zeros, cells)
                    for a in range(cells.size):
                        accumulator[cells[a]] -= one
                state[py, px] = EMPTY
            dx, dy = -dx, -dy
        if long:
            found[count, 0], found[count, 1], found[count, 2], found[count, 3] = (
                ends[0, 0],
                ends[0, 1],
                ends[1, 0],
                ends[1, 1],
            )
            count += 1
            if count == found.shape[0]:
                break
    return count


@kernel(inline=True)
def _cells(x, y, table, zeros, cells):
    """Write the cell of each angle that a pixel votes for."""
    px, py = np.float32(x), np.float32(y)
    middle, bits = np.float32(ROUND), np.uint32(ROUND_BITS)
    cosines, sines = table[0], table[1]
    for a in range(cells.size):
        whole = np.float32(np.float32(px * cosines[a] + py * sines[a]) + middle).view(np.uint32)
        cells[a] = np.uint32(whole - bits) + zeros[a]


@kernel
def _walk(state, x, y, dx, dy, gap):
    """Return the last pixel that is set on the way from (x, y), where at most ``gap`` in a row are missing."""
    height, width = state.shape
    last_x, last_y, missing, k = x, y, 0, 0
    while missing <= gap:
        k += 1
        px, py = x + ((k * dx + 32768) >> 16), y + ((k * dy + 32768) >> 16)
        if px < 0 or px >= width or py < 0 or py >= height:
            break
        if state[py, px] != EMPTY:
            last_x, last_y, missing = px, py, 0
        else:
            missing += 1
    return last_x, last_y
