"""Checks of w4d6: the vote of the nearest neighbours."""

import numpy as np

from sightline.lab.grading import Case


def solution(samples, labels, asked, k):
    """Measure, sort, count."""
    near = np.argsort(((samples - asked) ** 2).sum(axis=1), kind="stable")[:k]
    names, counts = np.unique(labels[near], return_counts=True)
    return int(names[counts.argmax()])


def cases():
    """Yield one neighbour, a majority, a draw, and directions that count alike."""
    random = np.random.default_rng(0)
    samples = np.array([[0.0, 0], [1, 0], [2, 0], [0, 3], [9, 9]])
    labels = np.array([4, 7, 7, 4, 4])
    asked = np.array([0.1, 0.1])
    yield Case("one neighbour", (samples, labels, asked, 1), 1e-6)
    yield Case("a majority against the nearest", (samples, labels, asked, 3), 1e-6, "All k votes count the same.")
    yield Case("a draw", (samples, labels, asked, 4), 1e-6, "Of equally many votes the least label wins.")
    yield Case("a draw, the other way round", (samples, 11 - labels, asked, 4), 1e-6, "Not that of the nearest.")
    yield Case("all vote", (samples, labels, asked, 5), 1e-6)
    diagonal = np.array([[1.0, 1.0], [1.6, 0.0], [0.0, 1.6]])
    yield Case("as the crow flies", (diagonal, np.array([0, 1, 1]), np.zeros(2), 1), 1e-6, "Square, then add.")
    yield Case("many", (random.normal(size=(60, 4)), random.integers(0, 3, 60), random.normal(size=4), 15), 1e-6)


def wrong_nearest(samples, labels, asked, k):
    """Ask the nearest alone."""
    return int(labels[((samples - asked) ** 2).sum(axis=1).argmin()])


def wrong_blocks(samples, labels, asked, k):
    """Walk around the blocks."""
    near = np.argsort(np.abs(samples - asked).sum(axis=1), kind="stable")[:k]
    names, counts = np.unique(labels[near], return_counts=True)
    return int(names[counts.argmax()])


def wrong_draw(samples, labels, asked, k):
    """Take the greatest label of a draw."""
    near = np.argsort(((samples - asked) ** 2).sum(axis=1), kind="stable")[:k]
    names, counts = np.unique(labels[near], return_counts=True)
    return int(names[np.flatnonzero(counts == counts.max())[-1]])
