"""Alignment at 640×480 against OpenCV: correlation search, panoramas, and matched features."""

from __future__ import annotations

import cv2
import numpy as np

from sightline import image

from . import scenes
from .timing import Case

HEIGHT, WIDTH = 480, 640
TILT = np.array([[1.01, 0.012, -6.0], [-0.009, 0.99, 5.0], [1e-5, -8e-6, 1.0]])


def cases() -> list[Case]:
    """Return the cases; results are records and panoramas in frames of their own, which are not compared."""
    scene = scenes.rgb(HEIGHT, WIDTH)
    gray = np.ascontiguousarray(scene[..., 1])
    moved = cv2.warpPerspective(gray, TILT, (WIDTH, HEIGHT), flags=cv2.INTER_CUBIC)
    wide = scenes.rgb(HEIGHT, 3 * WIDTH // 2)
    cuts = [np.ascontiguousarray(wide[:, :WIDTH]), np.ascontiguousarray(wide[:, WIDTH // 2 :])]
    stitcher = cv2.Stitcher_create(cv2.Stitcher_SCANS)
    rows = [
        Case(
            f"image.register intensity {model}",
            "opencv",
            lambda model=model: image.register(moved, gray, model, method="intensity"),
            lambda code=code: _peer_search(moved, gray, code),
            bytes=2 * gray.nbytes,
            within=None,
        )
        for model, code in (("translation", 0), ("rigid", 1), ("affine", 2), ("homography", 3))
    ]
    return [
        *rows,
        Case(
            "image.register features homography",
            "opencv",
            lambda: image.register(moved, gray),
            lambda: _peer_features(moved, gray),
            bytes=2 * gray.nbytes,
            within=None,
        ),
        Case(
            "image.stitch two photos",
            "opencv",
            lambda: image.stitch(cuts, projection="planar"),
            lambda: stitcher.stitch(cuts),
            bytes=2 * cuts[0].nbytes,
            within=None,
        ),
    ]


def _peer_search(fixed: np.ndarray, moving: np.ndarray, code: int) -> None:
    start = np.eye(3 if code == 3 else 2, 3, dtype=np.float32)
    criteria = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 50, 1e-5)
    cv2.findTransformECC(fixed, moving, start, code, criteria, None, 5)


def _peer_features(fixed: np.ndarray, moving: np.ndarray) -> None:
    sift = cv2.SIFT_create(1500)
    (k1, d1), (k2, d2) = sift.detectAndCompute(fixed, None), sift.detectAndCompute(moving, None)
    good = [a for a, b in cv2.BFMatcher().knnMatch(d2, d1, k=2) if a.distance < 0.8 * b.distance]
    a, b = np.array([k2[m.queryIdx].pt for m in good]), np.array([k1[m.trainIdx].pt for m in good])
    cv2.findHomography(a, b, cv2.RANSAC, 3.0)
