"""Discs that lie to a good share in larger ones: of overlapping blobs the larger stays."""

from __future__ import annotations

import math

import numpy as np

from sightline.core.kernels import kernel
from sightline.core.types import Array

_SIDE = 16.0  # of the squares by which discs are looked up, in pixels
_REACH = 3.0  # sigmas of a blob, more than twice its radius: nothing beyond shares with it and is smaller
_RADIUS = math.sqrt(2)  # sigmas


def uncovered(blobs: Array, overlap: float) -> Array:
    """Return the blobs without those that share more than ``overlap`` of their area with a larger one that stays.

    Parameters
    ----------
    blobs
        N×3 float32 (x, y, sigma) with x and y ≥ 0, the strongest first: of two that are equally large, the first is
        taken for the larger. A radius is √2·sigma.
    overlap
        Share of the smaller one's area, 0–1.
    """
    if len(blobs) == 0:
        return blobs
    order = np.argsort(-blobs[:, 2], kind="stable").astype(np.int32)
    columns, rows = (int(end // _SIDE) + 1 for end in blobs[:, :2].max(axis=0))
    alive = np.ones(len(blobs), np.bool_)
    _cover(blobs, order, overlap, np.zeros((rows, columns, 2), np.int32), np.empty(len(blobs), np.int32), alive)
    return blobs[alive]


@kernel
def _cover(blobs, order, overlap, squares, members, alive):
    """Write which blobs are alive when each, in the order, has ended those after it that share too much with it.

    ``members`` are ranks in the order, rising, square by square; ``squares`` become the first and the end of each's.
    """
    rows, columns, _ = squares.shape
    for b in order:
        squares[int(blobs[b, 1] // _SIDE), int(blobs[b, 0] // _SIDE), 1] += 1
    total = 0
    for row in range(rows):
        for column in range(columns):
            count = squares[row, column, 1]
            squares[row, column, 0] = squares[row, column, 1] = total
            total += count
    for rank in range(order.size):
        b = order[rank]
        row, column = int(blobs[b, 1] // _SIDE), int(blobs[b, 0] // _SIDE)
        members[squares[row, column, 1]] = rank
        squares[row, column, 1] += 1
    for rank in range(order.size):
        b = order[rank]
        if not alive[b]:
            continue
        x, y, sigma = np.float64(blobs[b, 0]), np.float64(blobs[b, 1]), np.float64(blobs[b, 2])
        reach = _REACH * sigma
        for row in range(max(int((y - reach) // _SIDE), 0), min(int((y + reach) // _SIDE) + 1, rows)):
            for column in range(max(int((x - reach) // _SIDE), 0), min(int((x + reach) // _SIDE) + 1, columns)):
                first, end = squares[row, column]
                while first < end and members[first] <= rank:  # none of these is asked for again
                    first += 1
                squares[row, column, 0] = first
                for k in range(first, end):
                    c = order[members[k]]
                    if alive[c]:
                        away = math.hypot(blobs[c, 0] - x, blobs[c, 1] - y)
                        alive[c] = _shared(away, _RADIUS * sigma, _RADIUS * np.float64(blobs[c, 2])) <= overlap


@kernel(inline=True)
def _shared(away, large, small):
    """Return the share of a smaller disc that lies in a larger one, by their radii and how far apart they are."""
    if away >= large + small:
        return 0.0
    if away <= large - small:
        return 1.0
    away = max(away, 1e-9)
    a = math.acos(min(max((away**2 + large**2 - small**2) / (2 * away * large), -1.0), 1.0))
    b = math.acos(min(max((away**2 + small**2 - large**2) / (2 * away * small), -1.0), 1.0))
    root = (small + large - away) * (away + large - small) * (away + small - large) * (away + small + large)
    return (large**2 * a + small**2 * b - 0.5 * math.sqrt(max(root, 0.0))) / (math.pi * small**2)
