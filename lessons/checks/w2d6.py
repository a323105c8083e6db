"""Checks of w2d6: the table of votes."""

import math

import numpy as np

from sightline.lab.grading import Case


def solution(points, thetas, size):
    """One vote for each point and angle."""
    table = np.zeros((len(thetas), size), np.int64)
    for t, theta in enumerate(thetas):
        for x, y in points:
            r = int(np.rint(x * math.cos(theta) + y * math.sin(theta)))
            if 0 <= r < size:
                table[t, r] += 1
    return table


def cases():
    """Yield one point, a line, points out of reach."""
    angles = np.array([0.0, math.pi / 4, math.pi / 2])
    yield Case("one point", (np.array([[3, 2]]), angles, 6))
    line = np.array([[4, y] for y in range(6)])
    yield Case("an upright line meets in one cell", (line, angles, 12), hint="Several votes for one cell must add up.")
    yield Case("negative distances do not count", (np.array([[3, 1]]), np.array([3 * math.pi / 4, math.pi]), 5))
    yield Case("beyond the table", (np.array([[9, 9]]), angles, 5))
    yield Case("many points", (np.random.default_rng(0).integers(0, 20, (40, 2)), np.linspace(0, 3, 7), 25))


def wrong_buffered(points, thetas, size):
    """Add with fancy indices: a cell counts once for each angle."""
    table = np.zeros((len(thetas), size), np.int64)
    for t, theta in enumerate(thetas):
        r = np.rint(points[:, 0] * math.cos(theta) + points[:, 1] * math.sin(theta)).astype(int)
        r = r[(r >= 0) & (r < size)]
        table[t, r] += 1
    return table


def wrong_negative(points, thetas, size):
    """Let negative distances count from the end."""
    table = np.zeros((len(thetas), size), np.int64)
    for t, theta in enumerate(thetas):
        for x, y in points:
            r = int(np.rint(x * math.cos(theta) + y * math.sin(theta)))
            if -size <= r < size:
                table[t, r] += 1
    return table


def wrong_swapped(points, thetas, size):
    """Swap sine and cosine."""
    return solution(points[:, ::-1], thetas, size)
