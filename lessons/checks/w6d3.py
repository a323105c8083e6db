"""Checks of w6d3: attention."""

import numpy as np

from sightline.lab.grading import Case


def solution(q, k, v):
    """Score, softmax along the keys, mix."""
    scores = q @ k.T / np.sqrt(q.shape[1])
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True) @ v


def cases():
    """Yield equal keys, any words, other counts and large scores."""
    random = np.random.default_rng(0)
    yield Case("equal keys give the mean", (np.ones((2, 3)), np.ones((4, 3)), np.arange(8.0).reshape(4, 2)))
    yield Case(
        "any words", tuple(random.normal(size=(5, 4)) for _ in range(3)), 1e-6, "Divide by √d before the softmax."
    )
    yield Case(
        "more keys than questions", (random.normal(size=(2, 8)), random.normal(size=(6, 8)), random.normal(size=(6, 3)))
    )
    yield Case(
        "large scores", (np.array([[60.0, 0]]), np.array([[60.0, 0], [0, 60]]), np.eye(2)), 1e-6, "exp(2546) overflows."
    )


def wrong_scale(q, k, v):
    """Forget the root."""
    scores = q @ k.T
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True) @ v


def wrong_axis(q, k, v):
    """Normalise over the questions."""
    scores = q @ k.T / np.sqrt(q.shape[1])
    weights = np.exp(scores - scores.max(axis=0, keepdims=True))
    return weights / weights.sum(axis=0, keepdims=True) @ v


def wrong_overflow(q, k, v):
    """Exponentiate at once."""
    with np.errstate(over="ignore", invalid="ignore"):
        weights = np.exp(q @ k.T / np.sqrt(q.shape[1]))
        return weights / weights.sum(axis=1, keepdims=True) @ v
