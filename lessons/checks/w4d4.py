"""Checks of w4d4: the way back through tanh of a product."""

import numpy as np

from sightline.lab.grading import Case


def solution(x, w, g):
    """Go back through tanh first, then through the product."""
    inner = g * (1 - np.tanh(x @ w) ** 2)
    return inner @ w.T, x.T @ inner


def cases():
    """Yield one row, many rows, and a layer that is saturated."""
    random = np.random.default_rng(0)
    for name, shape, scale in (
        ("one row", (1, 3, 2), 0.5),
        ("many rows", (5, 4, 3), 0.5),
        ("saturated", (2, 3, 2), 4.0),
    ):
        n, before, after = shape
        arrays = (
            random.normal(0, scale, (n, before)),
            random.normal(0, 1, (before, after)),
            random.normal(0, 1, (n, after)),
        )
        yield Case(name, arrays, 1e-9, "First through tanh, then through the product.")


def wrong_no_tanh(x, w, g):
    """Forget the derivative of tanh."""
    return g @ w.T, x.T @ g


def wrong_derivative(x, w, g):
    """Take the derivative of tanh at the wrong place."""
    inner = g * (1 - np.tanh(x @ w))
    return inner @ w.T, x.T @ inner


def wrong_order(x, w, g):
    """Return them the other way round."""
    a, b = solution(x, w, g)
    return b, a
