"""Checks of w1d4: the median of three along a row."""

import numpy as np

from sightline.lab.grading import Case


def solution(row):
    """Sort three shifted copies."""
    out = row.copy()
    if len(row) > 2:
        out[1:-1] = np.median(np.stack([row[:-2], row[1:-1], row[2:]]), axis=0)
    return out


def cases():
    """Yield rows with specks, steps and short ones."""
    yield Case("a speck", (np.array([5, 5, 99, 5, 5]),))
    yield Case("a step stays", (np.array([0, 0, 9, 9]),))
    yield Case("two specks", (np.array([7, 0, 7, 8, 9, 200, 10]),), hint="Read the old values, never the new ones.")
    yield Case("alternating", (np.array([0, 9, 0, 9, 0, 9]),), hint="Read the old values, never the new ones.")
    yield Case(
        "ends stay", (np.array([90, 1, 2, 3, 80]),), hint="The first and the last value have one neighbour only."
    )
    yield Case("only two values", (np.array([3, 1]),))


def wrong_mean(row):
    """Take the mean."""
    out = row.copy()
    out[1:-1] = (row[:-2] + row[1:-1] + row[2:]) // 3
    return out


def wrong_recursive(row):
    """Read values that were already replaced."""
    out = row.copy()
    for i in range(1, len(row) - 1):
        out[i] = sorted(out[i - 1 : i + 2])[1]
    return out


def wrong_padded(row):
    """Treat the border as zeros."""
    wide = np.concatenate([[0], row, [0]])
    return np.median(np.stack([wide[:-2], wide[1:-1], wide[2:]]), axis=0)
