"""Boxes under an affine map: the smallest ones around what is left of them in a frame.

Sutherland and Hodgman 1974, "Reentrant polygon clipping", Communications of the ACM 17(1): the moved quadrangle is cut
by one side of the frame after the other.
"""

from __future__ import annotations

import numpy as np

from sightline.core.kernels import kernel


@kernel
def move_boxes(boxes, matrix, width, height, found, shares):
    """Write what is left of N boxes, all 0 where nothing is, and the share of the area of the box around the whole.

    Parameters
    ----------
    boxes
        N×4 float64 xyxy, continuous edges.
    matrix
        2×3 float64, from points (x, y) of the old frame to points of the new one.
    width, height
        Of the new frame, in pixels.
    found, shares
        N×4 and N float64, which are filled.
    """
    # A cut adds one corner; to a quadrangle so flat that rounding folds it, half as many as there are, thus 21 at last.
    whole, part = np.empty((21, 2)), np.empty((21, 2))
    for i in range(len(boxes)):
        for corner in range(4):
            # A point lies half a pixel before the edge of the same number.
            x = boxes[i, 2 if corner in (1, 2) else 0] - 0.5
            y = boxes[i, 3 if corner >= 2 else 1] - 0.5
            for axis in range(2):
                whole[corner, axis] = matrix[axis, 0] * x + matrix[axis, 1] * y + matrix[axis, 2] + 0.5
        area, count = _extent(whole, 4, found[i]), 4
        for axis, limit in ((0, width), (1, height)):
            count = _cut(whole, count, axis, 0.0, 1.0, part)
            count = _cut(part, count, axis, float(limit), -1.0, whole)
        left = _extent(whole, count, found[i])
        shares[i] = left / area if area > 0 else 0.0
        if not left > 0:
            found[i] = 0.0


@kernel
def _cut(corners, count, axis, limit, sign, kept):
    """Write the part of a polygon that lies beyond a line, or before it (sign −1); return how many corners it has."""
    number = 0
    for i in range(count):
        after = i + 1 if i + 1 < count else 0
        here, there = sign * (corners[i, axis] - limit), sign * (corners[after, axis] - limit)
        if here >= 0:
            kept[number, 0], kept[number, 1] = corners[i, 0], corners[i, 1]
            number += 1
        if here * there < 0:
            share, other = here / (here - there), 1 - axis
            kept[number, axis] = limit
            kept[number, other] = corners[i, other] + share * (corners[after, other] - corners[i, other])
            number += 1
    return number


@kernel
def _extent(corners, count, box):
    """Write the smallest box around a polygon; return its area, 0 where there is no corner."""
    if count == 0:
        return 0.0
    for axis in range(2):
        low = high = corners[0, axis]
        for i in range(1, count):
            low, high = min(low, corners[i, axis]), max(high, corners[i, axis])
        box[axis], box[2 + axis] = low, high
    return (box[2] - box[0]) * (box[3] - box[1])
