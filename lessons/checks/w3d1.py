"""Checks of w3d1: the smaller eigenvalue of the structure tensor."""

import numpy as np

from sightline.lab.grading import Case


def _tensor(dx, dy):
    return np.array([[np.sum(dx * dx), np.sum(dx * dy)], [np.sum(dx * dy), np.sum(dy * dy)]])


def solution(dx, dy):
    """Sum the tensor; the eigenvalues of a symmetric matrix come in order."""
    return float(np.linalg.eigvalsh(_tensor(dx, dy))[0])


def cases():
    """Yield a wall, three edges, a corner, noise."""
    none, one = np.zeros((5, 5)), np.ones((5, 5))
    yield Case("a wall", (none, none), 1e-6)
    yield Case("an upright edge", (one, none), 1e-6)
    yield Case("a slanted edge", (one, 2 * one), 1e-6, "Along a slanted edge nothing changes either: is dx·dy in M?")
    half = np.triu(one)
    yield Case("a corner", (half, one - half), 1e-6)
    random = np.random.default_rng(0)
    dx, dy = random.normal(size=(2, 7, 7))
    yield Case("texture", (dx, dy), 1e-6, "Take the smaller eigenvalue, not the larger.")
    yield Case("texture, drawn out", (dx, 0.1 * dy + dx), 1e-6)


def wrong_larger(dx, dy):
    """Take the larger one."""
    return float(np.linalg.eigvalsh(_tensor(dx, dy))[1])


def wrong_diagonal(dx, dy):
    """Forget the mixed term."""
    return float(min(np.sum(dx * dx), np.sum(dy * dy)))


def wrong_harris(dx, dy):
    """Answer with Harris's number."""
    matrix = _tensor(dx, dy)
    return float(np.linalg.det(matrix) - 0.04 * np.trace(matrix) ** 2)
