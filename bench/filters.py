"""Linear filters and derivatives at 1080p against OpenCV, or scikit-image where it has none; prepared arrays."""

from __future__ import annotations

import cv2
import numpy as np
import skimage.filters

from sightline import image

from . import scenes
from .timing import Case

HEIGHT, WIDTH = 1080, 1920
PIXELS = HEIGHT * WIDTH


def cases() -> list[Case]:
    """Return the cases; the peer's image is a copy, so that neither side finds the other's data in its cache."""
    gray = np.ascontiguousarray(scenes.rgb(HEIGHT, WIDTH)[..., 1])
    both = (gray, gray.copy()), (gray / np.float32(255), gray / np.float32(255))
    rows = []
    for a, b in both:
        rows += [*_box(a, b), *_windows(a, b), *_sharpening(a, b), *_derivatives(a, b)]
    return [*rows, *_bands(*both[1])]


def _box(a: np.ndarray, b: np.ndarray) -> list[Case]:
    out, peer_out = np.empty_like(a), np.empty_like(b)
    return [
        Case(
            f"image.box_blur {size}×{size} {a.dtype}",
            "opencv",
            lambda size=size: image.box_blur(a, size, out=out),
            lambda size=size: cv2.blur(b, (size, size), dst=peer_out),
            bytes=2 * a.nbytes,
            within=1 if a.dtype == np.uint8 else 1e-5,
        )
        for size in (3, 5, 15, 31, 101)
    ]


def _windows(a: np.ndarray, b: np.ndarray) -> list[Case]:
    rows = []
    out, peer_out = np.empty_like(a), np.empty_like(b)
    random = np.random.default_rng(3)
    for size in (3, 5, 7, 15, 31):
        for kind in ("any", "product"):
            kernel = random.random((size, size)) + 0.1
            kernel = np.outer(kernel[0], kernel[:, 0]) if kind == "product" else kernel
            kernel = (kernel / kernel.sum()).astype(np.float32)
            rows.append(
                Case(
                    f"image.correlate {size}×{size} {kind} {a.dtype}",
                    "opencv",
                    lambda k=kernel: image.correlate(a, k, out=out),
                    lambda k=kernel: cv2.filter2D(b, -1, k, dst=peer_out),
                    bytes=2 * a.nbytes,
                    within=1 if a.dtype == np.uint8 else 1e-5,
                )
            )
    return rows


def _sharpening(a: np.ndarray, b: np.ndarray) -> list[Case]:
    out, peer_out = np.empty_like(a), np.empty_like(b)
    kernel = np.float32([[0, -1, 0], [-1, 5, -1], [0, -1, 0]])
    return [
        Case(
            f"image.sharpen {a.dtype}",
            "opencv",
            lambda: image.sharpen(a, out=out),
            lambda: cv2.filter2D(b, -1, kernel, dst=peer_out),
            bytes=2 * a.nbytes,
            within=1 if a.dtype == np.uint8 else 1e-5,
        ),
        Case(
            f"image.unsharp_mask {a.dtype}",
            "scikit-image",
            lambda: image.unsharp_mask(a, 2.0, 1.0, out=out),
            lambda: skimage.filters.unsharp_mask(b, 2.0, 1.0),
            bytes=2 * a.nbytes,
            within=None if a.dtype == np.uint8 else 1e-5,
        ),
    ]


def _derivatives(a: np.ndarray, b: np.ndarray) -> list[Case]:
    signed, depth = (np.int16, cv2.CV_16S) if a.dtype == np.uint8 else (np.float32, cv2.CV_32F)
    out, peer_out = np.empty(a.shape, signed), np.empty(b.shape, signed)
    length = np.empty(a.shape, np.float32)
    rows = [
        Case(
            f"image.laplacian size {size} {a.dtype}",
            "opencv",
            lambda size=size: image.laplacian(a, size=size, out=out),
            lambda size=size: cv2.Laplacian(b, depth, ksize=size, dst=peer_out),
            bytes=a.nbytes + out.nbytes,
            within=0 if a.dtype == np.uint8 else 1e-4,
        )
        for size in (1, 3, 5)
    ]
    rows += [
        Case(
            f"image.{name} {a.dtype}",
            "scikit-image",
            lambda name=name: getattr(image, name)(a, out=length),
            lambda name=name: getattr(skimage.filters, name)(b),
            bytes=a.nbytes + length.nbytes,
            within=None,  # the peer normalises
        )
        for name in ("scharr", "prewitt", "roberts")
    ]
    return [
        *rows,
        Case(
            f"image.scharr {a.dtype}, opencv",
            "opencv",
            lambda: image.scharr(a, out=length),
            lambda: cv2.magnitude(cv2.Scharr(b, cv2.CV_32F, 1, 0), cv2.Scharr(b, cv2.CV_32F, 0, 1)),
            bytes=a.nbytes + length.nbytes,
            within=1e-2 if a.dtype == np.uint8 else 1e-4,
        ),
    ]


def _bands(a: np.ndarray, b: np.ndarray) -> list[Case]:
    import scipy.ndimage

    out, peer_out = np.empty_like(a), np.empty_like(b)
    return [
        Case(
            "image.laplacian_of_gaussian σ=3 float32",
            "scipy",
            lambda: image.laplacian_of_gaussian(a, 3.0, out=out),
            lambda: scipy.ndimage.gaussian_laplace(b, 3.0, output=peer_out),
            bytes=2 * a.nbytes,
            within=1e-5,
        ),
        Case(
            "image.difference_of_gaussians 1–4 float32",
            "scikit-image",
            lambda: image.difference_of_gaussians(a, 1.0, 4.0, out=out),
            lambda: skimage.filters.difference_of_gaussians(b, 1.0, 4.0),
            bytes=2 * a.nbytes,
            within=1e-5,
        ),
        Case(
            "image.gabor f=0.1 float32",
            "scikit-image",
            lambda: image.gabor(a, 0.1, 0.5)[0],
            lambda: skimage.filters.gabor(b, 0.1, 0.5)[0],
            bytes=3 * a.nbytes,
            within=1e-5,
        ),
    ]
