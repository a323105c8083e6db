"""The frequency domain at 1080p against OpenCV's transforms and scikit-image."""

from __future__ import annotations

import cv2
import numpy as np
from skimage.filters import butterworth
from skimage.restoration import wiener

from sightline import image

from . import scenes
from .timing import Case

HEIGHT, WIDTH = 1080, 1920
PIXELS = HEIGHT * WIDTH


def cases() -> list[Case]:
    """Return the cases; the peer's image is a copy, so that neither side finds the other's data in its cache."""
    a = scenes.gray(HEIGHT, WIDTH).astype(np.float32) / 255
    b, out, peer_out = a.copy(), np.empty_like(a), np.empty((HEIGHT, WIDTH, 2), np.float32)
    moved = np.roll(a, (17, -30), (0, 1))
    window = cv2.createHanningWindow((WIDTH, HEIGHT), cv2.CV_32F)
    psf = np.ones((9, 9), np.float32) / 81

    def shift() -> tuple[float, float]:
        found = image.phase_correlation(a, moved)
        return found.dx, found.dy

    return [
        Case(
            "image.fft",
            "opencv",
            lambda: image.fft(a).view(np.float32),
            lambda: cv2.dft(b, dst=peer_out, flags=cv2.DFT_COMPLEX_OUTPUT).reshape(HEIGHT, 2 * WIDTH),
            bytes=12 * PIXELS,
            within=1.0,  # of a sum of two million
        ),
        Case(
            "image.frequency_filter butterworth low",
            "scikit-image",
            lambda: image.frequency_filter(a, "butterworth", "low", 0.1, out=out),
            lambda: butterworth(b, 0.1, False, 2),
            bytes=8 * PIXELS,
            within=1e-4,
        ),
        Case(
            "image.phase_correlation",
            "opencv",
            shift,
            lambda: cv2.phaseCorrelate(b.copy(), moved.copy(), window)[0],  # it writes the window into its arguments
            bytes=8 * PIXELS,
            within=0.5,  # OpenCV's is the less exact one
        ),
        Case(
            "image.wiener_deconvolve 9×9",
            "scikit-image",
            lambda: image.wiener_deconvolve(a, psf, 0.1, out=out),
            lambda: wiener(b, psf, 0.1, clip=False),
            bytes=8 * PIXELS,
            within=1e-3,
        ),
    ]
