"""Checks of w8d3: coordinates in the space of eigenfaces."""

import numpy as np

from sightline.lab.grading import Case


def solution(face, mean, basis):
    """Take the mean away, then ask each direction."""
    return basis @ (face - mean)


def cases():
    """Yield the mean itself, one direction, many."""
    random = np.random.default_rng(0)
    basis = np.linalg.qr(random.normal(size=(6, 3)))[0].T
    mean = random.uniform(0, 255, 6)
    yield Case("the mean face", (mean, mean, basis), 1e-6, "The mean face has nothing of its own: all zeros.")
    yield Case("one eigenface", (mean + 5 * basis[1], mean, basis), 1e-6)
    yield Case("any face", (random.uniform(0, 255, 6), mean, basis), 1e-6)
    yield Case("one direction", (random.uniform(0, 255, 6), mean, basis[:1]), 1e-6)


def wrong_mean(face, mean, basis):
    """Forget the mean."""
    return basis @ face


def wrong_distance(face, mean, basis):
    """Answer with distances."""
    return np.abs(basis @ (face - mean)) + 1
