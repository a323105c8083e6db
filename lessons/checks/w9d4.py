"""Checks of w9d4: one step of projected gradient ascent."""

import numpy as np

from sightline.lab.grading import Case


def solution(x, clean, gradient, eps, alpha):
    """Step, project, cut."""
    moved = x + alpha * np.sign(gradient)
    return np.clip(np.clip(moved, clean - eps, clean + eps), 0, 1)


def cases():
    """Yield a step inside, one over the rim, one beyond white, and a random one."""
    half = np.full((2, 2), 0.5)
    signs = np.array([[0.01, -3.0], [0.0, 2.0]])
    yield Case("inside", (half, half, signs, 0.2, 0.1), 1e-9, "Only the sign of the gradient counts.")
    yield Case("over the rim", (half + 0.15, half, signs, 0.2, 0.1), 1e-9, "The ball lies around clean, not around x.")
    yield Case("beyond white", (np.ones((2, 2)), np.ones((2, 2)), signs, 0.2, 0.1), 1e-9, "Pixels stay in 0–1.")
    random = np.random.default_rng(0)
    x, clean, gradient = random.random((3, 4)), random.random((3, 4)), random.normal(size=(3, 4))
    yield Case("random", (x, clean, gradient, 0.05, 0.03), 1e-9)


def wrong_without_sign(x, clean, gradient, eps, alpha):
    """Move along the gradient itself."""
    return np.clip(np.clip(x + alpha * gradient, clean - eps, clean + eps), 0, 1)


def wrong_around_x(x, clean, gradient, eps, alpha):
    """Project around where it stands."""
    return np.clip(x + np.clip(alpha * np.sign(gradient), -eps, eps), 0, 1)


def wrong_pixels(x, clean, gradient, eps, alpha):
    """Forget that pixels end at 0 and 1."""
    return np.clip(x + alpha * np.sign(gradient), clean - eps, clean + eps)
