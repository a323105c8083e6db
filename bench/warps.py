"""Geometric transforms at 1080p against OpenCV, and against scikit-image and NumPy where OpenCV has none."""

from __future__ import annotations

import cv2
import numpy as np
from skimage.transform import PiecewiseAffineTransform, ThinPlateSplineTransform
from skimage.transform import warp as skimage_warp

from sightline import image

from . import scenes
from .timing import Case

HEIGHT, WIDTH = 1080, 1920
SHAPE, SIZE = (HEIGHT, WIDTH), (WIDTH, HEIGHT)
TURN = np.array([[0.96, -0.2, 150.0], [0.2, 0.96, -120.0]])
TILT = np.array([[0.96, -0.2, 150.0], [0.2, 0.96, -120.0], [1e-5, 2e-5, 1.0]])
FLAGS = {"nearest": cv2.INTER_NEAREST, "bilinear": cv2.INTER_LINEAR, "bicubic": cv2.INTER_CUBIC}


def cases() -> list[Case]:
    """Return the cases; the peer's image is a copy, so that neither side finds the other's data in its cache."""
    rgb = scenes.rgb(HEIGHT, WIDTH)
    gray = np.ascontiguousarray(rgb[..., 1])
    return [*_matrices(gray, rgb), *_borders(rgb), *_fields(gray), *_points(gray), *_seams()]


def _matrices(gray: np.ndarray, rgb: np.ndarray) -> list[Case]:
    rows = []
    floats = gray.astype(np.float32) / 255
    for method, flag in FLAGS.items():
        for name, a in (("gray", gray), ("rgb", rgb), ("float32", floats)):
            b, out, peer_out = a.copy(), np.empty_like(a), np.empty_like(a)
            # At single pixels, nearest takes the other one of two that are equally near.
            within = None if method == "nearest" else 1
            rows.append(
                Case(
                    f"image.warp_affine {method} {name}",
                    "opencv",
                    lambda a=a, m=method, o=out: image.warp_affine(a, TURN, SHAPE, method=m, out=o),
                    lambda b=b, f=flag, o=peer_out: cv2.warpAffine(b, TURN, SIZE, dst=o, flags=f),
                    bytes=2 * a.nbytes,
                    within=within,
                )
            )
            rows.append(
                Case(
                    f"image.warp_perspective {method} {name}",
                    "opencv",
                    lambda a=a, m=method, o=out: image.warp_perspective(a, TILT, SHAPE, method=m, out=o),
                    lambda b=b, f=flag, o=peer_out: cv2.warpPerspective(b, TILT, SIZE, dst=o, flags=f),
                    bytes=2 * a.nbytes,
                    within=within,
                )
            )
    return rows


def _borders(rgb: np.ndarray) -> list[Case]:
    """A turn by 0.3, of which a fifth comes from beyond the border: mirrored, or the edge's pixels."""
    turn = np.array([[np.cos(0.3), -np.sin(0.3), 150.0], [np.sin(0.3), np.cos(0.3), -120.0]])
    rows = []
    for border, mode in (("reflect", cv2.BORDER_REFLECT_101), ("edge", cv2.BORDER_REPLICATE)):
        for method, flag in FLAGS.items():
            copy, out, peer_out = rgb.copy(), np.empty_like(rgb), np.empty_like(rgb)
            rows.append(
                Case(
                    f"image.warp_affine {method} rgb {border}",
                    "opencv",
                    lambda m=method, o=out, b=border: image.warp_affine(rgb, turn, SHAPE, method=m, border=b, out=o),
                    lambda c=copy, f=flag, o=peer_out, b=mode: cv2.warpAffine(
                        c, turn, SIZE, dst=o, flags=f, borderMode=b
                    ),
                    bytes=2 * rgb.nbytes,
                    within=None if method == "nearest" else 1,
                )
            )
    return rows


def _fields(gray: np.ndarray) -> list[Case]:
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
    field = np.stack([x + 9 * np.sin(y / 50), y + 9 * np.sin(x / 60)], axis=2).astype(np.float32)
    b, out, peer_out = gray.copy(), np.empty_like(gray), np.empty_like(gray)
    flags = cv2.INTER_LINEAR | cv2.WARP_FILL_OUTLIERS
    center = (960.0, 540.0)
    return [
        Case(
            "image.warp bilinear gray",
            "opencv",
            lambda: image.warp(gray, field, out=out),
            lambda: cv2.remap(b, field, None, cv2.INTER_LINEAR, dst=peer_out),
            bytes=2 * gray.nbytes + field.nbytes,
            within=1,
        ),
        Case(
            "image.polar gray",
            "opencv",
            lambda: image.polar(gray, SHAPE, center=center, radius=900),
            lambda: cv2.warpPolar(b, SIZE, center, 900, flags),
            bytes=2 * gray.nbytes,
            within=None,
        ),
        Case(
            "image.polar inverse gray",
            "opencv",
            lambda: image.polar(gray, SHAPE, center=center, radius=900, inverse=True),
            lambda: cv2.warpPolar(b, SIZE, center, 900, flags | cv2.WARP_INVERSE_MAP),
            bytes=2 * gray.nbytes,
            within=None,
        ),
    ]


def _points(gray: np.ndarray) -> list[Case]:
    small = np.ascontiguousarray(gray[:480, :640]).astype(np.float32) / 255
    grid = np.array([(x, y) for y in (0, 160, 320, 479) for x in (0, 213, 426, 639)], float)
    moved = grid + np.random.default_rng(5).normal(0, 8, grid.shape) * (grid % 479 > 0)

    def by_triangles() -> np.ndarray:
        return skimage_warp(small, PiecewiseAffineTransform.from_estimate(grid, moved).inverse)

    def by_spline() -> np.ndarray:
        return skimage_warp(small, ThinPlateSplineTransform.from_estimate(moved, grid))

    return [
        Case(
            "image.piecewise_affine 640×480",
            "scikit-image",
            lambda: image.piecewise_affine(small, grid, moved),
            by_triangles,
            bytes=2 * small.nbytes,
            within=None,
        ),
        Case(
            "image.thin_plate_spline 640×480",
            "scikit-image",
            lambda: image.thin_plate_spline(small, grid, moved),
            by_spline,
            bytes=2 * small.nbytes,
            within=None,
        ),
    ]


def _seams() -> list[Case]:
    picture = scenes.gray(480, 640)

    def in_numpy() -> np.ndarray:
        gray = picture.astype(np.float32)
        for _ in range(50):
            height, width = gray.shape
            p = np.pad(gray, 1, mode="edge")
            total = np.abs(p[1:-1, 2:] - p[1:-1, :-2]) + np.abs(p[2:, 1:-1] - p[:-2, 1:-1])
            for y in range(1, height):
                above = np.pad(total[y - 1], 1, constant_values=np.inf)
                total[y] += np.minimum(np.minimum(above[:-2], above[1:-1]), above[2:])
            x, kept = int(total[-1].argmin()), np.ones(gray.shape, bool)
            kept[-1, x] = False
            for y in range(height - 2, -1, -1):
                left = max(x - 1, 0)
                x = left + int(total[y, left : x + 2].argmin())
                kept[y, x] = False
            gray = gray[kept].reshape(height, width - 1)
        return gray

    return [
        Case(
            "image.seam_carve 50 seams of 640×480",
            "numpy",
            lambda: image.seam_carve(picture, (480, 590)),
            in_numpy,
            bytes=2 * picture.nbytes,
        )
    ]
