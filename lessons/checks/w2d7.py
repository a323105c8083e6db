"""Checks of w2d7: costs of the cheapest paths."""

import numpy as np

from sightline.lab.grading import Case


def solution(energy):
    """One pass from the top."""
    costs = np.array(energy, float)
    for y in range(1, len(costs)):
        above = np.pad(costs[y - 1], 1, constant_values=np.inf)
        costs[y] += np.minimum(np.minimum(above[:-2], above[1:-1]), above[2:])
    return costs


def cases():
    """Yield small tables, borders, one column."""
    yield Case("three rows", (np.array([[1.0, 4, 3], [2, 8, 1], [5, 1, 9]]),))
    yield Case("a cheap diagonal", (10 - 9 * np.eye(4),), hint="The path may step to both diagonal neighbours.")
    yield Case(
        "the borders do not meet",
        (np.array([[9.0, 9, 9, 0], [1, 1, 1, 1]]),),
        hint="Beyond the border there is no path.",
    )
    yield Case("one column", (np.array([[1.0], [2], [3]]),))
    yield Case("one row", (np.array([[3.0, 1, 2]]),))
    yield Case("any table", (np.random.default_rng(0).random((12, 9)),))


def wrong_straight(energy):
    """Only go straight down."""
    return np.cumsum(energy, axis=0)


def wrong_wraps(energy):
    """Let the borders be neighbours."""
    costs = np.array(energy, float)
    for y in range(1, len(costs)):
        above = costs[y - 1]
        costs[y] += np.minimum(np.minimum(np.roll(above, 1), above), np.roll(above, -1))
    return costs


def wrong_energy(energy):
    """Add the smallest energy above instead of the smallest cost."""
    costs = np.array(energy, float)
    for y in range(1, len(costs)):
        above = np.pad(energy[y - 1], 1, constant_values=np.inf)
        costs[y] += np.minimum(np.minimum(above[:-2], above[1:-1]), above[2:])
    return costs
