"""Lucas and Kanade's flow against OpenCV's pyramidal one, on Middlebury's pairs and on motion that is known."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

import sightline as sl
from motion.flow_scenes import SCENES, scene, waves
from sightline.core import evidence
from sightline.core.errors import InputError


@pytest.mark.parametrize("name", SCENES)
@evidence.equals(
    "motion.lucas_kanade",
    peer="opencv",
    tolerance="95 % of the points within 0.05 pixels, the same ones found",
    data="RubberWhale, Dimetrodon, Venus",
)
def test_points_equal_opencv(name: str, shared_data: Path, measured: Callable[[float], None]) -> None:
    a, b, _ = scene(shared_data, name)
    points = cv2.goodFeaturesToTrack(a, 800, 0.001, 5).reshape(-1, 2)
    theirs, status, off = cv2.calcOpticalFlowPyrLK(a, b, points, None)
    ours = sl.motion.lucas_kanade(a, b, points)
    both = ours.found & (status.ravel() > 0)
    assert (ours.found == (status.ravel() > 0)).mean() > 0.99
    apart = np.linalg.norm(ours.points - theirs, axis=1)[both]
    measured(float((apart <= 0.05).mean()))
    assert (apart <= 0.05).mean() >= 0.95
    assert np.median(np.abs(ours.errors - off.ravel())[both]) < 0.01


@pytest.mark.parametrize(("window", "levels"), [(9, 0), (15, 2), (31, 1)])
def test_other_windows_and_borders_equal_opencv(window: int, levels: int, photos: dict[str, np.ndarray]) -> None:
    a = np.clip(cv2.GaussianBlur(photos["noise"][..., 0], (0, 0), 2).astype(int) * 4 - 380, 0, 255).astype(np.uint8)
    b = np.roll(a, (1, -1), (0, 1))
    points = np.random.default_rng(2).uniform(-6, 68, (200, 2)).astype(np.float32)
    options = {"winSize": (window, window), "maxLevel": levels}
    theirs, status, _ = cv2.calcOpticalFlowPyrLK(a, b, points, None, **options)
    ours = sl.motion.lucas_kanade(a, b, points, window, levels)
    same = ours.found == (status.ravel() > 0)
    both = ours.found & (status.ravel() > 0)
    assert same.mean() > 0.95
    assert (np.linalg.norm(ours.points - theirs, axis=1)[both] < 0.05).mean() > 0.95


def test_every_pixel_is_a_point() -> None:
    a, b, truth = waves()
    flow = sl.motion.lucas_kanade(a, b)
    assert flow.shape == truth.shape
    assert flow.dtype == np.float32
    inner = (slice(16, -16), slice(16, -16))
    assert np.abs(flow - truth)[inner].max() < 0.02
    points = np.array([[40.0, 30.0], [20.0, 50.0]])
    moved = sl.motion.lucas_kanade(a, b, points)
    np.testing.assert_array_equal(moved.flow, flow[[30, 50], [40, 20]])
    ends, found, errors = moved
    assert found.all()
    assert (errors < 0.5).all()
    np.testing.assert_array_equal(ends, moved.points)


def test_what_is_plain_or_far_outside_is_lost() -> None:
    plain = np.full((40, 50), 90, np.uint8)
    plain[:, 25:] = 120  # an edge: motion along it cannot be told
    moved = sl.motion.lucas_kanade(plain, plain, np.array([[10.0, 10], [25, 20], [900, -900]]))
    assert not moved.found.any()
    assert np.isnan(moved.points).all()
    assert moved.to_json()[0] == {"from": [10.0, 10.0]}
    assert len(sl.motion.lucas_kanade(plain, plain, np.zeros((0, 2)))) == 0


def test_a_drawing_shows_the_way() -> None:
    a, b, _ = waves(dx=6.0, dy=0.0)
    moved = sl.motion.lucas_kanade(a, b, np.array([[40.0, 30.0]]))
    drawn = moved.draw(np.zeros((72, 96), np.uint8))
    assert drawn[30, 40:46].any(axis=1).all()
    assert len(moved[moved.found]) == 1


def test_bad_input_is_refused_in_a_sentence() -> None:
    a = np.zeros((20, 30), np.uint8)
    with pytest.raises(InputError, match=r"b must have the height and width of a, 20×30; got 20×31 uint8\. Use"):
        sl.motion.lucas_kanade(a, np.zeros((20, 31), np.uint8))
    with pytest.raises(InputError, match="points must be N×2 finite numbers"):
        sl.motion.lucas_kanade(a, a, np.array([[np.nan, 1]]))
    with pytest.raises(InputError, match=r"window must be an odd whole number in 3–63; got 8\. Use 9"):
        sl.motion.lucas_kanade(a, a, window=8)
    with pytest.raises(InputError, match="finite"):
        sl.motion.lucas_kanade(np.full((9, 9), np.inf, np.float32), np.zeros((9, 9), np.float32))
