"""Contours at 1080p, and what is done with their points, against OpenCV."""

from __future__ import annotations

import cv2
import numpy as np

from sightline import image

from . import scenes
from .timing import Case

HEIGHT, WIDTH = 1080, 1920
PIXELS = HEIGHT * WIDTH


def cases() -> list[Case]:
    """Return the cases; the tests hold that the contours are the same."""
    gray = scenes.gray(HEIGHT, WIDTH)
    smooth = cv2.GaussianBlur(np.random.default_rng(0).random((HEIGHT, WIDTH), np.float32), (0, 0), 4)
    masks = {"scene": gray > 127, "blobs": smooth > 0.5}
    rows = []
    for name, mask in masks.items():
        pixels = mask.astype(np.uint8)
        for word, code in (("none", cv2.CHAIN_APPROX_NONE), ("simple", cv2.CHAIN_APPROX_SIMPLE)):
            rows.append(
                Case(
                    f"image.find_contours {name} {word}",
                    "opencv",
                    lambda m=mask, w=word: len(image.find_contours(m, approximation=w)),
                    lambda p=pixels, c=code: len(cv2.findContours(p, cv2.RETR_TREE, c)[0]),
                    bytes=PIXELS,
                )
            )
    contour = max(image.find_contours(masks["scene"]), key=len).points
    rows += [
        Case(
            "image.approximate_polygon",
            "opencv",
            lambda: len(image.approximate_polygon(contour, 2.0)),
            lambda: len(cv2.approxPolyDP(contour, 2.0, True)),
            bytes=contour.nbytes,
        ),
        Case(
            "image.moments", "opencv", lambda: image.moments(gray).m00, lambda: cv2.moments(gray)["m00"], bytes=PIXELS
        ),
        Case(
            "image.convex_hull",
            "opencv",
            lambda: len(image.convex_hull(contour)),
            lambda: len(cv2.convexHull(contour)),
            bytes=contour.nbytes,
        ),
    ]
    return rows
