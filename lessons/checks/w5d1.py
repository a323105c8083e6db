"""Checks of w5d1: residual layers."""

import numpy as np

from sightline.lab.grading import Case


def solution(x, layers):
    """Add what each layer says."""
    for weights in layers:
        x = x + np.maximum(0, weights @ x)
    return x


def cases():
    """Yield no layer, zero layers, negative sums and a chain."""
    random = np.random.default_rng(0)
    x = np.array([1.0, -2.0, 0.5])
    yield Case("no layer", (x, []))
    yield Case("a layer of zeros changes nothing", (x, [np.zeros((3, 3))]), hint="That is what the shortcut is for.")
    yield Case("one layer", (x, [np.eye(3)]), hint="The ReLU is inside: it cuts what is added, not the sum.")
    yield Case("a chain", (x, list(random.normal(0, 0.3, (5, 3, 3)))))


def wrong_plain(x, layers):
    """Forget the shortcut."""
    for weights in layers:
        x = np.maximum(0, weights @ x)
    return x


def wrong_outside(x, layers):
    """Cut the sum."""
    for weights in layers:
        x = np.maximum(0, x + weights @ x)
    return x


def wrong_from_start(x, layers):
    """Add the first input each time."""
    h = x
    for weights in layers:
        h = x + np.maximum(0, weights @ h)
    return h
