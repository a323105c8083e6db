"""Checks of w2d4: one level of the Haar transform."""

import numpy as np

from sightline.lab.grading import Case


def solution(row):
    """Sums and differences of pairs over the root of two."""
    a, b = np.asarray(row, float)[::2], np.asarray(row, float)[1::2]
    return (a + b) / np.sqrt(2), (a - b) / np.sqrt(2)


def cases():
    """Yield pairs, a flat row and a longer one."""
    yield Case("two pairs", (np.array([9.0, 7.0, 3.0, 5.0]),), 1e-6, "The difference is the first less the second.")
    yield Case("a flat row has no differences", (np.full(6, 2.0),))
    yield Case("any row", (np.random.default_rng(0).random(16),))
    yield Case("one pair", (np.array([0.0, 1.0]),))


def wrong_means(row):
    """Take means and half differences."""
    return (row[::2] + row[1::2]) / 2, (row[::2] - row[1::2]) / 2


def wrong_sign(row):
    """Turn the differences round."""
    s, d = solution(row)
    return s, -d


def wrong_neighbours(row):
    """Pair each value with the next, so that pairs overlap."""
    return (row[:-1] + row[1:]) / np.sqrt(2), (row[:-1] - row[1:]) / np.sqrt(2)
