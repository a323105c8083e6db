"""Two views and pose of 1,000 points, half of them wrong, against OpenCV: consensus with the same limits."""

from __future__ import annotations

import cv2
import numpy as np

from sightline import features, geometry

from .timing import Case

COUNT = 1000
MATRIX = np.array([[800, 0, 400], [0, 800, 300], [0, 0, 1.0]])
TURN, SHIFT = np.array([0.1, -0.2, 0.05]), np.array([-1, 0.1, 0.2])
PLANE = np.array([[0.76, -0.3, 225], [0.33, 1.01, -77], [3.4e-4, -1.4e-5, 1]])
SURE, MOST = 0.999, 10000


def cases() -> list[Case]:
    """Return the cases; the tests hold that both sides find the same inliers."""
    random = np.random.default_rng(0)
    return [*_planes(random), *_spaces(random)]


def _planes(random: np.random.Generator) -> list[Case]:
    a = random.uniform(0, (800, 640), (COUNT, 2))
    moved = np.column_stack([a, np.ones(COUNT)]) @ PLANE.T
    b = moved[:, :2] / moved[:, 2:] + random.normal(0, 0.5, a.shape)
    b[: COUNT // 2] = random.uniform(0, (800, 640), (COUNT // 2, 2))
    size = a.nbytes + b.nbytes
    rows = [
        Case(
            f"geometry.homography robust, {name}",
            "opencv",
            lambda: geometry.homography(a, b, 3.0),
            lambda flag=flag: cv2.findHomography(a, b, flag, 3.0, maxIters=MOST, confidence=SURE),
            bytes=size,
            within=None,
        )
        for name, flag in (("USAC", cv2.USAC_DEFAULT), ("MAGSAC", cv2.USAC_MAGSAC), ("RANSAC", cv2.RANSAC))
    ]
    pairs = np.hstack([a, b])
    affine = Case(
        "features.ransac affine",
        "opencv",
        lambda: features.ransac("affine", pairs, 20.0),
        lambda: cv2.estimateAffine2D(a, b, None, cv2.USAC_DEFAULT, 20.0, MOST, SURE),
        bytes=size,
        within=None,
    )
    return [*rows, affine]


def _spaces(random: np.random.Generator) -> list[Case]:
    world = random.uniform((-3, -3, 4), (3, 3, 12), (COUNT, 3))
    a, b = geometry.project(world, MATRIX), geometry.project(world, MATRIX, TURN, SHIFT)
    exact, size = b.copy(), a.nbytes + b.nbytes
    b = b + random.normal(0, 0.5, a.shape)
    b[: COUNT // 2] = random.uniform(0, (800, 600), (COUNT // 2, 2))
    projections = [
        MATRIX @ np.eye(3, 4),
        MATRIX @ np.column_stack([geometry.rodrigues(TURN), SHIFT]),
    ]
    columns = a.T.copy(), exact.T.copy()
    calls = {
        "geometry.fundamental robust": (
            lambda: geometry.fundamental(a, b, 1.5),
            lambda: cv2.findFundamentalMat(a, b, cv2.USAC_DEFAULT, 1.5, SURE, MOST),
        ),
        "geometry.essential robust": (
            lambda: geometry.essential(a, b, MATRIX, 1.5),
            lambda: cv2.findEssentialMat(a, b, MATRIX, cv2.USAC_DEFAULT, SURE, 1.5),
        ),
        "geometry.pnp iterative": (
            lambda: geometry.pnp(world, exact, MATRIX),
            lambda: cv2.solvePnP(world, exact, MATRIX, None),
        ),
        "geometry.pnp robust": (
            lambda: geometry.pnp(world, b, MATRIX, threshold=2.0),
            lambda: cv2.solvePnPRansac(
                world, b, MATRIX, None, reprojectionError=2.0, iterationsCount=MOST, confidence=SURE
            ),
        ),
        "geometry.triangulate": (
            lambda: geometry.triangulate(projections, [a, exact]),
            lambda: cv2.triangulatePoints(*projections, *columns),
        ),
    }
    return [Case(name, "opencv", ours, peers, bytes=size, within=None) for name, (ours, peers) in calls.items()]
