"""Descriptors and matching against OpenCV and scikit-image, two threads each."""

from __future__ import annotations

import cv2
import numpy as np
from skimage import feature

from sightline import features

from . import scenes
from .timing import Case

HEIGHT, WIDTH = 480, 640
COUNT = 10_000


def cases() -> list[Case]:
    """Return the cases; OpenCV 5 has no HOG any more, so that scikit-image stands for it."""
    rgb = scenes.rgb(HEIGHT, WIDTH)
    return [*_of_pictures(np.ascontiguousarray(rgb[..., 1])), *_matching()]


def _of_pictures(gray: np.ndarray) -> list[Case]:
    size = gray.size
    exact = (gray / 256).astype(np.float32)  # of equal channels and orientations, rounding would choose one
    large = np.ascontiguousarray(scenes.rgb(1080, 1920)[..., 1])
    orb = cv2.ORB_create(500)
    return [
        Case(
            "features.hog 640×480",
            "scikit-image",
            lambda: features.hog(exact),
            lambda: feature.hog(exact.astype(np.float64), 9, (8, 8), (2, 2)),
            bytes=8 * size,
            within=1e-5,
        ),
        Case(
            "features.lbp 8 points",
            "scikit-image",
            lambda: features.lbp(gray),
            lambda: feature.local_binary_pattern(gray, 8, 1),
            bytes=5 * size,
        ),
        Case(
            "features.orb 500 at 640×480",
            "opencv",
            lambda: features.orb(gray, 500),
            lambda: orb.detectAndCompute(gray, None),
            bytes=size,
            within=None,
        ),
        Case(
            "features.orb 500 at 1080p",
            "opencv",
            lambda: features.orb(large, 500),
            lambda: orb.detectAndCompute(large, None),
            bytes=large.size,
            within=None,
        ),
    ]


def _matching() -> list[Case]:
    random = np.random.default_rng(0)
    floats = [sift_like(random, COUNT) for _ in range(2)]
    bits = [random.integers(0, 256, (COUNT, 32), dtype=np.uint8) for _ in range(2)]
    rows = []
    for what, (a, b), norm in (("SIFT", floats, cv2.NORM_L2), ("256 bits", bits, cv2.NORM_HAMMING)):
        matcher = cv2.BFMatcher(norm)
        rows.append(
            Case(
                f"features.match 10,000×10,000 {what}",
                "opencv",
                lambda a=a, b=b: features.match(a, b),
                lambda a=a, b=b, matcher=matcher: matcher.knnMatch(a, b, 2),
                bytes=a.nbytes + b.nbytes,
                within=None,  # records against arrays; the tests hold that the pairs are the same
            )
        )
    return rows


def sift_like(random: np.random.Generator, count: int) -> np.ndarray:
    """Return N×128 whole numbers as float32, of length 512 or so and uneven as gradients are."""
    vectors = random.gamma(0.6, 1, (count, 128))
    return np.rint(512 * vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
