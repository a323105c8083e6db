"""Borders that enclose an area within limits, with nothing kept of all the others.

Suzuki & Abe 1985, "Topological Structural Analysis of Digitized Binary Images by Border Following", CVGIP 30(1): as in
the paper, a scan meets a border at a side of a pixel that none has passed yet. How borders nest is not asked, so that
it is enough to strike those sides off that are passed.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from sightline.core.kernels import kernel
from sightline.core.types import Array
from sightline.image.bits import trailing_zeros
from sightline.image.find_contours import ALONG_X, ALONG_Y, follow_all, look_around, steps_around, twice


def borders_of_size(image: Array, bound: float, smallest: float, largest: float) -> Iterator[Array]:
    """Yield the points (x, y), N×2 int32, of borders of what exceeds a bound, in the order of a scan.

    Parameters
    ----------
    image
        H×W, contiguous, of any dtype.
    bound
        Number of that dtype.
    smallest, largest
        The area that a border encloses through its points is above 0, not below ``smallest`` and below ``largest``.
    """
    rings, changes, *_ = look_around(image, bound)
    stride, flat, steps = rings.shape[1], rings.reshape(-1), steps_around(rings.shape[1])
    found = _list(flat, image, bound, changes, steps, max(2 * smallest, 1.0), 2.0 * largest)
    points, ends = np.empty(int(found[:, 3].sum()), np.uint64), np.empty(len(found), np.int64)
    follow_all(flat, stride, found[:, :2], found[:, 2], steps, False, points, ends)
    start, places = 0, points.view(np.int32).reshape(-1, 2)
    for end in ends.tolist():
        yield places[start:end]
        start = end


@kernel
def _list(rings, image, bound, changes, steps, least, most):
    """Return x, y, whether it is a hole's and the number of points of borders whose doubled area is within limits.

    A bit of ``changes`` stands for the left side of a pixel that is true, or the right one of the pixel before it.
    """
    height, blocks = changes.shape
    found, filled = np.empty((64, 4), np.int32), 0
    for y in range(height):
        for word in range(blocks):
            while changes[y, word] != 0:
                x = 64 * word + np.int64(trailing_zeros(changes[y, word]))
                is_hole = x == image.shape[1] or not image[y, x] > bound
                x -= np.int64(is_hole)
                count, area = _walk(rings, y, x, 64 * blocks, is_hole, steps, changes.reshape(-1))
                if not least <= area < most:
                    continue
                if filled == len(found):
                    longer = np.empty((2 * filled, 4), np.int32)
                    longer[:filled] = found
                    found = longer
                found[filled, 0], found[filled, 1], found[filled, 2], found[filled, 3] = x, y, is_hole, count
                filled += 1
    return found[:filled]


@kernel
def _walk(rings, y, x, stride, is_hole, steps, sides):
    """Walk around a border and strike off the sides that it passes; return its points and twice the area within."""
    none, one, four, seven, low = np.uint64(0), np.uint64(1), np.uint64(4), np.uint64(7), np.uint64(63)
    start, way = np.uint64(y * stride + x), none if is_hole else four
    ring, count, area = twice(rings[start]), 0, np.int64(0)
    if ring == none:  # a pixel on its own
        sides[start >> np.uint64(6)] &= ~(one << (start & low))
        sides[(start + one) >> np.uint64(6)] &= ~(one << ((start + one) & low))
        return 1, area
    while ring >> way & one == none:
        way = (way - one) & seven
    last, pixel = start + steps[0, way], start
    while True:
        first = way + one
        turn = trailing_zeros(twice(rings[pixel]) >> first)  # so many false neighbours lie between
        left, right = ((four - first) & seven) < turn, ((none - first) & seven) < turn
        after = pixel + one
        sides[pixel >> np.uint64(6)] &= ~(np.uint64(left) << (pixel & low))
        sides[after >> np.uint64(6)] &= ~(np.uint64(right) << (after & low))
        way = (first + turn) & seven
        across, down = ALONG_X[way], ALONG_Y[way]
        area += x * down - y * across
        x, y, count, following = x + across, y + down, count + 1, pixel + steps[0, way]
        if following == start and pixel == last:
            return count, abs(area)
        pixel, way = following, way ^ four
