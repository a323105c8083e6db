"""Pairs of pictures with known motion: Middlebury's, and small ones that are made."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import sightline as sl
from sightline.core.types import Array

SCENES = ("RubberWhale", "Dimetrodon", "Venus")
ONE_AT_ONCE = (SCENES[0], *(pytest.param(name, marks=pytest.mark.slow) for name in SCENES[1:]))


def scene(shared_data: Path, name: str, mode: str = "gray") -> tuple[Array, Array, Array]:
    """Return two pictures of Middlebury's set and their flow, NaN where it is not known."""
    folder = shared_data / "middlebury_flow" / name
    a, b = (sl.image.read(folder / f"frame{number}.png", mode=mode) for number in (10, 11))
    return a, b, sl.motion.read_flow(folder / "flow10.flo.zip")


def waves(height: int = 72, width: int = 96, dx: float = 1.6, dy: float = -0.7) -> tuple[Array, Array, Array]:
    """Return two float32 pictures, the second one moved by (dx, dy), and the flow: exact, between the pixels too."""
    y, x = np.mgrid[:height, :width].astype(np.float64)

    def look(x: Array, y: Array) -> Array:
        return (0.5 + 0.2 * np.sin(x / 4 + y / 17) + 0.2 * np.cos(y / 5 - x / 23)).astype(np.float32)

    flow = np.broadcast_to(np.array([dx, dy], np.float32), (height, width, 2))
    return look(x, y), look(x - dx, y - dy), flow
