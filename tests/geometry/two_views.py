"""Two views to test with: places in space seen by two cameras, and a pair of photos matched by OpenCV."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from sightline.geometry import project, rodrigues

RANDOM = np.random.default_rng(8)
MATRIX = np.array([[800, 0, 400], [0, 800, 300], [0, 0, 1.0]])
TURN, SHIFT = np.array([0.1, -0.2, 0.05]), np.array([-1, 0.1, 0.2])


def views(count: int, noise: float = 0.0, wrong: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Return where two cameras see ``count`` places; the first ``wrong`` of the second view's are elsewhere."""
    world = RANDOM.uniform((-3, -3, 4), (3, 3, 12), (count, 3))
    a, b = project(world, MATRIX), project(world, MATRIX, TURN, SHIFT)
    a, b = a + RANDOM.normal(0, noise, a.shape), b + RANDOM.normal(0, noise, b.shape)
    b[: int(wrong * count)] = RANDOM.uniform(0, (800, 600), (int(wrong * count), 2))
    return a, b


def truth() -> np.ndarray:
    x, y, z = SHIFT
    back = np.linalg.inv(MATRIX)
    return back.T @ np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]]) @ rodrigues(TURN) @ back


def apart(first: np.ndarray, second: np.ndarray) -> float:
    """Return the greatest difference of two matrices of length 1, whatever their sign."""
    one, two = first / np.linalg.norm(first), second / np.linalg.norm(second)
    return float(min(np.abs(one - two).max(), np.abs(one + two).max()))


def photos_matched(folder: Path, first: str, second: str) -> tuple[np.ndarray, np.ndarray]:
    """Return OpenCV's SIFT matches of two photos of half size, in pixels of the whole ones."""
    found = []
    for name in (first, second):
        photo = cv2.imread(str(folder / name), cv2.IMREAD_GRAYSCALE)
        found.append(cv2.SIFT_create(1500).detectAndCompute(cv2.resize(photo, None, fx=0.5, fy=0.5), None))
    (ka, da), (kb, db) = found
    best = [m for m, n in cv2.BFMatcher().knnMatch(da, db, k=2) if m.distance < 0.8 * n.distance]
    points = [np.array([ks[i].pt for ks, i in zip((ka, kb), (m.queryIdx, m.trainIdx), strict=True)]) for m in best]
    both = np.array(points) * 2 + 0.5
    return both[:, 0], both[:, 1]
