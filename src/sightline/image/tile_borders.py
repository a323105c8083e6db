"""Tiles of a grid, of which only what lies along their borders is known all at once."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from sightline.core.types import Array

FAR = 65535  # no sink can be reached
_STEPS = 0.7548776662, 0.5698402910  # by which tiles are shifted, in sides: no two places come close to each other


class Tile(NamedTuple):
    """Rows ``y0..y1`` and columns ``x0..x1``."""

    y0: int
    y1: int
    x0: int
    x1: int


class TileBorders:
    """The tiles of a grid, and the distances from the pixels along their borders to the sinks.

    Parameters
    ----------
    height, width
        Of the grid.
    side
        Of a tile.
    turn
        A number ≥ 0; the tiles' borders lie elsewhere for each.

    Attributes
    ----------
    all
        The tiles, row by row.
    """

    def __init__(self, height: int, width: int, side: int, turn: int) -> None:
        rows, columns = (
            [0, *range(side - int(turn * step % 1 * side), size, side), size]
            for step, size in zip(_STEPS, (height, width), strict=True)
        )
        self.down, self.across = len(rows) - 1, len(columns) - 1
        self.all = [Tile(y0, y1, x0, x1) for y0, y1 in pairwise(rows) for x0, x1 in pairwise(columns)]
        # The first and last row of each row of tiles, and the same for columns; with a margin where there is none.
        self.rows = np.full((2 * self.down + 2, width + 2), FAR, np.uint16)
        self.columns = np.full((2 * self.across + 2, height), FAR, np.uint16)

    def distances(self, n: int) -> Array:
        """Return distances of a tile with the pixels around it: these are filled in."""
        (y0, y1, x0, x1), (row, column) = self.all[n], divmod(n, self.across)
        far = np.full((y1 - y0 + 2, x1 - x0 + 2), FAR, np.uint16)
        far[0], far[-1] = self.rows[2 * row, x0 : x1 + 2], self.rows[2 * row + 3, x0 : x1 + 2]
        far[1:-1, 0], far[1:-1, -1] = self.columns[2 * column, y0:y1], self.columns[2 * column + 3, y0:y1]
        return far

    def update(self, n: int, far: Array) -> set[int]:
        """Write down the distances along a tile's border; return the tiles beside which they have changed."""
        (y0, y1, x0, x1), (row, column) = self.all[n], divmod(n, self.across)
        changed: set[int] = set()
        for line, new, ways in (
            (self.rows[2 * row + 1, x0 + 1 : x1 + 1], far[1, 1:-1], (-1, -1, -1, 1)),
            (self.rows[2 * row + 2, x0 + 1 : x1 + 1], far[-2, 1:-1], (1, 1, -1, 1)),
            (self.columns[2 * column + 1, y0:y1], far[1:-1, 1], (0, 0, -1, -1)),
            (self.columns[2 * column + 2, y0:y1], far[1:-1, -2], (0, 0, 1, 1)),
        ):
            if not np.array_equal(line, new):
                changed |= self.beside(n, *ways)
                line[...] = new
        return changed

    def beside(self, n: int, up: int, down: int, left: int, right: int) -> set[int]:
        """Return the tiles so many rows and columns of tiles away."""
        row, column = divmod(n, self.across)
        rows = range(max(row + up, 0), min(row + down, self.down - 1) + 1)
        columns = range(max(column + left, 0), min(column + right, self.across - 1) + 1)
        return {r * self.across + c for r in rows for c in columns} - {n}
