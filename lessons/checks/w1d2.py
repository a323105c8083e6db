"""Checks of w1d2: white balance by the grey-world assumption."""

import numpy as np

from sightline.lab.grading import Case


def solution(image):
    """Scale each channel to the common mean."""
    means = image.mean(axis=(0, 1))
    return np.clip(image * (means.mean() / means), 0, 1).astype(np.float32)


def cases():
    """Yield pictures under coloured light."""
    random = np.random.default_rng(1)
    scene = random.uniform(0.1, 0.6, (5, 6, 3)).astype(np.float32)
    yield Case("yellow light", (scene * np.array([1, 0.9, 0.5], np.float32),), 1e-5)
    yield Case("blue light", (scene * np.array([0.5, 0.7, 1], np.float32),), 1e-5)
    gray = np.full((3, 4, 3), 0.5, np.float32)
    yield Case("a grey picture stays", (gray,), 1e-5)
    lamp = np.full((3, 4, 3), (0.9, 0.05, 0.05), np.float32)
    lamp[1, 1] = 1
    yield Case("values above 1 are clipped", (lamp,), 1e-5, "Clip after the multiplication.")


def wrong_to_half(image):
    """Make every mean one half."""
    return np.clip(image * (0.5 / image.mean(axis=(0, 1))), 0, 1).astype(np.float32)


def wrong_shifts(image):
    """Add instead of multiply."""
    means = image.mean(axis=(0, 1))
    return np.clip(image + (means.mean() - means), 0, 1).astype(np.float32)


def wrong_unclipped(image):
    """Forget to clip."""
    means = image.mean(axis=(0, 1))
    return (image * (means.mean() / means)).astype(np.float32)
