"""The red car of the clip and a patterned square followed by each tracker of one target, beside OpenCV's MOSSE and KCF.

The truth is the box of what is red, or where the square was put. OpenCV's trackers are in its contributed modules.
"""

from __future__ import annotations

import time
from typing import Any

import cv2
import numpy as np

from sightline import image, motion
from sightline.core import evidence
from sightline.data.named import local_folder

FIGURE = {
    "figure": "mean overlap of the box with the red car (KCF of fixed size)",
    "published": 0.80,
    "source": "OpenCV 5, TrackerKCF on the same frames",
    "data": "video: car-detection.mp4, frames 207 to 219",
}
FIRST, LAST = 207, 219  # the car is whole


@evidence.reaches("motion.correlation_track", **FIGURE)
def reproduce() -> dict[str, Any]:
    """Follow both with each tracker; return the mean overlap of KCF with the car, the others in the note."""
    start = time.perf_counter()
    clip = list(image.frames(local_folder("video") / "car-detection.mp4", start=FIRST, stop=LAST + 1))
    car = _overlaps(clip, np.array([red_box(frame) for frame in clip], np.float64))
    square = _overlaps(*_square())
    note = "; ".join(
        f"{what}: " + ", ".join(f"{name} {found.mean():.3f} (least {found.min():.2f})" for name, found in each.items())
        for what, each in (("car", car), ("square", square))
    )
    return {
        "figure": FIGURE["figure"],
        "published": FIGURE["published"],
        "ours": float(car["KCF"].mean()),
        "sd": 0.0,
        "seconds": round(time.perf_counter() - start, 1),
        "holds": all(
            each[kind].mean() >= each[f"OpenCV {kind}"].mean() - 0.005
            for each in (car, square)
            for kind in ("MOSSE", "KCF")
        ),
        "note": note,
    }


def _overlaps(clip: list[np.ndarray], truth: np.ndarray) -> dict[str, np.ndarray]:
    """Return each tracker's overlap with the truth, frame by frame."""
    paths = {
        "mean shift": motion.mean_shift_track(clip, truth[0]).boxes,
        "CamShift": motion.cam_shift(clip, truth[0]).boxes,
        "MOSSE": motion.correlation_track(clip, truth[0], "mosse").boxes,
        "OpenCV MOSSE": _peer(cv2.legacy.TrackerMOSSE_create(), clip, truth[0]),
        "KCF": motion.correlation_track(clip, truth[0]).boxes,
        "OpenCV KCF": _peer(cv2.TrackerKCF_create(), clip, truth[0]),
        "KCF with sizes": motion.correlation_track(clip, truth[0], size_step=1.03).boxes,
    }
    return {name: overlaps(boxes, truth) for name, boxes in paths.items()}


def _square() -> tuple[list[np.ndarray], np.ndarray]:
    """Return frames of a square with a pattern that goes to and fro over noise, and its boxes."""
    random = np.random.default_rng(0)
    ground, pattern = random.integers(90, 130, (240, 320, 3)), random.integers(40, 250, (56, 64, 3))
    frames, boxes = [], []
    for i in (*range(12), *range(12, 0, -1)):
        frame, x, y = ground + random.normal(0, 2, ground.shape), 100 + 4 * i, 80 + 2 * i
        frame[y : y + 56, x : x + 64] = pattern
        frames.append(frame.clip(0, 255).astype(np.uint8))
        boxes.append((x, y, x + 64, y + 56))
    return frames, np.array(boxes, np.float64)


def red_box(frame: np.ndarray) -> tuple[int, int, int, int]:
    """Return the box of what is red in a frame."""
    values = frame.astype(np.int32)
    rows, columns = np.nonzero(image.opening(values[..., 0] - values[..., 1:].max(axis=2) > 50, 5))
    return int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1


def overlaps(boxes: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return the intersection over union of each box with the true one."""
    a, b = boxes.astype(np.float64), truth
    shared = np.prod(np.clip(np.minimum(a[:, 2:], b[:, 2:]) - np.maximum(a[:, :2], b[:, :2]), 0, None), axis=1)
    return shared / (np.prod(a[:, 2:] - a[:, :2], axis=1) + np.prod(b[:, 2:] - b[:, :2], axis=1) - shared)


def _peer(tracker: Any, clip: list[np.ndarray], box: np.ndarray) -> np.ndarray:
    """Return the boxes of one of OpenCV's trackers; where it says that the target is lost, its box stays."""
    x1, y1, x2, y2 = (int(v) for v in box)
    tracker.init(clip[0][..., ::-1].copy(), (x1, y1, x2 - x1, y2 - y1))
    found = [box]
    for frame in clip[1:]:
        seen, (x, y, w, h) = tracker.update(frame[..., ::-1].copy())
        found.append(np.array([x, y, x + w, y + h], np.float64) if seen else found[-1])
    return np.array(found)
