"""Stereo at 450×375 with 64 disparities against OpenCV's matchers, and calibration from 13 views beside its."""

from __future__ import annotations

import cv2
import numpy as np

from sightline import geometry

from . import scenes
from .timing import Case

HEIGHT, WIDTH, DISPARITIES = 375, 450, 64


def cases() -> list[Case]:
    """Return the cases; both sides look for as many disparities along as many paths."""
    wide = scenes.gray(HEIGHT, WIDTH + DISPARITIES)
    left, right = np.ascontiguousarray(wide[:, :WIDTH]), np.ascontiguousarray(wide[:, 20 : WIDTH + 20])
    peer = cv2.StereoSGBM.create(0, DISPARITIES, 3, 72, 288, 1, 0, 10, 100, 2, cv2.STEREO_SGBM_MODE_HH)
    blocks = cv2.StereoBM.create(DISPARITIES, 9)  # it leaves out most of what ours does unless told
    blocks.setDisp12MaxDiff(1)
    blocks.setUniquenessRatio(10)
    blocks.setSpeckleWindowSize(100)
    blocks.setSpeckleRange(1)
    board = np.array([[x, y, 0] for y in range(6) for x in range(9)], np.float32)
    camera = geometry.Camera.from_focal(520, (480, 640))
    turns = np.random.default_rng(0).uniform(-0.4, 0.4, (13, 3))
    views = [geometry.project(board.astype(float), camera, turn, np.array([-4, -2.5, 14.0])) for turn in turns]
    theirs = [view.astype(np.float32) for view in views]

    def known(disparity: np.ndarray) -> np.ndarray:
        return np.float32(np.nanmedian(disparity))

    volume = HEIGHT * WIDTH * DISPARITIES
    return [
        Case(
            "geometry.sgm 8 paths",
            "opencv",
            lambda: known(geometry.sgm(left, right, DISPARITIES)),
            lambda: known(peer.compute(left, right) / 16),
            bytes=volume * (1 + 8 + 6),  # costs, then eight paths' bytes and three sums of two bytes
            within=1.0,
        ),
        Case(
            "geometry.block_match 9×9",
            "opencv",
            lambda: known(geometry.block_match(left, right, DISPARITIES, 9)),
            lambda: known(blocks.compute(left, right) / 16),
            bytes=2 * HEIGHT * WIDTH,
            within=1.0,
        ),
        Case(
            "geometry.calibrate 13 views",
            "opencv",
            lambda: geometry.calibrate(board, views, (480, 640)).camera.matrix,
            lambda: cv2.calibrateCamera([board] * 13, theirs, (640, 480), None, None)[1],
            bytes=13 * 54 * 20,
            within=0.5,
        ),
    ]
