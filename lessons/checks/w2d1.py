"""Checks of w2d1: blur and halve a row."""

import numpy as np

from sightline.lab.grading import Case


def solution(row):
    """Repeat the ends, weigh, take every second."""
    wide = np.pad(np.asarray(row, float), 1, mode="edge")
    return ((wide[:-2] + 2 * wide[1:-1] + wide[2:]) / 4)[::2]


def cases():
    """Yield odd and even lengths, a spike and fine stripes."""
    yield Case("a flat row stays flat", (np.full(6, 5.0),), hint="The weights sum to 1; the ends repeat.")
    yield Case("a spike", (np.array([0.0, 0, 0, 0, 8, 0, 0]),))
    yield Case("a spike between the samples", (np.array([0.0, 0, 0, 8, 0, 0]),), hint="Blur before you halve.")
    yield Case("odd length", (np.array([1.0, 2, 3, 4, 9]),), hint="⌈n/2⌉ values: the last old one counts.")
    yield Case("stripes", (np.array([0.0, 4, 0, 4, 0, 4]),))
    yield Case("one value", (np.array([3.0]),))


def wrong_no_blur(row):
    """Only take every second."""
    return row[::2].astype(float)


def wrong_zeros(row):
    """Zeros beyond the ends."""
    wide = np.pad(np.asarray(row, float), 1)
    return ((wide[:-2] + 2 * wide[1:-1] + wide[2:]) / 4)[::2]


def wrong_pairs(row):
    """Average pairs."""
    wide = np.pad(row, (0, len(row) % 2), mode="edge").astype(float)
    return (wide[::2] + wide[1::2]) / 2
