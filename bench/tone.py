"""Colour spaces, histograms and thresholds at 1080p against OpenCV, and scikit-image where OpenCV has none."""

from __future__ import annotations

import cv2
import numpy as np
from skimage import exposure, filters

from sightline import image

from . import scenes
from .timing import Case

HEIGHT, WIDTH = 1080, 1920
PIXELS = HEIGHT * WIDTH
HUES = ((0, 180), (0, 256))


def cases() -> list[Case]:
    """Return the cases; the peer's image is a copy, so that neither side finds the other's data in its cache."""
    rgb = scenes.rgb(HEIGHT, WIDTH)
    gray = np.ascontiguousarray(rgb[..., 1])
    return [
        *_colours(rgb, 1),
        *_colours(rgb.astype(np.float32) / 255, None),  # OpenCV's float Lab is a table that is 0.4 off
        *_histograms(rgb, gray),
        *_tones(rgb, gray, gray.copy()),
        *_thresholds(gray, gray.copy()),
    ]


def _colours(rgb: np.ndarray, within: float | None) -> list[Case]:
    rows = []
    out, peer_out = np.empty_like(rgb), np.empty_like(rgb)
    for space, code in {"hsl": "HLS", "xyz": "XYZ", "lab": "Lab", "luv": "Luv", "ycrcb": "YCrCb"}.items():
        gamma = "linear" if space == "xyz" else "srgb"
        there, back = getattr(cv2, f"COLOR_RGB2{code}"), getattr(cv2, f"COLOR_{code}2RGB")
        theirs = cv2.cvtColor(rgb, there)
        ours = image.convert(rgb, "rgb", space, gamma=gamma)
        rows += [
            Case(
                f"image.convert rgb→{space} {rgb.dtype}",
                "opencv",
                lambda s=space, g=gamma: image.convert(rgb, "rgb", s, gamma=g, out=out),
                lambda c=there: cv2.cvtColor(rgb, c, dst=peer_out),
                bytes=2 * rgb.nbytes,
                within=None if space == "hsl" else within,  # there in another order
            ),
            Case(
                f"image.convert {space}→rgb {rgb.dtype}",
                "opencv",
                lambda s=space, g=gamma, a=ours: image.convert(a, s, "rgb", gamma=g, out=out),
                lambda c=back, a=theirs: cv2.cvtColor(a, c, dst=peer_out),
                bytes=2 * rgb.nbytes,
                within=None,
            ),
        ]
    return rows


def _histograms(rgb: np.ndarray, gray: np.ndarray) -> list[Case]:
    hsv = image.convert(rgb, "rgb", "hsv")
    counts = image.histogram(hsv, (30, 32), channels=(0, 1), limits=HUES)
    known = (counts / counts.max() * 255).astype(np.float32)
    values, peer_values = np.empty(gray.shape, np.float32), np.empty_like(gray)

    def peer_each() -> np.ndarray:
        return np.stack([cv2.calcHist([rgb], [channel], None, [256], [0, 256]).ravel() for channel in range(3)])

    return [
        Case(
            "image.histogram gray",
            "opencv",
            lambda: image.histogram(gray),
            lambda: cv2.calcHist([gray], [0], None, [256], [0, 256]).ravel(),
            bytes=PIXELS,
        ),
        Case("image.histogram rgb", "opencv", lambda: image.histogram(rgb), peer_each, bytes=3 * PIXELS),
        Case(
            "image.histogram hue and saturation",
            "opencv",
            lambda: image.histogram(hsv, (30, 32), channels=(0, 1), limits=HUES),
            lambda: cv2.calcHist([hsv], [0, 1], None, [30, 32], [0, 180, 0, 256]),
            bytes=3 * PIXELS,
        ),
        Case(
            "image.histogram r, g, b jointly",
            "opencv",
            lambda: image.histogram(rgb, 8, channels=(0, 1, 2)),
            lambda: cv2.calcHist([rgb], [0, 1, 2], None, [8, 8, 8], [0, 256] * 3),
            bytes=3 * PIXELS,
        ),
        Case(
            "image.back_project",
            "opencv",
            lambda: image.back_project(hsv, known, limits=HUES, out=values),
            lambda: cv2.calcBackProject([hsv], [0, 1], known, [0, 180, 0, 256], 1, dst=peer_values),
            bytes=7 * PIXELS,
            within=0.5,  # theirs are bytes
        ),
    ]


def _tones(rgb: np.ndarray, a: np.ndarray, b: np.ndarray) -> list[Case]:
    out, peer_out = np.empty((2, HEIGHT, WIDTH), np.uint8)
    peer_clahe = cv2.createCLAHE(2.0, (8, 8))
    dark, matched = np.ascontiguousarray(rgb[::-1] // 2), np.empty_like(rgb)
    return [
        Case(
            "image.equalize",
            "opencv",
            lambda: image.equalize(a, out=out),
            lambda: cv2.equalizeHist(b, dst=peer_out),
            bytes=2 * PIXELS,
        ),
        Case(
            "image.clahe",
            "opencv",
            lambda: image.clahe(a, out=out),
            lambda: peer_clahe.apply(b, dst=peer_out),
            bytes=2 * PIXELS,
            within=1,
        ),
        Case(
            "image.match_histogram",
            "scikit-image",
            lambda: image.match_histogram(rgb, dark, out=matched),
            lambda: exposure.match_histograms(rgb, dark, channel_axis=-1),
            bytes=9 * PIXELS,
            within=1,
        ),
    ]


def _thresholds(a: np.ndarray, b: np.ndarray) -> list[Case]:
    out, peer_out = np.empty((2, HEIGHT, WIDTH), np.uint8)
    surface, reached = np.empty(a.shape, np.float32), np.empty(a.shape, np.bool_)
    methods = {"mean": cv2.ADAPTIVE_THRESH_MEAN_C, "gaussian": cv2.ADAPTIVE_THRESH_GAUSSIAN_C}
    adaptive = [
        Case(
            f"image.adaptive_threshold {name} {size}",
            "opencv",
            lambda n=name, s=size: image.adaptive_threshold(a, s, 5, n, out=out),
            lambda m=code, s=size: cv2.adaptiveThreshold(b, 255, m, cv2.THRESH_BINARY, s, 5, dst=peer_out),
            bytes=2 * PIXELS,
            within=0 if name == "mean" else None,  # the same but for some pixels in a million
        )
        for name, code in methods.items()
        for size in (11, 31)
    ]
    return [
        *adaptive,
        Case(
            "image.triangle_threshold and threshold",
            "opencv",
            lambda: image.threshold(a, image.triangle_threshold(a), out=out),
            lambda: cv2.threshold(b, 0, 255, cv2.THRESH_TRIANGLE, dst=peer_out)[1],
            bytes=3 * PIXELS,
        ),
        Case(
            "image.multi_otsu",
            "scikit-image",
            lambda: image.multi_otsu(a),
            lambda: filters.threshold_multiotsu(b),
            bytes=PIXELS,
            within=1,
        ),
        Case(
            "image.sauvola_threshold",
            "scikit-image",
            lambda: image.sauvola_threshold(a, out=surface),
            lambda: filters.threshold_sauvola(b),
            bytes=5 * PIXELS,
            within=1e-4,
        ),
        Case(
            "image.hysteresis_threshold",
            "scikit-image",
            lambda: image.hysteresis_threshold(a, 100, 180, out=reached),
            lambda: filters.apply_hysteresis_threshold(b, 100, 180),
            bytes=2 * PIXELS,
        ),
    ]
