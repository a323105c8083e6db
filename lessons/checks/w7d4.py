"""Checks of w7d4: from cells and distances to boxes in pixels."""

import numpy as np

from sightline.lab.grading import Case


def solution(cells, distances, stride, side):
    """Go from the middle of each cell to its four sides."""
    middle = (np.asarray(cells, np.float64) + 0.5) * stride
    away = np.asarray(distances, np.float64) * stride
    return np.concatenate([middle - away[:, :2], middle + away[:, 2:]], axis=1).clip(0, side)


def cases():
    """Yield one cell, many, boxes over the edge, and none."""
    one = np.array([[3, 5]])
    yield Case(
        "one cell, one stride to each side",
        (one, np.ones((1, 4)), 8, 64),
        1e-9,
        "The middle of cell 3 is at 3.5 strides; a distance of 1 is a whole stride.",
    )
    yield Case(
        "four different distances",
        (one, np.array([[0.5, 1.0, 1.5, 2.0]]), 8, 128),
        1e-9,
        "Left and top go down from the middle, right and bottom up.",
    )
    random = np.random.default_rng(4)
    many = np.stack([random.integers(0, 16, 20), random.integers(0, 16, 20)], axis=1)
    yield Case("twenty cells", (many, random.uniform(0, 3, (20, 4)), 16, 256), 1e-9, "A cell is column, row.")
    yield Case(
        "over the edge",
        (np.array([[0, 0], [7, 7]]), np.full((2, 4), 2.5), 8, 64),
        1e-9,
        "Nothing lies outside of the picture.",
    )
    yield Case("no cell", (np.zeros((0, 2), np.int64), np.zeros((0, 4)), 8, 64), 1e-9, "Return an array of shape 0×4.")


def _about(middle, away, side):
    return np.concatenate([middle - away[:, :2], middle + away[:, 2:]], axis=1).clip(0, side)


def wrong_corner(cells, distances, stride, side):
    """Measure from the corner of the cell."""
    return _about(cells * float(stride), distances * stride, side)


def wrong_pixels(cells, distances, stride, side):
    """Take the distances as pixels."""
    return _about((cells + 0.5) * stride, distances, side)


def wrong_rows_first(cells, distances, stride, side):
    """Take the row for x."""
    return solution(cells[:, ::-1], distances, stride, side)


def wrong_uncut(cells, distances, stride, side):
    """Leave the boxes as they come."""
    return solution(cells, distances, stride, np.inf) - 0.0 * side


def wrong_sides(cells, distances, stride, side):
    """Give the width and height instead of the far corner."""
    boxes = solution(cells, distances, stride, side)
    return np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1)
