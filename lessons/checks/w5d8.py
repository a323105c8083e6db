"""Checks of w5d8: the Gram matrix of feature maps."""

import numpy as np

from sightline.lab.grading import Case


def solution(maps):
    """Lay the places out in a row, multiply, divide by their number."""
    flat = maps.reshape(len(maps), -1)
    return flat @ flat.T / flat.shape[1]


def cases():
    """Yield one map, two maps, a wide one."""
    random = np.random.default_rng(0)
    yield Case("one map", (np.array([[[1.0, 3.0]]]),), 1e-9, "The mean of the squares: a 1×1 matrix.")
    yield Case("two maps", (np.array([[[1.0, 1.0]], [[2.0, 4.0]]]),), 1e-9, "Divide by the number of places.")
    yield Case("more rows than columns", (random.normal(0, 1, (4, 7, 3)),), 1e-9, "All places count, rows and columns.")


def wrong_sum(maps):
    """Do not divide."""
    flat = maps.reshape(len(maps), -1)
    return flat @ flat.T


def wrong_centred(maps):
    """Take the covariance."""
    flat = maps.reshape(len(maps), -1)
    flat = flat - flat.mean(axis=1, keepdims=True)
    return flat @ flat.T / flat.shape[1]


def wrong_share(maps):
    """Divide by all values, channels too."""
    flat = maps.reshape(len(maps), -1)
    return flat @ flat.T / flat.size
