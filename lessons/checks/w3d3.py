"""Checks of w3d3: RANSAC for a line, with given samples."""

import numpy as np

from sightline.lab.grading import Case


def _best(points, samples, threshold, *, upright=False, later=False):
    points = np.asarray(points, float)
    best, most = np.zeros(len(points), bool), 0
    for i, j in samples:
        (x, y), (u, v) = points[i], points[j]
        length = np.hypot(u - x, v - y)
        if length == 0:
            continue
        cross = np.abs((u - x) * (points[:, 1] - y) - (v - y) * (points[:, 0] - x))
        near = cross / (abs(u - x) + 1e-12 if upright else length) <= threshold
        if near.sum() > most or (later and near.sum() == most):
            best, most = near, near.sum()
    return best


def solution(points, samples, threshold):
    """Keep the mask with the largest count."""
    return _best(points, samples, threshold)


def cases():
    """Yield a level line, an upright one, equal points, ties, noise."""
    level = np.array([[0.0, 1], [2, 1], [5, 1], [3, 4], [1, 7]])
    yield Case("a level line", (level, np.array([[0, 3], [0, 2], [3, 4]]), 0.1))
    yield Case("an upright line", (level[:, ::-1].copy(), np.array([[3, 4], [0, 2]]), 0.1), hint="It has no slope.")
    steep = np.array([[0.0, 0], [1, 4], [2, 8], [1.6, 4.0], [9, 9], [5, 1]])
    yield Case("a steep line", (steep, np.array([[0, 2], [4, 5]]), 0.6), hint="Measure at right angles to the line.")
    twice = np.vstack([level, level[:1]])
    yield Case("two equal points are no sample", (twice, np.array([[0, 5], [0, 1]]), 0.1))
    square = np.array([[0.0, 0], [1, 0], [1, 1], [0, 1]])
    yield Case("of equally good samples the first", (square, np.array([[0, 1], [2, 3]]), 0.1))
    random = np.random.default_rng(0)
    points, samples = random.uniform(0, 10, (40, 2)), random.integers(0, 40, (30, 2))
    yield Case("strangers", (points, samples, 0.5))


def wrong_upright(points, samples, threshold):
    """Measure along y."""
    return _best(points, samples, threshold, upright=True)


def wrong_last(points, samples, threshold):
    """Keep the last of equally good samples."""
    return _best(points, samples, threshold, later=True)


def wrong_first_sample(points, samples, threshold):
    """Take the first sample, whoever agrees."""
    return _best(points, samples[:1], threshold)
