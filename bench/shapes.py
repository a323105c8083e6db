"""Shapes by voting at 640×480, templates at 1080p and blobs at 640×480, against OpenCV and scikit-image."""

from __future__ import annotations

import math

import cv2
import numpy as np
import skimage.feature

from sightline import image

from . import scenes
from .timing import Case

HEIGHT, WIDTH = 1080, 1920
SMALL = 480, 640
SCORES = {
    "ncc": cv2.TM_CCOEFF_NORMED,
    "covariance": cv2.TM_CCOEFF,
    "normed_correlation": cv2.TM_CCORR_NORMED,
    "correlation": cv2.TM_CCORR,
    "normed_difference": cv2.TM_SQDIFF_NORMED,
    "difference": cv2.TM_SQDIFF,
}


def cases() -> list[Case]:
    """Return the cases; results are lists of shapes, which the tests compare."""
    return [*_hough(), *_templates(), *_blobs()]


def _hough() -> list[Case]:
    gray = scenes.gray(*SMALL)
    peer_gray = gray.copy()
    mask = image.canny(gray, 50, 150, sigma=0)
    edges = mask.astype(np.uint8) * np.uint8(255)
    step, pixels = math.pi / 180, gray.size
    circles = {"min_radius": 10, "max_radius": 60, "min_distance": 20}
    return [
        Case(
            "image.hough_lines 640×480",
            "opencv",
            lambda: image.hough_lines(mask, 100),
            lambda: cv2.HoughLines(edges, 1, step, 100),
            bytes=pixels,
            within=None,
        ),
        Case(
            "image.hough_segments 640×480",
            "opencv",
            lambda: image.hough_segments(mask, 50, min_length=30, max_gap=5),
            lambda: cv2.HoughLinesP(edges, 1, step, 50, minLineLength=30, maxLineGap=5),
            bytes=pixels,
            within=None,
        ),
        Case(
            "image.hough_circles 640×480",
            "opencv",
            lambda: image.hough_circles(gray, 20, **circles),  # 13 circles
            lambda: cv2.HoughCircles(
                peer_gray, cv2.HOUGH_GRADIENT, 1, 20, param1=100, param2=20, minRadius=10, maxRadius=60
            )[0],
            bytes=pixels,
            within=0.01,
        ),
    ]


def _templates() -> list[Case]:
    gray = scenes.gray(HEIGHT, WIDTH)
    peer_gray, rows = gray.copy(), []
    for side in (16, 64):
        template = gray[300 : 300 + side, 400 : 400 + side].copy()
        shape = HEIGHT - side + 1, WIDTH - side + 1
        out, peer_out = np.empty((2, *shape), np.float32)
        for score, number in SCORES.items():
            rows.append(
                Case(
                    f"image.match_template {score} {side}×{side}",
                    "opencv",
                    lambda t=template, s=score, o=out: image.match_template(gray, t, s, out=o),
                    lambda t=template, n=number, o=peer_out: cv2.matchTemplate(peer_gray, t, n, result=o),
                    bytes=5 * gray.size,
                    within=None,  # the peer's own rounding in flat windows; the tests say how much
                )
            )
    return rows


def _blobs() -> list[Case]:
    gray = scenes.gray(*SMALL)
    values = gray.astype(np.float32) / np.float32(255)
    rows = []
    for name, threshold in (("log", 0.1), ("dog", 0.1), ("doh", 0.005)):
        ours, peers = getattr(image, f"blobs_{name}"), getattr(skimage.feature, f"blob_{name}")
        rows.append(
            Case(
                f"image.blobs_{name} 640×480",
                "scikit-image",
                lambda f=ours, t=threshold: f(gray, t, max_sigma=20),
                lambda f=peers, t=threshold: f(values, threshold=t, max_sigma=20),
                bytes=gray.size,
                within=None,
            )
        )
    return rows
