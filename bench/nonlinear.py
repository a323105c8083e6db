"""Non-linear smoothing at 1080p against OpenCV, and where it has none, SciPy and scikit-image; into prepared arrays."""

from __future__ import annotations

import cv2
import numpy as np
from scipy import ndimage
from skimage.restoration import denoise_nl_means

from sightline import image

from . import scenes
from .timing import Case

HEIGHT, WIDTH = 1080, 1920
PIXELS = HEIGHT * WIDTH


def cases() -> list[Case]:
    """Return the cases; the peer's image is a copy, so that neither side finds the other's data in its cache."""
    rgb = scenes.rgb(HEIGHT, WIDTH)
    gray = np.ascontiguousarray(rgb[..., 1])
    return [*_bilateral(gray, rgb), *_ranks(gray, gray.copy()), *_means(gray), *_guided(gray)]


def _bilateral(gray: np.ndarray, rgb: np.ndarray) -> list[Case]:
    rows = []
    for what, a in (("gray", gray), ("rgb", rgb), ("float32", gray.astype(np.float32) / 255)):
        b, out, peer_out = a.copy(), np.empty_like(a), np.empty_like(a)
        color, within = (0.1, 1e-4) if a.dtype == np.float32 else (25.0, 1)
        for size in (5, 9, 15):
            rows.append(
                Case(
                    f"image.bilateral_filter {what} {size}",
                    "opencv",
                    lambda a=a, o=out, n=size, c=color: image.bilateral_filter(a, n, c, 3.0, out=o),
                    lambda b=b, o=peer_out, n=size, c=color: cv2.bilateralFilter(b, n, c, 3.0, dst=o),
                    bytes=2 * a.nbytes,
                    # Where three channels differ by far, OpenCV's weights end at 0; here they are only very small.
                    within=within,
                )
            )
    return rows


def _ranks(a: np.ndarray, b: np.ndarray) -> list[Case]:
    out, peer_out = np.empty((2, HEIGHT, WIDTH), np.uint8)
    square = np.ones((7, 7), np.uint8)
    rows = [
        Case(
            f"image.{name} 7×7",
            "opencv",
            lambda ours=ours: ours(a, 7, out=out),
            lambda peer=peer: peer(b, square, dst=peer_out),
            bytes=2 * PIXELS,
        )
        for name, ours, peer in (
            ("min_filter", image.min_filter, cv2.erode),
            ("max_filter", image.max_filter, cv2.dilate),
        )
    ]
    rows.append(
        Case(
            "image.rank_filter 7×7, rank 12",
            "scipy",
            lambda: image.rank_filter(a, 12, 7, out=out),
            lambda: ndimage.rank_filter(b, 12, 7, output=peer_out),
            bytes=2 * PIXELS,
        )
    )
    wide, wide_out = np.ascontiguousarray(a[:540, :960]).astype(np.uint16) * 257, np.empty((540, 960), np.uint16)
    peer_wide = wide_out.copy()
    rows.append(
        Case(
            "image.median_blur 7×7 uint16, 960×540",
            "scipy",
            lambda: image.median_blur(wide, 7, out=wide_out),
            lambda: ndimage.median_filter(wide, 7, mode="nearest", output=peer_wide),
            bytes=2 * wide.nbytes,
        )
    )
    return rows


def _means(gray: np.ndarray) -> list[Case]:
    a = np.ascontiguousarray(gray[:540, :960])
    b, out, peer_out = a.copy(), np.empty_like(a), np.empty_like(a)
    floats = a.astype(np.float32)
    return [
        Case(
            "image.non_local_means 7, 21, 960×540",
            "opencv",
            lambda: image.non_local_means(a, 7, 21, strength=10.0, out=out),
            lambda: cv2.fastNlMeansDenoising(b, peer_out, 10, 7, 21),
            bytes=2 * a.nbytes,
            within=None,  # its distances are quantised; the tests hold the mean difference
        ),
        Case(
            "image.non_local_means 7, 21, 960×540 float32",
            "scikit-image",
            lambda: image.non_local_means(floats, 7, 21, strength=10.0),
            lambda: denoise_nl_means(floats, 7, 10, 10.0, preserve_range=True),
            bytes=8 * a.size,
            within=None,  # its patches are a pixel smaller
        ),
    ]


def _guided(gray: np.ndarray) -> list[Case]:
    a = gray.astype(np.float32) / 255
    b, out = a.copy(), np.empty_like(a)

    def mean(values: np.ndarray) -> np.ndarray:
        return cv2.boxFilter(values, -1, (9, 9), borderType=cv2.BORDER_REFLECT)

    def peer() -> np.ndarray:  # the filter itself is in OpenCV's contributed modules only
        level = mean(b)
        variance = mean(b * b) - level * level
        slope = variance / (variance + np.float32(0.01))
        return mean(slope) * b + mean(level - slope * level)

    return [
        Case(
            "image.guided_filter 9 float32",
            "opencv",
            lambda: image.guided_filter(a, None, 9, 0.01, out=out),
            peer,
            bytes=8 * PIXELS,
            within=1e-5,
        )
    ]
