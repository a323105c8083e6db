"""Classical operations at 1080p against OpenCV (and Pillow where it is the model), both into prepared arrays."""

from __future__ import annotations

import cv2
import numpy as np
from PIL import Image

from sightline import image

from . import scenes
from .timing import Case

HEIGHT, WIDTH = 1080, 1920
PIXELS = HEIGHT * WIDTH


def cases() -> list[Case]:
    """Return the cases; the peer's image is a copy, so that neither side finds the other's data in its cache."""
    rgb = scenes.rgb(HEIGHT, WIDTH)
    gray = np.ascontiguousarray(rgb[..., 1])
    return [*_convert(rgb, rgb.copy()), *_blur(gray, gray.copy()), *_resize(gray, rgb)]


def _convert(a: np.ndarray, b: np.ndarray) -> list[Case]:
    gray, peer_gray = np.empty((2, HEIGHT, WIDTH), np.uint8)
    hsv, peer_hsv = np.empty((2, HEIGHT, WIDTH, 3), np.uint8)
    return [
        Case(
            "image.convert rgb→gray",
            "opencv",
            lambda: image.convert(a, "rgb", "gray", out=gray),
            lambda: cv2.cvtColor(b, cv2.COLOR_RGB2GRAY, dst=peer_gray),
            bytes=4 * PIXELS,
        ),
        Case(
            "image.convert rgb→hsv",
            "opencv",
            lambda: image.convert(a, "rgb", "hsv", out=hsv),
            lambda: cv2.cvtColor(b, cv2.COLOR_RGB2HSV, dst=peer_hsv),
            bytes=6 * PIXELS,
        ),
    ]


def _blur(a: np.ndarray, b: np.ndarray) -> list[Case]:
    out, peer_out = np.empty((2, HEIGHT, WIDTH), np.uint8)
    float_a, float_b = a.astype(np.float32) / 255, b.astype(np.float32) / 255
    float_out, peer_float_out = np.empty((2, HEIGHT, WIDTH), np.float32)
    bytes_gaussian = [
        Case(
            f"image.gaussian_blur σ={sigma} uint8",
            "opencv",
            lambda sigma=sigma: image.gaussian_blur(a, sigma, out=out),
            lambda sigma=sigma: cv2.GaussianBlur(b, (0, 0), sigma, dst=peer_out),
            bytes=2 * PIXELS,
            within=1,
        )
        for sigma in (1.1, 3.0, 10.0)
    ]
    float_gaussian = [
        Case(
            f"image.gaussian_blur σ={sigma} float32",
            "opencv",
            lambda sigma=sigma: image.gaussian_blur(float_a, sigma, out=float_out),
            lambda sigma=sigma: cv2.GaussianBlur(float_b, (0, 0), sigma, dst=peer_float_out),
            bytes=8 * PIXELS,
            within=1e-5,
        )
        for sigma in (1.1, 3.0, 10.0)
    ]
    median = [
        Case(
            f"image.median_blur {size}×{size}",
            "opencv",
            lambda size=size: image.median_blur(a, size, out=out),
            lambda size=size: cv2.medianBlur(b, size, dst=peer_out),
            bytes=2 * PIXELS,
        )
        for size in (3, 5, 7, 15, 31)
    ]
    return [*bytes_gaussian, *float_gaussian, *median]


def _resize(gray: np.ndarray, rgb: np.ndarray) -> list[Case]:
    rows = []
    peers = {"bilinear": cv2.INTER_LINEAR, "bicubic": cv2.INTER_CUBIC, "lanczos": cv2.INTER_LANCZOS4}
    peers |= {"area": cv2.INTER_AREA, "nearest": cv2.INTER_NEAREST_EXACT}
    wanted = [
        ("bilinear", gray, (540, 960), 0),
        ("bilinear", gray, (720, 1280), 1),
        ("bilinear", gray, (1620, 2880), 1),
        ("bilinear", rgb, (540, 960), 0),
        ("bilinear", rgb, (720, 1280), 1),
        ("bilinear", rgb, (1620, 2880), 1),
        ("nearest", rgb, (720, 1280), 0),
        ("bicubic", rgb, (720, 1280), 1),
        ("lanczos", rgb, (720, 1280), 1),
        ("area", rgb, (720, 1280), 1),
        ("bicubic", gray, (720, 1280), 1),
        ("lanczos", gray, (720, 1280), 1),
    ]
    floats = [source.astype(np.float32) / 255 for source in (gray, rgb)]
    wanted += [(method, source, (720, 1280), 1e-5) for method in ("bilinear", "bicubic") for source in floats]
    for method, source, shape, within in wanted:
        out, peer_out = np.empty((2, *shape, *source.shape[2:]), source.dtype)
        rows.append(
            Case(
                f"image.resize {method} {'rgb' if source.ndim == 3 else 'gray'} {shape[1]}×{shape[0]}"
                + (" float32" if source.dtype == np.float32 else ""),
                "opencv",
                lambda s=source, h=shape, m=method, o=out: image.resize(s, h, method=m, antialias=False, out=o),
                lambda s=source, h=shape, m=method, o=peer_out: cv2.resize(s, h[::-1], dst=o, interpolation=peers[m]),
                bytes=source.nbytes + out.nbytes,
                within=within,
            )
        )
    picture, out = Image.fromarray(rgb), np.empty((540, 960, 3), np.uint8)
    rows.append(
        Case(
            "image.resize bilinear rgb 960×540, antialias",
            "pillow",
            lambda: image.resize(rgb, (540, 960), antialias=True, out=out),
            lambda: np.asarray(picture.resize((960, 540), Image.Resampling.BILINEAR)),
            bytes=rgb.nbytes + out.nbytes,
            within=1,
        )
    )
    return rows
