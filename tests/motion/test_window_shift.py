"""Mean shift and CamShift visit OpenCV's windows on the same back-projection."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import cv2
import numpy as np

from sightline.core import evidence
from sightline.motion.window_shift import cam_shift, mean_shift

Window = tuple[int, int, int, int]


def cases() -> Iterator[tuple[np.ndarray, Window]]:
    """Yield blobs of any form with and without noise, and windows that lie over them, beside them and half outside."""
    random = np.random.default_rng(0)
    for turn in range(200):
        height, width = (int(v) for v in random.integers(20, 200, 2))
        y, x = np.mgrid[0:height, 0:width]
        u = (x - random.uniform(0, width)) / random.uniform(3, 30)
        v = (y - random.uniform(0, height)) / random.uniform(3, 30)
        blob = 255 * np.exp(-(u * u + v * v - 2 * random.uniform(-0.8, 0.8) * u * v) / 2)
        noise = random.integers(0, 20, blob.shape) if turn % 2 else 0
        window = (*random.integers(0, (width, height)), *random.integers(2, 60, 2))
        yield (blob + noise).clip(0, 255).astype(np.uint8), tuple(int(v) for v in window)  # type: ignore[misc]


@evidence.equals("motion.mean_shift_track", peer="opencv", tolerance="identical windows on the same back-projection")
def test_mean_shift_equals_opencv(measured: Callable[[float], None]) -> None:
    criteria = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 10, 1.0)
    other = [mean_shift(w, start, 10, 1.0)[-1] != tuple(cv2.meanShift(w, start, criteria)[1]) for w, start in cases()]
    measured(sum(other))
    assert not any(other)


@evidence.equals("motion.cam_shift", peer="opencv", tolerance="identical windows, ellipses to 1e-3 pixels and degrees")
def test_cam_shift_equals_opencv(measured: Callable[[float], None]) -> None:
    criteria, worst, seen = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 10, 1.0), 0.0, 0
    for weights, start in cases():
        visited, ellipse = cam_shift(weights, start, 10, 1.0)
        (centre, size, angle), window = cv2.CamShift(weights, start, criteria)
        assert visited[-1] == tuple(window)
        if ellipse is None:
            assert size == (0, 0)
            continue
        seen += 1
        turned = (angle - 90 - np.degrees(ellipse[4]) + 90) % 180 - 90 if ellipse[2] - ellipse[3] > 1 else 0.0
        worst = max(worst, abs(turned), *np.abs(ellipse[:2] - centre), *np.abs(ellipse[2:4] - size[::-1]))
    measured(worst)
    assert seen > 100
    assert worst < 1e-3
