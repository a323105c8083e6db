"""Checks of w4d7: one round of k-means."""

import numpy as np

from sightline.lab.grading import Case


def solution(samples, centres):
    """Assign, then average; who has nobody stays."""
    labels = ((samples[:, None] - centres) ** 2).sum(axis=2).argmin(axis=1)
    moved = centres.astype(float)
    for k in np.unique(labels):
        moved[k] = samples[labels == k].mean(axis=0)
    return moved


def cases():
    """Yield a line, crowds in space, and a centre that nobody is near to."""
    random = np.random.default_rng(0)
    line = np.array([[0.0], [1.0], [5.0], [9.0]])
    yield Case("a line", (line, np.array([[0.0], [6.0]])), 1e-12, "First the nearest centre of each, then the means.")
    samples = random.normal(size=(40, 3)) * (5, 1, 1)
    yield Case("in space", (samples, samples[:4]), 1e-12, "Distances take all columns.")
    yield Case(
        "a lonely centre", (line, np.array([[0.0], [6.0], [99.0]])), 1e-12, "It stays: there is no mean of none."
    )


def wrong_lonely(samples, centres):
    """Send a centre without samples to zero."""
    moved = solution(samples, centres)
    labels = ((samples[:, None] - centres) ** 2).sum(axis=2).argmin(axis=1)
    moved[np.setdiff1d(np.arange(len(centres)), labels)] = 0
    return moved


def wrong_column(samples, centres):
    """Look at the last column alone."""
    labels = np.abs(samples[:, -1:] - centres[:, -1]).argmin(axis=1)
    return np.stack(
        [samples[labels == k].mean(axis=0) if (labels == k).any() else centres[k] for k in range(len(centres))]
    )


def wrong_median(samples, centres):
    """Take medians."""
    labels = ((samples[:, None] - centres) ** 2).sum(axis=2).argmin(axis=1)
    moved = centres.astype(float)
    for k in np.unique(labels):
        moved[k] = np.median(samples[labels == k], axis=0)
    return moved
