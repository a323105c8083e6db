"""Circles apart: of those whose centres are near to each other, the better supported stays."""

from __future__ import annotations

import numpy as np

from sightline.core.kernels import kernel

_LEAST_SIDE = 16.0  # of the squares in which circles look for their neighbours, in pixels


def apart(circles: np.ndarray, distance: float, most: int | None) -> np.ndarray:
    """Return the circles (x, y, radius), the best supported first, without those near to a better one."""
    circles = circles[np.lexsort((circles[:, 1], circles[:, 0], -circles[:, 2], -circles[:, 3]))]
    if len(circles) == 0:
        return circles[:, :3].copy()
    side = max(distance, _LEAST_SIDE)
    columns, rows = (int(end // side) + 3 for end in circles[:, :2].max(axis=0))  # with a frame of empty ones
    newest, kept = np.full((rows, columns), -1, np.int32), np.empty((2, len(circles)), np.int32)
    count = _keep_apart(circles, distance, side, len(circles) if most is None else most, newest, kept)
    return circles[kept[0, :count], :3]


@kernel
def _keep_apart(circles, distance, side, most, newest, kept):
    """Write which circles stay, and which one stayed before in the same square of a grid; return how many there are."""
    count, square = 0, np.float32(distance * distance)
    for i in range(circles.shape[0]):
        column, row, near = int(circles[i, 0] // side) + 1, int(circles[i, 1] // side) + 1, False
        for place in range(9):
            k = newest[row + place // 3 - 1, column + place % 3 - 1]
            while k >= 0 and not near:
                dx, dy = circles[kept[0, k], 0] - circles[i, 0], circles[kept[0, k], 1] - circles[i, 1]
                near = dx * dx + dy * dy < square
                k = kept[1, k]
        if not near:
            kept[0, count], kept[1, count] = i, newest[row, column]
            newest[row, column] = count
            count += 1
            if count == most:
                break
    return count
