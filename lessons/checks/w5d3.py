"""Checks of w5d3: a class activation map."""

import numpy as np

from sightline.lab.grading import Case


def solution(maps, weights):
    """Weigh, sum, cut, scale."""
    total = np.maximum(0, np.tensordot(weights, maps, axes=1))
    return total / total.max() if total.max() > 0 else total


def cases():
    """Yield one map, opposing maps, nothing positive."""
    random = np.random.default_rng(0)
    yield Case("one map", (np.array([[[0.0, 2], [4, 1]]]), np.array([0.5])))
    yield Case(
        "opposing maps", (random.random((3, 2, 3)), np.array([1.0, -1.5, 0.4])), 1e-6, "Cut after the sum, not before."
    )
    yield Case("nothing positive", (np.ones((2, 2, 2)), np.array([-1.0, -2])), 1e-6, "0 / 0 is nan.")


def wrong_cut_first(maps, weights):
    """Cut each weighted map."""
    total = np.maximum(0, maps * np.asarray(weights)[:, None, None]).sum(axis=0)
    return total / total.max() if total.max() > 0 else total


def wrong_not_scaled(maps, weights):
    """Forget to scale."""
    return np.maximum(0, np.tensordot(weights, maps, axes=1))


def wrong_nan(maps, weights):
    """Divide by nothing."""
    total = np.maximum(0, np.tensordot(weights, maps, axes=1))
    with np.errstate(invalid="ignore"):
        return total / total.max()
