"""Checks of w3d5: linear triangulation."""

import numpy as np

from sightline.lab.grading import Case


def _solved(first, second, p, q):
    rows = [point[k] * view[2] - view[k] for view, point in ((first, p), (second, q)) for k in (0, 1)]
    return np.linalg.svd(np.array(rows))[2][-1]


def solution(first, second, p, q):
    """Take the null vector of the four equations, and divide by its last number."""
    place = _solved(first, second, p, q)
    return place[:3] / place[3]


def _seen(view, place):
    x, y, s = view @ np.append(place, 1.0)
    return np.array([x / s, y / s])


def cases():
    """Yield side by side, off the axis, turned, in pixels."""
    plain = np.eye(3, 4)
    beside = plain + np.array([[0, 0, 0, -1.0], [0, 0, 0, 0], [0, 0, 0, 0]])
    for name, place in (("ahead", [0.0, 0, 4]), ("aside", [2.0, -1, 5]), ("far", [-3.0, 2, 40])):
        yield Case(name, (plain, beside, _seen(plain, place), _seen(beside, place)), 1e-6, "Divide by the last number.")
    c, s = np.cos(0.2), np.sin(0.2)
    k = np.array([[300.0, 0, 160], [0, 300, 120], [0, 0, 1]])
    turned = k @ np.array([[c, 0, s, -0.8], [0, 1, 0, 0.1], [-s, 0, c, 0.2]])
    views, place = (k @ plain, turned), [0.5, 0.3, 3.0]
    yield Case("turned, in pixels", (*views, _seen(views[0], place), _seen(views[1], place)), 1e-6)


def wrong_undivided(first, second, p, q):
    """Forget that the place is homogeneous."""
    return _solved(first, second, p, q)[:3]


def wrong_swapped(first, second, p, q):
    """Take y for x."""
    return solution(first, second, p[::-1], q[::-1])


def wrong_matrix(first, second, p, q):
    """Give both points to the first camera."""
    place = _solved(first, first, p, q)
    return place[:3] / place[3]
