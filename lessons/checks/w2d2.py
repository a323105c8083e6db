"""Checks of w2d2: normalised cross-correlation."""

import numpy as np

from sightline.lab.grading import Case


def solution(a, b):
    """Take the means off, multiply, divide by the lengths."""
    a, b = a - a.mean(), b - b.mean()
    length = np.sqrt((a**2).sum() * (b**2).sum())
    return float((a * b).sum() / length) if length > 1e-12 else 0.0


def cases():
    """Yield equal, brighter, negative, unrelated and flat patches."""
    random = np.random.default_rng(0)
    patch, other = random.random((5, 6)), random.random((5, 6))
    yield Case("the same patch", (patch, patch))
    yield Case("brighter and with less contrast", (patch, 0.5 * patch + 0.3), 1e-6, "Take off the means first.")
    yield Case("its negative", (patch, 1 - patch))
    yield Case("another patch", (patch, other))
    yield Case("a flat patch", (np.full((3, 3), 0.5), random.random((3, 3))), 1e-6, "0 / 0 is nan: say 0.0 there.")


def wrong_with_means(a, b):
    """Leave the means in."""
    return float((a * b).sum() / np.sqrt((a**2).sum() * (b**2).sum()))


def wrong_flat(a, b):
    """Divide by zero."""
    a, b = a - a.mean(), b - b.mean()
    with np.errstate(invalid="ignore"):
        return float((a * b).sum() / np.sqrt((a**2).sum() * (b**2).sum()))


def wrong_not_normed(a, b):
    """Forget the lengths."""
    return float(((a - a.mean()) * (b - b.mean())).sum())
