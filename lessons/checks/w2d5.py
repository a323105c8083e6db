"""Checks of w2d5: the shoelace formula."""

import numpy as np

from sightline.lab.grading import Case


def solution(points):
    """Sum the cross products of neighbours."""
    x, y = np.asarray(points, float).T
    return float(abs(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y)) / 2)


def cases():
    """Yield squares both ways round, a triangle, a bent shape."""
    square = np.array([[0.0, 0], [4, 0], [4, 3], [0, 3]])
    yield Case("a rectangle", (square,))
    yield Case("the other way round", (square[::-1].copy(),), 1e-6, "An area is never negative.")
    yield Case(
        "a triangle",
        (np.array([[0.0, 0], [6, 0], [0, 2]]),),
        1e-6,
        "Close the polygon: after the last comes the first.",
    )
    yield Case("far from the origin", (square + 100,))
    yield Case("an L", (np.array([[0.0, 0], [4, 0], [4, 1], [1, 1], [1, 5], [0, 5]]),))


def wrong_open(points):
    """Forget the last edge."""
    x, y = np.asarray(points, float).T
    return float(abs(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1])) / 2)


def wrong_signed(points):
    """Keep the sign."""
    x, y = np.asarray(points, float).T
    return float(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y) / 2)


def wrong_box(points):
    """Take the bounding box."""
    return float(np.prod(points.max(axis=0) - points.min(axis=0)))
