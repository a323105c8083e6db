"""Small image files made on the spot, and what a reader must do with each: what the corpus is written with."""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps

RANDOM = np.random.default_rng(5)
Y, X = np.mgrid[0:37, 0:53]
GRAY = ((X * 5 + Y * 3) % 256).astype(np.uint8)
RGB = np.stack([GRAY, (X * 4 % 256).astype(np.uint8), (Y * 6 % 256).astype(np.uint8)], axis=2)
ALPHA = np.where((X + Y) % 7 < 3, X * 4 % 256, 255).astype(np.uint8)
RGBA = np.dstack([RGB, ALPHA])
DEEP = (GRAY.astype(np.uint16) * 251 + X.astype(np.uint16)).astype(np.uint16)
FLOAT = (np.sin(X / 3.0) * 1000 + Y).astype(np.float32)


@dataclass
class Case:
    """One file. ``expect``: an array that must come out, "refused", "whole or refused", or "any" (either, no crash)."""

    name: str
    data: bytes | None
    expect: Any
    mode: str = "unchanged"
    says: str = ""
    path: Path | None = None
    bomb: bool = False


def encode(pixels: np.ndarray | Image.Image, form: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    picture = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    picture.save(stream, form, **options)
    return stream.getvalue()


def by_pillow(data: bytes, mode: str) -> np.ndarray:
    return np.array(ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert(mode))


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(
    width: int, height: int, depth: int = 8, colour: int = 2, extra: bytes = b"", rows: bytes = b"\0" * 99
) -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + extra + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def tiff(pixels: np.ndarray, **options: Any) -> bytes:
    import tifffile

    stream = io.BytesIO()
    tifffile.imwrite(stream, pixels, **options)
    return stream.getvalue()


def gif() -> bytes:
    return encode(Image.fromarray(RGB).quantize(31), "GIF")
