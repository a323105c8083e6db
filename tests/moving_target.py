"""Sequences with a known truth for the trackers of one target, and the overlap of boxes."""

from __future__ import annotations

import numpy as np

import sightline as sl


def photo_over_photo(count: int = 60, growth: float = 0.0) -> tuple[list[np.ndarray], np.ndarray]:
    """Return frames of a cat that circles over a temple, with noise, and its boxes N×4."""
    scene, face = sl.image.resize(sl.data.sample("china"), (180, 240)), sl.data.sample("cat")
    random = np.random.default_rng(0)
    frames, boxes = [], []
    for i in range(count):
        scale, turn = (1 + growth) ** i, i / count * 2 * np.pi
        width, height = round(36 * scale), round(30 * scale)
        x, y = round(120 + 70 * np.cos(turn) - width / 2), round(90 + 45 * np.sin(2 * turn) - height / 2)
        frame = scene.astype(np.float64)
        frame[y : y + height, x : x + width] = sl.image.resize(face, (height, width))
        frames.append((frame + random.normal(0, 3, frame.shape)).clip(0, 255).astype(np.uint8))
        boxes.append((x, y, x + width, y + height))
    return frames, np.array(boxes, np.float64)


def red_car(clip: np.ndarray) -> np.ndarray:
    """Return the box of what is red in each frame of the clip of cars, N×4; the car drives from below to the top."""
    boxes = []
    for frame in clip.astype(np.int32):
        rows, columns = np.nonzero(sl.image.opening(frame[..., 0] - frame[..., 1:].max(axis=2) > 50, 5))
        boxes.append((columns.min(), rows.min(), columns.max() + 1, rows.max() + 1))
    return np.array(boxes, np.float64)


def overlaps(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the intersection over union of each pair of boxes."""
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    shared = np.prod(np.clip(np.minimum(a[:, 2:], b[:, 2:]) - np.maximum(a[:, :2], b[:, :2]), 0, None), axis=1)
    return shared / (np.prod(a[:, 2:] - a[:, :2], axis=1) + np.prod(b[:, 2:] - b[:, :2], axis=1) - shared)
