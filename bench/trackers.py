"""Trackers of one target against OpenCV: a square with a pattern that goes to and fro, one update a call.

OpenCV's MOSSE searches the target's own box, ours a window 2.5 times as wide and high; of a target that moves a quarter
of its side in a frame, ours keeps hold (``tests/motion/test_single_target.py``) and the other one does not. The
patch that ours transforms is 88×104, theirs 56×64: its three transforms alone take longer than an update of theirs.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from sightline import motion

from .background import in_turn
from .timing import Case

START = (200, 150, 264, 206)


def cases() -> list[Case]:
    """Return the cases. OpenCV's correlation filters are in its contributed modules."""
    frames = _frames()
    size = f"{frames[0].shape[1]}×{frames[0].shape[0]}"
    found = []
    for name, tracker, peer in (
        ("mean_shift_track", motion.MeanShiftTracker(), _Shift(cv2.meanShift)),
        ("cam_shift", motion.CamShiftTracker(), _Shift(cv2.CamShift)),
        ("correlation_track mosse", motion.CorrelationTracker("mosse"), _Filter(cv2.legacy.TrackerMOSSE_create)),
        ("correlation_track kcf", motion.CorrelationTracker("kcf"), _Filter(cv2.TrackerKCF_create)),
    ):
        tracker.start(frames[0], START)
        peer.start(frames[0], START)
        found.append(
            Case(
                f"motion.{name} {size}",
                "opencv",
                in_turn(tracker.update, frames),
                in_turn(peer.update, frames),
                bytes=frames[0].size,
                within=None,  # other models; the tests hold the windows on the same back-projection
            )
        )
    return found


class _Shift:
    """OpenCV's own example: a histogram of hue and saturation, its back-projection, the window."""

    def __init__(self, move: Any) -> None:
        self.move, self.criteria = move, (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 10, 1)

    def start(self, frame: np.ndarray, box: tuple[int, int, int, int]) -> None:
        x1, y1, x2, y2 = box
        part = cv2.cvtColor(frame[y1:y2, x1:x2], cv2.COLOR_RGB2HSV)
        self.histogram = cv2.calcHist([part], [0, 1], None, [16, 16], [0, 180, 0, 256])
        cv2.normalize(self.histogram, self.histogram, 0, 255, cv2.NORM_MINMAX)
        self.window = (x1, y1, x2 - x1, y2 - y1)

    def update(self, frame: np.ndarray) -> Any:
        hsv = cv2.cvtColor(frame, cv2.COLOR_RGB2HSV)
        weights = cv2.calcBackProject([hsv], [0, 1], self.histogram, [0, 180, 0, 256], 1)
        _, self.window = self.move(weights, self.window, self.criteria)
        return self.window


class _Filter:
    def __init__(self, create: Any) -> None:
        self.create = create

    def start(self, frame: np.ndarray, box: tuple[int, int, int, int]) -> None:
        x1, y1, x2, y2 = box
        self.tracker = self.create()
        self.tracker.init(frame, (x1, y1, x2 - x1, y2 - y1))

    def update(self, frame: np.ndarray) -> Any:
        return self.tracker.update(frame)[1]


def _frames() -> list[np.ndarray]:
    random = np.random.default_rng(0)
    ground = random.integers(90, 130, (480, 640, 3))
    pattern = random.integers(0, 50, (56, 64, 3)) + np.array([200, 30, 40])
    frames = []
    for i in (*range(12), *range(12, 0, -1)):
        frame = ground + random.normal(0, 2, ground.shape)
        frame[150 + 2 * i : 206 + 2 * i, 200 + 4 * i : 264 + 4 * i] = pattern
        frames.append(frame.clip(0, 255).astype(np.uint8))
    return frames
