"""Pyramids and multi-band blending at 1080p against OpenCV's pyrDown and pyrUp."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np

from sightline import image

from . import scenes
from .timing import Case

HEIGHT, WIDTH, LEVELS = 1080, 1920, 6


def cases() -> list[Case]:
    """Return the cases; the peer's image is a copy, so that neither side finds the other's data in its cache."""
    rgb = scenes.rgb(HEIGHT, WIDTH)
    gray = np.ascontiguousarray(rgb[..., 1])
    rows = []
    for name, a in (("gray uint8", gray), ("rgb uint8", rgb), ("gray float32", gray / np.float32(255))):
        b = a.copy()
        levels = _gaussian(b.copy())
        rows.append(
            Case(
                f"image.gaussian_pyramid {LEVELS} levels {name}",
                "opencv",
                lambda a=a: image.gaussian_pyramid(a, LEVELS)[-1],
                lambda b=b, levels=levels: _gaussian_into(levels, b)[-1],
                bytes=a.nbytes * 4 // 3,
                within=0 if a.dtype == np.uint8 else 1e-5,
            )
        )
    return [*rows, *_laplacian(gray / np.float32(255)), *_blend(rgb)]


def _laplacian(a: np.ndarray) -> list[Case]:
    b = a.copy()
    bands, peer_bands = image.laplacian_pyramid(a, LEVELS), _bands(b)
    return [
        Case(
            f"image.laplacian_pyramid {LEVELS} levels gray float32",
            "opencv",
            lambda: image.laplacian_pyramid(a, LEVELS)[0],
            lambda: _bands(b)[0],
            bytes=a.nbytes * 7 // 3,
            within=1e-5,
        ),
        Case(
            f"image.collapse {LEVELS} levels gray float32",
            "opencv",
            lambda: image.collapse(bands),
            lambda: _collapse(peer_bands),
            bytes=a.nbytes * 7 // 3,
            within=1e-5,
        ),
    ]


def _blend(rgb: np.ndarray) -> list[Case]:
    a, b = rgb, np.ascontiguousarray(rgb[:, ::-1])
    left = np.broadcast_to(np.arange(WIDTH) < WIDTH // 2, (HEIGHT, WIDTH)).copy()
    weights = np.dstack([left.astype(np.float32)] * 3)

    def peer() -> np.ndarray:
        parts = zip(_gaussian(weights), _bands(a.astype(np.float32)), _bands(b.astype(np.float32)), strict=True)
        total = _collapse([w * x + (1 - w) * y for w, x, y in parts])
        return np.clip(np.rint(total), 0, 255).astype(np.uint8)

    return [
        Case(
            f"image.blend {LEVELS} levels rgb uint8",
            "opencv",
            lambda: image.blend(a, b, left, LEVELS),
            peer,
            bytes=3 * rgb.nbytes,
            within=1,
        )
    ]


def _gaussian(picture: np.ndarray) -> list[np.ndarray]:
    levels = [picture]
    for _ in range(LEVELS - 1):
        levels.append(cv2.pyrDown(levels[-1]))
    return levels


def _gaussian_into(levels: list[np.ndarray], picture: np.ndarray) -> list[np.ndarray]:
    np.copyto(levels[0], picture)  # ours is a copy as well: a pyramid does not change when its picture does
    for fine, coarse in pairwise(levels):
        cv2.pyrDown(fine, dst=coarse)
    return levels


def _bands(picture: np.ndarray) -> list[np.ndarray]:
    levels = _gaussian(picture)
    fine = [cv2.subtract(a, cv2.pyrUp(b, dstsize=a.shape[1::-1])) for a, b in pairwise(levels)]
    return [*fine, levels[-1]]


def _collapse(bands: list[np.ndarray]) -> np.ndarray:
    total = bands[-1]
    for band in bands[-2::-1]:
        total = cv2.add(cv2.pyrUp(total, dstsize=band.shape[1::-1]), band)
    return total
