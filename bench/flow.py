"""Optical flow against OpenCV's at 1080p, and TV-L1 against that of its contributed modules."""

from __future__ import annotations

import cv2
import numpy as np

from sightline import motion

from . import scenes
from .timing import Case

HEIGHT, WIDTH = 1080, 1920


def cases() -> list[Case]:
    """Return the cases: two pictures of one scene, 5 pixels across and 3 down from one another."""
    wide = scenes.gray(HEIGHT + 8, WIDTH + 8)
    a, b = (np.ascontiguousarray(wide[y : y + HEIGHT, x : x + WIDTH]) for y, x in ((5, 6), (2, 1)))
    points = cv2.goodFeaturesToTrack(a, 500, 0.001, 10).reshape(-1, 2)
    small_a, small_b = (np.ascontiguousarray(picture[:480, :640]) for picture in (a, b))
    dual = cv2.optflow.DualTVL1OpticalFlow_create(
        nscales=6, warps=5, epsilon=0, innnerIterations=10, outerIterations=1, scaleStep=0.5, medianFiltering=1
    )  # the same number of turns

    def ours() -> np.ndarray:
        moved = motion.lucas_kanade(a, b, points)
        return np.median(moved.flow[moved.found], axis=0)

    def theirs() -> np.ndarray:
        ends, status, _ = cv2.calcOpticalFlowPyrLK(a, b, points, None)
        return np.median((ends - points)[status.ravel() > 0], axis=0)

    return [
        Case(
            f"motion.lucas_kanade {len(points)} points",
            "opencv",
            ours,
            theirs,
            bytes=2 * a.size,
            within=0.05,
        ),
        Case(
            "motion.farneback",
            "opencv",
            lambda: motion.farneback(a, b, size=11),
            lambda: cv2.calcOpticalFlowFarneback(a, b, None, 0.5, 3, 15, 3, 5, 1.2, 0),
            bytes=10 * a.size,
            within=0.05,
        ),
        Case(
            "motion.farneback 640×480",
            "opencv",
            lambda: motion.farneback(small_a, small_b, size=11),
            lambda: cv2.calcOpticalFlowFarneback(small_a, small_b, None, 0.5, 3, 15, 3, 5, 1.2, 0),
            bytes=10 * small_a.size,
            within=0.05,
        ),
        Case(
            "motion.tv_l1 640×480",
            "opencv",
            lambda: motion.tv_l1(small_a, small_b, iterations=10, warps=5, median=1),
            lambda: dual.calc(small_a, small_b, None),
            bytes=10 * small_a.size,
            within=None,  # each has its own weights
        ),
    ]
