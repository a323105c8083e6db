"""Trackers of one target: known truths, a car beside OpenCV's filters, targets that leave, and refusals by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

import sightline as sl
from moving_target import overlaps, photo_over_photo, red_car
from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.core.trace import trace
from sightline.motion import (
    CamShiftTracker,
    CorrelationTracker,
    MeanShiftTracker,
    cam_shift,
    correlation_track,
    mean_shift_track,
)
from sightline.motion.mean_shift_track import SQUARE, moving_square

KINDS: dict[str, Callable[[], Any]] = {
    "mean shift": MeanShiftTracker,
    "cam shift": CamShiftTracker,
    "mosse": lambda: CorrelationTracker("mosse"),
    "kcf": CorrelationTracker,
}
LEAST = {"mean shift": 0.75, "mosse": 0.9, "kcf": 0.9}  # mean overlap over a busy photo


@pytest.mark.parametrize("kind", LEAST)
def test_follows_a_cat_over_a_temple(kind: str) -> None:
    frames, truth = photo_over_photo()
    tracker = KINDS[kind]()
    found = [tracker.start(frames[0], truth[0]), *(tracker.update(frame) for frame in frames[1:])]
    assert not tracker.lost
    assert overlaps(np.array(found), truth).mean() >= LEAST[kind]
    assert overlaps(np.array(found), truth).min() > 0.6


def test_cam_shift_turns_and_grows_with_a_bar() -> None:
    y, x = np.mgrid[0:160, 0:200]
    random = np.random.default_rng(0)
    frames, truth = [], []
    for i in range(16):
        angle, length, centre = 0.3 + 0.08 * i, 50 + 2 * i, (70 + 3 * i, 60 + 2 * i)
        along = (x - centre[0]) * np.cos(angle) + (y - centre[1]) * np.sin(angle)
        across = (y - centre[1]) * np.cos(angle) - (x - centre[0]) * np.sin(angle)
        bar = (np.abs(along) <= length / 2) & (np.abs(across) <= 8)
        frame = np.where(bar[..., None], (210, 60, 40), (70, 110, 90)) + random.normal(0, 4, (*y.shape, 3))
        frames.append(frame.clip(0, 255).astype(np.uint8))
        truth.append((*centre, length * 4 / 12**0.5, angle))  # four standard deviations of a bar
    path = cam_shift(frames, (40, 40, 100, 80))
    assert path.ellipses is not None
    found, truth = path.ellipses[1:], np.array(truth)[1:]
    assert np.abs(found[:, :2] - truth[:, :2]).max() < 2.5
    assert np.abs(found[:, 2] / truth[:, 2] - 1).max() < 0.08
    assert np.abs(found[:, 4] - truth[:, 3]).max() < 0.05
    assert not path.lost.any()


def test_kcf_grows_with_its_target() -> None:
    frames, truth = photo_over_photo(growth=0.01)
    fixed, growing = (correlation_track(frames, truth[0], size_step=step) for step in (1.0, 1.03))
    assert overlaps(growing.boxes, truth).mean() > overlaps(fixed.boxes, truth).mean() + 0.1
    assert not growing.lost.any()


@pytest.mark.slow
@evidence.equals(
    "motion.correlation_track", peer="opencv", tolerance="mean overlap ≥ its own filter's − 0.005", data="video"
)
def test_a_car_beside_opencv(shared_data: Path, measured: Callable[[float], None]) -> None:
    clip = np.stack(list(sl.image.frames(shared_data / "video" / "car-detection.mp4", start=207, stop=220)))
    truth = red_car(clip)
    x1, y1, x2, y2 = (int(v) for v in truth[0])
    for kind, peer in (("mosse", cv2.legacy.TrackerMOSSE_create()), ("kcf", cv2.TrackerKCF_create())):
        peer.init(clip[0][..., ::-1].copy(), (x1, y1, x2 - x1, y2 - y1))
        theirs = [truth[0]]
        for frame in clip[1:]:
            seen, (x, y, w, h) = peer.update(frame[..., ::-1].copy())
            theirs.append(np.array([x, y, x + w, y + h], np.float64) if seen else theirs[-1])
        ahead = overlaps(correlation_track(clip, truth[0], kind).boxes, truth).mean() - overlaps(theirs, truth).mean()
        measured(ahead)
        assert ahead >= -0.005


@pytest.mark.parametrize("kind", KINDS)
def test_a_target_that_leaves_is_lost_and_its_box_stays(kind: str) -> None:
    frames = moving_square(None)
    tracker = KINDS[kind]()
    tracker.start(frames[0], SQUARE)
    for frame in frames[1:]:
        before = tracker.update(frame)
        assert not tracker.lost
    empty = np.random.default_rng(5).integers(60, 140, frames[0].shape).astype(np.uint8)
    for _ in range(3):
        assert np.array_equal(tracker.update(empty), before)
        assert tracker.lost
    tracker.update(frames[-1])
    assert not tracker.lost, "it is found again where it was"


@pytest.mark.parametrize("function", [mean_shift_track, cam_shift, correlation_track])
def test_steps_and_records(function: Any) -> None:
    frames = moving_square(None)
    path = function(frames, SQUARE)
    again = trace(function, frames, box=np.array(SQUARE)).result
    assert np.array_equal(again.boxes, path.boxes)
    assert np.array_equal(function(iter(np.stack(frames)), SQUARE).boxes, path.boxes)
    assert path.draw(frames[2], 2).shape == frames[2].shape
    assert len(path) == len(path.to_json()) == len(frames)
    assert path.to_json()[-1]["lost"] is False
    assert np.array_equal(path[0], np.float32(SQUARE))
    assert function([frame[..., 0] for frame in frames], SQUARE).boxes.shape == (6, 4)


@pytest.mark.parametrize("kind", KINDS)
def test_refuses_by_name(kind: str) -> None:
    tracker, frame = KINDS[kind](), np.zeros((40, 50, 3), np.uint8)
    with pytest.raises(InputError, match=r"Call start\(frame, box\)"):
        tracker.update(frame)
    for wrong in ((0, 0, np.nan, 4), (60, 0, 70, 5), (5, 5, 5, 9), (1, 2, 3), "box", None, (-9, -9, 0.5, 0.5)):
        with pytest.raises(InputError, match="box must"):
            tracker.start(frame, wrong)
    assert tracker.start(frame, (-5, -5, 20, 20)).tolist() == [0, 0, 20, 20]
    with pytest.raises(InputError, match=r"the first one's shape 40×50×3; got 40×51×3 uint8.*start\(frame, box\)"):
        tracker.update(np.zeros((40, 51, 3), np.uint8))
    with pytest.raises(InputError, match="frame must be finite"):
        tracker.update(np.full((40, 50, 3), np.nan, np.float32))
    tracker.update(frame)  # a picture without anything in it
    with pytest.raises(InputError, match="frames must be one image at least"):
        mean_shift_track([], SQUARE)
    with pytest.raises(InputError, match="size_step must be 1 for kind 'mosse'"):
        CorrelationTracker("mosse", size_step=1.1)
