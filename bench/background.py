"""Background subtraction against OpenCV, on frames of the size of a video: a noisy ground with a square that moves."""

from __future__ import annotations

from collections.abc import Callable
from itertools import cycle
from typing import Any

import cv2
import numpy as np

from sightline import motion

from .timing import Case


def cases() -> list[Case]:
    """Return the cases; the models have settled, and a call is one frame."""
    frames = _frames()
    found = []
    for kind, peer in (("mog2", cv2.createBackgroundSubtractorMOG2()), ("knn", cv2.createBackgroundSubtractorKNN())):
        model = motion.BackgroundSubtractor(kind)
        for frame in frames:
            model.apply(frame)
            peer.apply(frame)
        found.append(
            Case(
                f"motion.background_subtract {kind} 768×432",
                "opencv",
                in_turn(model.apply, frames),
                in_turn(peer.apply, frames),
                bytes=frames[0].size,
                within=None,  # the tests hold that the masks are the same
            )
        )
    return found


def in_turn(call: Callable[[np.ndarray], Any], frames: list[np.ndarray]) -> Callable[[], Any]:
    """Return a call without arguments that takes the next frame each time, round and round."""
    turn = cycle(frames)
    return lambda: call(next(turn))


def _frames() -> list[np.ndarray]:
    random = np.random.default_rng(0)
    ground = random.integers(60, 200, (432, 768, 3))
    frames = []
    for i in range(24):
        frame = ground + random.normal(0, 1.5, ground.shape)
        frame[150:250, 25 * i : 25 * i + 120] = (230, 40, 60)
        frames.append(frame.clip(0, 255).astype(np.uint8))
    return frames
