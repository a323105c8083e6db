"""Corners and SIFT against OpenCV, at 640×480 and 1080p."""

from __future__ import annotations

import cv2
import numpy as np

from sightline import features, image
from sightline.data import sample

from .timing import Case

SIZES = ((480, 640), (1080, 1920))


def cases() -> list[Case]:
    """Return the cases on a photo; the peer has a copy, so that neither side finds the other's data in its cache."""
    found = []
    for shape in SIZES:
        gray = image.resize(image.convert(sample("astronaut"), "rgb", "gray"), shape)  # 1200 and 1800 SIFT features
        found += [*_corners(gray, gray.copy()), *_sift(gray, gray.copy())]
    return found


def _corners(a: np.ndarray, b: np.ndarray) -> list[Case]:
    size = f"{a.shape[1]}×{a.shape[0]}"
    out, peer_out = np.empty((2, *a.shape), np.float32)
    detector = cv2.FastFeatureDetector_create(10, True)
    start = features.good_features(a, 500)
    return [
        Case(
            f"features.harris 3×3 {size}",
            "opencv",
            lambda: features.harris(a, block=3, out=out),
            lambda: cv2.cornerHarris(b, 3, 3, 0.04, dst=peer_out),
            bytes=5 * a.size,
            within=None,  # the peer's is 16 times ours; the tests hold the rest
        ),
        Case(
            f"features.good_features 500 {size}",
            "opencv",
            lambda: features.good_features(a, 500),
            lambda: cv2.goodFeaturesToTrack(b, 500, 0.01, 10)[:, 0],
            bytes=a.size,
        ),
        Case(
            f"features.fast threshold 10 {size}",
            "opencv",
            lambda: features.fast(a, 10).points,
            lambda: np.array(cv2.KeyPoint_convert(detector.detect(b))),
            bytes=a.size,
        ),
        Case(
            f"features.corner_subpixel 500 {size}",
            "opencv",
            lambda: features.corner_subpixel(a, start, 5),
            lambda: cv2.cornerSubPix(b, start[:, None].copy(), (5, 5), (-1, -1), (3, 40, 0.001)),
            bytes=a.size,
            within=None,  # a few corners without an answer drift apart
        ),
    ]


def _sift(a: np.ndarray, b: np.ndarray) -> list[Case]:
    size, peer = f"{a.shape[1]}×{a.shape[0]}", cv2.SIFT_create()
    return [
        Case(
            f"features.sift detect and describe {size}",
            "opencv",
            lambda: features.sift(a),
            lambda: peer.detectAndCompute(b, None),
            bytes=a.size,
            within=None,  # records; the tests hold that they are the same
        ),
        Case(
            f"features.dog_keypoints {size}",
            "opencv",
            lambda: features.dog_keypoints(a),
            lambda: peer.detect(b, None),
            bytes=a.size,
            within=None,  # the peer's have directions, too
        ),
    ]
