"""Checks of w3d2: a cell's histogram of gradient directions."""

import numpy as np

from sightline.lab.grading import Case


def _votes(dx, dy, bins, turn=2 * np.pi, weighted=True):
    angles = np.arctan2(dy, dx) % turn
    index = (angles / turn * bins).astype(int) % bins
    lengths = np.hypot(dx, dy) if weighted else (np.hypot(dx, dy) > 0).astype(float)
    return np.bincount(index.ravel(), lengths.ravel(), bins)


def solution(dx, dy, bins):
    """Vote with the lengths, divide by the length of the whole."""
    votes = _votes(dx, dy, bins)
    length = np.sqrt((votes**2).sum())
    return votes / length if length > 0 else votes


def cases():
    """Yield a flat cell, both ways of an edge, two directions, noise."""
    none, one = np.zeros((4, 4)), np.ones((4, 4))
    yield Case("a flat cell", (none, none, 8), 1e-6, "Nothing divided by nothing is not a number.")
    yield Case("to the right", (one, 0.1 * one, 8), 1e-6)
    yield Case("to the left", (-one, -0.1 * one, 8), 1e-6, "Opposite directions are two different bins.")
    yield Case("strong and weak", (np.where(np.eye(4) > 0, 5.0, 0.1), np.where(np.eye(4) > 0, 0.5, 2.0), 8), 1e-6)
    dx, dy = np.random.default_rng(0).normal(size=(2, 8, 8))
    yield Case("noise", (dx, dy, 8), 1e-6)
    yield Case("other bins", (dx, dy, 5), 1e-6)


def wrong_unweighted(dx, dy, bins):
    """Count pixels, whatever the length."""
    votes = _votes(dx, dy, bins, weighted=False)
    return votes / max(np.sqrt((votes**2).sum()), 1e-12)


def wrong_half_turn(dx, dy, bins):
    """Take opposite directions for one."""
    votes = _votes(dx, dy, bins, np.pi)
    return votes / max(np.sqrt((votes**2).sum()), 1e-12)


def wrong_sum(dx, dy, bins):
    """Divide by the sum."""
    votes = _votes(dx, dy, bins)
    return votes / max(votes.sum(), 1e-12)
