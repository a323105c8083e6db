"""Checks of w1d7: the strength of one wave."""

import numpy as np

from sightline.lab.grading import Case


def solution(image, u, v):
    """Multiply with the wave and add up."""
    height, width = image.shape
    y, x = np.mgrid[0:height, 0:width]
    return float(abs(np.sum(image * np.exp(-2j * np.pi * (u * x / width + v * y / height)))) / image.size)


def cases():
    """Yield constant, striped and odd-sized pictures."""
    y, x = np.mgrid[0:8, 0:16]
    yield Case("the mean", (np.full((4, 5), 7.0), 0, 0))
    yield Case("stripes along x", (np.cos(2 * np.pi * 3 * x / 16), 3, 0), 1e-6, "u counts waves over the width.")
    yield Case("stripes along y", (np.sin(2 * np.pi * 2 * y / 8), 0, 2), 1e-6, "v counts waves over the height.")
    yield Case("crests elsewhere", (np.cos(2 * np.pi * x / 16 + 1), 1, 0), 1e-6, "Cosine and sine both count.")
    yield Case("a wave that is not there", (np.cos(2 * np.pi * 3 * x / 16), 2, 0))
    yield Case("any picture", (np.random.default_rng(0).random((5, 7)), 2, 1))


def wrong_cosine_only(image, u, v):
    """Leave the sine out."""
    height, width = image.shape
    y, x = np.mgrid[0:height, 0:width]
    return float(abs(np.sum(image * np.cos(2 * np.pi * (u * x / width + v * y / height)))) / image.size)


def wrong_swapped(image, u, v):
    """Take u along y."""
    return solution(image, v, u)


def wrong_not_divided(image, u, v):
    """Forget the factor."""
    return solution(image, u, v) * image.size
