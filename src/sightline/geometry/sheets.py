"""Sheets to draw on: the steps of methods that work on points alone, without a picture."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sightline.core.types import Array

_SIDE, _RIM = 440, 20  # pixels of what is drawn along its longer side, and around it

Placed = Callable[[Array], Array]


def sheet_for(points: Array) -> tuple[Array, Placed]:
    """Return a white sheet, H×W uint8, and the map of points (N×2) to places on it, N×2 float32.

    Parameters
    ----------
    points
        N×2 that all lie on the sheet; those that are not finite are passed over.
    """
    finite = points[np.isfinite(points).all(axis=1)]
    low, high = (finite.min(axis=0), finite.max(axis=0)) if len(finite) else (np.zeros(2), np.ones(2))
    scale = _SIDE / max(float((high - low).max()), 1e-9)
    width, height = (np.ceil((high - low) * scale) + 2 * _RIM + 1).astype(int)
    return np.full((height, width), 255, np.uint8), lambda one: ((one - low) * scale + _RIM).astype(np.float32)


def segments_of(lines: Array, low: Array, high: Array) -> Array:
    """Return the parts of lines (N×3, a·x + b·y + c = 0) within a box as N×4 (x, y, x, y); those beyond it left out.

    Parameters
    ----------
    lines
        With ``a² + b² = 1``; NaN is passed over.
    low, high
        Corners (x, y) of the box.
    """
    found = []
    for a, b, c in lines[np.isfinite(lines).all(axis=1)]:
        ends = []
        for x in (low[0], high[0]):
            if abs(b) > 1e-12 and low[1] <= (y := -(a * x + c) / b) <= high[1]:
                ends.append((x, y))
        for y in (low[1], high[1]):
            if abs(a) > 1e-12 and low[0] <= (x := -(b * y + c) / a) <= high[0]:
                ends.append((x, y))
        if len(ends) > 1:
            pairs = [(p, q) for i, p in enumerate(ends) for q in ends[i + 1 :]]
            first, second = max(pairs, key=lambda pair: np.hypot(*np.subtract(*pair)))
            found.append((*first, *second))
    return np.array(found, np.float64).reshape(-1, 4)


def scene_of(points: Array, centres: Array) -> Array:
    """Return points and the places of cameras as a cloud, N×7 float32 (x, y, z, r, g, b, size); cameras are orange.

    Parameters
    ----------
    points
        N×3, blue; those that are not finite, or very far away, are left out.
    centres
        C×3.
    """
    finite = points[np.isfinite(points).all(axis=1)]
    if len(finite):
        far = np.linalg.norm(finite - np.median(finite, axis=0), axis=1)
        finite = finite[far <= 8 * max(float(np.median(far)), 1e-9)]
    blue = np.hstack([finite, np.broadcast_to((0.0, 0.45, 0.7, 1.0), (len(finite), 4))])
    orange = np.hstack([centres, np.broadcast_to((0.84, 0.37, 0.0, 3.0), (len(centres), 4))])
    return np.concatenate([blue, orange]).astype(np.float32)
