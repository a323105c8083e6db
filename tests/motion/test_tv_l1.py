"""TV-L1 flow against its iteration written out, and beside OpenCV's and scikit-image's methods."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

import sightline as sl
from motion.flow_scenes import ONE_AT_ONCE, scene, waves
from sightline.core import evidence
from sightline.core.errors import InputError


def forward(u: np.ndarray, axis: int) -> np.ndarray:
    return np.diff(u, axis=axis, append=np.take(u, [-1], axis=axis))


def divergence(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.diff(x, axis=1, prepend=0) + np.diff(y, axis=0, prepend=0)


@evidence.equals("motion.tv_l1", peer="numpy", tolerance="1e-3 pixels, the iteration written out", data="waves")
def test_the_iteration_is_that_of_the_paper(measured: Callable[[float], None]) -> None:
    a, b, _ = waves(75, 61, 0.4, -0.3)
    ours = sl.motion.tv_l1(a, b, attachment=0.1, iterations=25, levels=0, warps=1, sigma=0, median=1)
    first, second = (picture.astype(float) * 255 for picture in (a, b))
    wide = np.pad(second, 2, mode="edge")
    slopes = []
    for axis in (1, 0):
        near = np.roll(wide, -1, axis) - np.roll(wide, 1, axis)
        far = np.roll(wide, -2, axis) - np.roll(wide, 2, axis)
        slopes.append(((8 * near - far) / 12)[2:-2, 2:-2])
    squared, theta = slopes[0] ** 2 + slopes[1] ** 2, 0.3
    u, p = np.zeros((2, *first.shape)), np.zeros((2, 2, *first.shape))
    for _ in range(25):
        off = (second - first + slopes[0] * u[0] + slopes[1] * u[1]) / np.maximum(squared, 1e-9)
        share = np.clip(off, -0.1 * theta, 0.1 * theta)
        for k in range(2):
            u[k] += theta * divergence(*p[k]) - slopes[k] * share
        for k in range(2):
            across, down = forward(u[k], 1), forward(u[k], 0)
            size = 1 + 0.25 / theta * np.hypot(across, down)
            p[k] = (p[k] + 0.25 / theta * np.stack([across, down])) / size
    apart = float(np.abs(ours - np.moveaxis(u, 0, 2)).max())
    measured(apart)
    assert apart < 1e-3


@pytest.mark.parametrize("name", ONE_AT_ONCE)
@evidence.equals(
    "motion.tv_l1",
    peer="opencv",
    tolerance="a mean endpoint error at most that of OpenCV's DIS (medium) and Farnebäck",
    data="Middlebury flow, 3 pairs",
)
def test_the_error_is_at_most_opencvs(name: str, shared_data: Path, measured: Callable[[float], None]) -> None:
    a, b, truth = scene(shared_data, name)
    dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM).calc(a, b, None)
    ours = sl.metrics.endpoint_error(sl.motion.tv_l1(a, b), truth)
    ratio = ours / sl.metrics.endpoint_error(dis, truth)
    theirs = cv2.calcOpticalFlowFarneback(a, b, None, 0.5, 3, 15, 3, 5, 1.2, 0)
    assert ours < sl.metrics.endpoint_error(theirs, truth)
    measured(ratio)
    assert ratio <= 1


def test_edges_of_motion_stay_sharp() -> None:
    random = np.random.default_rng(5)
    scene_, thing = random.random((90, 110)).astype(np.float32), random.random((30, 34)).astype(np.float32)
    scene_, thing = (sl.image.gaussian_blur(part, 1.0) for part in (scene_, thing))
    a, b = scene_.copy(), scene_.copy()
    a[30:60, 30:64] = thing
    b[30:60, 33:67] = thing
    flow = sl.motion.tv_l1(a, b)
    assert np.abs(flow[36:54, 36:58] - (3, 0)).mean() < 0.1
    assert np.abs(flow[:20]).mean() < 0.02


def test_bad_options_are_refused() -> None:
    a = np.zeros((20, 30), np.uint8)
    with pytest.raises(InputError, match=r"attachment must be a number in 0\.001–10; got -1"):
        sl.motion.tv_l1(a, a, attachment=-1)
    with pytest.raises(InputError, match="median must be an odd whole number in 1–9; got 4"):
        sl.motion.tv_l1(a, a, median=4)
    assert not sl.motion.tv_l1(a, a).any()
