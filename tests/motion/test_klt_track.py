"""The tracker of Kanade, Lucas and Tomasi on a film, beside OpenCV's steps, and on motion that is known."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

import sightline as sl
from motion.flow_scenes import waves
from sightline.core import evidence
from sightline.core.errors import InputError


def test_points_move_with_what_they_show() -> None:
    frames = [waves(dx=1.3 * k, dy=-0.4 * k)[1] for k in range(6)]
    tracks = sl.motion.klt_track(frames, 30)
    assert tracks.points.shape[0] == 6
    inner = ((tracks.points[0] > 12) & (tracks.points[0] < (84, 60))).all(axis=1)  # at the border, the picture ends
    whole = tracks[(tracks.lengths == 6) & inner]
    assert len(whole) >= 5
    way = whole.points - whole.points[0]
    expected = np.arange(6)[:, None, None] * np.array([1.3, -0.4])
    assert np.abs(way - expected).max() < 0.2


@evidence.equals(
    "motion.klt_track",
    peer="opencv",
    tolerance="95 % of the points within 0.1 pixels after 12 frames, there and back by its Lucas–Kanade",
    data="car-detection.mp4",
)
def test_a_film_equals_opencv(shared_data: Path, measured: Callable[[float], None]) -> None:
    pytest.importorskip("av")
    frames = list(sl.image.frames(shared_data / "video" / "car-detection.mp4", stop=12, mode="gray"))
    tracks = sl.motion.klt_track(frames, 150, renew=0.0)
    points = tracks.points[0]
    alive = np.ones(len(points), bool)
    for a, b in pairwise(frames):
        there, found, _ = cv2.calcOpticalFlowPyrLK(a, b, points, None)
        again, back, _ = cv2.calcOpticalFlowPyrLK(b, a, there, None)
        alive &= (found.ravel() > 0) & (back.ravel() > 0) & (np.linalg.norm(again - points, axis=1) <= 1)
        points = there
    ours = np.isfinite(tracks.points[-1]).all(axis=1)
    assert (ours == alive).mean() > 0.97
    both = ours & alive
    assert both.sum() > 40
    near = np.linalg.norm(tracks.points[-1] - points, axis=1)[both] < 0.1
    measured(float(near.mean()))
    assert near.mean() >= 0.95


def test_a_cut_loses_all_and_finds_new_ones() -> None:
    scene, _, _ = waves()
    other = np.random.default_rng(0).random(scene.shape).astype(np.float32)
    tracks = sl.motion.klt_track([scene, scene, other, other], 25)
    seen = tracks.seen
    assert not (seen[1] & seen[2]).sum() > 2
    assert seen[3].sum() > 10
    assert not sl.motion.klt_track([scene, other], 25, renew=0.0).seen[1].sum() > 2


def test_plain_frames_have_no_points_and_a_drawing_is_made() -> None:
    plain = np.full((40, 50), 7, np.uint8)
    tracks = sl.motion.klt_track(iter([plain, plain]))
    assert len(tracks) == 0
    assert tracks.points.shape == (2, 0, 2)
    moving = sl.motion.klt_track([waves(dx=4.0 * k, dy=0)[1] for k in range(3)], 5)
    assert (moving.draw(np.zeros((72, 96), np.uint8)) > 0).any()
    record = moving.to_json()[0]
    assert record["frame"] == 0
    assert len(record["points"]) == moving.lengths[0]


def test_bad_frames_are_refused_in_a_sentence() -> None:
    a = np.zeros((20, 30), np.uint8)
    with pytest.raises(InputError, match="frames must hold at least one picture; got none"):
        sl.motion.klt_track([])
    with pytest.raises(InputError, match="must all be 20×30 like the first; got 20×31 uint8 as number 1"):
        sl.motion.klt_track([a, np.zeros((20, 31), np.uint8)])
    with pytest.raises(InputError, match=r"Open a video with sightline\.image\.frames"):
        sl.motion.klt_track("film.mp4")
