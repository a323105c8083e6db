"""Checks of w6d2: attention that looks back only."""

import numpy as np

from sightline.lab.grading import Case


def _attend(q, k, v, allowed, scale):
    scores = np.where(allowed, q @ k.T / scale, -np.inf)
    e = np.exp(scores - scores.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True) @ v


def solution(q, k, v):
    """Put minus infinity where a moment may not look, before the softmax."""
    return _attend(q, k, v, np.tri(len(q), dtype=bool), np.sqrt(q.shape[1]))


def cases():
    """Yield one moment, some, and scores that would overflow."""
    random = np.random.default_rng(0)
    for name, shape, scale in (("one moment", (1, 3), 1.0), ("six moments", (6, 4), 1.0), ("large", (5, 4), 40.0)):
        arrays = tuple(random.normal(0, s, shape) for s in (scale, scale, 1.0))
        yield Case(name, arrays, 1e-9, "Minus infinity above the diagonal, the root of D below it all, then softmax.")


def wrong_looks_ahead(q, k, v):
    """Let every moment look at all."""
    return _attend(q, k, v, np.ones((len(q), len(q)), bool), np.sqrt(q.shape[1]))


def wrong_scale(q, k, v):
    """Forget to divide."""
    return _attend(q, k, v, np.tri(len(q), dtype=bool), 1.0)


def wrong_not_itself(q, k, v):
    """Look at what was before, and not at itself."""
    allowed = np.tri(len(q), k=-1, dtype=bool)
    allowed[0, 0] = True
    return _attend(q, k, v, allowed, np.sqrt(q.shape[1]))
