"""Checks of w7d5: what it costs to match a prediction with a thing."""

import numpy as np

from sightline.detect import giou
from sightline.lab.grading import Case


def _corners(boxes):
    boxes = np.asarray(boxes, np.float64).reshape(-1, 4)
    return np.concatenate([boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2], axis=1)


def solution(p, boxes, labels, truth):
    """Add the three costs of every pair."""
    apart = np.abs(np.asarray(boxes)[:, None] - np.asarray(truth)[None]).sum(axis=2)
    return -np.asarray(p)[:, labels] + 5 * apart - 2 * giou(_corners(boxes), _corners(truth))


def _drawn(queries, things, seed):
    random = np.random.default_rng(seed)
    p = random.dirichlet(np.ones(4), queries)
    boxes, truth = (random.uniform(0.2, 0.6, (count, 4)) for count in (queries, things))
    return p, boxes, random.integers(0, 4, things), truth


def cases():
    """Yield a perfect pair, one that is far away, many, and none."""
    box = np.array([[0.5, 0.5, 0.2, 0.4]])
    yield Case(
        "a perfect prediction",
        (np.array([[0.1, 0.9]]), box, np.array([1]), box),
        1e-9,
        "The same box costs −2 for its overlap, the class −0.9.",
    )
    yield Case(
        "boxes that do not touch",
        (np.array([[0.5, 0.5]]), box, np.array([0]), np.array([[0.1, 0.1, 0.1, 0.1]])),
        1e-9,
        "GIoU is below 0 there; is it taken of corners?",
    )
    yield Case("five predictions, three things", _drawn(5, 3, 1), 1e-9, "Rows are predictions, columns are things.")
    yield Case("three predictions, five things", _drawn(3, 5, 2), 1e-9, "Pick a column of p for each thing.")
    p, boxes, _, _ = _drawn(4, 1, 3)
    yield Case("no thing", (p, boxes, np.zeros(0, np.int64), np.zeros((0, 4))), 1e-9, "Return an array of shape 4×0.")


def wrong_corners(p, boxes, labels, truth):
    """Take centre and size for corners."""
    apart = np.abs(boxes[:, None] - truth[None]).sum(axis=2)
    return -p[:, labels] + 5 * apart - 2 * giou(boxes, truth)


def wrong_sign(p, boxes, labels, truth):
    """Let a likely class cost more."""
    return solution(p, boxes, labels, truth) + 2 * p[:, labels]


def wrong_squares(p, boxes, labels, truth):
    """Square the differences."""
    apart = ((boxes[:, None] - truth[None]) ** 2).sum(axis=2)
    return -p[:, labels] + 5 * apart - 2 * giou(_corners(boxes), _corners(truth))


def wrong_turned(p, boxes, labels, truth):
    """Lay the things in rows."""
    return solution(p, boxes, labels, truth).T
