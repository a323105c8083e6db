"""Checks of w5d7: Polyak's ball."""

import numpy as np

from sightline.lab.grading import Case


def solution(slope, w, learning_rate, momentum, steps):
    """Keep a share of the last step, add the slope, go."""
    w, v = np.array(w, float), np.zeros(np.shape(w))
    for _ in range(steps):
        v = momentum * v + slope(w)
        w = w - learning_rate * v
    return w


def bowl(w):
    """Return the slope of a bowl that is ten times steeper along its second axis."""
    return np.array([2.0, 20.0]) * w


def cases():
    """Yield no momentum, one step, and a roll through the bowl."""
    for name, rate, momentum, steps in (
        ("without momentum", 0.02, 0.0, 5),
        ("one step", 0.03, 0.9, 1),
        ("rolling", 0.02, 0.8, 12),
    ):
        arguments = (bowl, np.array([3.0, -1.0]), rate, momentum, steps)
        yield Case(name, arguments, 1e-9, "v ← momentum · v + slope, and then w ← w − learning_rate · v.")


def wrong_walk(slope, w, learning_rate, momentum, steps):
    """Forget the momentum."""
    return solution(slope, w, learning_rate, 0.0, steps)


def wrong_mean(slope, w, learning_rate, momentum, steps):
    """Take a running mean: the slope counts less."""
    return solution(lambda x: (1 - momentum) * slope(x), w, learning_rate, momentum, steps)


def wrong_ahead(slope, w, learning_rate, momentum, steps):
    """Look ahead as Nesterov does."""
    w, v = np.array(w, float), np.zeros(np.shape(w))
    for _ in range(steps):
        g = slope(w)
        v = momentum * v + g
        w = w - learning_rate * (g + momentum * v)
    return w
