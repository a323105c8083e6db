"""Pictures to measure on, made of shapes and of noise that falls off with frequency as it does in photographs."""

from __future__ import annotations

import numpy as np
from PIL import Image


def rgb(height: int = 1080, width: int = 1920) -> np.ndarray:
    """Return an H×W×3 uint8 scene, the same one every time."""
    generator = np.random.default_rng(7)
    total = np.zeros((height, width, 3), np.float32)
    for octave in range(8):
        cells = (max(2, width >> (8 - octave)), max(2, height >> (8 - octave)))
        noise = generator.integers(0, 256, (cells[1], cells[0], 3), np.uint8)
        total += np.asarray(Image.fromarray(noise).resize((width, height), 3), np.float32) * 2.0**-octave
    total = (total - total.min()) / (total.max() - total.min()) * 255
    rows, columns = np.mgrid[:height, :width]
    for _ in range(40):  # discs with hard edges
        x, y, radius = generator.integers((0, 0, 10), (width, height, height // 6))
        total[(columns - x) ** 2 + (rows - y) ** 2 < radius**2] *= generator.uniform(0.5, 1.0, 3)
    return np.clip(total, 0, 255).astype(np.uint8)


def gray(height: int = 1080, width: int = 1920) -> np.ndarray:
    """Return an H×W uint8 scene, the same one every time."""
    return np.ascontiguousarray(rgb(height, width)[..., 1])
