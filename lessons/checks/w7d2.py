"""Checks of w7d2: the sum of a rectangle from an integral image."""

import numpy as np

from sightline.lab.grading import Case


def solution(sums, box):
    """Add two corners, take two away."""
    x1, y1, x2, y2 = box
    return float(sums[y2, x2] - sums[y1, x2] - sums[y2, x1] + sums[y1, x1])


def cases():
    """Yield a pixel, a row, the whole, and any rectangle."""
    image = np.random.default_rng(0).integers(0, 256, (7, 9))
    sums = np.zeros((8, 10))
    sums[1:, 1:] = np.cumsum(np.cumsum(image, axis=0), axis=1)
    yield Case("one pixel", (sums, (3, 2, 4, 3)), 1e-9, "Which corner is added twice, or taken away twice?")
    yield Case("a row", (sums, (0, 4, 9, 5)), 1e-9)
    yield Case("the whole", (sums, (0, 0, 9, 7)), 1e-9)
    yield Case("a rectangle", (sums, (2, 1, 6, 5)), 1e-9, "sums[row, column]: y comes first.")


def wrong_swapped(sums, box):
    """Read x as the row."""
    x1, y1, x2, y2 = (min(v, 7) for v in box)
    return float(sums[x2, y2] - sums[x1, y2] - sums[x2, y1] + sums[x1, y1])


def wrong_corner(sums, box):
    """Forget to give the corner back."""
    x1, y1, x2, y2 = box
    return float(sums[y2, x2] - sums[y1, x2] - sums[y2, x1] - sums[y1, x1])
