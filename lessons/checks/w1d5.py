"""Checks of w1d5: erosion by a 3×3 square."""

import numpy as np

from sightline.lab.grading import Case


def solution(mask):
    """All of nine shifted copies."""
    wide = np.pad(mask, 1, constant_values=True)
    height, width = mask.shape
    out = np.ones_like(mask)
    for dy in range(3):
        for dx in range(3):
            out &= wide[dy : dy + height, dx : dx + width]
    return out


def cases():
    """Yield squares, borders and noise."""
    square = np.zeros((7, 8), bool)
    square[2:6, 2:6] = True
    yield Case("a square shrinks by its rim", (square,))
    yield Case("true everywhere", (np.ones((3, 4), bool),), hint="Outside counts as true: pad before you look.")
    hole = np.ones((5, 5), bool)
    hole[2, 2] = False
    yield Case("a hole grows", (hole,), hint="Diagonal neighbours count, too.")
    yield Case("noise", (np.random.default_rng(0).random((20, 30)) < 0.9,))
    yield Case("one row", (np.array([[True, True, False, True]]),))


def wrong_cross(mask):
    """Forget the diagonal neighbours."""
    wide = np.pad(mask, 1, constant_values=True)
    return wide[1:-1, 1:-1] & wide[:-2, 1:-1] & wide[2:, 1:-1] & wide[1:-1, :-2] & wide[1:-1, 2:]


def wrong_outside(mask):
    """Take outside for false."""
    wide = np.pad(mask, 1)
    height, width = mask.shape
    return np.all([wide[dy : dy + height, dx : dx + width] for dy in range(3) for dx in range(3)], axis=0)


def wrong_dilates(mask):
    """Take any instead of all."""
    wide = np.pad(mask, 1, constant_values=True)
    height, width = mask.shape
    return np.any([wide[dy : dy + height, dx : dx + width] for dy in range(3) for dx in range(3)], axis=0)
