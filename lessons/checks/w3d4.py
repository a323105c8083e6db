"""Checks of w3d4: the pinhole camera."""

import numpy as np

from sightline.lab.grading import Case


def solution(points, matrix, rotation, translation):
    """Turn, shift, divide by depth, apply K."""
    seen = np.asarray(points, float) @ np.asarray(rotation).T + translation
    depth = np.where(seen[:, 2:] > 0, seen[:, 2:], np.nan)
    return (seen / depth) @ np.asarray(matrix)[:2].T


def cases():
    """Yield the plain camera, a focal length, a shift, a turn, points behind."""
    none, still = np.eye(3), np.zeros(3)
    k = np.array([[500.0, 0, 320], [0, 510, 240], [0, 0, 1]])
    points = np.array([[0.0, 0, 2], [1, 0, 2], [0, 1, 4], [-1, 0.5, 5]])
    yield Case("K is the identity", (points, none, none, still), 1e-6)
    yield Case("focal length and middle", (points, k, none, still), 1e-6)
    yield Case("shifted", (points, k, none, np.array([0.2, -0.1, 1.0])), 1e-6)
    c, s = np.cos(0.3), np.sin(0.3)
    turn = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
    yield Case("turned", (points, k, turn, still), 1e-6, "R times each point: is it transposed?")
    yield Case("turned and shifted", (points, k, turn, np.array([0.5, 0, 2])), 1e-6, "First turn, then shift.")
    yield Case("behind the camera", (np.array([[0.0, 0, 1], [1, 1, -2], [1, 0, 0]]), k, none, still), 1e-6)


def wrong_transposed(points, matrix, rotation, translation):
    """Turn the other way."""
    return solution(points, matrix, np.asarray(rotation).T, translation)


def wrong_shift_first(points, matrix, rotation, translation):
    """Shift before the turn."""
    return solution(np.asarray(points) + translation, matrix, rotation, np.zeros(3))


def wrong_behind(points, matrix, rotation, translation):
    """See what is behind, upside down."""
    seen = np.asarray(points, float) @ np.asarray(rotation).T + translation
    return (seen / np.where(seen[:, 2:] == 0, np.nan, seen[:, 2:])) @ np.asarray(matrix)[:2].T
