"""Checks of w3d6: one step of Lucas and Kanade."""

import numpy as np

from sightline.lab.grading import Case


def _sums(a, b):
    dy, dx = np.gradient(a)
    return dx, dy, b - a


def solution(a, b):
    """Solve the two equations that all pixels of the window share."""
    dx, dy, dt = _sums(a, b)
    matrix = np.array([[(dx * dx).sum(), (dx * dy).sum()], [(dx * dy).sum(), (dy * dy).sum()]])
    return np.linalg.solve(matrix, -np.array([(dx * dt).sum(), (dy * dt).sum()]))


def _look(x, y):
    return 100 + 30 * np.sin(x / 3) + 20 * np.cos(y / 4 + x / 9)


def cases():
    """Yield right, up, both, and no motion."""
    y, x = np.mgrid[:15, :17].astype(float)
    for name, (u, v) in (("right", (0.4, 0)), ("up", (0, -0.5)), ("both", (0.3, 0.2)), ("still", (0, 0))):
        yield Case(name, (_look(x, y), _look(x - u, y - v)), 1e-6, "Mind the sign of the change in time.")


def wrong_sign(a, b):
    """Forget the minus."""
    return -solution(a, b)


def wrong_order(a, b):
    """Give y first."""
    return solution(a, b)[::-1]


def wrong_alone(a, b):
    """Divide each by its own slope, as if the other direction did not count."""
    dx, dy, dt = _sums(a, b)
    return -np.array([(dx * dt).sum() / (dx * dx).sum(), (dy * dt).sum() / (dy * dy).sum()])
