"""Scenes with a code in them, for the tests of what reads codes."""

from __future__ import annotations

import math

import cv2
import numpy as np

import sightline as sl

make, scan = sl.image.make_code, sl.image.scan_codes
LEVELS = "LMQH"
TEXTS = {"qr": "SIGHTLINE 2026", "ean13": "4006381333931", "upca": "036000291452", "ean8": "96385074"}
TEXTS |= {"code128": "Sightline-128 42", "upce": "04252614"}


def photograph(
    code: np.ndarray, shape: tuple[int, int] = (480, 640), angle: float = 0.0, tilt: float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """Return a grey scene with a code turned about the middle and tilted (degrees), and the homography into it."""
    height, width = code.shape
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float64) - (width / 2, height / 2)
    a, t = math.radians(angle), math.radians(tilt)
    turned = corners @ np.array([(math.cos(a), math.sin(a)), (-math.sin(a), math.cos(a))])
    focal = 1.6 * max(shape)
    depth = focal + turned[:, 1] * math.sin(t)
    seen = np.stack([turned[:, 0], turned[:, 1] * math.cos(t)], axis=1) * focal / depth[:, None]
    seen += (shape[1] / 2, shape[0] / 2)
    before = (corners + np.array((width / 2, height / 2)) - 0.5).astype(np.float32)
    matrix = cv2.getPerspectiveTransform(before, (seen - 0.5).astype(np.float32))
    return cv2.warpPerspective(code, matrix, shape[::-1], borderValue=165), matrix


def texts(image: np.ndarray, **options: object) -> list[str]:
    return [code.text for code in scan(image, **options)]


def as_pixels(picture: object) -> np.ndarray:
    return np.array([list(row) for row in picture.matrix_iter(scale=3, border=4)], np.uint8) == 0
