"""From single crossings to the grid of a chessboard: neighbour by neighbour along the edges.

Geiger, Moosmann, Car & Schuster 2012, "Automatic Camera and Range Sensor Calibration Using a Single Shot", ICRA: a
board grows from a seed, each next crossing being looked for where the last step leads.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial import KDTree

from sightline.core.types import Array
from sightline.geometry.saddles import Saddles
from sightline.image.fit_transform import fit, project

_REACH = 0.35  # of a step: how far from the expected place a crossing may lie
_CONE = 0.35  # radians off an edge in which its neighbour is looked for
_TURN = 0.5  # radians by which an edge may turn from one crossing to the next
_SEEDS = 12
_MISSING = 0.1  # share of a board's crossings that may be missing
_AROUND = 12  # crossings that say where a missing one is
_STEPS = ((1, 0), (-1, 0), (0, 1), (0, -1))


def grids_of(saddles: Saddles) -> list[dict[tuple[int, int], int]]:
    """Return grids, largest first, each ``{(column, row): index of the crossing}``; no crossing is in two of them."""
    found: list[dict[tuple[int, int], int]] = []
    if len(saddles.points) < 4:
        return found
    tree = KDTree(saddles.points)
    taken = np.zeros(len(saddles.points), bool)
    tried = 0
    for seed in range(len(saddles.points)):
        if taken[seed] or tried >= _SEEDS:
            continue
        grid = _grown(saddles, tree, seed)
        if len(grid) >= 4:
            taken[list(grid.values())] = True
            found.append(grid)
            tried += 1
    return sorted(found, key=len, reverse=True)


def board_of(saddles: Saddles, grid: dict[tuple[int, int], int], columns: int, rows: int) -> Array | None:
    """Return rows×columns×2 points when the grid is a rectangle of that shape, either way up; a few may be missing.

    Rows and columns at the border of which fewer than half are there do not belong to the board. What is missing is
    where the crossings around it say.
    """
    cells = np.array(list(grid))
    low = cells.min(axis=0)
    table = np.full(cells.max(axis=0) - low + 1, -1)
    table[tuple((cells - low).T)] = list(grid.values())
    table = _trimmed(table.T)
    if table.shape != (rows, columns) and table.shape == (columns, rows):
        table = table.T
    if table.shape != (rows, columns) or (table < 0).mean() > _MISSING:
        return None
    points = np.where((table >= 0)[..., None], saddles.points[table], np.nan)
    there = np.argwhere(table >= 0)
    for y, x in np.argwhere(table < 0):
        near = there[np.argsort(np.abs(there - (y, x)).sum(axis=1), kind="stable")[:_AROUND]]
        around = near[:, ::-1].astype(float)
        matrix = fit("homography", around, points[tuple(near.T)])
        points[y, x] = project(matrix, np.array([[x, y]], float))[0]
    return points if np.isfinite(points).all() else None


def _trimmed(table: Array) -> Array:
    while table.size:
        there = table >= 0
        if there[0].mean() < 0.5:
            table = table[1:]
        elif there[-1].mean() < 0.5:
            table = table[:-1]
        elif there[:, 0].mean() < 0.5:
            table = table[:, 1:]
        elif there[:, -1].mean() < 0.5:
            table = table[:, :-1]
        else:
            break
    return table


def _grown(saddles: Saddles, tree: KDTree, seed: int) -> dict[tuple[int, int], int]:
    grid, steps = {(0, 0): seed}, {(0, 0): np.full((2, 2), np.nan)}
    used = {seed}
    first = saddles.edges[seed]
    for axis in range(2):  # the first steps: the nearest crossings along both edges
        lengths = [
            (np.linalg.norm(saddles.points[other] - saddles.points[seed]), sign, other)
            for sign in (1, -1)
            if (other := _nearest_along(saddles, tree, seed, axis, sign)) is not None
        ]
        if not lengths:
            return {}
        _, sign, other = min(lengths)
        steps[0, 0][axis] = sign * (saddles.points[other] - saddles.points[seed])
    directions = {(0, 0): first}
    waiting = [(0, 0)]
    while waiting:
        cell = waiting.pop(0)
        for way in _STEPS:
            beside = (cell[0] + way[0], cell[1] + way[1])
            if beside in grid:
                continue
            axis, sign = (0, way[0]) if way[0] else (1, way[1])
            other = _expected(saddles, tree, grid[cell], sign * steps[cell][axis], directions[cell])
            if other is None or other in used:
                continue
            grid[beside], directions[beside] = other, saddles.edges[other]
            step = steps[cell].copy()
            step[axis] = sign * (saddles.points[other] - saddles.points[grid[cell]])
            steps[beside] = step
            used.add(other)
            waiting.append(beside)
    return grid


def _nearest_along(saddles: Saddles, tree: KDTree, at: int, axis: int, sign: int) -> int | None:
    """Return the nearest crossing that lies in the direction of an edge and is of the other colours."""
    angle = saddles.edges[at, axis]
    way = sign * np.array([np.cos(angle), np.sin(angle)])
    _, near = tree.query(saddles.points[at], k=min(13, len(saddles.points)))
    for other in near[1:]:
        apart = saddles.points[other] - saddles.points[at]
        length = np.linalg.norm(apart)
        if apart @ way > np.cos(_CONE) * length and _fits(saddles.edges[other], saddles.edges[at]):
            return int(other)
    return None


def _expected(saddles: Saddles, tree: KDTree, at: int, step: Array, edges: Array) -> int | None:
    length = np.linalg.norm(step)
    distance, other = tree.query(saddles.points[at] + step)
    if distance > _REACH * length or not _fits(saddles.edges[other], edges):
        return None
    return int(other)


def _fits(edges: Array, before: Array) -> bool:
    """Return whether a crossing continues the edges of its neighbour, with bright and dark exchanged."""
    return bool((_between(edges[::-1], before) < _TURN).all())


def _between(a: Array, b: Array) -> Array:
    return np.abs(np.angle(np.exp(2j * (a - b)))) / 2
