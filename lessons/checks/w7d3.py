"""Checks of w7d3: a box in the words of its proposal."""

import math

from sightline.lab.grading import Case


def solution(box, proposal):
    """Compare centres and sides."""
    (x, y, w, h), (px, py, pw, ph) = _middle(box), _middle(proposal)
    return [(x - px) / pw, (y - py) / ph, math.log(w / pw), math.log(h / ph)]


def _middle(box):
    x1, y1, x2, y2 = box
    return (x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1


def cases():
    """Yield the proposal itself, shifts, and growth about a centre."""
    yield Case("the proposal itself", ([10, 20, 50, 40], [10, 20, 50, 40]), 1e-9, "Nothing moves: four zeros.")
    yield Case(
        "a shift by a quarter of the width",
        ([20, 20, 60, 40], [10, 20, 50, 40]),
        1e-9,
        "A shift is told in units of the proposal's own side.",
    )
    yield Case("a shift down", ([10, 25, 50, 45], [10, 20, 50, 40]), 1e-9)
    yield Case(
        "twice as wide about the centre",
        ([-10, 20, 70, 40], [10, 20, 50, 40]),
        1e-9,
        "The centre stays where it is; the width grows by ln 2.",
    )
    yield Case("all at once", ([3.5, 8, 44, 31], [12, 4, 40, 52]), 1e-9)


def wrong_corners(box, proposal):
    """Compare first corners instead of centres."""
    t = solution(box, proposal)
    _, _, pw, ph = _middle(proposal)
    return [(box[0] - proposal[0]) / pw, (box[1] - proposal[1]) / ph, *t[2:]]


def wrong_without_logarithm(box, proposal):
    """Give the ratio of the sides."""
    t = solution(box, proposal)
    return [*t[:2], math.exp(t[2]), math.exp(t[3])]


def wrong_units(box, proposal):
    """Give the shift in pixels."""
    t = solution(box, proposal)
    _, _, pw, ph = _middle(proposal)
    return [t[0] * pw, t[1] * ph, *t[2:]]
