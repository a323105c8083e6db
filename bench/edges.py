"""Gradients, edges, thresholds and morphology at 1080p against OpenCV, both into prepared arrays."""

from __future__ import annotations

import cv2
import numpy as np

from sightline import image

from . import scenes
from .timing import Case

HEIGHT, WIDTH = 1080, 1920
PIXELS = HEIGHT * WIDTH


def cases() -> list[Case]:
    """Return the cases; the peer's image is a copy, so that neither side finds the other's data in its cache."""
    gray = np.ascontiguousarray(scenes.rgb(HEIGHT, WIDTH)[..., 1])
    return [*_gradients(gray, gray.copy()), *_thresholds(gray, gray.copy()), *_morphology(gray, gray.copy())]


def _gradients(a: np.ndarray, b: np.ndarray) -> list[Case]:
    pair, peer_pair = tuple(np.empty((2, HEIGHT, WIDTH), np.int16)), np.empty((2, HEIGHT, WIDTH), np.int16)
    size, dx, dy, peer_size = np.empty((4, HEIGHT, WIDTH), np.float32)
    edges, peer_edges = np.empty((HEIGHT, WIDTH), np.bool_), np.empty((HEIGHT, WIDTH), np.uint8)

    def peer_sobel() -> np.ndarray:
        cv2.Sobel(b, cv2.CV_32F, 1, 0, dst=dx)
        cv2.Sobel(b, cv2.CV_32F, 0, 1, dst=dy)
        return cv2.magnitude(dx, dy, magnitude=peer_size)

    gradients = [
        Case(
            "image.gradient sobel",
            "opencv",
            lambda: image.gradient(a, out=pair),
            lambda: cv2.spatialGradient(b, peer_pair[0], peer_pair[1]),
            bytes=5 * PIXELS,
        ),
        Case(
            "image.gradient scharr",
            "opencv",
            lambda: image.gradient(a, operator="scharr", out=pair),
            lambda: (
                cv2.Scharr(b, cv2.CV_16S, 1, 0, dst=peer_pair[0]),
                cv2.Scharr(b, cv2.CV_16S, 0, 1, dst=peer_pair[1]),
            ),
            bytes=5 * PIXELS,
        ),
        Case("image.sobel", "opencv", lambda: image.sobel(a, out=size), peer_sobel, bytes=5 * PIXELS, within=1e-3),
    ]
    canny = [
        Case(
            f"image.canny {norm}",
            "opencv",
            lambda norm=norm: image.canny(a, 50, 150, sigma=0, norm=norm, out=edges),
            lambda norm=norm: cv2.Canny(b, 50, 150, edges=peer_edges, L2gradient=norm == "l2"),
            bytes=2 * PIXELS,
            within=None,  # true against 255; the tests hold that the pixels are the same
        )
        for norm in ("l2", "l1")
    ]
    return [*gradients, *canny]


def _thresholds(a: np.ndarray, b: np.ndarray) -> list[Case]:
    out, peer_out = np.empty((2, HEIGHT, WIDTH), np.uint8)
    return [
        Case(
            "image.threshold",
            "opencv",
            lambda: image.threshold(a, 127, out=out),
            lambda: cv2.threshold(b, 127, 255, cv2.THRESH_BINARY, dst=peer_out)[1],
            bytes=2 * PIXELS,
        ),
        Case(
            "image.otsu_threshold and threshold",
            "opencv",
            lambda: image.threshold(a, image.otsu_threshold(a), out=out),
            lambda: cv2.threshold(b, 0, 255, cv2.THRESH_OTSU, dst=peer_out)[1],
            bytes=3 * PIXELS,
        ),
    ]


def _morphology(a: np.ndarray, b: np.ndarray) -> list[Case]:
    out, peer_out = np.empty((2, HEIGHT, WIDTH), np.uint8)
    rows = []
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (31, 31))
    for name, ours, peer in (("dilate", image.dilate, cv2.dilate), ("erode", image.erode, cv2.erode)):
        for what, footprint in (("3×3", 3), ("5×5", 5), ("31×31", 31), ("disc 31", disc.astype(bool))):
            shape = disc if isinstance(footprint, np.ndarray) else np.ones((footprint, footprint), np.uint8)
            rows.append(
                Case(
                    f"image.{name} {what}",
                    "opencv",
                    lambda f=footprint, ours=ours: ours(a, f, out=out),
                    lambda s=shape, peer=peer: peer(b, s, dst=peer_out),
                    bytes=2 * PIXELS,
                )
            )
    return rows
