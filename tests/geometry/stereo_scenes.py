"""Middlebury's pairs with their truth, and how a disparity map is held against it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import sightline as sl


def scene(folder: Path, name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return left, right, the true disparities and a mask of what both pictures see: cones or teddy."""
    left, right = (sl.read(folder / f"middlebury_stereo/{name}/{side}.png") for side in ("im2", "im6"))
    truth, other = (
        sl.read(folder / f"middlebury_stereo/{name}/{side}.png", mode="gray") / 4.0 for side in ("disp2", "disp6")
    )
    rows, columns = np.mgrid[: truth.shape[0], : truth.shape[1]]
    there = np.rint(columns - truth).astype(int)
    seen = (there >= 0) & (np.abs(other[rows, np.maximum(there, 0)] - truth) <= 1) & (truth > 0)
    return left, right, truth, seen


def bad(found: np.ndarray, truth: np.ndarray, seen: np.ndarray, most: float = 2.0) -> float:
    """Return the percentage of what both see whose disparity is unknown or wrong by more than ``most``."""
    return 100 * float((~(np.abs(found - truth) <= most))[seen].mean())
