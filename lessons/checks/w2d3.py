"""Checks of w2d3: one round of k-means."""

import numpy as np

from sightline.lab.grading import Case


def solution(values, centres):
    """Assign to the nearest, move to the mean."""
    nearest = ((values[:, None] - centres[None]) ** 2).sum(axis=2).argmin(axis=1)
    new = centres.astype(float).copy()
    for c in range(len(centres)):
        if (nearest == c).any():
            new[c] = values[nearest == c].mean(axis=0)
    return new


def cases():
    """Yield two groups, many dimensions, a tie and an empty centre."""
    random = np.random.default_rng(0)
    two = np.array([[0.0], [1.0], [10.0], [12.0]])
    yield Case("two groups on a line", (two, np.array([[2.0], [9.0]])))
    yield Case("colours", (random.random((40, 3)), random.random((4, 3))))
    yield Case("a tie goes to the first", (np.array([[0.0], [2.0], [4.0]]), np.array([[0.0], [4.0]])))
    yield Case(
        "a centre without values stays", (two, np.array([[0.5], [11.0], [99.0]])), 1e-6, "The mean of nothing is nan."
    )


def wrong_empty(values, centres):
    """Take the mean of nothing for zero."""
    nearest = ((values[:, None] - centres[None]) ** 2).sum(axis=2).argmin(axis=1)
    return np.array(
        [values[nearest == c].mean(axis=0) if (nearest == c).any() else 0 * centres[c] for c in range(len(centres))]
    )


def wrong_median(values, centres):
    """Take the median."""
    nearest = ((values[:, None] - centres[None]) ** 2).sum(axis=2).argmin(axis=1)
    return np.array(
        [np.median(values[nearest == c], axis=0) if (nearest == c).any() else centres[c] for c in range(len(centres))]
    )


def wrong_first_axis(values, centres):
    """Measure along the first axis only."""
    nearest = np.abs(values[:, None, 0] - centres[None, :, 0]).argmin(axis=1)
    return np.array(
        [values[nearest == c].mean(axis=0) if (nearest == c).any() else centres[c] for c in range(len(centres))]
    )
