"""Checks of w1d6: ridges of a row of slopes."""

import numpy as np

from sightline.lab.grading import Case


def solution(strength):
    """Compare with both neighbours, zeros beyond the ends."""
    wide = np.concatenate([[0], strength, [0]])
    return (strength > 0) & (strength > wide[:-2]) & (strength >= wide[2:])


def cases():
    """Yield rows with one ridge, a plateau, none."""
    yield Case("one ridge", (np.array([0, 1, 5, 2, 0]),))
    yield Case("a flat row", (np.zeros(5),), hint="Where there is no slope there is no edge.")
    yield Case("a plateau", (np.array([0, 4, 4, 4, 0]),), hint="Of equal neighbours exactly one stays: the first.")
    yield Case("ridges at both ends", (np.array([7, 3, 1, 3, 7]),), hint="Beyond the ends the strength is 0.")
    yield Case("two ridges", (np.array([1, 9, 2, 8, 1, 0]),))
    yield Case("one value", (np.array([3.0]),))


def wrong_threshold(strength):
    """Take all that is strong."""
    return strength > strength.mean()


def wrong_both_strict(strength):
    """Lose plateaus altogether."""
    wide = np.concatenate([[0], strength, [0]])
    return (strength > wide[:-2]) & (strength > wide[2:])


def wrong_plateau(strength):
    """Keep all of a plateau."""
    wide = np.concatenate([[0], strength, [0]])
    return (strength > 0) & (strength >= wide[:-2]) & (strength >= wide[2:])


def wrong_wraps(strength):
    """Let the ends be neighbours."""
    return (strength > 0) & (strength > np.roll(strength, 1)) & (strength >= np.roll(strength, -1))
