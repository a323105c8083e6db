"""Checks of w6d1: one step of an LSTM."""

import numpy as np

from sightline.lab.grading import Case


def _sigmoid(a):
    return 1 / (1 + np.exp(-a))


def solution(a, c):
    """Gate the old cell and the news, then show what the output gate lets through."""
    i, f, o, n = np.split(a, 4, axis=1)
    c = _sigmoid(f) * c + _sigmoid(i) * np.tanh(n)
    return _sigmoid(o) * np.tanh(c), c


def cases():
    """Yield one unit, many, and gates that are shut."""
    random = np.random.default_rng(0)
    for name, shape, scale in (("one unit", (1, 1), 1.0), ("many", (4, 3), 1.0), ("gates open or shut", (2, 5), 8.0)):
        arrays = random.normal(0, scale, (shape[0], 4 * shape[1])), random.normal(0, 1, shape)
        yield Case(name, arrays, 1e-9, "First the cell: f c + i n. Then the state: o tanh(c).")


def wrong_no_forgetting(a, c):
    """Leave the forget gate out, as in 1997."""
    i, _, o, n = np.split(a, 4, axis=1)
    c = c + _sigmoid(i) * np.tanh(n)
    return _sigmoid(o) * np.tanh(c), c


def wrong_order(a, c):
    """Take the news for the output gate."""
    i, f, n, o = np.split(a, 4, axis=1)
    c = _sigmoid(f) * c + _sigmoid(i) * np.tanh(n)
    return _sigmoid(o) * np.tanh(c), c


def wrong_old_cell(a, c):
    """Show the old cell instead of the new one."""
    _, new = solution(a, c)
    return _sigmoid(np.split(a, 4, axis=1)[2]) * np.tanh(c), new
