"""Patches around a target are those of an affine warp, inside a frame and beyond it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

import sightline as sl
from sightline.core import evidence
from sightline.motion.target_patch import target_patch


@evidence.equals("motion.correlation_track", peer="opencv", tolerance="patches within 1.5 of 255", data="noise")
def test_a_patch_is_an_affine_warp(measured: Callable[[float], None]) -> None:
    import cv2

    frame = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    worst = 0.0
    for centre, scale in (((40.3, 29.6), 1.56), ((2.0, 70.5), 0.7), ((39.0, 30.0), 1.0)):
        start = np.array(centre) - scale * (np.array([24, 20]) - 1) / 2
        matrix = np.array([[scale, 0, start[0]], [0, scale, start[1]]])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        expected = cv2.warpAffine(
            frame.astype(np.float32), matrix, (24, 20), flags=flags, borderMode=cv2.BORDER_REPLICATE
        )
        found = target_patch(frame, np.array(centre), scale, (20, 24))
        gray = target_patch(frame, np.array(centre), scale, (20, 24), gray=True)
        one = target_patch(frame[..., 0].copy(), np.array(centre), scale, (20, 24))
        pairs = (found, expected), (gray, expected.mean(axis=2)), (one, expected[..., 0])
        worst = max(worst, *(float(np.abs(a.astype(np.float64) - b).max()) for a, b in pairs))
    measured(worst)
    assert worst < 1.5


def test_far_beyond_the_frame_its_edge_goes_on() -> None:
    frame = sl.data.sample("astronaut")[:20, :30]
    assert (target_patch(frame, np.array([-500.0, -500.0]), 2.0, (8, 9)) == frame[0, 0]).all()
